package io.narrow.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Java's own rules on who may load a library, on the class path and on the module path. */
class NativeAccessTest {
  private static final boolean HAS_RULES = Runtime.version().feature() >= 24;

  @TempDir Path directory;
  private Path cache;
  private Path jar;

  @BeforeEach
  void makeJar() throws Exception {
    cache = directory.resolve("cache");
    jar = Jvm.jar(directory);
  }

  private static String[] deny() {
    return HAS_RULES ? new String[] {"--illegal-native-access=deny"} : new String[0];
  }

  @Test
  void withLeaveNothingIsSaid() throws Exception {
    String output = Jvm.of(cache).with(deny()).run(jar);
    assertThat(Jvm.value(output, "kernels")).as(output).isEqualTo(Jvm.best());
    assertThat(output.lines()).as(output).allMatch(line -> line.matches("[a-z]+=.*"));
  }

  @Test
  void withoutLeaveOneLineSaysHowToGiveIt() throws Exception {
    assumeTrue(HAS_RULES, "from JDK 24 on");
    String output = Jvm.bare(cache).with(deny()).run(jar);
    assertThat(Jvm.value(output, "kernels")).as(output).isEqualTo("java");
    assertThat(output)
        .containsOnlyOnce("No native kernels")
        .contains("--enable-native-access=ALL-UNNAMED");
  }

  @Test
  void modules() throws Exception {
    String output =
        module(Jvm.bare(cache).with(deny()).with(access("io.narrow.kernels,org.bytedeco.javacpp")));
    assertThat(Jvm.value(output, "kernels")).as(output).isEqualTo(Jvm.best());
    assertThat(output.lines()).as(output).allMatch(line -> line.matches("[a-z]+=.*"));
  }

  @Test
  void modulesWithoutLeave() throws Exception {
    assumeTrue(HAS_RULES, "from JDK 24 on");
    String neither = module(Jvm.bare(cache).with(deny()));
    assertThat(neither)
        .containsOnlyOnce("No native kernels")
        .contains("--enable-native-access=io.narrow.kernels,org.bytedeco.javacpp");
    String onlyOne = module(Jvm.bare(cache).with(deny()).with(access("io.narrow.kernels")));
    assertThat(onlyOne)
        .containsOnlyOnce("No native kernels")
        .contains("--enable-native-access=io.narrow.kernels,org.bytedeco.javacpp");
  }

  @Test
  void modulesWithoutTheLibrary() throws Exception {
    boolean arm = Platform.name().endsWith("arm64");
    assumeTrue(Platform.name().matches("linux-.*|macosx-.*"), "there is one Windows only");
    String output = module(Jvm.bare(cache).with("-Dos.arch=" + (arm ? "amd64" : "aarch64")));
    assertThat(output)
        .containsOnlyOnce("No native kernels")
        .containsPattern("--add-modules io.narrow.kernels.[a-z]+." + (arm ? "x86_64" : "arm64"));
  }

  private static String[] access(String modules) {
    return Jvm.nativeAccess(modules);
  }

  /** The probe in the module of the kernels, with the library in another one. */
  private String module(Jvm jvm) throws Exception {
    List<String> path = new ArrayList<>(List.of(jar.toString()));
    String tests = null;
    for (String entry : Jvm.classPath()) {
      if (entry.endsWith("test-classes")) {
        tests = entry;
      } else if (entry.endsWith("classes") || Jvm.isJavaCpp(entry)) {
        path.add(entry);
      }
    }
    List<String> words = new ArrayList<>();
    words.addAll(List.of("-p", String.join(System.getProperty("path.separator"), path)));
    words.addAll(List.of("--patch-module", "io.narrow.kernels=" + tests));
    words.addAll(List.of("--add-modules", "natives"));
    words.addAll(List.of("-m", "io.narrow.kernels/" + Probe.class.getName()));
    return Jvm.finish(jvm.launch(words));
  }
}
