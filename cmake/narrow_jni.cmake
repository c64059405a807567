# jninarrow: the C++ files that JavaCPP generated, and the kernels, in one library that needs the C library only.
file(GLOB jni_sources CONFIGURE_DEPENDS "${NARROW_JNI_SOURCES}/*.cpp")
if(NOT jni_sources)
  message(FATAL_ERROR "NARROW_JNI_SOURCES: no .cpp file in '${NARROW_JNI_SOURCES}'")
endif()
if(NOT EXISTS "${NARROW_JNI_INCLUDE}/jni.h")
  message(FATAL_ERROR "NARROW_JNI_INCLUDE: no jni.h in '${NARROW_JNI_INCLUDE}'")
endif()
# The generated files define the platform's part of JNI themselves; a jni_md.h, any, has to exist.
file(GLOB jni_md "${NARROW_JNI_INCLUDE}/jni_md.h" "${NARROW_JNI_INCLUDE}/*/jni_md.h")
list(GET jni_md 0 jni_md)
get_filename_component(jni_md "${jni_md}" DIRECTORY)

# On macOS a module would be a bundle, which zig cannot link and which has no install name.
if(APPLE)
  add_library(jninarrow SHARED ${jni_sources})
else()
  add_library(jninarrow MODULE ${jni_sources})
endif()
narrow_target(jninarrow)
target_include_directories(jninarrow SYSTEM PRIVATE "${NARROW_JNI_INCLUDE}" "${jni_md}")
target_link_libraries(jninarrow PRIVATE narrow_kernels)
set_target_properties(jninarrow PROPERTIES SKIP_BUILD_RPATH ON INSTALL_RPATH "")
if(WIN32)
  set_target_properties(jninarrow PROPERTIES PREFIX "")
  target_link_libraries(jninarrow PRIVATE psapi)
elseif(APPLE)
  # JavaCPP looks for .dylib; without an install name the path of the build would be in the file.
  set_target_properties(jninarrow PROPERTIES SUFFIX .dylib INSTALL_NAME_DIR "@rpath" BUILD_WITH_INSTALL_NAME_DIR ON)
endif()

if(NOT MSVC)
  # Others wrote these files' sources.
  target_compile_options(jninarrow PRIVATE -w)
  # A preset with @NoException generates no try block; all that the files then need of the C++ library is new and delete.
  set(exceptions OFF)
  foreach(source IN LISTS jni_sources)
    file(STRINGS "${source}" tries REGEX "try \\{" LIMIT_COUNT 1)
    if(tries)
      set(exceptions ON)
    endif()
  endforeach()
  if(exceptions)
    target_link_options(jninarrow PRIVATE -static-libstdc++)
  else()
    # The one local static in them opens a file; a race of two threads would open it twice, and nothing else.
    target_compile_options(jninarrow PRIVATE -fno-exceptions -fno-rtti -fno-threadsafe-statics)
    if(NOT APPLE OR NARROW_ZIG)
      target_sources(jninarrow PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/src/operator_new.cc)
    endif()
    if(NARROW_ZIG)
      # zig takes minutes to build a C++ library for a platform. Its linker for macOS takes no list of exports.
      target_compile_options(jninarrow PRIVATE -fvisibility-global-new-delete=force-hidden)
      target_link_options(jninarrow PRIVATE -nostdlib++)
    endif()
  endif()
  if(NARROW_SANITIZE)
  elseif(APPLE)
    target_link_options(jninarrow PRIVATE -Wl,-dead_strip -s) # or the object files are named in it
  elseif(WIN32)
    target_link_options(jninarrow PRIVATE -static -s)
  else()
    set(jni_map ${CMAKE_CURRENT_SOURCE_DIR}/../cmake/jni.map)
    set_target_properties(jninarrow PROPERTIES LINK_DEPENDS ${jni_map})
    target_link_options(
      jninarrow PRIVATE -s -Wl,--version-script=${jni_map} -Wl,--gc-sections -Wl,--as-needed -Wl,--no-undefined
      -Wl,-Bsymbolic -Wl,-z,noexecstack -Wl,-z,relro -Wl,-z,now)
  endif()
endif()

set(system ${CMAKE_SYSTEM_NAME})
if(NARROW_ANDROID)
  set(system Android)
  set(bionic ${CMAKE_CURRENT_SOURCE_DIR}/android)
  target_include_directories(jninarrow BEFORE PRIVATE ${bionic})
  foreach(name c dl log)
    add_library(bionic_${name} SHARED ${bionic}/bionic.cc)
    target_compile_definitions(bionic_${name} PRIVATE BIONIC_${name})
    target_link_options(bionic_${name} PRIVATE -nostdlib)
    set_target_properties(bionic_${name} PROPERTIES OUTPUT_NAME ${name} LIBRARY_OUTPUT_DIRECTORY bionic)
    target_link_libraries(jninarrow PRIVATE bionic_${name})
  endforeach()
  # Android 15 has pages of 16 KiB.
  target_link_options(jninarrow PRIVATE -nostdlib -Wl,-z,max-page-size=16384)
endif()

if(NARROW_CHECK_LIBRARY)
  set(build_paths ${CMAKE_CURRENT_SOURCE_DIR} ${CMAKE_BINARY_DIR} $ENV{HOME}/)
  add_custom_command(
    TARGET jninarrow
    POST_BUILD
    COMMAND ${CMAKE_COMMAND} -DLIBRARY=$<TARGET_FILE:jninarrow> -DSYSTEM=${system} "-DPATHS=${build_paths}" -P
            ${CMAKE_CURRENT_SOURCE_DIR}/../cmake/check_library.cmake
    VERBATIM)
endif()

install(TARGETS jninarrow RUNTIME DESTINATION . LIBRARY DESTINATION .)
