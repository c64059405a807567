package io.narrow.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which directories a library is put in, and what is left there. */
class LibraryCacheTest {
  @TempDir Path directory;
  private Path cache;
  private Path home;
  private Path temporary;
  private Path jar;

  @BeforeEach
  void makeDirectories() throws IOException {
    cache = directory.resolve("cache");
    home = Files.createDirectory(directory.resolve("home"));
    temporary = Files.createDirectory(directory.resolve("temporary"));
    jar = Jvm.jar(directory);
  }

  private Jvm atHome() {
    return Jvm.atHome(home, temporary, null);
  }

  @Test
  void hundredStartsHalfOfThemKilledLeaveOneFile() throws Exception {
    int starts = Integer.getInteger("narrow.test.starts", 100);
    long seed = System.nanoTime();
    Random random = new Random(seed);
    int killed = 0;
    for (int round = 0; round < 10; round++) {
      // To start with an empty cache again: that is when files are written.
      for (Path file : round > 0 && round < 9 ? Jvm.files(cache) : List.<Path>of()) {
        Files.delete(file);
      }
      List<Process> processes = new ArrayList<>();
      for (int i = 0; i < starts / 10; i++) {
        processes.add(Jvm.of(cache).with("-XX:TieredStopAtLevel=1").start(jar));
      }
      for (int i = 0; i < processes.size() / 2; i++) {
        Thread.sleep(random.nextInt(60));
        processes.get(i).destroyForcibly().waitFor();
        killed += processes.get(i).exitValue() == 0 ? 0 : 1;
      }
      for (Process process : processes.subList(processes.size() / 2, processes.size())) {
        assertThat(Jvm.finish(process)).as("seed " + seed).contains("loaded");
      }
    }
    assertThat(killed).as("seed " + seed).isPositive();
    assertThat(Jvm.files(cache)).as("seed " + seed).hasSize(1);
    assertThat(Jvm.files(cache).get(0)).hasSameBinaryContentAs(Jvm.library());
  }

  @Test
  void fileOfAKilledProcessIsRemovedAndThatOfALiveOneIsNot() throws Exception {
    Jvm.of(cache).run(jar);
    Path whole = Jvm.files(cache).get(0);
    String name = System.mapLibraryName("jninarrow");
    Path abandoned = Files.write(cache.resolve(name + "-1.tmp"), new byte[10]);
    Path written = Files.write(cache.resolve(name + "-2.tmp"), new byte[10]);
    Path other = Files.write(cache.resolve("other.tmp"), new byte[10]);
    try (FileChannel channel = FileChannel.open(written, StandardOpenOption.WRITE);
        FileLock lock = channel.lock()) {
      assertThat(lock.isValid()).isTrue();
      Jvm.of(cache).run(jar);
      assertThat(abandoned).doesNotExist();
    }
    assertThat(Jvm.files(cache)).containsExactlyInAnyOrder(whole, written, other);
  }

  @Test
  void directoryOfTheUserComesFirst() throws Exception {
    assumeTrue(Platform.system().equals("linux"));
    assertThat(atHome().run(jar)).contains("loaded");
    assertThat(Jvm.files(home.resolve(".cache/narrow"))).hasSize(1);
    assertThat(Jvm.files(temporary)).isEmpty();
  }

  @Test
  void directoryOfJavaCppIsUsedWhereItIsNamed() throws Exception {
    String output =
        atHome().with("-Dorg.bytedeco.javacpp.cachedir=" + directory.resolve("javacpp")).run(jar);
    assertThat(output).contains("loaded");
    assertThat(Jvm.files(directory.resolve("javacpp/narrow"))).hasSize(1);
    assertThat(Jvm.files(home)).isEmpty();
  }

  @Test
  void directoryThatCannotBeMadeIsPassedOver() throws Exception {
    Files.writeString(home.resolve(".cache"), "a file, not a directory");
    String output = atHome().run(jar);
    assertThat(Jvm.value(output, "kernels")).isEqualTo(Jvm.best());
    assertThat(Jvm.value(output, "loading"))
        .contains("cannot write to " + home.resolve(".cache").resolve("narrow"))
        .contains("temporary directory: " + temporary);
    assertThat(output).doesNotContain("No native kernels");
  }

