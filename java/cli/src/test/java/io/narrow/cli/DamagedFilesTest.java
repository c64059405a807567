package io.narrow.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.narrow.kernels.Kernels;
import io.narrow.tflite.NarrowException;
import io.narrow.tflite.runtime.OwnProcess;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/**
 * Damaged files of every kind are taken, or refused in a line; where the runtime crashes over one,
 * that is a line and an exit code as well.
 *
 * <p>The first 30,000 seeds, or as many as fit into a minute in CI and ten seconds elsewhere, so
 * that all machines try the same; {@code -Dnarrow.mutations.seconds=N}, {@code
 * -Dnarrow.mutations.first=SEED} and {@code -Dnarrow.mutations.count=N} for another part of it.
 */
@EnabledOnOs(OS.LINUX) // where crashes are caught
class DamagedFilesTest {
  private static final int SECONDS =
      Integer.getInteger("narrow.mutations.seconds", System.getenv("CI") == null ? 10 : 60);
  private static final long FIRST = Long.getLong("narrow.mutations.first", 0);
  private static final long LAST = FIRST + Long.getLong("narrow.mutations.count", 30_000);
  private static final long STUCK_MILLIS = 60_000;

  /** Small ones of the shared folder, for what the example does not have; where there is one. */
  private static final List<String> MORE =
      List.of(
          "zoo/tiny_kws_dscnn_dynrange",
          "zoo/gen_bilstm_kws",
          "zoo/yunet_i8",
          "zoo/tiny_ad_i8",
          "zoo/text_nl_string_in",
          "zoo/tiny_sww_f32",
          "zoo/recommendation_rnn",
          "zoo/aeq_kv_cache_multisig",
          "damaged/crash_strided_slice");

  @TempDir private Path folder;
  private int taken;
  private int refused;
  private int crashes;

  @Test
  void areTakenOrRefusedInALine() throws Exception {
    // Without `package` they are not on the class path, and a crash would be nobody's to catch.
    assumeTrue(!Kernels.active().name().equals("java"), "there are no native kernels");
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
    long seed = FIRST;
    while (System.nanoTime() < end && seed < LAST) {
      seed = run(seed, end) + 1;
    }
    System.out.printf(
        "seeds %d to %d: %d taken, %d refused, %d crashes of the runtime, each in a line%n",
        FIRST, seed - 1, taken, refused, crashes);
    assertThat(taken).isPositive();
    assertThat(refused).isPositive();
  }

  /** Runs until the end, or until the runtime crashes; returns the last number that was tried. */
  private long run(long first, long end) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-XX:+SuppressFatalErrorMessage", "-Xmx1g"));
    if (Runtime.version().feature() >= 24) {
      command.add("--enable-native-access=ALL-UNNAMED");
    }
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.addAll(
        List.of(
            Mutations.class.getName(),
            String.valueOf(first),
            String.valueOf(LAST),
            folder.toString()));
    files().forEach(file -> command.add(file.toString()));
    Path errors = folder.resolve("errors");
    Process process = new ProcessBuilder(command).redirectError(errors.toFile()).start();
    AtomicLong watched = new AtomicLong(System.nanoTime());
    boolean[] stopped = new boolean[1];
    Thread watch =
        new Thread(
            () -> {
              while (process.isAlive()) {
                long now = System.nanoTime();
                // A damaged loop may run for ever; nobody can tell.
                if (now > end
                    || now - watched.get() > TimeUnit.MILLISECONDS.toNanos(STUCK_MILLIS)) {
                  stopped[0] = true;
                  process.destroyForcibly();
                }
                try {
                  Thread.sleep(50);
                } catch (InterruptedException e) {
                  return;
                }
              }
            });
    watch.start();
    long seed = first;
    try (BufferedReader lines =
        new BufferedReader(new java.io.InputStreamReader(process.getInputStream()))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        watched.set(System.nanoTime());
        if (line.startsWith("seed ")) {
          seed = Long.parseLong(line.substring(5));
        } else {
          taken += line.equals("taken") ? 1 : 0;
          refused += line.equals("refused") ? 1 : 0;
        }
      }
    }
    int code = process.waitFor();
    watch.join();
    if (!stopped[0] && (code != 0 || seed < LAST - 1)) {
      crashes++;
      assertThat(errors).as("seed %d", seed).content().contains(OwnProcess.CRASHED).hasLineCount(1);
      assertThat(code).as("seed %d", seed).isEqualTo(NarrowException.Kind.UNSUPPORTED.exitCode());
    }
    return seed;
  }

  private static List<Path> files() throws IOException {
    List<Path> files = new ArrayList<>();
    try (Stream<Path> example = Files.list(NarrowTest.EXAMPLE)) {
      example
          .filter(file -> file.toString().matches(".*/(digits\\..*|test\\.npz)"))
          .sorted(java.util.Comparator.comparing(file -> !file.toString().endsWith(".tflite")))
          .forEach(files::add);
    }
    Path models = NarrowTest.EXAMPLE.resolve("../../../shared/models").normalize();
    MORE.stream()
        .map(name -> models.resolve(name + ".tflite"))
        .filter(Files::exists)
        .forEach(files::add);
    return files;
  }
}
