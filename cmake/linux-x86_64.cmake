# Linux on x86-64. Natively this says nothing that CMake would not find out; on another machine it names Debian's cross
# compiler (apt-get install g++-x86-64-linux-gnu).
if(NOT CMAKE_HOST_SYSTEM_PROCESSOR MATCHES "^(x86_64|amd64|AMD64)$" OR NOT CMAKE_HOST_SYSTEM_NAME STREQUAL "Linux")
  set(NARROW_TRIPLE x86_64-linux-gnu)
  set(NARROW_PROCESSOR x86_64)
  set(NARROW_PACKAGE g++-x86-64-linux-gnu)
  include(${CMAKE_CURRENT_LIST_DIR}/debian_cross.cmake)
endif()
