package io.narrow.tflite.shape;

import io.narrow.tflite.model.Operator;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/** Rules for operators that put values elsewhere, or say how many there are. */
final class Moves {
  static final Map<String, Rule> TABLE = table();

  private Moves() {}

  private static Map<String, Rule> table() {
    Map<String, Rule> table = new HashMap<>();
    table.put("SHAPE", Rule.one(Moves::shape));
    table.put(
        "RANK",
        Rule.one(node -> node.isRanked(0) ? Fact.scalar(node.in(0).rank()) : Fact.of(new int[0])));
    table.put("RESHAPE", Rule.one(Moves::reshape));
    table.put("SQUEEZE", Rule.one(Moves::squeeze));
    table.put("EXPAND_DIMS", Rule.one(Moves::expandDims));
    table.put("TRANSPOSE", Rule.one(Moves::transpose));
    table.put("GATHER", Rule.one(Moves::gather));
    table.put("GATHER_ND", Rule.one(Moves::gatherNd));
    table.put("TILE", Rule.one(Moves::tile));
    table.put("FILL", Rule.one(node -> filled(node, 0, node.in(1))));
    table.put("BROADCAST_TO", Rule.one(Moves::broadcastTo));
    table.put("BROADCAST_ARGS", Rule.one(Moves::broadcastArgs));
    table.put("RANGE", Rule.one(Moves::range));
    table.put("ONE_HOT", Rule.one(Moves::oneHot));
    table.put("SCATTER_ND", Rule.one(node -> ofSizes(node, 2)));
    table.put("SPARSE_TO_DENSE", Rule.one(node -> ofSizes(node, 1)));
    return Map.copyOf(table);
  }

  /** A result whose shape an operand says. */
  static Fact ofSizes(Node node, int place) {
    return node.sizes(place).map(Fact::of).orElse(Fact.NOTHING);
  }

  private static Fact shape(Node node) {
    if (!node.isRanked(0)) {
      return Fact.ofRank(1);
    }
    double[] sizes =
        Arrays.stream(node.in(0).shape())
            .mapToDouble(size -> size < 0 ? Double.NaN : size)
            .toArray();
    return Fact.vector(sizes);
  }

  private static Fact reshape(Node node) {
    Fact from = node.in(0);
    Optional<int[]> wanted =
        node.has(1) ? node.sizes(1) : Optional.of(node.operator().listOption("new_shape"));
    if (wanted.isEmpty()) {
      return Fact.NOTHING;
    }
    int[] shape = wanted.get().clone();
    if (!node.has(1) && Arrays.equals(shape, new int[1])) {
      shape = new int[0]; // how old files say that it is a scalar
    }
    boolean stated = !node.has(1) || node.in(1).isConstant(); // so that -1 is the rest, not unknown
    int[] open = openSizes(shape);
    if (open.length > 1) {
      if (stated) {
        throw new Mismatch("the shape " + Fact.text(shape) + " leaves more than one size open");
      }
      return Fact.of(shape);
    }
    long elements = from.elements();
    if (elements < 0) {
      return Fact.of(shape);
    }
    long others =
        Arrays.stream(shape).filter(size -> size >= 0).asLongStream().reduce(1, (a, b) -> a * b);
    if (open.length == 1 && others > 0 && elements % others == 0) {
      shape[open[0]] = Math.toIntExact(elements / others);
      others *= shape[open[0]];
    }
    if (others != elements) {
      throw new Mismatch("a shape of " + from.text() + " does not become " + Fact.text(shape));
    }
    return from.in(shape);
  }

  static int[] openSizes(int[] shape) {
    return IntStream.range(0, shape.length).filter(axis -> shape[axis] < 0).toArray();
  }

