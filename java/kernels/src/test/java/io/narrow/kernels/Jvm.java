package io.narrow.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** A JVM of its own that runs {@link Probe}: kernels are chosen once per process. */
record Jvm(
    List<String> prefix, Map<String, String> environment, List<String> options, List<String> main) {
  /** Where the build has put the library, as a class path entry. */
  static final Path LIBRARIES = Path.of(System.getProperty("narrow.test.libraries"));

  private static final int FEATURE = Runtime.version().feature();

  /** Without leave for native code; its cache is the only directory that is tried. */
  static Jvm bare(Path cache) {
    return new Jvm(List.of(), Map.of(), List.of(), List.of(Probe.class.getName()))
        .with("-Dnarrow.kernels.cache=" + cache);
  }

  static Jvm of(Path cache) {
    return bare(cache).with(nativeAccess("ALL-UNNAMED"));
  }

  /** With a home directory, and the directories for temporary files and of the user's session. */
  static Jvm atHome(Path home, Path temporary, Path session) {
    Map<String, String> environment = new HashMap<>();
    environment.put("XDG_CACHE_HOME", null);
    environment.put("XDG_RUNTIME_DIR", session == null ? null : session.toString());
    environment.put("LOCALAPPDATA", home.resolve(".cache").toString());
    return new Jvm(List.of(), environment, List.of(), List.of(Probe.class.getName()))
        .with("-Duser.home=" + home, "-Djava.io.tmpdir=" + temporary)
        .with(nativeAccess("ALL-UNNAMED"));
  }

  static String[] nativeAccess(String modules) {
    return FEATURE >= 22 ? new String[] {"--enable-native-access=" + modules} : new String[0];
  }

  Jvm with(String... more) {
    List<String> all = new ArrayList<>(options);
    all.addAll(List.of(more));
    return new Jvm(prefix, environment, all, main);
  }

  Jvm under(String... command) {
    return new Jvm(List.of(command), environment, options, main);
  }

  Jvm main(Class<?> other, String... arguments) {
    List<String> words = new ArrayList<>(List.of(other.getName()));
    words.addAll(List.of(arguments));
    return new Jvm(prefix, environment, options, words);
  }

  /** Standard output and error of a run with the tests' class path and these entries. */
  String run(Object... entries) throws Exception {
    return finish(start(entries));
  }

  Process start(Object... entries) throws IOException {
    List<String> all = new ArrayList<>(classPath());
    for (Object entry : entries) {
      all.add(entry.toString());
    }
    return startWith(all);
  }

  Process startWith(List<String> entries) throws IOException {
    List<String> words = new ArrayList<>();
    words.addAll(List.of("-cp", String.join(System.getProperty("path.separator"), entries)));
    words.addAll(main);
    return launch(words);
  }

  /** With what stands after the options. */
  Process launch(List<String> words) throws IOException {
    List<String> command = new ArrayList<>(prefix);
    // An emulated JVM cannot start another one without the emulator.
    String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    command.addAll(List.of(System.getProperty("narrow.test.java", java).split(" ")));
    command.addAll(options);
    command.addAll(words);
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    environment.forEach(
        (name, value) -> {
          builder.environment().remove(name);
          if (value != null) {
            builder.environment().put(name, value);
          }
        });
    return builder.start();
  }

  static String finish(Process process) throws Exception {
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(120, TimeUnit.SECONDS)).as(output).isTrue();
    assertThat(process.exitValue()).as(output).isZero();
    return output;
  }

  static String value(String output, String key) {
    return values(output, key).stream()
        .findFirst()
        .orElseThrow(() -> new AssertionError("no " + key + " in " + output));
  }

  static List<String> values(String output, String key) {
    return output
        .lines()
        .filter(line -> line.startsWith(key + "="))
        .map(line -> line.substring(key.length() + 1))
        .toList();
  }

  /** The name of the kernels that run where the library is loaded. */
  static String best() {
    List<String> available = Kernels.available();
    return available.get(available.size() - 1);
  }

  static Path library() {
    return LIBRARIES
        .resolve("io/narrow/kernels/internal")
        .resolve(Platform.name())
        .resolve(System.mapLibraryName("jninarrow"));
  }

  /** The library in a jar, as it is given away. */
  static Path jar(Path directory) throws IOException {
    Path jar = directory.resolve("natives.jar");
    try (OutputStream file = Files.newOutputStream(jar);
        JarOutputStream out = new JarOutputStream(file)) {
      out.putNextEntry(new JarEntry(LIBRARIES.relativize(library()).toString().replace('\\', '/')));
      Files.copy(library(), out);
    }
    return jar;
  }

  /** The class path of the tests but for the library. */
  static List<String> classPath() {
    String all =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    return Arrays.stream(all.split(System.getProperty("path.separator")))
        .filter(entry -> !Path.of(entry).equals(LIBRARIES))
        .toList();
  }

  static boolean isJavaCpp(String entry) {
    return entry.contains("javacpp") && entry.endsWith(".jar");
  }

  static List<Path> files(Path directory) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.collect(Collectors.toList());
    }
  }
}
