package io.narrow.tflite.plan;

import io.narrow.kernels.Kernels;
import io.narrow.kernels.Span;
import java.nio.ByteBuffer;
import java.util.Arrays;

/** Scales of symmetric weights (specification 1.3 and 1.8): zero point 0, largest code 127 or 7. */
final class WeightScales {
  /** Scale of a channel that is zero throughout; the TensorFlow Lite converter has the same. */
  private static final float DEAD_CHANNEL = 1e-6f / 254;

  /** A smaller scale would have no finite reciprocal, or be subnormal, which kernels refuse. */
  private static final float SMALLEST = 4 * Float.MIN_NORMAL;

  /**
   * How far a search for the scale with the least error goes below the one that reaches the largest
   * weight.
   */
  private record Search(int steps, float step, int longestChannel) {
    /** With 15 codes the few largest weights are better clipped. */
    static final Search FOUR_BITS = new Search(30, 0.02f, Integer.MAX_VALUE);

    /**
     * The gain lies in where the codes fall between the weights of a small channel. Only the modes
     * with integer activations search: in the others it lowers the error of the weights, but raised
     * that of the outputs of ten models of benchmarks/peers/zoo.py, of one by 9.6 dB.
     */
    static final Search EIGHT_BITS = new Search(40, 0.001f, 1024);
  }

  private WeightScales() {}

  /** Largest magnitude of every channel; NaN or infinity where a channel holds one. */
  static float[] magnitudes(ByteBuffer weights, int channels, long inner) {
    return Kernels.active().absMax(Span.of(weights), channels, inner);
  }

  /** How many values saturate in float16, in words. */
  static String beyondFloat16(ByteBuffer weights) {
    Span half = Span.of(ByteBuffer.allocateDirect(weights.remaining() / 2));
    long count = Kernels.active().toFloat16Saturated(Span.of(weights), half);
    return count + (count == 1 ? " value becomes its limit, 65504" : " values become 65504");
  }

  static boolean finite(ByteBuffer weights) {
    return Float.isFinite(magnitudes(weights, 1, weights.remaining() / Float.BYTES)[0]);
  }

  /** Scales that reach the largest magnitude of each channel. */
  static float[] reachingAll(float[] magnitudes, int largestCode) {
    float[] scales = new float[magnitudes.length];
    for (int c = 0; c < scales.length; c++) {
      scales[c] =
          magnitudes[c] == 0 ? DEAD_CHANNEL : Math.max(SMALLEST, magnitudes[c] / largestCode);
    }
    return scales;
  }

  /** Scales of weights, as a configuration wants them and a file can hold them. */
  static float[] of(
      ByteBuffer weights, long inner, float[] magnitudes, OperatorConfiguration configuration) {
    float[] scales = exactly(weights, inner, magnitudes, configuration);
    return configuration.block() > 0 ? BlockScales.nearest(scales) : scales;
  }

  private static float[] exactly(
      ByteBuffer weights, long inner, float[] magnitudes, OperatorConfiguration configuration) {
    int largestCode = configuration.bits() == 4 ? 7 : Byte.MAX_VALUE;
    float[] scales = reachingAll(magnitudes, largestCode);
    return switch (configuration.scales()) {
      case LARGEST, RECOVERED -> scales;
      case LEAST_ERROR -> leastError(weights, inner, scales, largestCode);
      case ONE_SCALE -> {
        float largest = 0;
        for (float scale : scales) {
          largest = Math.max(largest, scale);
        }
        Arrays.fill(scales, largest);
        yield scales;
      }
    };
  }

  private static float[] leastError(
      ByteBuffer weights, long inner, float[] scales, int largestCode) {
    Search search = largestCode == 7 ? Search.FOUR_BITS : Search.EIGHT_BITS;
    long each = weights.remaining() / Float.BYTES / scales.length;
    return each > search.longestChannel()
        ? scales
        : Kernels.active()
            .leastErrorScales(
                Span.of(weights), scales, inner, largestCode, search.steps(), search.step());
  }
}
