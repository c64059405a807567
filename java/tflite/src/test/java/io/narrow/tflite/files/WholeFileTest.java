package io.narrow.tflite.files;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.narrow.tflite.NarrowException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
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
    return channel -> channel.write(ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
  }

  /** The same, halfway through when all who write have come so far. */
  private static WholeFile.Contents text(String text, CyclicBarrier together) {
    return channel -> {
      text(text.substring(0, 1)).writeTo(channel);
      meet(together);
      text(text.substring(1)).writeTo(channel);
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
                    channel -> {
                      text("good", together).writeTo(channel);
                      meet(failed);
                    }));
    assertThatThrownBy(
            () ->
                WholeFile.write(
                    file,
                    channel -> {
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

  @Test
  void anyFailureLeavesTheOldFileAndNothingElse() throws Exception {
    Path file = folder.resolve("model");
    WholeFile.write(file, text("old"));
    for (Throwable why : List.of(new IllegalStateException("no"), new OutOfMemoryError("no"))) {
      assertThatThrownBy(
              () ->
                  WholeFile.write(
                      file,
                      channel -> {
                        text("new").writeTo(channel);
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
}
