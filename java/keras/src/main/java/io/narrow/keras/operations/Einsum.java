package io.narrow.keras.operations;

import io.narrow.keras.graph.Algebra;
import io.narrow.keras.graph.Floats;
import io.narrow.keras.graph.Graph;
import io.narrow.keras.graph.Shapes;
import io.narrow.keras.graph.Value;
import io.narrow.keras.rule.Call.UnsupportedException;
import java.util.ArrayList;
import java.util.List;

/**
 * A sum of products by the letters of the axes, e.g. {@code abc,cd->abd}, as one product of
 * matrices: the axes of both and of the result, of one and of the result, and those summed over.
 */
public final class Einsum {
  private final String left;
  private final String right;
  private final String result;

  /**
   * @param equation may have an ellipsis, which stands for the same axes in all places
   */
  public Einsum(String equation, int leftRank, int rightRank) {
    String[] sides = equation.replace(" ", "").split("->");
    String[] operands = sides[0].split(",");
    if (sides.length != 2 || operands.length != 2) {
      throw new UnsupportedException("equation " + equation);
    }
    left = spelled(operands[0], leftRank);
    right = spelled(operands[1], rightRank);
    int dots = Math.max(leftRank - letters(operands[0]), rightRank - letters(operands[1]));
    result = spelled(sides[1], letters(sides[1]) + (sides[1].contains("...") ? dots : 0));
    boolean twice =
        left.chars().distinct().count() < left.length()
            || right.chars().distinct().count() < right.length();
    if (left.length() != leftRank || right.length() != rightRank || twice) {
      throw new UnsupportedException("equation " + equation);
    }
  }

  private static int letters(String axes) {
    return axes.replace("...", "").length();
  }

  /** Capital letters from the end of the alphabet, which nobody uses, in place of the ellipsis. */
  private static String spelled(String axes, int rank) {
    StringBuilder dots = new StringBuilder();
    for (int i = rank - letters(axes); i > 0; i--) {
      dots.append((char) ('\u00C0' + i));
    }
    return axes.replace("...", dots);
  }

  public String result() {
    return result;
  }

  String right() {
    return right;
  }

  private static String kept(String axes, String among, boolean in) {
    StringBuilder kept = new StringBuilder();
    axes.chars()
        .filter(axis -> among.indexOf(axis) >= 0 == in)
        .forEach(axis -> kept.append((char) axis));
    return kept.toString();
  }

  private static int size(Value x, String axes, String some) {
    return some.chars().map(axis -> x.size(axes.indexOf(axis))).reduce(1, Math::multiplyExact);
  }

  private static Value ordered(Graph g, Value x, String axes, String order) {
    return g.transpose(x, order.chars().map(axes::indexOf).toArray());
  }

  /** The product of two values that are not constant. */
  Value product(Graph g, Value a, Value b) {
    String shared = kept(kept(left, right, true), result, true);
    String summed = kept(kept(left, right, true), result, false);
    String rows = kept(left, right, false);
    String columns = kept(right, left, false);
    check(rows + columns);
    int batch = size(a, left, shared);
    int inner = size(a, left, summed);
    Value x =
        g.reshape(ordered(g, a, left, shared + rows + summed), batch, size(a, left, rows), inner);
    Value y =
        g.reshape(
            ordered(g, b, right, shared + columns + summed), batch, size(b, right, columns), inner);
    Value product = Algebra.multiply(g, x, y, false, true);
    return named(g, product, shared + rows + columns, a, b);
  }

  /**
   * The product with weights, as a dense layer.
   *
   * @param weights in the order of the equation
   */
  public Value dense(Graph g, Value a, Floats weights, int[] shape) {
    Value b = Value.of("kernel", weights, shape);
    String summed = kept(kept(left, right, true), result, false);
    String rows = kept(left, right, false);
    String columns = kept(right, left, false);
    check(rows + columns);
    if (!kept(kept(left, right, true), result, true).isEmpty()) {
      throw new UnsupportedException("weights for each element of an axis");
    }
    int inner = size(a, left, summed);
    int out = size(b, right, columns);
    Floats kernel;
    if (right.equals(summed + columns)) {
      kernel = weights.transposed(inner, out);
    } else {
      kernel = weights.permuted(shape, (columns + summed).chars().map(right::indexOf).toArray());
    }
    Value x = g.reshape(ordered(g, a, left, rows + summed), matrix(a, rows, inner));
    Value product = Algebra.dense(g, x, g.constant("kernel", kernel, out, inner), null);
    return named(g, product, rows + columns, a, b);
  }

  private int[] matrix(Value a, String rows, int inner) {
    List<Integer> shape = new ArrayList<>();
    rows.chars().forEach(axis -> shape.add(a.size(left.indexOf(axis))));
    shape.add(inner);
    return Shapes.ints(shape);
  }

  private void check(String free) {
    if (!kept(free, result, false).isEmpty() || free.length() > result.length()) {
      throw new UnsupportedException("a sum over an axis of one operand");
    }
  }

  private Value named(Graph g, Value product, String axes, Value a, Value b) {
    List<Integer> shape = new ArrayList<>();
    for (char axis : axes.toCharArray()) {
      int place = left.indexOf(axis);
      shape.add(place >= 0 ? a.size(place) : b.size(right.indexOf(axis)));
    }
    return ordered(g, g.reshape(product, Shapes.ints(shape)), axes, result);
  }
}
