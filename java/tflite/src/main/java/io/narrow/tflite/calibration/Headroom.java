package io.narrow.tflite.calibration;

import io.narrow.kernels.FloatRange;
import java.util.ArrayList;
import java.util.List;

/**
 * By which shares the ranges of a tensor are made wider.
 *
 * @param cut that of least squared error
 * @param whole that of every value seen
 */
record Headroom(double cut, double whole) {
  /** The shares that are tried; alike on both sides of zero. */
  private static final double[] SHARES = {0, .03, .06, .1, .15, .2, .3, .4, .6, .8, 1.2};

  /**
   * What is cut off because it was not foreseen counts for so many times its square: it moves all
   * that is summed from it to one side, where what is rounded cancels.
   */
  private static final double UNFORESEEN = 8;

  private static final double CODES = 255;

  /**
   * What the ranges of a tensor lack.
   *
   * @param parts what is known of it in each part of the samples that has values of it
   */
  static Headroom of(List<TensorStatistics> parts) {
    if (parts.size() < 2 || parts.stream().anyMatch(part -> part.histogram().isEmpty())) {
      return new Headroom(0, 0);
    }
    List<TensorStatistics> others = new ArrayList<>();
    for (int i = 0; i < parts.size(); i++) {
      List<TensorStatistics> rest = new ArrayList<>(parts);
      rest.remove(i);
      others.add(rest.stream().reduce(TensorStatistics::merge).orElseThrow());
    }
    List<Values> inside = values(parts);
    List<Values> outside = values(others);
    return new Headroom(
        share(inside, outside, ranges(others, false)),
        share(inside, outside, ranges(others, true)));
  }

  boolean isNone() {
    return cut == 0 && whole == 0;
  }

  /** A range made wider. */
  FloatRange around(FloatRange range, boolean all) {
    return wider(range, all ? whole : cut);
  }

  private static FloatRange wider(FloatRange range, double share) {
    return new FloatRange(
        (float) (range.min() + Math.min(range.min(), 0) * share),
        (float) (range.max() + Math.max(range.max(), 0) * share),
        0,
        0);
  }

  private static List<FloatRange> ranges(List<TensorStatistics> parts, boolean whole) {
    return parts.stream().map(part -> part.choose(RangeMethod.AUTO, whole)).toList();
  }

  private static List<Values> values(List<TensorStatistics> parts) {
    return parts.stream().map(part -> new Values(part.histogram().orElseThrow())).toList();
  }

  /**
   * The share with which ranges lose least on what they were not found in.
   *
   * @param parts each without a say in its range
   * @param others what the ranges were found in
   */
  private static double share(List<Values> parts, List<Values> others, List<FloatRange> ranges) {
    double best = 0;
    double least = Double.POSITIVE_INFINITY;
    for (double share : SHARES) {
      double error = 0;
      double foreseen = 0;
      double cut = 0;
      for (int i = 0; i < ranges.size(); i++) {
        FloatRange range = wider(ranges.get(i), share);
        double min = Math.min(range.min(), 0);
        double max = Math.max(range.max(), 0);
        double step = (max - min) / CODES;
        Values part = parts.get(i);
        Values rest = others.get(i);
        error += part.between(min, max) * step * step / 12;
        foreseen += rest.beyond(min, max) * part.count() / rest.count();
        cut += part.beyond(min, max);
      }
      error += foreseen + UNFORESEEN * Math.max(0, cut - foreseen);
      if (error < least) { // the narrowest of equals
        least = error;
        best = share;
      }
    }
    return best;
  }

  /** Sums over the values of a histogram, each taken for the edge of its bin next to zero. */
  private static final class Values {
    private final double width;
    private final int first;
    private final int bins;
    private final double[][] sums; // over the bins before one, of the powers of their values
    private double zeros; // next to zero, which has a code of its own

    Values(Histogram histogram) {
      width = histogram.width();
      first = histogram.first();
      bins = histogram.size();
      sums = new double[3][bins + 1];
      for (int i = 0; i < bins; i++) {
        int bin = first + i;
        double value = (bin < 0 ? bin + 1 : bin) * width;
        double power = histogram.count(i);
        zeros += bin == 0 || bin == -1 ? power : 0;
        for (double[] sum : sums) {
          sum[i + 1] = sum[i] + power;
          power *= value;
        }
      }
    }

    double count() {
      return sums[0][bins];
    }

    /** The bin that a value is in or would be, from the first. */
    private int bin(double value) {
      return (int) Math.max(0, Math.min(bins, Math.floor(value / width) - first));
    }

    private int after(double value) {
      return (int) Math.max(0, Math.min(bins, Math.floor(value / width) - first + 1));
    }

    /** How many lie between two bounds, but for those next to zero. */
    double between(double min, double max) {
      return sum(0, bin(min), after(max)) - zeros;
    }

    /** Squared error of moving what lies outside to the bounds. */
    double beyond(double min, double max) {
      return moved(0, bin(min), min) + moved(after(max), bins, max);
    }

    private double moved(int from, int to, double bound) {
      return sum(2, from, to) - 2 * bound * sum(1, from, to) + bound * bound * sum(0, from, to);
    }

    private double sum(int power, int from, int to) {
      return sums[power][to] - sums[power][from];
    }
  }
}
