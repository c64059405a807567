package io.narrow.tflite.correction;

import java.util.Arrays;
import java.util.Optional;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/**
 * Tries how far the moments of samples can be trusted when codes are chosen by them: on each half
 * of the samples codes are chosen in several ways, and judged on the other half. Where samples are
 * few beside the weights of a channel, codes that fit them best do worse than the nearest codes on
 * others, and what is missing from their sums is fitted worst of all.
 */
final class Trial {
  /**
   * A way to choose codes.
   *
   * @param damping part of the mean of the squares of inputs that is added to each
   * @param part of what is missing that is made up for
   */
  record Way(double damping, double part) {}

  /** From those that trust the samples most to the one that trusts them least. */
  static final Way[] WAYS = {
    new Way(0.01, 1),
    new Way(0.1, 1),
    new Way(0.1, 0.5),
    new Way(0.1, 0),
    new Way(1, 0.5),
    new Way(1, 0),
    new Way(10, 0)
  };

  private static final int NEAREST = WAYS.length;

  /** Of a group, spread over it: more would cost time and hardly change which way is best. */
  private static final int CHANNELS = 32;

  private final double[] one;
  private final double[] other;

  /**
   * @param weights those of each group
   */
  Trial(Halves halves, IntFunction<Weights> weights) {
    this.one = errors(halves, weights);
    this.other = errors(halves.swapped(), weights);
  }

  private static double[] errors(Halves halves, IntFunction<Weights> weights) {
    double typical = Halves.typicalSquare(halves.one());
    int groups = halves.one().length;
    IntStream all = IntStream.range(0, groups);
    double[][] found =
        (groups > 1 ? all.parallel() : all)
            .mapToObj(
                group ->
                    errors(
                        halves.one()[group], halves.other()[group], typical, weights.apply(group)))
            .toArray(double[][]::new);
    double[] errors = new double[WAYS.length + 1];
    for (double[] each : found) {
      for (int way = 0; way < each.length; way++) {
        errors[way] += each[way];
      }
    }
    return errors;
  }

  private static double[] errors(Moments seen, Moments held, double typical, Weights all) {
    int[] some = spread(all.channels());
    Weights weights = all.of(some);
    Moments by = seen.of(some);
    Moments judge = held.of(some);
    double[] errors = new double[WAYS.length + 1];
    LeastSquares squares = null;
    for (int i = 0; i < WAYS.length; i++) {
      if (squares == null || WAYS[i].damping != WAYS[i - 1].damping) {
        squares = new LeastSquares(by, typical, WAYS[i].damping);
      }
      double[] codes = squares.choose(weights, weights.scales(), WAYS[i].part).codes();
      errors[i] = Arrays.stream(judge.errors(weights.off(codes))).sum();
    }
    errors[NEAREST] = Arrays.stream(judge.errors(weights.off(weights.nearest()))).sum();
    return errors;
  }

  private static int[] spread(int channels) {
    int count = Math.min(CHANNELS, channels);
    return IntStream.range(0, count).map(i -> (int) ((long) i * channels / count)).toArray();
  }

  /** Multiplications that trying takes, for each group of an operator. */
  static double work(double depth, int channels) {
    long dampings = Arrays.stream(WAYS).mapToDouble(Way::damping).distinct().count();
    double tried = Math.min(CHANNELS, channels);
    return 2 * (dampings * depth * depth * depth / 6 + 4 * WAYS.length * depth * depth * tried);
  }

  private double error(int way) {
    return one[way] + other[way];
  }

  /**
   * The way with the least error of those that do better than the nearest codes on both halves,
   * since on one alone that is soon chance; the nearest codes if there is none.
   */
  private int leastError() {
    int best = NEAREST;
    for (int way = 0; way < NEAREST; way++) {
      boolean better = one[way] < one[NEAREST] && other[way] < other[NEAREST];
      if (better && error(way) > 0 && error(way) < error(best)) {
        best = way;
      }
    }
    return best;
  }

  /** The best way; empty if the nearest codes are better than all. */
  Optional<Way> best() {
    int best = leastError();
    return best == NEAREST ? Optional.empty() : Optional.of(WAYS[best]);
  }

  /** By how many dB the error of the best way is below that of the nearest codes. */
  double gain() {
    int best = leastError();
    return best == NEAREST ? 0 : 10 * Math.log10(error(NEAREST) / error(best));
  }
}
