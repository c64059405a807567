# windows-x86_64 under wine: the kernels' own tests, then the Java tests of narrow-kernels in a Windows JVM. Needs wine64;
# the JVM and zig come from PyPI.
include(${CMAKE_CURRENT_LIST_DIR}/checks.cmake)
need(WINE wine64 wine64)
need(WINESERVER wineserver64 wine64)
zig_is_here()
temurin(win_amd64)
set(wine ${CMAKE_COMMAND} -E env WINEPREFIX=${WORK}/prefix WINEDEBUG=-all NARROW_TEST_SLOW=1 ${WINE})
set(end ${CMAKE_COMMAND} -E env WINEPREFIX=${WORK}/prefix ${WINESERVER} -k)
execute_process(COMMAND ${end} ERROR_QUIET) # what an earlier check left behind

build_native(build -DCMAKE_TOOLCHAIN_FILE=${ROOT}/cmake/zig/windows-x86_64.cmake -DNARROW_TESTS=ON)
foreach(test kernel_test api_test float16_exhaustive_test)
  run(${wine} ${NATIVE}/test/${test}.exe)
endforeach()
say("the kernels' tests passed")

kernel_tests(windows-x86_64)
# As Windows writes them; wine shows the root directory as drive Z.
list(TRANSFORM TESTS PREPEND Z:)
list(TRANSFORM CONSOLE REPLACE "^/" "Z:/")
# Into a file: the end of a pipe would have to be waited for, and the consoles of the JVMs that tests kill keep it open.
execute_process(
  COMMAND
    ${wine} ${TEMURIN}/bin/java.exe -Xmx1g --enable-native-access=ALL-UNNAMED
    "-Dnarrow.test.java=Z:${TEMURIN}/bin/java.exe -XX:-PrintWarnings" # wine lacks functions that the JVM then names
    -Dnarrow.test.starts=20 -Dnarrow.test.libraries=Z:${ROOT}/java/kernels/target/native -cp "${TESTS}" ${CONSOLE}
  OUTPUT_FILE ${WORK}/tests.txt
  ERROR_FILE ${WORK}/tests.txt
  RESULT_VARIABLE result
  TIMEOUT 1200)
execute_process(COMMAND ${end})
file(READ ${WORK}/tests.txt output)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "${CHECK}: the Java tests\n${output}\n${result}")
endif()
say_counts("${output}")
