# Included by the toolchain files: Debian's cross compiler for NARROW_TRIPLE.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR ${NARROW_PROCESSOR})
find_program(NARROW_CROSS_CXX ${NARROW_TRIPLE}-g++)
mark_as_advanced(NARROW_CROSS_CXX)
if(NOT NARROW_CROSS_CXX)
  message(FATAL_ERROR "No ${NARROW_TRIPLE}-g++ found: apt-get install ${NARROW_PACKAGE}")
endif()
set(CMAKE_CXX_COMPILER ${NARROW_CROSS_CXX})
# The emulator finds the loader and the C library where the compiler does.
if(NARROW_QEMU)
  execute_process(
    COMMAND ${NARROW_CROSS_CXX} -print-file-name=libc.so.6
    OUTPUT_VARIABLE NARROW_LIBC
    OUTPUT_STRIP_TRAILING_WHITESPACE)
  get_filename_component(NARROW_LIBC "${NARROW_LIBC}" REALPATH)
  get_filename_component(NARROW_ROOT "${NARROW_LIBC}/../.." ABSOLUTE)
  set(CMAKE_CROSSCOMPILING_EMULATOR ${NARROW_QEMU} -L ${NARROW_ROOT})
endif()
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
