# A release, rehearsed with the native library of this platform alone: the tree, copied into two folders, as version
# 0.0.0-rehearsed; each signed by a key of a day and staged. Both have the same bytes, but for the native library; every
# jar has its licence and its module's name, every pom stands alone; and applications of Maven, with natives and on a
# system that has none, and of Gradle (where it is installed) get the jars that they should, and run. The -platform
# artifacts, which take zig, are left to check_platform_artifact.cmake.
include(${CMAKE_CURRENT_LIST_DIR}/checks.cmake)
need(GPG gpg gnupg)
need(GIT git git)
need(JAVA java default-jdk-headless)
need(JAVAC javac default-jdk-headless)
need(JAR jar default-jdk-headless)
set(VERSION 0.0.0-rehearsed)
file(REMOVE_RECURSE ${WORK}/one ${WORK}/another ${WORK}/m2/io/narrow ${WORK}/classes)
file(STRINGS ${ROOT}/pom.xml version REGEX "<version>.*-SNAPSHOT</version>" LIMIT_COUNT 1)
string(REGEX REPLACE " *<version>(.*)</version>" "\\1" version "${version}")

# In a short path, as the agent's socket has room for 108 characters.
run(mktemp -d)
string(STRIP "${run_output}" GNUPGHOME)
set(ENV{GNUPGHOME} ${GNUPGHOME})
run(${GPG} --batch --quiet --passphrase "" --quick-generate-key "A rehearsal <nobody@narrow.invalid>" default default 1d)

foreach(folder one another/folder)
  set(copy ${WORK}/${folder})
  file(MAKE_DIRECTORY ${copy})
  run(sh -c "git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t ${copy}")
  run(sh -c "grep -rlZF '${version}' '${copy}' --include=pom.xml --include='*.md' | xargs -0 sed -i 's/${version}/${VERSION}/g'")
