# narrow-kernels-platform as an application takes it from a repository: which jars come, with and without
# -Djavacpp.platform; that they run without JavaCPP's native jar, in a fat jar and in a jlink image; and what is said where
# a fat jar has moved the classes. Needs a JDK; zig comes from PyPI.
include(${CMAKE_CURRENT_LIST_DIR}/checks.cmake)
zig_is_here()
need(JAVA java default-jdk-headless)
need(JLINK jlink default-jdk-headless)
set(repository ${WORK}/repository)
file(REMOVE_RECURSE ${repository} ${WORK}/m2/io/narrow)
mvn(-Pplatforms -DskipTests -pl .,java/kernels,java/kernels-platform deploy
    -DaltDeploymentRepository=checked::file://${repository})
say("five native jars built and deployed to a folder")

set(consumer -f ${ROOT}/java/kernels-platform/consumer/pom.xml -Dmaven.repo.local=${WORK}/m2
             -Dchecked.repository=${repository} -Dchecked.target=${WORK}/consumer)
set(resolve org.apache.maven.plugins:maven-dependency-plugin:3.9.0:build-classpath)

# The names of the jars on the class path without versions; the class path itself in CLASSPATH.
function(jars variable)
  mvn(${consumer} ${ARGN} ${resolve} -Dmdep.outputFile=${WORK}/classpath.txt)
  file(READ ${WORK}/classpath.txt path)
  set(CLASSPATH ${path} PARENT_SCOPE)
  string(REPLACE ":" ";" path "${path}")
  list(TRANSFORM path REPLACE ".*/" "")
  list(TRANSFORM path REPLACE "-[0-9]+([.][0-9]+)*(-SNAPSHOT|-[0-9]+[.][0-9]+-[0-9]+)?" "")
  list(SORT path)
  set(${variable} "${path}" PARENT_SCOPE)
endfunction()

function(expect what actual expected)
  if(NOT actual STREQUAL expected)
    message(FATAL_ERROR "${CHECK}: ${what}: ${actual}\ninstead of ${expected}")
  endif()
  string(REPLACE ";" " " text "${actual}")
  say("${what}: ${text}")
endfunction()

jars(all)
expect("without a platform" "${all}"
       "javacpp.jar;narrow-kernels-linux-arm64.jar;narrow-kernels-linux-x86_64.jar;narrow-kernels-macosx-arm64.jar;narrow-kernels-macosx-x86_64.jar;narrow-kernels-platform.jar;narrow-kernels-windows-x86_64.jar;narrow-kernels.jar"
)
jars(one -Djavacpp.platform=linux-x86_64)
expect("with -Djavacpp.platform=linux-x86_64" "${one}"
       "javacpp.jar;narrow-kernels-linux-x86_64.jar;narrow-kernels-platform.jar;narrow-kernels.jar")

mvn(${consumer} -Djavacpp.platform=linux-x86_64 package)
set(cache -Dnarrow.kernels.cache=${WORK}/cache)
set(native "^kernels=(scalar|avx2|avx512) max=3.0\n$")
function(expect_native what)
  run(${ARGN})
  if(NOT run_output MATCHES "${native}")
    message(FATAL_ERROR "${CHECK}: ${what}: ${run_output}")
  endif()
  string(STRIP "${run_output}" text)
  say("${what}: ${text}")
endfunction()
expect_native("on the class path" ${JAVA} ${cache} -cp ${WORK}/consumer/classes:${CLASSPATH} consumer.Consumer)
expect_native("in a fat jar" ${JAVA} ${cache} -cp ${WORK}/consumer/fat.jar consumer.Consumer)

foreach(moved kernels javacpp)
  run(${JAVA} ${cache} -cp ${WORK}/consumer/${moved}-relocated.jar consumer.Consumer)
  if(NOT run_output MATCHES "No native kernels[^\n]*relocated" OR NOT run_output MATCHES "kernels=java max=3.0\n$")
    message(FATAL_ERROR "${CHECK}: ${moved} relocated: ${run_output}")
  endif()
  say("${moved} relocated by the fat jar: Java kernels, and a line that says why")
endforeach()

file(REMOVE_RECURSE ${WORK}/image)
run(${JLINK} --module-path ${WORK}/consumer/classes:${CLASSPATH} --output ${WORK}/image
    --add-modules consumer,io.narrow.kernels.linux.x86_64)
expect_native("in a jlink image" ${WORK}/image/bin/java ${cache} --add-modules io.narrow.kernels.linux.x86_64
              -m consumer/consumer.Consumer)
