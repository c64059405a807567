# Builds the native tests for linux-arm64 and runs them under qemu, on cores from the plainest to one with all extensions.
#
#   cmake -P cmake/check_arm64.cmake
#
# "-DCPUS=NAME;..." before -P names other cores. On an arm64 machine, where the native tests have run, it says so in one
# line and is done; with -DOPTIONAL=ON also where the cross compiler or the emulator is missing, or where the environment
# variable NARROW_CHECKED_APART says that somebody runs this check as a whole.
include(${CMAKE_CURRENT_LIST_DIR}/checks.cmake)
cmake_host_system_information(RESULT processor QUERY OS_PLATFORM)
if(processor MATCHES "^(aarch64|arm64)$")
  say("the kernels are those of this machine")
  return()
endif()
if(OPTIONAL AND DEFINED ENV{NARROW_CHECKED_APART})
  say("left to the check of all cores")
  return()
endif()
find_program(COMPILER aarch64-linux-gnu-g++)
find_program(EMULATOR qemu-aarch64-static)
if(OPTIONAL AND NOT (COMPILER AND EMULATOR))
  say("skipped, install g++-aarch64-linux-gnu and qemu-user-static")
  return()
endif()
need(COMPILER aarch64-linux-gnu-g++ g++-aarch64-linux-gnu)
need(EMULATOR qemu-aarch64-static qemu-user-static)
if(NOT CPUS)
  set(CPUS cortex-a53 cortex-a57 neoverse-n1 a64fx max)
endif()
build_native(build -DCMAKE_TOOLCHAIN_FILE=${ROOT}/cmake/linux-arm64.cmake -DNARROW_TESTS=ON)
foreach(cpu IN LISTS CPUS)
  run(${CMAKE_COMMAND} -E env QEMU_CPU=${cpu} ${CMAKE_CTEST_COMMAND} --test-dir ${NATIVE} --output-on-failure
      --no-tests=error --timeout 300)
  say("passed on ${cpu}")
endforeach()
