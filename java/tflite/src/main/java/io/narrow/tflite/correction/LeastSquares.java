package io.narrow.tflite.correction;

import io.narrow.kernels.Matrix;
import java.util.Arrays;
import java.util.Comparator;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/**
 * Codes of the weights of a group with the least error of their sums of products: {@code |X (v - w)
 * - D|^2} for {@code v = scale * code}, exact weights {@code w}, and what is missing, {@code D}, or
 * a part of it. To {@code H = X'X} some of its diagonal is added.
 *
 * <p>First, with {@code H = U'U}, weight after weight from the one with the largest square on gets
 * the code nearest to what is best once those before it are fixed; this is what GPTQ finds, without
 * an inverse (Chen et al., "The geometry of LLM quantization: GPTQ as Babai's nearest plane
 * algorithm", 2025). Then each weight in turn gets the code that is best beside all others (Zhang
 * et al., "COMQ", 2024), as long as one changes.
 *
 * <p>Channels are computed apart, and every sum in the same order on any number of threads.
 */
final class LeastSquares {
  /**
   * The least that is added, in means of the diagonals of all groups of a layer: a channel that
   * never fires has zeros only.
   */
  private static final double LEAST_DAMPING = 1e-6;

  private static final int CHANNELS_AT_A_TIME = 64;

  private final int depth;
  private final int channels;
  private final int[] order; // of the weights, by growing squares
  private final Matrix squares; // [depth, depth], damped, in that order
  private final double[] products; // [depth, channels], likewise
  private final Matrix factor; // U, above the diagonal and on it

  /**
   * @param typical mean of the squares of all groups of a layer
   * @param damped part of the mean of the diagonal that is added to it
   */
  LeastSquares(Moments moments, double typical, double damped) {
    this.depth = moments.depth();
    this.channels = moments.channels();
    this.order =
        IntStream.range(0, depth)
            .boxed()
            .sorted(Comparator.comparingDouble(i -> moments.square(i, i)))
            .mapToInt(Integer::intValue)
            .toArray();
    double damping =
        Math.max(
            Double.MIN_NORMAL, Math.max(damped * moments.typicalSquare(), LEAST_DAMPING * typical));
    double[] values = new double[depth * depth];
    this.products = new double[depth * channels];
    for (int i = 0; i < depth; i++) {
      for (int j = 0; j < depth; j++) {
        values[i * depth + j] = moments.square(order[i], order[j]);
      }
      values[i * depth + i] = Math.max(0, values[i * depth + i]) + damping;
      for (int c = 0; c < channels; c++) {
        products[i * channels + c] = moments.product(order[i], c);
      }
    }
    this.squares = Matrix.of(values, depth, depth);
    this.factor = Matrix.of(values.clone(), depth, depth);
    Cholesky.factor(factor.values(), depth);
  }

  /**
   * Codes that were found.
   *
   * @param codes {@code [depth, channels]}
   * @param errors of the channels, less what is left without any rounding
   */
  record Choice(double[] codes, double[] errors) {}

  /**
   * Finds codes.
   *
   * @param weights those of the group
   * @param scales one for each weight, {@code [depth, channels]}
   * @param part of what is missing that is to be made up for
   */
  Choice choose(Weights weights, double[] scales, double part) {
    double[] wanted = Arrays.stream(products).map(product -> part * product).toArray();
    Choice choice = new Choice(new double[depth * channels], new double[channels]);
    each(some -> choose(some, weights, scales, wanted, choice));
    return choice;
  }

  private void choose(Part part, Weights weights, double[] scales, double[] wanted, Choice choice) {
    CodeSearch search =
        new CodeSearch(
            squares,
            factor,
            part.of(wanted, null),
            part.of(weights.exact(), order),
            weights.largest());
    double[] own = part.of(scales, order);
    double[] codes = search.nearestPlanes(own);
    System.arraycopy(search.descend(codes, own), 0, choice.errors, part.first, part.count);
    for (int i = 0; i < depth; i++) {
      int to = order[i] * channels + part.first;
      System.arraycopy(codes, i * part.count, choice.codes, to, part.count);
    }
  }

  /** Some channels. */
  private final class Part {
    private final int first;
    private final int count;

    Part(int first) {
      this.first = first;
      this.count = Math.min(CHANNELS_AT_A_TIME, channels - first);
    }

    /** Those of {@code [depth, channels]}, in another order of rows. */
    double[] of(double[] values, int[] rows) {
      double[] own = new double[depth * count];
      for (int i = 0; i < depth; i++) {
        int row = rows == null ? i : rows[i];
        System.arraycopy(values, row * channels + first, own, i * count, count);
      }
      return own;
    }
  }

  private void each(Consumer<Part> work) {
    int parts = (channels + CHANNELS_AT_A_TIME - 1) / CHANNELS_AT_A_TIME;
    IntStream all = IntStream.range(0, parts);
    (parts > 1 ? all.parallel() : all).forEach(i -> work.accept(new Part(i * CHANNELS_AT_A_TIME)));
  }
}
