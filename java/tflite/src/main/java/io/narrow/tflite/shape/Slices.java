package io.narrow.tflite.shape;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/** Rules for SLICE and STRIDED_SLICE. */
final class Slices {
  static final Map<String, Rule> TABLE =
      Map.of("SLICE", Rule.one(Slices::slice), "STRIDED_SLICE", Rule.one(Slices::stridedSlice));

  private Slices() {}

  private static Fact slice(Node node) {
    Fact from = node.in(0);
    Optional<int[]> begins = node.sizes(1);
    Optional<int[]> sizes = node.sizes(2);
    if (!from.isRanked() || begins.isEmpty() || sizes.isEmpty()) {
      return from.isRanked() ? Fact.ofRank(from.rank()) : Fact.NOTHING;
    }
    if (begins.get().length != from.rank() || sizes.get().length != from.rank()) {
      throw new Mismatch("a slice of other axes than " + from.text() + " has");
    }
    boolean stated = node.in(2).isConstant(); // so that -1 is the rest, not unknown
    int[] shape = sizes.get().clone();
    for (int axis = 0; axis < shape.length; axis++) {
      int begin = begins.get()[axis];
      boolean rest = shape[axis] < 0 && stated && from.size(axis) >= 0 && begin >= 0;
      shape[axis] = rest ? from.size(axis) - begin : shape[axis];
      if (begin >= 0
          && from.size(axis) >= 0
          && (shape[axis] > from.size(axis) - begin || rest && shape[axis] < 0)) {
        throw new Mismatch("a slice beyond the end of axis " + axis + " of " + from.text());
      }
    }
    return !node.in(1).isConstant()
        ? Fact.of(shape)
        : Fact.filled(
            shape,
            index ->
                from.at(
                    IntStream.range(0, index.length)
                        .map(axis -> index[axis] + begins.get()[axis])
                        .toArray()));
  }

  /** What is taken of an axis: so many from the first on, in steps; dropped if it is only one. */
  private record Taken(int first, int step, int count, boolean dropped) {
    static Taken whole(int size) {
      return new Taken(0, 1, size, false);
    }
  }

  private static Fact stridedSlice(Node node) {
    Fact from = node.in(0);
    Fact counted = node.in(1);
    if (!from.isRanked() || !counted.isRanked() || counted.rank() != 1 || counted.size(0) < 0) {
      return Fact.NOTHING;
    }
    int count = Node.axes(counted.size(0));
    List<Taken> taken = new ArrayList<>(); // of each axis of the operand
    List<Integer> axes = new ArrayList<>(); // of the result: those of the operand, or -1 for new
    int specified = 0;
    for (int i = 0; i < count; i++) {
      specified += isSet(node, "new_axis_mask", i) || isSet(node, "ellipsis_mask", i) ? 0 : 1;
    }
    for (int i = 0; i < count; i++) {
      if (isSet(node, "ellipsis_mask", i)) {
        for (int rest = from.rank() - specified; rest > 0; rest--) {
          axes.add(taken.size());
          taken.add(Taken.whole(from.size(taken.size())));
        }
      } else if (isSet(node, "new_axis_mask", i)) {
        axes.add(-1);
      } else {
        Taken one = taken(node, i, from.size(taken.size()));
        if (!one.dropped()) {
          axes.add(taken.size());
        }
        taken.add(one);
      }
    }
    while (taken.size() < from.rank()) {
      axes.add(taken.size());
      taken.add(Taken.whole(from.size(taken.size())));
    }
    int[] shape = axes.stream().mapToInt(axis -> axis < 0 ? 1 : taken.get(axis).count()).toArray();
    return constant(node)
        ? Fact.filled(shape, index -> value(from, taken, axes, index))
        : Fact.of(shape);
  }

  private static boolean constant(Node node) {
    return IntStream.rangeClosed(1, 3).allMatch(place -> node.in(place).isConstant());
  }

  private static double value(Fact from, List<Taken> taken, List<Integer> axes, int[] index) {
    int[] source = taken.stream().mapToInt(Taken::first).toArray();
    for (int i = 0; i < index.length; i++) {
      int axis = axes.get(i);
      if (axis >= 0) {
        source[axis] += index[i] * taken.get(axis).step();
      }
    }
    return from.at(source);
  }

  private static Taken taken(Node node, int i, int size) {
    double begin = number(node, 1, i);
    double step = number(node, 3, i);
    double end = node.isSet("offset") ? begin + number(node, 2, i) : number(node, 2, i);
    if (step == 0) {
      throw new Mismatch("a slice in steps of 0");
    }
    if (isSet(node, "shrink_axis_mask", i)) {
      double place = begin < 0 ? begin + size : begin;
      if (size >= 0 && (place < 0 || place >= size)) {
        throw new Mismatch("index " + (int) begin + " of an axis of size " + size);
      }
      return new Taken((int) place, 1, 1, true);
    }
    boolean fromStart = isSet(node, "begin_mask", i);
    boolean toEnd = isSet(node, "end_mask", i);
    if (fromStart && toEnd && Math.abs(step) == 1) {
      return new Taken(step > 0 ? 0 : size - 1, (int) step, size, false);
    }
    double low = step > 0 ? 0 : -1; // where clamped bounds lie
    double high = step > 0 ? size : size - 1.0;
    double first = fromStart ? step > 0 ? low : high : clamped(begin, size, low, high);
    double last = toEnd ? step > 0 ? high : low : clamped(end, size, low, high);
    double length = Math.max(0, Math.ceil((last - first) / step));
    return size < 0 || Double.isNaN(length)
        ? new Taken(0, 1, Fact.UNKNOWN, false)
        : new Taken((int) first, (int) step, (int) length, false);
  }

  private static double clamped(double place, int size, double low, double high) {
    return Math.min(high, Math.max(low, place < 0 ? place + size : place));
  }

  private static double number(Node node, int place, int i) {
    double[] values = node.in(place).values();
    return values == null || i >= values.length ? Double.NaN : values[i];
  }

  private static boolean isSet(Node node, String mask, int bit) {
    return bit < Integer.SIZE && (node.option(mask) >> bit & 1) != 0;
  }
}
