package io.narrow.keras.graph;

import java.util.Map;

/** Products of matrices, and lengths of vectors. */
public final class Algebra {
  private static final float SMALLEST_SQUARE = 1e-24f;

  private Algebra() {}

  /** Products of matrices: the last two axes, each turned if asked for. */
  public static Value multiply(Graph g, Value x, Value y, boolean turnX, boolean turnY) {
    int rank = Math.max(x.rank(), y.rank());
    if (x.rank() < 2 || y.rank() < 2 || x.size(turnX ? -2 : -1) != y.size(turnY ? -1 : -2)) {
      throw new IllegalStateException("matrices " + x + " and " + y + " do not go together");
    }
    int[] left = x.shape.clone();
    int[] right = y.shape.clone();
    left[left.length - 2] = left[left.length - 1] = 1;
    right[right.length - 2] = right[right.length - 1] = 1;
    int[] shape = Shapes.broadcast(left, right);
    shape[rank - 2] = x.size(turnX ? -1 : -2);
    shape[rank - 1] = y.size(turnY ? -2 : -1);
    return g.op(
        "BATCH_MATMUL", "BatchMatMulOptions", Map.of("adj_x", turnX, "adj_y", turnY), shape, x, y);
  }

  /**
   * x * weights + bias over the last axis; {@code weights} is [out, in], {@code bias} may be null.
   */
  public static Value dense(Graph g, Value x, Value weights, Value bias) {
    int[] shape = x.shape.clone();
    shape[shape.length - 1] = weights.shape[0];
    boolean keep = shape.length > 2;
    return g.op(
        denseVersion(shape.length, bias != null),
        "FULLY_CONNECTED",
        "FullyConnectedOptions",
        Map.of("keep_num_dims", keep),
        shape,
        x,
        weights,
        bias);
  }

  /** Version of FULLY_CONNECTED: 5 keeps the axes of its input, 6 does without a bias. */
  public static int denseVersion(int rank, boolean bias) {
    return bias ? (rank > 2 ? 5 : 1) : 6;
  }

  /** x divided by the root of the sum of its squares over axes. */
  public static Value unit(Graph g, Value x, int... axes) {
    Value squares = g.reduce("SUM", g.binary("MUL", x, x), true, axes);
    Value floor = g.binary("MAXIMUM", squares, g.scalar(SMALLEST_SQUARE));
    return g.binary("MUL", x, g.unary("RSQRT", "", floor));
  }
}
