package io.narrow.keras;

import static org.assertj.core.api.Assertions.assertThat;

import io.narrow.tflite.NarrowException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Damaged files give one clear line or work, in bounded time; nothing else happens. */
class MutationsTest {
  private static final int MUTATIONS = Integer.getInteger("narrow.mutations", 1000);
  private static final long SECONDS = 30;

  @TempDir private Path folder;

  @Test
  void exampleSurvives() throws IOException {
    survives(TestFiles.digits("digits.h5"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "keras/fizzbuzz.h5",
        "keras/gen_gru_kws.keras",
        "seed/cifar10_resnet18_pruned.h5",
        "qat/qat_two_outputs.h5",
        "qat/qat_residual.keras"
      })
  void modelOfTheZooSurvives(String name) throws IOException {
    survives(TestFiles.shared("models/" + name));
  }

  private void survives(Path model) throws IOException {
    byte[] bytes = Files.readAllBytes(model);
    Path damaged = folder.resolve("damaged.h5");
    int refused = 0;
    for (int seed = 0; seed < MUTATIONS; seed++) {
      Files.write(damaged, mutate(bytes, new Random(seed)));
      long start = System.nanoTime();
      try {
        TestFiles.read(damaged).write(folder.resolve("out.tflite"));
      } catch (NarrowException e) {
        refused++;
        assertThat(e.getMessage())
            .as("seed %d", seed)
            .startsWith(damaged.toString())
            .doesNotContain("\n");
      } catch (RuntimeException | Error e) {
        throw new AssertionError(model.getFileName() + ", seed " + seed, e);
      }
      assertThat((System.nanoTime() - start) / 1e9).as("seed %d", seed).isLessThan(SECONDS);
    }
    assertThat(refused).isGreaterThan(MUTATIONS / 10);
  }

  /** Cuts the file, flips a bit, or overwrites a number or address, mostly where there are any. */
  private static byte[] mutate(byte[] bytes, Random random) {
    byte[] changed = bytes.clone();
    int place = random.nextInt(4) == 0 ? random.nextInt(bytes.length) : structure(bytes, random);
    switch (random.nextInt(5)) {
      case 0:
        return Arrays.copyOf(changed, place);
      case 1:
        changed[place] ^= (byte) (1 << random.nextInt(8));
        return changed;
      case 2:
        changed[place] = (byte) random.nextInt();
        return changed;
      case 3:
        // An address of another part of the file: this is how cycles come about.
        put(changed, place, structure(bytes, random) & ~7);
        return changed;
      default:
        long[] numbers = {0, -1, 1, Integer.MAX_VALUE, Long.MIN_VALUE, random.nextLong(), 96, 800};
        put(changed, place, numbers[random.nextInt(numbers.length)]);
        return changed;
    }
  }

  private static void put(byte[] bytes, int place, long value) {
    ByteBuffer.wrap(bytes)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(Math.min(place & ~7, bytes.length - 8), value);
  }

  /** A place near bytes of a small number, as those of addresses and lengths are. */
  private static int structure(byte[] bytes, Random random) {
    for (int i = 0; i < 200; i++) {
      int place = random.nextInt(bytes.length - 16) & ~7;
      boolean small = true;
      for (int k = 4; k < 8; k++) {
        small &= bytes[place + k] == 0;
      }
      if (small && (bytes[place] | bytes[place + 1] | bytes[place + 2]) != 0) {
        return place + random.nextInt(3);
      }
    }
    return random.nextInt(2048);
  }
}
