package io.narrow.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** What the jars tell GraalVM's native-image, which is not here to be asked. */
class NativeImageTest {
  private static List<String> values(String json, String key) {
    return Pattern.compile("\"" + key + "\"\\s*:\\s*\"([^\"]+)\"")
        .matcher(json)
        .results()
        .map(MatchResult::group)
        .map(pair -> pair.substring(pair.indexOf(':') + 1).trim().replace("\"", ""))
        .toList();
  }

  @Test
  void libraryIsAResourceOfTheImage() throws Exception {
    String file = "/META-INF/native-image/io.narrow/narrow-kernels/resource-config.json";
    String json;
    try (InputStream in = NativeImageTest.class.getResourceAsStream(file)) {
      json = new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
    String pattern = values(json, "pattern").get(0).replace("\\\\", "\\");
    String here = Jvm.LIBRARIES.relativize(Jvm.library()).toString().replace('\\', '/');
    assertThat(here).matches(pattern);
    assertThat("io/narrow/kernels/internal/windows-x86_64/jninarrow.dll").matches(pattern);
    assertThat("io/narrow/kernels/internal/macosx-arm64/libjninarrow.dylib").matches(pattern);
    assertThat("io/narrow/kernels/internal/NativeFunctions.class").doesNotMatch(pattern);
  }

  @Test
  void everyClassThatTheLibraryAsksJniForIsNamed() throws Exception {
    Path directory = Jvm.LIBRARIES.resolve("META-INF/native-image").resolve(Platform.name());
    for (String part : List.of("jnijavacpp", "jninarrow")) {
      String json = Files.readString(directory.resolve(part).resolve("jni-config.json"));
      List<String> names = values(json, "name");
      assertThat(names).contains("org.bytedeco.javacpp.Pointer", "java.nio.Buffer");
      for (String name : names) {
        assertThat(Class.forName(name, false, NativeImageTest.class.getClassLoader())).isNotNull();
      }
      String glue = Files.readString(Jvm.LIBRARIES.resolveSibling("jni").resolve(part + ".cpp"));
      String array = glue.substring(glue.indexOf("JavaCPP_classNames["));
      array = array.substring(array.indexOf('{'), array.indexOf("};"));
      List<String> asked =
          Pattern.compile("\"([^\"]+)\"")
              .matcher(array)
              .results()
              .map(result -> result.group(1).replace('/', '.'))
              .toList();
      assertThat(asked).isNotEmpty();
      assertThat(names).containsAll(asked);
    }
  }
}