  @Test
  void directoryOfAnotherUserIsNotTrusted() throws Exception {
    Jvm jvm = inANamespace("true");
    Files.writeString(home.resolve(".cache"), "a file, not a directory");
    atHome().run(jar);
    Path own = Jvm.files(temporary).get(0);
    Process chown = new ProcessBuilder("chown", "12345", own.toString()).start();
    assumeTrue(chown.waitFor() == 0, "root can give a directory away");
    String output = jvm.run(jar);
    assertThat(Jvm.value(output, "kernels")).isEqualTo("java");
    assertThat(output).containsOnlyOnce("No native kernels").contains("it belongs to 12345");
  }

  @Test
  void linkInPlaceOfTheTemporaryDirectoryIsNotFollowed() throws Exception {
    assumeTrue(!Platform.system().equals("windows"), "links are for administrators there");
    Files.writeString(home.resolve(".cache"), "a file, not a directory");
    atHome().run(jar);
    Path own = Jvm.files(temporary).get(0);
    Files.move(own, directory.resolve("elsewhere"));
    Files.createSymbolicLink(own, directory.resolve("elsewhere"));
    String output = atHome().run(jar);
    assertThat(Jvm.value(output, "kernels")).isEqualTo("java");
    assertThat(output).containsOnlyOnce("No native kernels").contains("it is no directory");
  }

  @Test
  void noexecDirectoryIsPassedOver() throws Exception {
    Jvm jvm = inANamespace("mount -t tmpfs -o noexec none " + home);
    String output = jvm.run(jar);
    assertThat(Jvm.value(output, "kernels")).isEqualTo(Jvm.best());
    assertThat(Jvm.value(output, "loading"))
        .containsPattern("cache: " + home + ".*noexec.* on " + home)
        .contains("temporary directory: " + temporary);
    assertThat(output).doesNotContain("No native kernels");
  }

  @Test
  void whereEveryDirectoryIsNoexecOneLineNamesThemAll() throws Exception {
    Jvm jvm = inANamespace("mount -t tmpfs -o noexec none " + directory);
    String output = jvm.run(Jvm.jar(Path.of(System.getProperty("java.io.tmpdir"))));
    assertThat(Jvm.value(output, "kernels")).isEqualTo("java");
    assertThat(output.lines().filter(line -> line.contains("No native kernels")))
        .singleElement()
        .asString()
        .containsPattern("cache: " + home + "\\S+: .*\\(\\S*noexec\\S* on " + directory + "\\)")
        .containsPattern("temporary directory: " + temporary + "\\S+: .*noexec")
        .contains("-Dnarrow.kernels.cache=DIR");
  }

  @Test
  void readOnlyDirectoryIsPassedOver() throws Exception {
    Jvm jvm = inANamespace("mount -t tmpfs -o ro none " + home);
    String output = jvm.run(jar);
    assertThat(Jvm.value(output, "kernels")).isEqualTo(Jvm.best());
    assertThat(Jvm.value(output, "loading"))
        .containsPattern("cache: cannot write to " + home + ".*Read-only file system")
        .contains("temporary directory: " + temporary);
  }

  @Test
  void readOnlyDirectoryWithTheFileIsUsed() throws Exception {
    atHome().run(jar);
    Jvm jvm =
        inANamespace("mount --bind " + home + " " + home + " && mount -o remount,ro,bind " + home);
    String output = jvm.run(jar);
    assertThat(Jvm.value(output, "kernels")).isEqualTo(Jvm.best());
    assertThat(Jvm.value(output, "loading")).startsWith("available").doesNotContain("cannot write");
    // JavaCPP may have made a directory of its own there.
    assertThat(Jvm.value(output, "loading")).contains("cache: " + home);
  }

  /** A JVM that sees other mounts than the rest of the machine. */
  private Jvm inANamespace(String mount) throws Exception {
    assumeTrue(Platform.system().equals("linux"), "mounts are Linux's here");
    assumeTrue(System.getProperty("narrow.test.java") == null, "not under an emulator");
    String[] command = {"unshare", "--mount", "sh", "-ec", mount + "\nexec \"$@\"", "sh"};
    String[] probe = command.clone();
    probe[4] = mount;
    Process process = new ProcessBuilder(probe).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes());
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assumeTrue(process.exitValue() == 0, "no leave to mount: " + output);
    return atHome().under(command);
  }
}
