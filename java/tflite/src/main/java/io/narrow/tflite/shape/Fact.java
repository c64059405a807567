package io.narrow.tflite.shape;

import java.util.Arrays;
import java.util.stream.Collectors;

/**
 * What is known of a tensor.
 *
 * @param shape sizes of its axes, {@link #UNKNOWN} among them; null if not even their number is
 *     known
 * @param values all of its numbers, NaN where one is not known; null if they are not followed
 */
record Fact(int[] shape, double[] values) {
  static final int UNKNOWN = -1;

  static final Fact NOTHING = new Fact(null, null);

  /** The most numbers that are followed: shapes are short, and positions count a sequence. */
  private static final int MOST = 8192;

  /** No tensor has more values than this; products of sizes stay far from overflowing. */
  private static final double LARGEST = 0x1p40;

  /** The value at an index. */
  @FunctionalInterface
  interface At {
    double of(int[] index);
  }

  static Fact of(int... shape) {
    return new Fact(shape.clone(), null);
  }

  /** A tensor of so many axes. */
  static Fact ofRank(int rank) {
    int[] shape = new int[rank];
    Arrays.fill(shape, UNKNOWN);
    return new Fact(shape, null);
  }

  static Fact scalar(double value) {
    return new Fact(new int[0], new double[] {value});
  }

  static Fact vector(double... values) {
    return new Fact(new int[] {values.length}, values);
  }

  /** A tensor of this shape with its values, if they are few enough to be followed. */
  static Fact filled(int[] shape, At at) {
    Fact fact = of(shape);
    if (!fact.isKnown() || fact.elements() > MOST) {
      return fact;
    }
    double[] values = new double[(int) fact.elements()];
    int[] index = new int[shape.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = at.of(index);
      for (int axis = shape.length - 1; axis >= 0 && ++index[axis] == shape[axis]; axis--) {
        index[axis] = 0;
      }
    }
    return new Fact(fact.shape, values);
  }

  static boolean follows(long elements) {
    return elements <= MOST;
  }

  boolean isRanked() {
    return shape != null;
  }

  /** Whether every size is known. */
  boolean isKnown() {
    return shape != null && Arrays.stream(shape).allMatch(size -> size >= 0);
  }

  /** Whether every value is known. */
  boolean isConstant() {
    return values != null && Arrays.stream(values).noneMatch(Double::isNaN);
  }

  /** Number of values; {@link #UNKNOWN} if it is not known. */
  long elements() {
    if (!isKnown()) {
      return UNKNOWN;
    }
    double product = Arrays.stream(shape).asDoubleStream().reduce(1, (a, b) -> a * b);
    if (product > LARGEST) {
      throw new Mismatch("a tensor of shape " + text() + " is larger than any memory");
    }
    return (long) product;
  }

  int rank() {
    return shape.length;
  }

  /** Size of an axis, counted from the last where it is negative. */
  int size(int axis) {
    return shape[axis(axis)];
  }

  /**
   * Number of an axis that may be counted from the last.
   *
   * @throws Mismatch if there is no such axis
   */
  int axis(int axis) {
    int place = axis < 0 ? axis + shape.length : axis;
    if (place < 0 || place >= shape.length) {
      throw new Mismatch("no axis " + axis + " in " + text());
    }
    return place;
  }

  /** The value at an index; NaN where values are not followed. */
  double at(int... index) {
    if (values == null) {
      return Double.NaN;
    }
    int place = 0;
    for (int axis = 0; axis < index.length; axis++) {
      place = place * shape[axis] + index[axis];
    }
    return values[place];
  }

  Fact withoutValues() {
    return values == null ? this : new Fact(shape, null);
  }

  /** The same values in another shape of as many. */
  Fact in(int[] other) {
    Fact seen = of(other);
    boolean same = values != null && seen.isKnown() && seen.elements() == values.length;
    return same ? new Fact(seen.shape, values) : seen;
  }

  /** What is known where it may be this or the other. */
  Fact or(Fact other) {
    if (shape == null || other.shape == null || shape.length != other.shape.length) {
      return NOTHING;
    }
    int[] both = shape.clone();
    for (int axis = 0; axis < both.length; axis++) {
      both[axis] = both[axis] == other.shape[axis] ? both[axis] : UNKNOWN;
    }
    return new Fact(both, null);
  }

  boolean hasShape(int[] other) {
    return Arrays.equals(shape, other);
  }

  /** The shape as users read it. */
  String text() {
    return text(shape);
  }

  static String text(int... shape) {
    return shape == null
        ? "[...]"
        : Arrays.stream(shape)
            .mapToObj(size -> size < 0 ? "?" : Integer.toString(size))
            .collect(Collectors.joining(", ", "[", "]"));
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Fact that
        && Arrays.equals(shape, that.shape)
        && Arrays.equals(values, that.values);
  }

  @Override
  public int hashCode() {
    return 31 * Arrays.hashCode(shape) + Arrays.hashCode(values);
  }

  @Override
  public String toString() {
    return text() + (values == null ? "" : Arrays.toString(values));
  }
}
