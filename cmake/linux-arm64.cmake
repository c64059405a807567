# Linux on arm64. On another machine: Debian's cross compiler (apt-get install g++-aarch64-linux-gnu), and qemu
# (apt-get install qemu-user-static) to run the tests.
if(NOT CMAKE_HOST_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$" OR NOT CMAKE_HOST_SYSTEM_NAME STREQUAL "Linux")
  set(NARROW_TRIPLE aarch64-linux-gnu)
  set(NARROW_PROCESSOR aarch64)
  set(NARROW_PACKAGE g++-aarch64-linux-gnu)
  # The environment variable QEMU_CPU names another core than the default, which has every extension.
  set(NARROW_QEMU qemu-aarch64-static)
  include(${CMAKE_CURRENT_LIST_DIR}/debian_cross.cmake)
endif()