  private static Fact squeeze(Node node) {
    Fact from = node.in(0);
    int[] axes = node.operator().listOption("squeeze_dims");
    if (!from.isRanked() || axes.length == 0 && !from.isKnown()) {
      return Fact.NOTHING;
    }
    boolean[] dropped = new boolean[from.rank()];
    for (int axis : axes) {
      dropped[from.axis(axis)] = true;
      if (from.size(axis) > 1) {
        throw new Mismatch("axis " + axis + " of " + from.text() + " is not of size 1");
      }
    }
    return from.in(
        IntStream.range(0, from.rank())
            .filter(axis -> !dropped[axis] && (axes.length > 0 || from.size(axis) != 1))
            .map(from::size)
            .toArray());
  }

  private static Fact expandDims(Node node) {
    Optional<Integer> axis = node.integer(1);
    if (!node.isRanked(0) || axis.isEmpty()) {
      return Fact.NOTHING;
    }
    return node.in(0).in(inserted(node.in(0).shape(), axis.get(), 1));
  }

  /** A shape with one more axis. */
  static int[] inserted(int[] shape, int axis, int size) {
    List<Integer> sizes = new ArrayList<>();
    Arrays.stream(shape).forEach(sizes::add);
    int place = axis < 0 ? axis + shape.length + 1 : axis;
    if (place < 0 || place > shape.length) {
      throw new Mismatch("no axis " + axis + " in " + Fact.text(shape));
    }
    sizes.add(place, size);
    return sizes.stream().mapToInt(Integer::intValue).toArray();
  }

  /** A shape or an index without one axis. */
  static int[] without(int[] shape, int axis) {
    return IntStream.range(0, shape.length).filter(i -> i != axis).map(i -> shape[i]).toArray();
  }

  private static Fact transpose(Node node) {
    Fact from = node.in(0);
    Optional<int[]> order = node.integers(1);
    if (!from.isRanked() || order.isEmpty()) {
      return from.isRanked() ? Fact.ofRank(from.rank()) : Fact.NOTHING;
    }
    int[] axes = Arrays.stream(order.get()).map(from::axis).toArray();
    if (axes.length != from.rank() || Arrays.stream(axes).distinct().count() != axes.length) {
      throw new Mismatch(
          Arrays.toString(order.get()) + " is no order of the axes of " + from.text());
    }
    return Fact.filled(
        Arrays.stream(axes).map(from::size).toArray(),
        index -> {
          int[] source = new int[index.length];
          for (int axis = 0; axis < axes.length; axis++) {
            source[axes[axis]] = index[axis];
          }
          return from.at(source);
        });
  }

  private static Fact gather(Node node) {
    Fact from = node.in(0);
    Fact indices = node.in(1);
    if (!from.isRanked() || !indices.isRanked()) {
      return Fact.NOTHING;
    }
    int axis = from.axis(node.option("axis"));
    int batches = node.option("batch_dims");
    batches = batches < 0 ? batches + indices.rank() : batches;
    if (batches < 0 || batches > indices.rank() || batches > axis) {
      throw new Mismatch(batches + " axes of batches, with indices " + indices.text());
    }
    int first = batches;
    int[] result =
        IntStream.concat(
                IntStream.concat(
                    IntStream.range(0, axis).map(from::size),
                    IntStream.range(first, indices.rank()).map(indices::size)),
                IntStream.range(axis + 1, from.rank()).map(from::size))
            .toArray();
    int inner = indices.rank() - first;
    if (first > 0 || from.values() == null || indices.values() == null) {
      return Fact.of(result);
    }
    return Fact.filled(
        result,
        index -> {
          double picked = indices.at(Arrays.copyOfRange(index, axis, axis + inner));
          if (Double.isNaN(picked) || picked < 0 || picked >= from.size(axis)) {
            return Double.NaN;
          }
          int[] source = new int[from.rank()];
          System.arraycopy(index, 0, source, 0, axis);
          source[axis] = (int) picked;
          System.arraycopy(index, axis + inner, source, axis + 1, from.rank() - axis - 1);
          return from.at(source);
        });
  }

