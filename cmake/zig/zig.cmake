# Included by the toolchain files of this directory: zig's clang for ZIG_TARGET, which brings the C library of every
# target along. Found on the PATH, in the environment variable ZIG, or where this puts it:
#
#   python3 -m venv target/zig && target/zig/bin/pip install ziglang==0.17.1
if(NOT NARROW_ZIG)
  if(DEFINED ENV{ZIG})
    set(NARROW_ZIG $ENV{ZIG})
  else()
    file(GLOB zig_packages ${CMAKE_CURRENT_LIST_DIR}/../../target/zig/lib/python3*/site-packages/ziglang)
    find_program(NARROW_ZIG zig HINTS ${zig_packages} NO_CMAKE_FIND_ROOT_PATH)
  endif()
endif()
if(NOT NARROW_ZIG)
  message(FATAL_ERROR "No zig found: python3 -m venv target/zig && target/zig/bin/pip install ziglang==0.17.1")
endif()
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES NARROW_ZIG)
# In the compiler's name, so that the C++ library of the tests, built once for each set of flags, is built once.
if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
  list(APPEND ZIG_FLAGS -fPIC)
endif()
set(CMAKE_CXX_COMPILER ${NARROW_ZIG} c++ -target ${ZIG_TARGET} ${ZIG_FLAGS})
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_CXX_COMPILER_WORKS 1)
set(CMAKE_CXX_ARCHIVE_CREATE "\"${NARROW_ZIG}\" ar qc <TARGET> <LINK_FLAGS> <OBJECTS>")
set(CMAKE_CXX_ARCHIVE_APPEND "\"${NARROW_ZIG}\" ar q <TARGET> <LINK_FLAGS> <OBJECTS>")
set(CMAKE_CXX_ARCHIVE_FINISH "\"${NARROW_ZIG}\" ranlib <TARGET>")
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
if(CMAKE_SYSTEM_NAME STREQUAL "Darwin")
  # CMake insists on one; install names are right from the start, and it is not called.
  set(CMAKE_INSTALL_NAME_TOOL install_name_tool)
endif()
# What is built to be given away is looked at (check_library.cmake).
set(NARROW_CHECK_LIBRARY ON)
