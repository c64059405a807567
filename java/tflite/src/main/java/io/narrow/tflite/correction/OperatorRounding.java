package io.narrow.tflite.correction;

import io.narrow.tflite.model.Buffer;
import io.narrow.tflite.model.TensorType;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.Arrays;
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
  private double gain;

  /**
   * @param scales one for each channel of the output, or one
   * @param bias one for each channel of the output
   */
  OperatorRounding(
      Patches patches, FloatBuffer exact, TensorType type, float[] scales, float[] bias) {
    this.patches = patches;
    this.exact = exact;
    this.type = type;
    this.largest = (int) type.largest();
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
  void choose(Halves halves, boolean search) {
    Weights[] weights = new Weights[patches.groups()];
    Arrays.setAll(weights, this::weights);
    Trial trial = new Trial(halves, group -> weights[group]);
    this.gain = trial.gain();
    Moments[] groups = halves.together();
    double typical = Halves.typicalSquare(groups);
    boolean searched = search && type == TensorType.INT4 && scales.length > 1;
    double[] candidates = searched ? SCALES_OF_FOUR_BITS : AS_PLANNED;
    IntStream all = IntStream.range(0, groups.length);
    (groups.length > 1 ? all.parallel() : all)
        .forEach(
            group -> {
              Moments moments = groups[group];
              Weights own = weights[group];
              trial
                  .best()
                  .ifPresentOrElse(
                      way -> choose(group, moments, typical, way, own, candidates),
                      () -> keep(group, moments, own, own.nearest()));
            });
  }

  private Weights weights(int group) {
    int depth = patches.depth();
    int channels = patches.channels();
    double[] weights = new double[depth * channels];
    double[] planned = new double[channels];
    for (int c = 0; c < channels; c++) {
      planned[c] = scales[scales.length == 1 ? 0 : group * channels + c];
      for (int i = 0; i < depth; i++) {
        weights[i * channels + c] = exact.get(patches.weight(group, c, i));
      }
    }
    return new Weights(weights, planned, largest);
  }

  private void choose(
      int group,
      Moments moments,
      double typical,
      Trial.Way way,
      Weights weights,
      double[] candidates) {
    int channels = weights.channels();
    LeastSquares squares = new LeastSquares(moments, typical, way.damping());
    double[] planned = weights.scales();
    double[] best = planned.clone();
    LeastSquares.Choice choice = squares.choose(weights, planned, way.part());
    double[] reaching = weights.reaching();
    for (double part : candidates) {
      double[] candidate = new double[channels];
      for (int c = 0; c < channels; c++) {
        boolean usable = part * reaching[c] >= Float.MIN_NORMAL;
        candidate[c] = usable ? (float) (part * reaching[c]) : planned[c];
      }
      LeastSquares.Choice other = squares.choose(weights, candidate, way.part());
      for (int c = 0; c < channels; c++) {
        if (other.errors()[c] < choice.errors()[c]) {
          best[c] = candidate[c];
          choice.errors()[c] = other.errors()[c];
          for (int at = c; at < choice.codes().length; at += channels) {
            choice.codes()[at] = other.codes()[at];
          }
        }
      }
    }
    keep(group, moments, new Weights(weights.exact(), best, largest), choice.codes());
  }

  private void keep(int group, Moments moments, Weights weights, double[] chosen) {
    int channels = patches.channels();
    double[] scale = weights.scales();
    for (int c = 0; c < channels; c++) {
      double shift = moments.missing(c);
      for (int i = 0; i < patches.depth(); i++) {
        int at = patches.weight(group, c, i);
        codes[at] = (byte) chosen[i * channels + c];
        values[at] = (float) (codes[at] * scale[c]);
        shift -= (values[at] - weights.exact()[i * channels + c]) * moments.input(i);
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

  /**
   * How much less the error of the sums is than with the nearest codes, on samples held out, in dB;
   * 0 if it is the nearest codes that were chosen.
   */
  double gain() {
    return gain;
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
