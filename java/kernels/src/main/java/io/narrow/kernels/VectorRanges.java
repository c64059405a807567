package io.narrow.kernels;

import java.io.Serializable;
import java.util.Arrays;
import java.util.Locale;

/**
 * The ranges of vectors by tensor, row or dimension, with histograms where quantiles are wanted.
 * Immutable; merging gives the same in any order.
 */
public final class VectorRanges implements Serializable {
  private static final long serialVersionUID = 1;

  private final VectorQuantizer.Scope scope;
  private final float[] min;
  private final float[] max;
  private final QuantileHistogram[] histograms; // null where only the ends are known
  private final VectorCounts counts;

  VectorRanges(
      VectorQuantizer.Scope scope,
      float[] min,
      float[] max,
      QuantileHistogram[] histograms,
      VectorCounts counts) {
    this.scope = scope;
    this.min = min;
    this.max = max;
    this.histograms = histograms;
    this.counts = counts;
  }

  /**
   * Ranges by dimension that are already known, as the {@code ranges} of sentence-transformers.
   *
   * @param min smallest value of each dimension
   * @param max largest value of each dimension
   * @throws IllegalArgumentException if there are not as many of both, or a value is not finite, or
   *     min is above max
   */
  public static VectorRanges of(float[] min, float[] max) {
    return of(VectorQuantizer.Scope.DIMENSION, min, max);
  }

  /**
   * Ranges that are already known: one of all values, or one of each row or dimension.
   *
   * @param min smallest value of each
   * @param max largest value of each
   * @throws IllegalArgumentException if there are not as many of both, not one where they are of
   *     all values, or a value is not finite, or min is above max
   */
  public static VectorRanges of(VectorQuantizer.Scope scope, float[] min, float[] max) {
    if (min.length != max.length || scope == VectorQuantizer.Scope.TENSOR && min.length != 1) {
      throw new IllegalArgumentException(
          "%s smallest and %s largest values".formatted(min.length, max.length));
    }
    for (int d = 0; d < min.length; d++) {
      if (!(Float.isFinite(min[d]) && Float.isFinite(max[d]) && min[d] <= max[d])) {
        throw new IllegalArgumentException(
            "%s %s ranges from %s to %s"
                .formatted(scope.name().toLowerCase(Locale.ROOT), d, min[d], max[d]));
      }
    }
    return new VectorRanges(scope, min.clone(), max.clone(), null, VectorCounts.NONE);
  }

  /**
   * The ranges of the rows of both.
   *
   * @throws IllegalArgumentException if they are by row, or not of the same kind
   */
  public VectorRanges merge(VectorRanges other) {
    if (scope == VectorQuantizer.Scope.ROW) {
      throw new IllegalArgumentException("ranges by row belong to their rows: fit them together");
    }
    if (scope != other.scope
        || size() != other.size()
        || (histograms == null) != (other.histograms == null)) {
      throw new IllegalArgumentException("ranges of different quantizers: " + this + ", " + other);
    }
    float[] low = new float[size()];
    float[] high = new float[size()];
    QuantileHistogram[] both = histograms == null ? null : new QuantileHistogram[size()];
    for (int g = 0; g < size(); g++) {
      low[g] = Math.min(min[g], other.min[g]);
      high[g] = Math.max(max[g], other.max[g]);
      if (both != null) {
        both[g] = histograms[g].merge(other.histograms[g]);
      }
    }
    return new VectorRanges(scope, low, high, both, counts.merge(other.counts));
  }

  /** Ranges by row of rows that follow one another. */
  VectorRanges followedBy(VectorRanges next) {
    float[] low = Arrays.copyOf(min, size() + next.size());
    float[] high = Arrays.copyOf(max, size() + next.size());
    System.arraycopy(next.min, 0, low, size(), next.size());
    System.arraycopy(next.max, 0, high, size(), next.size());
    return new VectorRanges(scope, low, high, null, counts.merge(next.counts));
  }

  /** Which values share a range. */
  public VectorQuantizer.Scope scope() {
    return scope;
  }

  /** The number of ranges. */
  public int size() {
    return min.length;
  }

  /** The smallest value of a range, {@code +Infinity} if there is none. */
  public float min(int index) {
    return min[index];
  }

  /** The largest value of a range, {@code -Infinity} if there is none. */
  public float max(int index) {
    return max[index];
  }

  /** How many rows were seen, and how many of their values were left out. */
  public VectorCounts counts() {
    return counts;
  }

  /**
   * The ranges between quantiles. By row they already are.
   *
   * @throws IllegalArgumentException if they were fitted by a quantizer without such a rule
   */
  public VectorRanges resolve(RangeRule rule) {
    if (rule.isMinMax() || scope == VectorQuantizer.Scope.ROW) {
      return this;
    }
    if (histograms == null) {
      throw new IllegalArgumentException(
          "quantiles need ranges that were fitted by a quantizer with that rule");
    }
    float[] low = new float[size()];
    float[] high = new float[size()];
    for (int g = 0; g < size(); g++) {
      low[g] = end(histograms[g], rule.lower(), min[g], max[g], min[g]);
      high[g] = end(histograms[g], rule.upper(), min[g], max[g], max[g]);
    }
    return new VectorRanges(scope, low, high, null, counts);
  }

  /** A quantile; where the fraction is 0 or 1, or there was no value, the end itself. */
  static float end(QuantileHistogram of, double fraction, float min, float max, float end) {
    if (fraction == 0 || fraction == 1 || min > max) {
      return end;
    }
    return Math.max(min, Math.min(max, of.quantile(fraction)));
  }

  /**
   * Scales and zero points, one per range, for {@link VectorQuantizer.Scheme#SYMMETRIC} and {@link
   * VectorQuantizer.Scheme#AFFINE}.
   *
   * @throws IllegalArgumentException if the quantizer has another scheme, or no integers
   */
  public Quantization quantization(VectorQuantizer quantizer) {
    if (!quantizer.format().isInteger() || !quantizer.scheme().hasScales()) {
      throw new IllegalArgumentException(
          "%s by %s has no scales".formatted(quantizer.format(), quantizer.scheme()));
    }
    return Quantization.ofRanges(
        quantizer.format().type(),
        quantizer.scheme() == VectorQuantizer.Scheme.SYMMETRIC,
        min,
        max,
        scope == VectorQuantizer.Scope.ROW ? quantizer.dimensions() : 1);
  }

  @Override
  public String toString() {
    return size() + " ranges by " + scope + (histograms == null ? "" : " with histograms");
  }
}
