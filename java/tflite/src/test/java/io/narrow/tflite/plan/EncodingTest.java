package io.narrow.tflite.plan;

import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.ModelBuilder;
import io.narrow.tflite.model.TensorType;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

class EncodingTest {
  private static final int RANGES = 1_000_000;
  private static final int TENSORS = 1_000_000;

  /** Any finite float, with special values and ordinary magnitudes more often than bits give. */
  private static float anyFloat(Random random) {
    return switch (random.nextInt(6)) {
      case 0 -> 0;
      case 1 -> random.nextBoolean() ? Float.MIN_VALUE : -Float.MIN_VALUE;
      case 2 -> random.nextBoolean() ? Float.MAX_VALUE : -Float.MAX_VALUE;
      case 3 -> (float) random.nextGaussian();
      case 4 -> (float) (random.nextGaussian() * Math.pow(10, random.nextInt(76) - 38));
      default -> {
        float value = Float.intBitsToFloat(random.nextInt());
        yield Float.isFinite(value) ? value : 1;
      }
    };
  }

  private static boolean usable(float scale) {
    return scale >= Float.MIN_NORMAL && scale <= Float.MAX_VALUE && 1 / scale <= Float.MAX_VALUE;
  }

  @Test
  void everyRangeHasAUsableScaleAndAnExactZero() {
    Random random = new Random(4);
    for (int i = 0; i < RANGES; i++) {
      float a = Math.max(-Float.MAX_VALUE, Math.min(Float.MAX_VALUE, anyFloat(random)));
      float c = Math.max(-Float.MAX_VALUE, Math.min(Float.MAX_VALUE, anyFloat(random)));
      float min = Math.min(a, c);
      float max = Math.max(a, c);
      Encoding int8 = Encoding.activation(TensorType.INT8, min, max);
      Encoding int16 = Encoding.activation(TensorType.INT16, min, max);
      boolean good =
          usable(int8.scale())
              && usable(int16.scale())
              && int8.zeroPoint() >= -128
              && int8.zeroPoint() <= 127
              && int16.zeroPoint() == 0
              && reaches(int8, min, max, -128, 127)
              && reaches(int16, min, max, -32767, 32767);
      if (!good) {
        throw new AssertionError("seed 4, [" + min + ", " + max + "]: " + int8 + "; " + int16);
      }
    }
  }

  /** Whether no end of a range lies more than a step beyond the codes; half a step is rounding. */
  private static boolean reaches(Encoding e, float min, float max, int low, int high) {
    double step = e.scale();
    return min >= (low - e.zeroPoint() - 0.51) * step
        && max <= (high - e.zeroPoint() + 0.51) * step;
  }

  /** A million weights and biases: 250 products of a model, of four channels each. */
  @Test
  void noBiasIsSaturatedAndNoWeightScaleIsUnusable() {
    Random random = new Random(5);
    int products = 250;
    for (int turn = 0; turn < TENSORS / products; turn++) {
      float[][] biases = new float[products][];
      ModelBuilder b = new ModelBuilder(1);
      int x = b.floats("x", 1, 3);
      int y = b.floats("y", 1, 4);
      for (int i = 0; i < products; i++) {
        biases[i] = finite(random, 4);
        for (int k = 0; k < 4; k++) { // larger ones make results that stay float
          biases[i][k] = Math.max(-1e9f, Math.min(1e9f, biases[i][k]));
        }
        int w = b.constant("w", finite(random, 12), 4, 3);
        int c = b.constant("bias", biases[i], 4);
        b.operator("FULLY_CONNECTED", new int[] {x, w, c}, y);
      }
      Model model = b.inputs(x).outputs(y).build();
      boolean wide = turn % 2 == 0;
      TensorType type = wide ? TensorType.INT16 : TensorType.INT8;
      Recipe recipe = wide ? Recipe.int16x8() : Recipe.int8();
      IntegerWeights weights =
          new IntegerWeights(
              new Graph(
                  model,
                  0,
                  recipe,
                  (s, t, any) -> Optional.empty(),
                  KnownEncodings.NONE,
                  new Variables(model)));
      for (int i = 0; i < products; i++) {
        float[] ends = finite(random, 2);
        Encoding input = Encoding.activation(type, ends[0], ends[1]);
        IntegerWeights.Pair pair = weights.encode(i, input, 0);
        float[] scales = pair.weights().scales();
        float[] steps = pair.bias().scales();
        for (int k = 0; k < 4; k++) {
          double code = Math.abs(biases[i][k] / (double) steps[k]);
          if (!usable(scales[k]) || !usable(steps[k]) || code > (wide ? 1L << 46 : 1L << 30)) {
            throw new AssertionError(
                "seed 5, turn " + turn + ", product " + i + ": " + input + pair);
          }
        }
      }
    }
  }

  private static float[] finite(Random random, int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = finite(random);
    }
    return values;
  }

  /** Up to 1e30, beyond which no product of scales means anything. */
  private static float finite(Random random) {
    float value = anyFloat(random);
    return Math.abs(value) > 1e30f ? 1e30f : value;
  }
}
