# The kernels' tests under valgrind, whose processor has no AVX-512: AVX2 and scalar kernels.
include(${CMAKE_CURRENT_LIST_DIR}/checks.cmake)
need(VALGRIND valgrind valgrind)
build_native(build)
foreach(test api_test kernel_test)
  run(${CMAKE_COMMAND} -E env NARROW_TEST_SLOW=1 ${VALGRIND} -q --error-exitcode=9 ${NATIVE}/test/${test})
  say("${test} passed")
endforeach()
