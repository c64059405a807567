# Builds the native tests for linux-arm64 and runs them under qemu: on a core without any extension, and on one with all.
#
#   cmake -DBUILD=DIRECTORY -P cmake/check_arm64.cmake
#
# Where the cross compiler or the emulator is missing it says so in one line and is done; so it does on an arm64 machine,
# where the native tests have run.
cmake_host_system_information(RESULT processor QUERY OS_PLATFORM)
if(processor MATCHES "^(aarch64|arm64)$")
  message(STATUS "arm64 kernels: those of this machine")
  return()
endif()
find_program(COMPILER aarch64-linux-gnu-g++)
find_program(EMULATOR qemu-aarch64-static)
if(NOT COMPILER OR NOT EMULATOR)
  message(STATUS "arm64 kernels: skipped, install g++-aarch64-linux-gnu and qemu-user-static")
  return()
endif()

function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    string(REPLACE ";" " " command "${ARGN}")
    message(FATAL_ERROR "arm64 kernels: ${command}\n${output}")
  endif()
endfunction()

set(generator "")
find_program(NINJA ninja)
if(NINJA AND NOT EXISTS ${BUILD}/CMakeCache.txt)
  set(generator -G Ninja)
endif()
run(${CMAKE_COMMAND} -S ${CMAKE_CURRENT_LIST_DIR}/../native -B ${BUILD} ${generator} -DCMAKE_BUILD_TYPE=Release
    -DCMAKE_TOOLCHAIN_FILE=${CMAKE_CURRENT_LIST_DIR}/linux-arm64.cmake -DNARROW_TESTS=ON)
run(${CMAKE_COMMAND} --build ${BUILD} --parallel 4)
foreach(cpu cortex-a57 max)
  run(${CMAKE_COMMAND} -E env QEMU_CPU=${cpu} ${CMAKE_CTEST_COMMAND} --test-dir ${BUILD} --output-on-failure
      --no-tests=error --timeout 60)
  message(STATUS "arm64 kernels: passed on ${cpu}")
endforeach()
