package io.narrow.tflite.correction;

import io.narrow.tflite.model.Buffer;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.plan.Encoding;
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
  private final Encoding planned;
  private final int largest;
  private final float[] scales;
  private final byte[] codes;
  private final float[] values;
  private final float[] bias;
  private double gain;

  /**
   * @param planned with a scale for each channel of the output, for each block, or one
   * @param bias one for each channel of the output
   */
  OperatorRounding(Patches patches, FloatBuffer exact, Encoding planned, float[] bias) {
    this.patches = patches;
    this.exact = exact;
    this.planned = planned;
    this.largest = (int) planned.type().largest();
    this.scales = planned.scales();
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
    boolean searched = search && planned.type() == TensorType.INT4 && scales.length > 1;
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
    double[] steps = new double[depth * channels];
    for (int c = 0; c < channels; c++) {
      for (int i = 0; i < depth; i++) {
        weights[i * channels + c] = exact.get(patches.weight(group, c, i));
        steps[i * channels + c] = scales[scale(group, c, i)];
      }
    }
    int block = planned.block() > 0 ? planned.block() : depth;
    return new Weights(weights, steps, largest, channels, block);
  }

  /** Number of the scale of a weight. */
  private int scale(int group, int channel, int i) {
    if (scales.length == 1) {
      return 0;
    }
    return planned.block() > 0
        ? patches.weight(group, channel, i) / planned.block()
        : group * patches.channels() + channel;
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
    double[] best = weights.scales().clone();
    LeastSquares.Choice choice = squares.choose(weights, weights.scales(), way.part());
    for (double[] candidate : scaled(weights, moments, candidates)) {
      LeastSquares.Choice other = squares.choose(weights, candidate, way.part());
      for (int c = 0; c < channels; c++) {
        if (other.errors()[c] < choice.errors()[c]) {
          choice.errors()[c] = other.errors()[c];
          for (int at = c; at < choice.codes().length; at += channels) {
            best[at] = candidate[at];
            choice.codes()[at] = other.codes()[at];
          }
        }
      }
    }
    keep(group, moments, weights.with(best), choice.codes());
  }

  /**
   * Scales to be tried, each as a file can hold it: parts of those that reach the largest weights;
   * of blocks also the part that is best for each by the squares of its inputs alone, as not all
   * combinations can be tried.
   */
  private double[][] scaled(Weights weights, Moments moments, double[] parts) {
    double[] reaching = weights.reaching();
    boolean each = planned.block() > 0 && parts.length > 0;
    double[][] scaled = new double[parts.length + (each ? 1 : 0)][reaching.length];
    for (int p = 0; p < parts.length; p++) {
      for (int at = 0; at < reaching.length; at++) {
        double step = parts[p] * reaching[at];
        boolean usable = step >= Float.MIN_NORMAL;
        scaled[p][at] = usable ? planned.nearestScale((float) step) : weights.scales()[at];
      }
    }
    if (each) {
      double[] counts = new double[patches.depth()];
      Arrays.setAll(counts, i -> Math.max(0, moments.square(i, i)));
      double[][] tried = Arrays.copyOf(scaled, parts.length);
      scaled[parts.length] = weights.leastError(tried, counts);
    }
    return scaled;
  }

  private void keep(int group, Moments moments, Weights weights, double[] chosen) {
    int channels = patches.channels();
    double[] steps = weights.scales();
    for (int c = 0; c < channels; c++) {
      double shift = moments.missing(c);
      for (int i = 0; i < patches.depth(); i++) {
        int at = patches.weight(group, c, i);
        codes[at] = (byte) chosen[i * channels + c];
        values[at] = (float) (codes[at] * steps[i * channels + c]);
        scales[scale(group, c, i)] = (float) steps[i * channels + c];
        shift -= (values[at] - weights.exact()[i * channels + c]) * moments.input(i);
      }
      bias[group * channels + c] += (float) shift;
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
    boolean packed = planned.type() == TensorType.INT4;
    int size = packed ? (codes.length + 1) / 2 : codes.length;
    ByteBuffer bytes = ByteBuffer.allocateDirect(size);
    for (int i = 0; i < size; i++) {
      int high = packed && 2 * i + 1 < codes.length ? codes[2 * i + 1] : 0;
      bytes.put(packed ? (byte) (codes[2 * i] & 15 | high << 4) : codes[i]);
    }
    return Buffer.of(bytes.flip());
  }
}
