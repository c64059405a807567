# The kernels' tests with the address and undefined behaviour sanitizers of the compiler that is there.
include(${CMAKE_CURRENT_LIST_DIR}/checks.cmake)
build_native(build -DNARROW_SANITIZE=address,undefined)
run(${CMAKE_CTEST_COMMAND} --test-dir ${NATIVE} --output-on-failure --no-tests=error --timeout 600)
say("passed")
