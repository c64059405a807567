package io.narrow.tflite.plan;

import io.narrow.tflite.NarrowException;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Scales per block as files hold them: float16 with the 8 significant bits of bfloat16, which is
 * what XNNPACK computes with.
 */
final class BlockScales {
  /** The sizes of blocks that ai-edge-quantizer writes. */
  private static final List<Integer> SIZES = List.of(32, 64, 128, 256);

  /** XNNPACK refuses models with a scale that is no normal float16, of blocks of zeros too. */
  private static final float SMALLEST = 0x1p-14f;

  private static final float LARGEST = 65280;

  /** Bits of a float32 that a bfloat16 does not have. */
  private static final int DROPPED = 16;

  private BlockScales() {}

  /**
   * Refuses what is no size of a block, or has no kernel.
   *
   * @param kernels whether there are kernels for weights with such scales
   */
  static void check(int size, boolean kernels) {
    if (!SIZES.contains(size)) {
      String all = SIZES.stream().map(String::valueOf).collect(Collectors.joining(", "));
      throw NarrowException.input("block " + size + ": has to be one of " + all);
    }
    if (!kernels) {
      throw NarrowException.input(
          "block " + size + ": only mode dynamic with 4 bits has kernels for scales per block");
    }
  }

  /** The nearest that a file can hold, halves to even. */
  static float nearest(float scale) {
    int bits = Float.floatToIntBits(scale);
    int half = (1 << DROPPED - 1) - 1 + (bits >>> DROPPED & 1);
    float rounded = Float.intBitsToFloat(bits + half >>> DROPPED << DROPPED);
    return Math.min(LARGEST, Math.max(SMALLEST, rounded));
  }

  static float[] nearest(float[] scales) {
    float[] rounded = new float[scales.length];
    for (int i = 0; i < rounded.length; i++) {
      rounded[i] = nearest(scales[i]);
    }
    return rounded;
  }
}
