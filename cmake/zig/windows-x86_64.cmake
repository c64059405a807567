# Windows 10 and later on x86-64.
set(CMAKE_SYSTEM_NAME Windows)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(ZIG_TARGET x86_64-windows-gnu)
set(CMAKE_CROSSCOMPILING_EMULATOR wine64)
include(${CMAKE_CURRENT_LIST_DIR}/zig.cmake)
