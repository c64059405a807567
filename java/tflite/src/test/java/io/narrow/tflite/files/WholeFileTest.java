package io.narrow.tflite.files;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.narrow.tflite.NarrowException;
import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WholeFileTest {
  @TempDir Path folder;
  private final ExecutorService threads = Executors.newFixedThreadPool(2);

  @AfterEach
  void end() {
    threads.shutdownNow();
  }

  private static WholeFile.Contents text(String text) {
    return sink -> sink.write(ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
  }

  /** The same, halfway through when all who write have come so far. */
  private static WholeFile.Contents text(String text, CyclicBarrier together) {
    return sink -> {
      text(text.substring(0, 1)).writeTo(sink);
      meet(together);
      text(text.substring(1)).writeTo(sink);
    };
  }

  private static void meet(CyclicBarrier together) {
    try {
      together.await(30, TimeUnit.SECONDS);
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  private List<String> files() throws IOException {
    try (Stream<Path> all = Files.list(folder)) {
      return all.map(path -> path.getFileName().toString()).toList();
    }
  }

  @Test
  void threadsThatWriteOneFileAtATimeAllSucceedAndItIsOneOfTheirs() throws Exception {
    Path file = folder.resolve("model");
    CyclicBarrier together = new CyclicBarrier(2);
    Future<?> a = threads.submit(() -> WholeFile.write(file, text("aaa", together)));
    Future<?> b = threads.submit(() -> WholeFile.write(file, text("bbb", together)));
    a.get();
    b.get();
    assertThat(file).content().isIn("aaa", "bbb");
    assertThat(files()).containsExactly("model");
  }

  @Test
  void aThreadThatFailsLeavesWhatAnotherWrites() throws Exception {
    Path file = folder.resolve("model");
    CyclicBarrier together = new CyclicBarrier(2);
    CyclicBarrier failed = new CyclicBarrier(2);
    Future<?> good =
        threads.submit(
            () ->
                WholeFile.write(
                    file,
                    sink -> {
                      text("good", together).writeTo(sink);
                      meet(failed);
                    }));
    assertThatThrownBy(
            () ->
                WholeFile.write(
                    file,
                    sink -> {
                      meet(together);
                      throw new IOException("No space left on device");
                    }))
        .isInstanceOf(NarrowException.class)
        .hasMessage(file + ": cannot be written: No space left on device");
    meet(failed);
    good.get();
    assertThat(file).hasContent("good");
    assertThat(files()).containsExactly("model");
  }

  /** Sessions of one Spark process have class loaders of their own. */
  @Test
  void classLoadersOfAProcessKnowWhatTheOthersWrite() throws Exception {
    URL[] here = {WholeFile.class.getProtectionDomain().getCodeSource().getLocation()};
    try (URLClassLoader apart = new URLClassLoader(here, ClassLoader.getPlatformClassLoader());
        Temporary ours = Temporary.beside(folder.resolve("file"));
        AutoCloseable theirs =
            (AutoCloseable)
                apart
                    .loadClass(Temporary.class.getName())
                    .getMethod("beside", Path.class)
                    .invoke(null, folder.resolve("file"))) {
      Object path = theirs.getClass().getMethod("path").invoke(theirs);
      assertThat(ours.path()).exists().isNotEqualTo(path);
      assertThat(process(path)).isEqualTo(process(ours.path()));
    }
    assertThat(files()).isEmpty();
  }

  private static String process(Object temporary) {
    String name = ((Path) temporary).getFileName().toString();
    return name.substring(0, name.lastIndexOf('-'));
  }

  @Test
  void anyFailureLeavesTheOldFileAndNothingElse() throws Exception {
    Path file = folder.resolve("model");
    WholeFile.write(file, text("old"));
    for (Throwable why : List.of(new IllegalStateException("no"), new OutOfMemoryError("no"))) {
      assertThatThrownBy(
              () ->
                  WholeFile.write(
                      file,
                      sink -> {
                        text("new").writeTo(sink);
                        if (why instanceof Error error) {
                          throw error;
                        }
                        throw (RuntimeException) why;
                      }))
          .isSameAs(why);
    }
    assertThat(file).hasContent("old");
    assertThat(files()).containsExactly("model");
  }

  @Test
  void theLongestNameCanBeWritten() {
    Path file = folder.resolve("m".repeat(255));
    WholeFile.write(file, text("whole"));
    assertThat(file).hasContent("whole");
  }

  @Test
  void aLinkIsFollowedAlsoToWhatIsNotThereYet() throws Exception {
    Path folder2 = Files.createDirectory(folder.resolve("there"));
    Path file = folder2.resolve("model");
    Path link = Files.createSymbolicLink(folder.resolve("link"), Path.of("there", "model"));
    Path second = Files.createSymbolicLink(folder.resolve("second"), link);
    for (String text : List.of("one", "two")) {
      WholeFile.write(second, text(text));
      assertThat(file).hasContent(text);
      assertThat(link).isSymbolicLink();
      assertThat(second).isSymbolicLink();
    }
    assertThat(folder2).isDirectoryContaining(path -> path.equals(file));
    assertThat(files()).containsExactlyInAnyOrder("there", "link", "second");
  }

  @Test
  void aCircleOfLinksIsRefused() throws Exception {
    Path a = folder.resolve("a");
    Files.createSymbolicLink(a, Files.createSymbolicLink(folder.resolve("b"), a));
    assertThatThrownBy(() -> WholeFile.write(a, text("no")))
        .isInstanceOf(NarrowException.class)
        .hasMessage(a + ": cannot be written: too many links, one after the other");
  }

  @Test
  void permissionsStay() throws Exception {
    Path file = folder.resolve("model");
    for (String mode : List.of("rw-rw-rw-", "rw-------", "r--r-----", "rwxr-xr-x")) {
      Files.deleteIfExists(file);
      Files.writeString(file, "old");
      Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(mode));
      WholeFile.write(file, text("new"));
      assertThat(file).hasContent("new");
      assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
          .isEqualTo(mode);
    }
  }

  @Test
  void aDeviceIsWrittenInto() {
    Path device = Path.of("/dev/null");
    assumeTrue(Files.exists(device));
    assertThat(WholeFile.write(device, text("nothing"))).isEqualTo(7);
    assertThat(Files.isRegularFile(device)).isFalse();
  }

  @Test
  void aFullDeviceIsSaid() {
    Path device = Path.of("/dev/full");
    assumeTrue(Files.exists(device));
    assertThatThrownBy(() -> WholeFile.write(device, text("more")))
        .hasMessage("/dev/full: cannot be written: No space left on device");
  }

  @Test
  void aPipeIsWrittenInto() throws Exception {
    Path pipe = folder.resolve("pipe");
    assumeTrue(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor() == 0);
    Future<String> read = threads.submit(() -> Files.readString(pipe));
    WholeFile.write(pipe, text("through"));
    assertThat(read.get(30, TimeUnit.SECONDS)).isEqualTo("through");
    assertThat(files()).containsExactly("pipe");
  }

  @Test
  void whatAKilledRunLeftIsRemovedAndWhatAnotherWritesIsNot() throws Exception {
    Path litter = Files.writeString(folder.resolve(".narrow-0123-4567.tmp"), "half");
    Path foreign = Files.writeString(folder.resolve(".narrow-notes.txt"), "mine");
    Path busy = folder.resolve(".narrow-89ab-cdef.tmp");
    Process other = holder(busy);
    try {
      assertThat(other.getInputStream().read()).isEqualTo('l');
      WholeFile.write(folder.resolve("model"), text("whole"));
      assertThat(litter).doesNotExist();
      assertThat(foreign).exists();
      assertThat(busy).exists();
    } finally {
      other.destroyForcibly().waitFor();
    }
    WholeFile.write(folder.resolve("model"), text("whole"));
    assertThat(files()).containsExactlyInAnyOrder("model", ".narrow-notes.txt");
  }

  /** A process that has a file locked, once it has written a byte. */
  private static Process holder(Path file) throws IOException {
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-cp",
            System.getProperty("java.class.path"),
            Holder.class.getName(),
            file.toString())
        .redirectError(ProcessBuilder.Redirect.INHERIT)
        .start();
  }

  /** Writes a file until it is killed. */
  public static final class Holder {
    public static void main(String[] arguments) throws Exception {
      try (FileChannel channel =
          FileChannel.open(
              Path.of(arguments[0]), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
        channel.lock();
        System.out.print('l');
        System.out.flush();
        Thread.sleep(600_000);
      }
    }
  }
}
