# Fails where a JNI library is not fit to be given away: 512 KiB or more, a path of this machine inside, symbols other
# than those of JNI, other libraries than those every such system has, for Linux a C library newer than glibc 2.17, for
# Android segments that do not fit pages of 16 KiB.
#
#   cmake -DLIBRARY=FILE -DSYSTEM=Linux|Windows|Darwin|Android "-DPATHS=DIRECTORY;..." -P cmake/check_library.cmake
cmake_minimum_required(VERSION 3.20)

set(needs_Linux "^(libc\\.so\\.6|libdl\\.so\\.2|libm\\.so\\.6|libpthread\\.so\\.0|ld-linux[a-z0-9-]*\\.so\\.[12])$")
set(needs_Windows "^(KERNEL32\\.dll|api-ms-win-crt-[a-z]+-l1-1-0\\.dll)$")
set(needs_Darwin "^(/usr/lib/libSystem\\.B\\.dylib|@rpath/libjninarrow\\.dylib)$") # the second is its own name
set(needs_Android "^lib(c|dl|log|m)\\.so$")

function(refuse)
  string(CONCAT text ${ARGN})
  message(FATAL_ERROR "${LIBRARY}: ${text}")
endfunction()

# What an LLVM tool prints, a list of lines.
function(llvm variable name)
  find_program(LLVM_${name} NAMES llvm-${name} llvm-${name}-19 llvm-${name}-18 llvm-${name}-17 llvm-${name}-16
                                  llvm-${name}-15 llvm-${name}-14)
  if(NOT LLVM_${name})
    refuse("cannot be looked at without llvm-${name}: apt-get install llvm")
  endif()
  execute_process(COMMAND ${LLVM_${name}} ${ARGN} ${LIBRARY} OUTPUT_VARIABLE output COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX REPLACE "[][]" "" output "${output}") # would hold a list together
  string(REGEX REPLACE "[ \t]*\n[ \t]*" ";" output "${output}")
  set(${variable} "${output}" PARENT_SCOPE)
endfunction()

file(SIZE ${LIBRARY} size)
if(size GREATER_EQUAL 524288)
  refuse("${size} bytes, 512 KiB is the limit")
endif()

file(STRINGS ${LIBRARY} strings LENGTH_MINIMUM 3)
foreach(path IN LISTS PATHS)
  string(FIND "${strings}" "${path}" at)
  if(NOT at EQUAL -1)
    refuse("the path ${path} is in it")
  endif()
endforeach()

set(floor "")
if(SYSTEM STREQUAL "Linux")
  set(highest 2.0)
  foreach(string IN LISTS strings)
    if(string MATCHES "^GLIBC_([0-9.]+)$" AND CMAKE_MATCH_1 VERSION_GREATER highest)
      set(highest ${CMAKE_MATCH_1})
    endif()
  endforeach()
  if(highest VERSION_GREATER 2.17)
    refuse("it needs glibc ${highest}, 2.17 is the limit")
  endif()
  set(floor ", glibc ${highest}")
elseif(SYSTEM STREQUAL "Android")
  llvm(segments readelf -lW)
  list(FILTER segments INCLUDE REGEX "^LOAD ")
  list(LENGTH segments count)
  list(FILTER segments EXCLUDE REGEX " 0x4000$")
  if(segments OR count EQUAL 0)
    refuse("its segments are not aligned to 16 KiB: ${segments}")
  endif()
endif()

llvm(needed readobj --needed-libs)
list(FILTER needed INCLUDE REGEX "[.](so|dll|dylib)([.]|$)")
list(FILTER needed EXCLUDE REGEX "^File:")
list(FILTER needed EXCLUDE REGEX "${needs_${SYSTEM}}")
if(needed)
  refuse("it needs ${needed}")
endif()

if(SYSTEM STREQUAL "Windows")
  llvm(symbols readobj --coff-exports)
  list(FILTER symbols INCLUDE REGEX "^Name: ")
  list(TRANSFORM symbols REPLACE "^Name: " "")
elseif(SYSTEM STREQUAL "Darwin")
  llvm(symbols nm -g --defined-only --format=just-symbols)
  list(FILTER symbols EXCLUDE REGEX "^__mh_dylib_header$|^___dso_handle$") # the linker's own
else()
  llvm(symbols nm -D --defined-only --format=just-symbols)
endif()
list(FILTER symbols EXCLUDE REGEX "^$")
list(LENGTH symbols count)
list(FILTER symbols EXCLUDE REGEX "^_?(Java_|JNI_On(Load|Unload))")
if(symbols)
  string(REPLACE ";" " " symbols "${symbols}")
  refuse("it exports more than JNI: ${symbols}")
endif()
if(count EQUAL 0)
  refuse("it exports nothing")
endif()
message(STATUS "${LIBRARY}: ${size} bytes${floor}, ${count} JNI symbols, no build path")
