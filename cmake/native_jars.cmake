# Makes the jars with the native libraries, one for each platform, and builds first what is missing: the library of HOST
# is there, the others are zig's (cmake/zig).
#
#   cmake "-DPLATFORMS=PLATFORM;..." -DHOST=PLATFORM -DTARGET=DIRECTORY -DNAME=NAME -DJAVA_HOME=DIRECTORY -DTIME=ISO-8601
#         -P cmake/native_jars.cmake
#
# TARGET holds what Maven has made so far: jni (the files that JavaCPP generated) and native (what goes into the jars).
# The jars are TARGET/NAME-PLATFORM.jar.
cmake_minimum_required(VERSION 3.20)
include(${CMAKE_CURRENT_LIST_DIR}/android_abi.cmake)
set(package io/narrow/kernels/internal)
set(CMAKE_FIND_USE_CMAKE_SYSTEM_PATH ON)
find_program(NINJA ninja)

function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    string(REPLACE ";" " " command "${ARGN}")
    message(FATAL_ERROR "${command}\n${output}")
  endif()
  string(REGEX MATCH "-- [^\n]*jninarrow[^\n]*JNI symbols[^\n]*" checked "${output}")
  if(checked)
    message("${checked}")
  endif()
endfunction()

list(REMOVE_ITEM PLATFORMS "") # no Android
foreach(platform IN LISTS PLATFORMS)
  set(libraries ${TARGET}/native/${package}/${platform})
  if(NOT platform STREQUAL HOST)
    set(build ${TARGET}/cmake/zig-${platform})
    set(generator "")
    if(NINJA AND NOT EXISTS ${build}/CMakeCache.txt)
      set(generator -G Ninja)
    endif()
    run(${CMAKE_COMMAND} -S ${CMAKE_CURRENT_LIST_DIR}/../native -B ${build} ${generator} -DCMAKE_BUILD_TYPE=Release
        -DCMAKE_TOOLCHAIN_FILE=${CMAKE_CURRENT_LIST_DIR}/zig/${platform}.cmake -DCMAKE_INSTALL_PREFIX=${libraries}
        -DNARROW_TESTS=OFF -DNARROW_JNI_SOURCES=${TARGET}/jni -DNARROW_JNI_INCLUDE=${JAVA_HOME}/include)
    run(${CMAKE_COMMAND} --build ${build} --parallel 4 --target install)
  endif()

  set(stage ${TARGET}/native-jars/${platform})
  file(REMOVE_RECURSE ${stage})
  file(GLOB library ${libraries}/*jninarrow.*)
  android_abi(abi ${platform})
  if(abi)
    file(COPY ${library} DESTINATION ${stage}/lib/${abi}) # where Android looks
  else()
    file(COPY ${library} DESTINATION ${stage}/${package}/${platform})
  endif()
  # Which classes the library asks JNI for, for GraalVM.
  file(COPY ${TARGET}/native/META-INF/native-image/${HOST}/ DESTINATION ${stage}/META-INF/native-image/${platform})
  file(COPY ${CMAKE_CURRENT_LIST_DIR}/../LICENSE ${CMAKE_CURRENT_LIST_DIR}/../NOTICE DESTINATION ${stage}/META-INF)
  string(REPLACE - . module io.narrow.kernels.${platform})
  file(WRITE ${TARGET}/native-jars/module/${platform}/module-info.java "module ${module} {}\n")
  run(${JAVA_HOME}/bin/javac --release 17 -d ${stage} ${TARGET}/native-jars/module/${platform}/module-info.java)

  file(GLOB_RECURSE files RELATIVE ${stage} ${stage}/*)
  list(SORT files)
  set(entries "")
  foreach(file IN LISTS files)
    list(APPEND entries -C ${stage} ${file})
  endforeach()
  run(${JAVA_HOME}/bin/jar --create --file ${TARGET}/${NAME}-${platform}.jar --date ${TIME} ${entries})
endforeach()
