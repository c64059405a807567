# Android 5 (API level 21) and later on arm64. Experimental, built and never run on Android: zig has no C library for it.
# The headers are those of musl but for the few that differ (native/android), and the libraries are lists of names.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(NARROW_ANDROID ON)
set(ZIG_TARGET aarch64-linux-musl)
set(ZIG_FLAGS -D__ANDROID__ -fno-stack-protector -mno-outline-atomics)
include(${CMAKE_CURRENT_LIST_DIR}/zig.cmake)
