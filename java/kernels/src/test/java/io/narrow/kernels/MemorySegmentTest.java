package io.narrow.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.stream.Stream;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The class for JDK 22, from a jar as users have it, by a program that JDK 22 compiles. */
class MemorySegmentTest {
  private static final Path CLASSES = Path.of("target", "classes");
  private static final String OF_22 = "META-INF/versions/22/io/narrow/kernels/SegmentSpans.class";

  @Test
  void segments(@TempDir Path directory) throws Exception {
    int feature = Runtime.version().feature();
    assumeTrue(feature >= 22, "memory segments are from JDK 22 on, this is " + feature);
    assumeTrue(Files.exists(CLASSES.resolve(OF_22)), "the classes were built by an older JDK");
    Path jar = directory.resolve("kernels.jar");
    Manifest manifest = new Manifest();
    manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
    manifest.getMainAttributes().put(Attributes.Name.MULTI_RELEASE, "true");
    try (OutputStream file = Files.newOutputStream(jar);
        JarOutputStream out = new JarOutputStream(file, manifest);
        Stream<Path> files = Files.walk(CLASSES)) {
      for (Path path : files.filter(Files::isRegularFile).toList()) {
        String name = CLASSES.relativize(path).toString().replace('\\', '/');
        if (!name.equals("META-INF/MANIFEST.MF")) {
          out.putNextEntry(new JarEntry(name));
          out.write(Files.readAllBytes(path));
        }
      }
    }
    List<String> classPath = new ArrayList<>(List.of(jar.toString(), Jvm.LIBRARIES.toString()));
    classPath.add(
        Path.of(Pointer.class.getProtectionDomain().getCodeSource().getLocation().toURI())
            .toString());
    Path program = Path.of("src", "test", "java22", "Segments.java");
    Process process =
        Jvm.of(directory.resolve("cache"))
            .with("-cp", String.join(System.getProperty("path.separator"), classPath))
            .launch(List.of(program.toString(), directory.toString()));
    assertThat(Jvm.finish(process).lines())
        .containsExactly(
            "native: 1.0 to 4.0",
            "array: 2.0 to 3.0",
            "read-only: y is read-only",
            "int[]: a segment of a int[] from byte 0, 8 bytes: whole elements of float[] or"
                + " short[], or byte[]",
            "another thread: the memory segment belongs to another thread",
            "closed: the memory segment is closed",
            "kernels: x has 2147483664 bytes, a call takes 2147483647: slice it",
            "over 2 GiB: -1.0 to 254.0, 536870916 codes, last 127");
  }
}
