# The AAR of narrow-kernels: what is in it, and, as there is no Android here, its library for x86-64 on this system, with
# glibc in place of Android's C library: the Java tests of narrow-kernels run on it. Needs a JDK; zig comes from PyPI.
include(${CMAKE_CURRENT_LIST_DIR}/checks.cmake)
zig_is_here()
need(JAR jar default-jdk-headless)
need(JAVA java default-jdk-headless)
need(CC cc gcc)
mvn(-pl java/kernels -Pandroid -DskipTests package dependency:build-classpath
    -DincludeScope=test -Dmdep.outputFile=${WORK}/classpath.txt)
file(GLOB aar ${ROOT}/java/kernels/target/narrow-kernels-*.aar)
file(REMOVE_RECURSE ${WORK}/aar)
file(ARCHIVE_EXTRACT INPUT ${aar} DESTINATION ${WORK}/aar)
file(GLOB_RECURSE found RELATIVE ${WORK}/aar ${WORK}/aar/*)
list(SORT found)
set(expected
    AndroidManifest.xml LICENSE META-INF/com/android/build/gradle/aar-metadata.properties NOTICE R.txt classes.jar
    jni/arm64-v8a/libjninarrow.so jni/x86_64/libjninarrow.so proguard.txt)
if(NOT found STREQUAL expected)
  message(FATAL_ERROR "${CHECK}: ${found}\ninstead of ${expected}")
endif()
run(${JAR} --list --file ${WORK}/aar/classes.jar)
if(NOT run_output MATCHES "io/narrow/kernels/Kernels[.]class" OR run_output MATCHES "module-info|META-INF/versions")
  message(FATAL_ERROR "${CHECK}: classes.jar holds ${run_output}")
endif()
say("classes, manifest, rules for R8, and libraries for arm64-v8a and x86_64, in segments of 16 KiB")

# Android's names for what glibc has under others.
set(bionic ${WORK}/bionic)
file(REMOVE_RECURSE ${bionic})
file(MAKE_DIRECTORY ${bionic})
file(WRITE ${bionic}/log.c "int __android_log_vprint(void) { return 0; }\n")
run(${CC} -shared -fPIC -Wl,-soname,liblog.so -o ${bionic}/liblog.so ${bionic}/log.c)
foreach(pair c.so:c.so.6 dl.so:dl.so.2 m.so:m.so.6)
  string(REPLACE ":" ";" pair ${pair})
  list(GET pair 0 android)
  list(GET pair 1 glibc)
  run(${CC} -print-file-name=lib${glibc})
  string(STRIP "${run_output}" file)
  file(REAL_PATH ${file} file)
  file(CREATE_LINK ${file} ${bionic}/lib${android} SYMBOLIC)
endforeach()

mvn(dependency:copy -Dartifact=org.junit.platform:junit-platform-console-standalone:1.14.4 -DoutputDirectory=${WORK})
file(READ ${WORK}/classpath.txt tests)
string(REPLACE ":" ";" tests "${tests}")
list(FILTER tests EXCLUDE REGEX "/org/junit/")
list(PREPEND tests ${ROOT}/java/kernels/target/test-classes ${WORK}/aar/classes.jar)
list(APPEND tests ${WORK}/junit-platform-console-standalone-1.14.4.jar)
string(REPLACE ";" ":" tests "${tests}")
# avx2 by name, so that nothing else is taken where the library cannot be loaded.
set(own "EveryKernel|Float16|Matrix|Packed|Quantization|RawMemory|SpecialValues|Statistics|VectorQuantizer")
execute_process(
  COMMAND ${CMAKE_COMMAND} -E env LD_LIBRARY_PATH=${bionic} ${JAVA}
          -Dnarrow.kernels.library=${WORK}/aar/jni/x86_64/libjninarrow.so -Dnarrow.kernels=avx2 -cp ${tests} ${CONSOLE}
          --include-classname "io[.]narrow[.]kernels[.](${own})Test"
  OUTPUT_VARIABLE output ERROR_VARIABLE output RESULT_VARIABLE result TIMEOUT 1200)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "${CHECK}: ${output}\n${result}")
endif()
say_counts("${output}")
