package io.narrow.tflite.correction;

import io.narrow.tflite.NarrowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * The moments of one operator, collected sample by sample: first what its sums are in the float
 * model, then what it reads behind the operators that are rounded, and its sums there. Of large
 * results some positions are looked at, spread over each sample.
 */
final class PatchMoments {
  /**
   * Positions of all samples together. Half as many cost MobileNet v1 up to 1.3 dB; more changed
   * the error of another model by 0.3 dB at most.
   */
  private static final int POSITIONS = 16384;

  private static final int BLOCK = 256;

  private final Patches patches;
  private final int each;
  private final float[][] wanted;
  private final Half one;
  private final Half other;

  /**
   * @param centred whether means do not count
   */
  PatchMoments(Patches patches, int samples, boolean centred) {
    this.patches = patches;
    this.each = each(samples);
    this.wanted = new float[samples][];
    this.one = new Half(patches, centred);
    this.other = new Half(patches, centred);
  }

  private static int each(int samples) {
    return (POSITIONS + samples - 1) / samples;
  }

  /** How many positions are looked at of so many of a sample. */
  static long positions(long positions, int samples) {
    return Math.min(positions, each(samples));
  }

  /** Takes what the sums of a sample should be. */
  void want(int sample, ByteBuffer sums) {
    wanted[sample] = rows(sample, sums);
  }

  /**
   * Takes a sample behind rounded operators.
   *
   * @param input what the operator reads
   * @param sums what it computes with exact weights
   * @throws NarrowException if sizes are not those of the file
   */
  void see(int sample, ByteBuffer input, ByteBuffer sums) {
    float[] values = new float[input.remaining() / Float.BYTES];
    floats(input).get(values);
    float[] found = rows(sample, sums);
    int positions = (int) patches.positions(sums.remaining() / Float.BYTES);
    if (!patches.fits(values.length, positions) || wanted[sample].length != found.length) {
      throw NarrowException.unsupported("a tensor changes its size as it runs");
    }
    int taken = Math.min(each, positions);
    for (int k = 0; k < taken; k++) {
      // Every other sample, or the lower part of a single one.
      boolean first = wanted.length > 1 ? sample % 2 == 0 : 2 * k < taken;
      int position = position(sample, k, taken, positions);
      (first ? one : other).add(values, position, wanted[sample], found, k);
    }
    wanted[sample] = null;
  }

  /** What was seen of each half of the samples. */
  Halves finish() {
    return new Halves(one.finish(), other.finish());
  }

  /** Spread evenly, for each sample with another beginning. */
  private static int position(int sample, int k, int taken, int positions) {
    double golden = sample * 0.6180339887498949;
    return (int) ((k + golden - Math.floor(golden)) * positions / taken);
  }

  private float[] rows(int sample, ByteBuffer sums) {
    FloatBuffer values = floats(sums);
    int outputs = patches.outputs();
    int positions = (int) patches.positions(values.remaining());
    int taken = Math.min(each, positions);
    float[] rows = new float[taken * outputs];
    for (int k = 0; k < taken; k++) {
      values.get(position(sample, k, taken, positions) * outputs, rows, k * outputs, outputs);
    }
    return rows;
  }

  private static FloatBuffer floats(ByteBuffer bytes) {
    return bytes.duplicate().order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
  }

  /** Moments in the making; positions are added block by block. */
  private static final class Half {
    private final Patches patches;
    private final Moments[] moments;
    private final double[] x;
    private final double[] y;
    private int filled;

    Half(Patches patches, boolean centred) {
      this.patches = patches;
      this.moments = new Moments[patches.groups()];
      Arrays.setAll(moments, group -> new Moments(patches.depth(), patches.channels(), centred));
      this.x = new double[BLOCK * patches.size()];
      this.y = new double[BLOCK * patches.outputs()];
    }

    /** Adds a position, the sums of which are row {@code k}. */
    void add(float[] input, int position, float[] wanted, float[] found, int k) {
      patches.copy(input, position, x, filled * patches.size());
      int outputs = patches.outputs();
      for (int c = 0; c < outputs; c++) {
        int at = k * outputs + c;
        y[filled * outputs + c] = (double) wanted[at] - found[at];
      }
      filled++;
      if (filled == BLOCK) {
        flush();
      }
    }

    Moments[] finish() {
      flush();
      return moments;
    }

    private void flush() {
      int rows = filled;
      filled = 0;
      if (moments.length == 1) {
        moments[0].add(x, y, rows);
      } else {
        IntStream.range(0, moments.length).parallel().forEach(group -> flush(group, rows));
      }
    }

    private void flush(int group, int rows) {
      int depth = patches.depth();
      int channels = patches.channels();
      double[] own = new double[rows * depth];
      double[] missing = new double[rows * channels];
      for (int i = 0; i < depth; i++) {
        int place = patches.place(group, i);
        for (int r = 0; r < rows; r++) {
          own[r * depth + i] = x[r * patches.size() + place];
        }
      }
      for (int r = 0; r < rows; r++) {
        int from = r * patches.outputs() + group * channels;
        System.arraycopy(y, from, missing, r * channels, channels);
      }
      moments[group].add(own, missing, rows);
    }
  }
}
