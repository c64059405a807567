# Android 5 (API level 21) and later on x86-64, which emulators are: as android-arm64.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(NARROW_ANDROID ON)
set(ZIG_TARGET x86_64-linux-musl)
set(ZIG_FLAGS -D__ANDROID__ -fno-stack-protector)
include(${CMAKE_CURRENT_LIST_DIR}/zig.cmake)