endforeach()
set(STAGING ${WORK}/one/staging)
file(WRITE ${WORK}/settings.xml
     "<settings><profiles><profile><id>staged</id><activation><activeByDefault>true</activeByDefault></activation>
<repositories>
<repository><id>staged</id><url>file://${STAGING}</url></repository>
<repository><id>here</id><url>file://$ENV{HOME}/.m2/repository</url><snapshots><enabled>false</enabled></snapshots></repository>
</repositories>
<pluginRepositories>
<pluginRepository><id>here</id><url>file://$ENV{HOME}/.m2/repository</url></pluginRepository>
</pluginRepositories></profile></profiles></settings>
")
# Artifacts of this release are fetched from where they are staged.
set(STAGED -s ${WORK}/settings.xml -Dmaven.repo.local=${WORK}/m2)

foreach(folder one another/folder)
  set(copy ${WORK}/${folder})
  set(release -Prelease -DskipTests -Dnarrow.staging=file://${copy}/staging deploy)
  mvn(-f ${copy}/pom.xml ${release})
  say("built, documented, signed and staged in ${folder}")
endforeach()

# Without signatures, which have the time in them.
file(GLOB_RECURSE files RELATIVE ${WORK}/another/folder/staging
     ${WORK}/another/folder/staging/*.jar ${WORK}/another/folder/staging/*.pom ${WORK}/another/folder/staging/*.json)
# JavaCPP writes the functions of its glue in another order from run to run, so the library differs, and its hash in the
# lists of those who take it along.
list(FILTER files EXCLUDE REGEX "-linux-x86_64[.]jar$|narrow-spark-platform-[^/]*[.]jar$")
list(FILTER files EXCLUDE REGEX "narrow-(cli|maven-plugin|spark-platform)-[^/]*-cyclonedx[.]json$")
foreach(file IN LISTS files)
  file(SHA256 ${STAGING}/${file} first)
  file(SHA256 ${WORK}/another/folder/staging/${file} second)
  if(NOT first STREQUAL second)
    message(FATAL_ERROR "${CHECK}: two builds differ: ${file}")
  endif()
endforeach()
list(LENGTH files count)
if(count LESS 30)
  message(FATAL_ERROR "${CHECK}: there are only ${files}")
endif()
say("${count} files, the same bytes from both folders")

file(GLOB_RECURSE files ${STAGING}/*.jar ${STAGING}/*.pom ${STAGING}/*.json)
foreach(file IN LISTS files)
  run(${GPG} --batch --quiet --verify ${file}.asc ${file})
endforeach()
say("every one has a good signature")

file(GLOB_RECURSE jars ${STAGING}/*.jar)
list(FILTER jars EXCLUDE REGEX "-(sources|javadoc)[.]jar$")
foreach(jar IN LISTS jars)
  run(${JAR} --describe-module --file ${jar})
  if(NOT run_output MATCHES "(^|\n)io[.]narrow[.]") # a name that Java derives from the file's begins with narrow
    message(FATAL_ERROR "${CHECK}: ${jar} does not name its module: ${run_output}")
  endif()
  run(${JAR} --list --file ${jar})
  if(NOT run_output MATCHES "META-INF/LICENSE\n" OR NOT run_output MATCHES "META-INF/NOTICE\n")
    message(FATAL_ERROR "${CHECK}: ${jar} is without its licence")
  endif()
endforeach()
list(LENGTH jars count)
say("${count} jars with classes or libraries, each with LICENSE, NOTICE and a module's name")

file(GLOB_RECURSE poms ${STAGING}/*.pom)
list(FILTER poms EXCLUDE REGEX "/narrow-cli-") # names this machine's natives, as it was built without -P platforms
foreach(pom IN LISTS poms)
  file(READ ${pom} text)
  foreach(part "<licenses>" "<developers>" "<scm" "<url>" "<description>")
    string(FIND "${text}" ${part} at)
    if(at EQUAL -1)
      message(FATAL_ERROR "${CHECK}: ${pom} has no ${part}")
    endif()
  endforeach()
  foreach(part "<parent>" "<scope>test" "narrow-natives" ${WORK} ${ROOT})
    string(FIND "${text}" ${part} at)
    if(NOT at EQUAL -1)
      message(FATAL_ERROR "${CHECK}: ${pom} has ${part} in it")
    endif()
  endforeach()
endforeach()
say("poms stand alone")

# The README's dependency as the project of an application, without natives, and with those of docs/platforms.md.
file(READ ${WORK}/one/README.md readme)
string(REGEX MATCH "```xml\n([^`]*)```" readme "${readme}")
string(REPLACE narrow-tflite-platform narrow-tflite plain "${CMAKE_MATCH_1}")
file(READ ${WORK}/one/docs/platforms.md lines)
string(REGEX MATCH "```groovy\n([^`]*)```" lines "${lines}")
set(lines "${CMAKE_MATCH_1}")
string(REGEX REPLACE "[^\n]*'([^:\n]+):([^:\n]+):([^:\n]+):([^:\n]+)'"
       "<dependency><groupId>\\1</groupId><artifactId>\\2</artifactId><version>\\3</version><classifier>\\4</classifier></dependency>"
       natives "${lines}")
string(REGEX REPLACE "implementation[^\n]*" "" natives "${natives}")
string(REPLACE "<dependencies>\n  <dependency>" "<dependencies>${natives}<dependency>" native "${plain}")
file(COPY ${ROOT}/java/bom/consumer DESTINATION ${WORK})
set(consumer ${WORK}/consumer)
function(project folder dependencies)
  file(WRITE ${folder}/pom.xml
       "<project><modelVersion>4.0.0</modelVersion><groupId>consumer</groupId><artifactId>consumer</artifactId>
<version>1</version>
${dependencies}</project>")
endfunction()
project(${consumer} "${native}")
project(${WORK}/plain "${plain}")
set(CLASSPATH_GOAL org.apache.maven.plugins:maven-dependency-plugin:3.9.0:build-classpath
                   -Dmdep.outputFile=${WORK}/classpath.txt ${STAGED})

# The class path in CLASSPATH, and how many native jars are on it.
function(expect_natives what count)
  mvn(${ARGN} ${CLASSPATH_GOAL})
  file(READ ${WORK}/classpath.txt path)
  set(CLASSPATH ${path} PARENT_SCOPE)
  string(REPLACE ":" ";" path "${path}")
  list(FILTER path INCLUDE REGEX "/(narrow-kernels|tensorflow-lite)-[^/]*-(linux|windows|macosx|android)-[^/]*[.]jar$")
  list(LENGTH path found)
  if(NOT found EQUAL count)
    message(FATAL_ERROR "${CHECK}: ${what}: ${found} native jars, not ${count}: ${path}")
  endif()
  say("${what}: ${found} native jars")
endfunction()

function(expect_run what pattern classpath)
  file(MAKE_DIRECTORY ${WORK}/classes)
  run(${JAVAC} -d ${WORK}/classes -cp ${classpath} ${consumer}/src/main/java/consumer/Consumer.java)
  set(digits ${ROOT}/examples/digits)
  run(${JAVA} -Dnarrow.kernels.cache=${WORK}/cache -cp ${WORK}/classes:${classpath} consumer.Consumer
      ${digits}/digits.tflite ${digits}/calibration.npz?scale=1/16)
  if(NOT run_output MATCHES "${pattern}")
    message(FATAL_ERROR "${CHECK}: ${what}: ${run_output}")
  endif()
  string(REGEX MATCHALL "(kernels=|int8|lacking)[^\n]*" lines "${run_output}")
  string(REPLACE ";" ", " lines "${lines}")
  say("${what}: ${lines}")
endfunction()

expect_natives("narrow-tflite with the native jars of docs/platforms.md" 2 -f ${consumer}/pom.xml)
expect_run("it runs" "kernels=(scalar|avx2|avx512) dynamic=[0-9]+\n.*int8=[0-9]+\n" ${CLASSPATH})
expect_natives("narrow-tflite where there are no native libraries" 0 -f ${WORK}/plain/pom.xml -Dos.name=Linux
               -Dos.arch=riscv64 -Dos.family=unix)
expect_run("it runs" "kernels=java dynamic=[0-9]+\n.*lacking: [^\n]*org.bytedeco:tensorflow-lite[^\n]*\n" ${CLASSPATH})

find_program(GRADLE gradle NO_CACHE)
if(NOT GRADLE)
  say("Gradle: skipped, install gradle")
else()
  file(READ ${ROOT}/java/bom/consumer/build.gradle script)
  string(REPLACE "//NARROW\n" "${lines}" script "${script}")
  file(WRITE ${WORK}/gradle/build.gradle "${script}")
  file(WRITE ${WORK}/gradle/settings.gradle "")
  run(${GRADLE} -q --no-daemon -g ${WORK}/gradle-home -p ${WORK}/gradle -PnarrowStaging=file://${STAGING}
      -PnarrowOthers=file://${WORK}/m2 jars)
  string(REGEX MATCHALL "(narrow-kernels|tensorflow-lite)-[^\n]*-linux-x86_64[.]jar" natives "${run_output}")
  list(LENGTH natives found)
  if(NOT found EQUAL 2 OR NOT run_output MATCHES "narrow-tflite-${VERSION}[.]jar")
    message(FATAL_ERROR "${CHECK}: docs/platforms.md with Gradle: ${run_output}")
  endif()
  say("the lines of docs/platforms.md with Gradle: ${found} native jars")
endif()
file(REMOVE_RECURSE ${GNUPGHOME})
