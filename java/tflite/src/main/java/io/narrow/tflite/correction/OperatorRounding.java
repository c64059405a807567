package io.narrow.tflite.correction;

import io.narrow.tflite.model.Buffer;
import io.narrow.tflite.model.TensorType;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.stream.IntStream;

/** Codes of the weights of one operator, and the bias that goes with them, in the making. */
final class OperatorRounding {
  /** Of the scale that reaches the largest weight: with 15 codes the few largest are better cut. */
  private static final double[] SCALES_OF_FOUR_BITS = {
    1, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6
  };

  private static final double[] AS_PLANNED = {};

  private final Patches patches;
  private final FloatBuffer exact;
  private final TensorType type;
  private final int largest;
  private final float[] scales;
  private final byte[] codes;
  private final float[] values;
  private final float[] bias;
  private double before;
  private double after;

  /**
   * @param scales one for each channel of the output, or one
   * @param bias one for each channel of the output
   */
  OperatorRounding(
      Patches patches, FloatBuffer exact, TensorType type, float[] scales, float[] bias) {
    this.patches = patches;
    this.exact = exact;
    this.type = type;
    this.largest = (1 << type.bits() - 1) - 1;
    this.scales = scales.clone();
    this.codes = new byte[exact.remaining()];
    this.values = new float[codes.length];
    this.bias = bias.clone();
  }

  /**
   * Chooses them.
   *
   * @param search whether scales may be chosen too
   */
  void choose(Moments[] groups, boolean search) {
    double sum = 0;
    for (Moments group : groups) {
      sum += group.typicalSquare();
    }
    double typical = sum / groups.length;
    boolean searched = search && type == TensorType.INT4 && scales.length > 1;
    double[] candidates = searched ? SCALES_OF_FOUR_BITS : AS_PLANNED;
    IntStream all = IntStream.range(0, groups.length);
    double[][] errors =
        (groups.length > 1 ? all.parallel() : all)
            .mapToObj(group -> choose(group, groups[group], typical, candidates))
            .toArray(double[][]::new);
    for (double[] error : errors) {
      before += error[0];
      after += error[1];
    }
  }

  private double[] choose(int group, Moments moments, double typical, double[] candidates) {
    int depth = patches.depth();
    int channels = patches.channels();
    double[] weights = new double[depth * channels];
    double[] planned = new double[channels];
    double[] reaching = new double[channels];
    double[] nearest = new double[weights.length];
    for (int c = 0; c < channels; c++) {
      planned[c] = scales[scales.length == 1 ? 0 : group * channels + c];
      for (int i = 0; i < depth; i++) {
        double value = exact.get(patches.weight(group, c, i));
        weights[i * channels + c] = value;
        nearest[i * channels + c] = LeastSquares.nearest(value / planned[c], largest);
        reaching[c] = Math.max(reaching[c], Math.abs(value) / largest);
      }
    }
    LeastSquares squares = new LeastSquares(moments, typical);
    double[] best = planned.clone();
    LeastSquares.Choice choice = squares.choose(weights, planned, largest);
    for (double part : candidates) {
      double[] candidate = new double[channels];
      for (int c = 0; c < channels; c++) {
        boolean usable = part * reaching[c] >= Float.MIN_NORMAL;
        candidate[c] = usable ? (float) (part * reaching[c]) : planned[c];
      }
      LeastSquares.Choice other = squares.choose(weights, candidate, largest);
      for (int c = 0; c < channels; c++) {
        if (other.errors()[c] < choice.errors()[c]) {
          best[c] = candidate[c];
          choice.errors()[c] = other.errors()[c];
          for (int at = c; at < weights.length; at += channels) {
            choice.codes()[at] = other.codes()[at];
          }
        }
      }
    }
    keep(group, moments, weights, choice.codes(), best);
    double[] errorsBefore = squares.errors(weights, nearest, planned);
    double[] errorsAfter = squares.errors(weights, choice.codes(), best);
    double[] sums = new double[2];
    for (int c = 0; c < channels; c++) {
      sums[0] += errorsBefore[c] + moments.energy(c);
      sums[1] += errorsAfter[c] + moments.energy(c);
    }
    return sums;
  }

  private void keep(int group, Moments moments, double[] weights, double[] chosen, double[] scale) {
    int channels = patches.channels();
    for (int c = 0; c < channels; c++) {
      double shift = moments.missing(c);
      for (int i = 0; i < patches.depth(); i++) {
        int at = patches.weight(group, c, i);
        codes[at] = (byte) chosen[i * channels + c];
        values[at] = (float) (codes[at] * scale[c]);
        shift -= (values[at] - weights[i * channels + c]) * moments.input(i);
      }
      bias[group * channels + c] += (float) shift;
      if (scales.length > 1) {
        scales[group * channels + c] = (float) scale[c];
      }
    }
  }

  float[] scales() {
    return scales.clone();
  }

  /** What the codes stand for. */
  float[] values() {
    return values;
  }

  /** The bias with which the means of the sums are what they should be. */
  float[] bias() {
    return bias;
  }

  /** How much less the error of the sums is than with the nearest codes, in dB. */
  double gain() {
    return after > 0 && before > 0 ? 10 * Math.log10(before / after) : 0;
  }

  /** The codes as a file has them. */
  Buffer codes() {
    boolean packed = type == TensorType.INT4;
    int size = packed ? (codes.length + 1) / 2 : codes.length;
    ByteBuffer bytes = ByteBuffer.allocateDirect(size);
    for (int i = 0; i < size; i++) {
      int high = packed && 2 * i + 1 < codes.length ? codes[2 * i + 1] : 0;
      bytes.put(packed ? (byte) (codes[2 * i] & 15 | high << 4) : codes[i]);
    }
    return Buffer.of(bytes.flip());
  }
}
