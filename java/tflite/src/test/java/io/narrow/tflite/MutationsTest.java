package io.narrow.tflite;

import static org.assertj.core.api.Assertions.assertThat;

import io.narrow.kernels.FloatRange;
import io.narrow.tflite.fold.Fold;
import io.narrow.tflite.fold.Folded;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.plan.Mode;
import io.narrow.tflite.plan.Planner;
import io.narrow.tflite.plan.Ranges;
import io.narrow.tflite.plan.Recipe;
import io.narrow.tflite.rewrite.Rewriter;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Damaged files give one clear line or work; nothing else happens. */
class MutationsTest {
  private static final int MUTATIONS = 1000;

  private static final List<Recipe> RECIPES =
      List.of(
          Recipe.dynamic(),
          Recipe.float16(),
          Recipe.weightOnly(8),
          Recipe.weightOnly(4),
          Recipe.int8(),
          Recipe.int16x8(),
          Recipe.of(Mode.FLOAT32));

  private static final Ranges RANGES =
      (subgraph, tensor, whole) -> Optional.of(new FloatRange(-2, 3, 0, 0));

  @TempDir private Path folder;

  @Test
  void exampleSurvives() throws IOException {
    survives(Examples.DIGITS, MUTATIONS);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "zoo/gen_bilstm_kws",
        "zoo/text_nl_string_in",
        "zoo/mobilenet_v1_025_224_f32_metadata",
        "zoo/mp_hand_landmark_sparse",
        "zoo/tiny_kws_dscnn_dynrange",
        "zoo/yunet_f16",
        "qat/qat_two_outputs_qdq"
      })
  void sharedModelSurvives(String name) throws IOException {
    survives(Shared.file("models/" + name + ".tflite"), MUTATIONS / 3);
  }

  private void survives(Path model, int mutations) throws IOException {
    byte[] bytes = Files.readAllBytes(model);
    Path damaged = folder.resolve("damaged.tflite");
    Path output = folder.resolve("output.tflite");
    int refused = 0;
    for (int seed = 0; seed < mutations; seed++) {
      Files.write(damaged, mutate(bytes, new Random(seed)));
      try {
        Model read = Model.read(damaged);
        Folded folded = Fold.of(read);
        Recipe recipe = RECIPES.get(seed % RECIPES.size());
        Rewriter.rewrite(Planner.plan(folded.model(), recipe, RANGES, folded.known()))
            .write(output);
      } catch (NarrowException e) {
        refused++;
        assertThat(e.getMessage())
            .as("seed %d", seed)
            .contains(damaged.getFileName().toString())
            .doesNotContain("\n");
      } catch (RuntimeException | Error e) {
        throw new AssertionError(model.getFileName() + ", seed " + seed, e);
      }
    }
    // Damage to the tables is noticed; much of what is hit are weights, where any byte is valid.
    assertThat(refused).isGreaterThan(mutations / 10);
  }

  /** Cuts the file, flips a byte, or overwrites a number, mostly where the tables are. */
  private static byte[] mutate(byte[] bytes, Random random) {
    byte[] changed = bytes.clone();
    int place = random.nextInt(3) == 0 ? random.nextInt(bytes.length) : structure(bytes, random);
    switch (random.nextInt(4)) {
      case 0:
        return Arrays.copyOf(changed, place);
      case 1:
        changed[place] ^= (byte) (1 << random.nextInt(8));
        return changed;
      case 2:
        changed[place] = (byte) random.nextInt();
        return changed;
      default:
        int[] numbers = {
          0, -1, 1, Integer.MAX_VALUE, Integer.MIN_VALUE, random.nextInt(), 4, 1 << 20
        };
        ByteBuffer.wrap(changed)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putInt(Math.min(place & ~3, changed.length - 4), numbers[random.nextInt(8)]);
        return changed;
    }
  }

  /** A place near a byte that is small, as those of offsets, lengths and vtables are. */
  private static int structure(byte[] bytes, Random random) {
    for (int i = 0; i < 100; i++) {
      int place = random.nextInt(bytes.length - 8) & ~3;
      if (bytes[place + 2] == 0 && bytes[place + 3] == 0) {
        return place + random.nextInt(2);
      }
    }
    return random.nextInt(64);
  }

  @Test
  void fileCutAtAnyByteIsRefusedOrWhole() throws IOException {
    byte[] bytes = Files.readAllBytes(Examples.DIGITS);
    Path damaged = folder.resolve("damaged.tflite");
    for (int length = 0; length < bytes.length; length += 97) {
      Files.write(damaged, Arrays.copyOf(bytes, length));
      try {
        Model.read(damaged);
      } catch (NarrowException e) {
        assertThat(e.getMessage()).startsWith(damaged.toString());
      }
    }
  }
}