  private static Fact gatherNd(Node node) {
    Fact from = node.in(0);
    Fact indices = node.in(1);
    int depth = indices.isRanked() && indices.rank() > 0 ? indices.size(-1) : Fact.UNKNOWN;
    if (!from.isRanked() || depth < 0 || depth > from.rank()) {
      return Fact.NOTHING;
    }
    return Fact.of(
        IntStream.concat(
                IntStream.range(0, indices.rank() - 1).map(indices::size),
                IntStream.range(depth, from.rank()).map(from::size))
            .toArray());
  }

  private static Fact tile(Node node) {
    Fact from = node.in(0);
    Optional<int[]> times = node.sizes(1);
    if (!from.isRanked() || times.isEmpty() || times.get().length != from.rank()) {
      return from.isRanked() ? Fact.ofRank(from.rank()) : Fact.NOTHING;
    }
    int[] shape = new int[from.rank()];
    for (int axis = 0; axis < shape.length; axis++) {
      int count = times.get()[axis];
      boolean known = count >= 0 && from.size(axis) >= 0;
      shape[axis] = known ? Math.multiplyExact(from.size(axis), count) : Fact.UNKNOWN;
    }
    return Fact.filled(
        shape,
        index ->
            from.at(
                IntStream.range(0, index.length)
                    .map(axis -> index[axis] % from.size(axis))
                    .toArray()));
  }

  /** A result of the shape that an operand says, with one value throughout. */
  private static Fact filled(Node node, int place, Fact value) {
    Fact result = ofSizes(node, place);
    boolean follows = result.isKnown() && value.values() != null && value.values().length == 1;
    return follows ? Fact.filled(result.shape(), index -> value.values()[0]) : result;
  }

  private static Fact broadcastTo(Node node) {
    Fact from = node.in(0);
    Fact result = ofSizes(node, 1);
    if (!from.isRanked() || !result.isRanked()) {
      return result;
    }
    int[] shape = Elementwise.broadcast(from, result);
    if (result.isKnown() && !result.hasShape(shape)) {
      throw new Mismatch("a shape of " + from.text() + " does not become " + result.text());
    }
    return Fact.filled(result.shape(), index -> from.at(Elementwise.within(from, index)));
  }

  private static Fact broadcastArgs(Node node) {
    Optional<int[]> a = node.sizes(0);
    Optional<int[]> b = node.sizes(1);
    if (a.isEmpty() || b.isEmpty()) {
      return Fact.ofRank(1);
    }
    int[] shape = Elementwise.broadcast(Fact.of(a.get()), Fact.of(b.get()));
    return Fact.vector(
        Arrays.stream(shape).mapToDouble(size -> size < 0 ? Double.NaN : size).toArray());
  }

  private static Fact range(Node node) {
    Optional<Integer> start = node.integer(0);
    Optional<Integer> limit = node.integer(1);
    Optional<Integer> step = node.integer(2);
    boolean integers = node.type().largest() > 0; // steps of floats add up with errors
    if (start.isEmpty() || limit.isEmpty() || step.isEmpty() || !integers) {
      return Fact.ofRank(1);
    }
    long way = (long) limit.get() - start.get();
    if (step.get() == 0 || way != 0 && way > 0 != step.get() > 0) {
      throw new Mismatch(
          "a range from " + start.get() + " to " + limit.get() + " in steps of " + step.get());
    }
    long size = Math.abs((long) step.get());
    int count = Math.toIntExact((Math.abs(way) + size - 1) / size);
    return Fact.filled(new int[] {count}, index -> start.get() + (double) step.get() * index[0]);
  }

  private static Fact oneHot(Node node) {
    Operator operator = node.operator();
    if (!node.isRanked(0)) {
      return Fact.NOTHING;
    }
    int depth = node.integer(1).orElse(Fact.UNKNOWN);
    return Fact.of(inserted(node.in(0).shape(), (int) operator.option("axis"), depth));
  }
}
