package io.narrow.tflite.calibration;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.zip.CRC32C;

/**
 * Tells the samples of a calibration apart by what is in them, so that the parts do not depend on
 * their order: what was found in some of the parts can be judged on the others.
 *
 * @param count of parts, a power of two; 1 if nothing is told apart
 */
record Parts(int count) {
  static final Parts ONE = new Parts(1);

  /** To judge a range it is found so often without some of the samples. */
  static final int MOST = 8;

  /** Few samples would meet in as many parts. */
  private static final int FINEST = 32;

  /** Of more samples nothing is to be expected that none of them showed. */
  private static final int MANY = 64;

  /** How much memory histograms may take for it, in each thread. */
  private static final long MEMORY = 64 << 20;

  /**
   * Into how many parts samples are to be told apart.
   *
   * @param activations of each of which every part has a histogram
   */
  static Parts of(int samples, int activations) {
    long fitting = MEMORY / ((long) Histogram.BINS * Long.BYTES * Math.max(1, activations));
    long count = Math.min(samples > FINEST ? MOST : FINEST, Long.highestOneBit(fitting));
    return samples > MANY || count < MOST / 2 ? ONE : new Parts((int) count);
  }

  /**
   * The part that a sample is in.
   *
   * @param inputs what the inputs of the model hold
   */
  int of(List<ByteBuffer> inputs) {
    return of(hash(inputs));
  }

  /** The same, by {@link #hash} of the inputs. */
  int of(long hash) {
    return (int) (hash & count - 1);
  }

  static long hash(List<ByteBuffer> inputs) {
    CRC32C sum = new CRC32C();
    inputs.forEach(input -> sum.update(input.duplicate()));
    return sum.getValue();
  }
}
