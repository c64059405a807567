# Makes the AAR of narrow-kernels: its classes, and the library for each ABI of Android. Never loaded by any Android.
#
#   cmake "-DPLATFORMS=android-arm64;..." -DTARGET=DIRECTORY -DNAME=NAME -DJAVA_HOME=DIRECTORY -DTIME=ISO-8601
#         -P cmake/android_aar.cmake
#
# TARGET holds the classes and what native_jars.cmake has made for these platforms. The result is TARGET/NAME.aar.
cmake_minimum_required(VERSION 3.20)
include(${CMAKE_CURRENT_LIST_DIR}/android_abi.cmake)
set(root ${CMAKE_CURRENT_LIST_DIR}/..)
set(stage ${TARGET}/aar)
file(REMOVE_RECURSE ${stage} ${TARGET}/${NAME}.aar)

function(zip file directory)
  file(GLOB_RECURSE files RELATIVE ${directory} ${directory}/*)
  list(FILTER files EXCLUDE REGEX "${ARGN}")
  list(SORT files)
  set(entries "")
  foreach(name IN LISTS files)
    list(APPEND entries -C ${directory} ${name})
  endforeach()
  execute_process(COMMAND ${JAVA_HOME}/bin/jar --create --no-manifest --file ${file} --date ${TIME} ${entries}
                  COMMAND_ERROR_IS_FATAL ANY)
endfunction()

file(COPY ${root}/java/kernels/src/main/aar/ ${root}/LICENSE ${root}/NOTICE DESTINATION ${stage})
file(WRITE ${stage}/R.txt "")
foreach(platform IN LISTS PLATFORMS)
  android_abi(abi ${platform})
  file(COPY ${TARGET}/native-jars/${platform}/lib/${abi} DESTINATION ${stage}/jni)
endforeach()
# Modules, and classes for newer JDKs, are nothing to Android.
zip(${stage}/classes.jar ${TARGET}/classes "^META-INF/versions/|module-info[.]class$|^META-INF/MANIFEST")
zip(${TARGET}/${NAME}.aar ${stage} "^$")
