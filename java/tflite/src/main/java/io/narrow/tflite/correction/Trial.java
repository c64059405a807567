package io.narrow.tflite.correction;

import java.util.Arrays;
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

  private final double[] errors = new double[WAYS.length + 1];

  /**
   * @param weights those of each group
   */
  Trial(Halves halves, IntFunction<Weights> weights) {
    add(halves, weights);
    add(halves.swapped(), weights);
  }

  private void add(Halves halves, IntFunction<Weights> weights) {
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
    for (double[] each : found) {
      for (int way = 0; way < each.length; way++) {
        errors[way] += each[way];
      }
    }
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

  /** The best way; the nearest codes are better than all if it {@linkplain #gain gains} nothing. */
  Way best() {
    int best = 0;
    for (int way = 1; way < WAYS.length; way++) {
      if (errors[way] < errors[best]) {
        best = way;
      }
    }
    return WAYS[best];
  }

  /** By how many dB the error of the best way is below that of the nearest codes. */
  double gain() {
    double least = Arrays.stream(errors, 0, NEAREST).min().orElseThrow();
    return least > 0 && errors[NEAREST] > least ? 10 * Math.log10(errors[NEAREST] / least) : 0;
  }
}
