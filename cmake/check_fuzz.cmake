# SIMD against the scalar reference on libFuzzer's inputs, with the sanitizers, for SECONDS (two minutes unless
# -DSECONDS=N comes first). Needs clang-16 and libclang-rt-16-dev.
include(${CMAKE_CURRENT_LIST_DIR}/checks.cmake)
if(NOT DEFINED SECONDS)
  set(SECONDS 120)
endif()
need(CLANG clang++-16 clang-16)
build_native(build -DCMAKE_CXX_COMPILER=${CLANG} -DNARROW_FUZZ=ON -DNARROW_TESTS=OFF
             -DNARROW_SANITIZE=fuzzer-no-link,address,undefined)
run(${NATIVE}/fuzz/kernels_fuzz -max_total_time=${SECONDS} -max_len=8192 -artifact_prefix=${WORK}/)
string(REGEX MATCH "Done [0-9]+ runs in [0-9]+ second" done "${run_output}")
if(NOT done)
  message(FATAL_ERROR "${CHECK}: ${run_output}")
endif()
say("${done}s, no difference")
