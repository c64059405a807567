package io.narrow.tflite.shape;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeSet;
import java.util.stream.IntStream;

/** Rules for operators that compute with windows, rows or along axes. */
final class Windows {
  static final Map<String, Rule> TABLE = table();

  private static final int IMAGE = 4;

  private Windows() {}

  private static Map<String, Rule> table() {
    Map<String, Rule> table = new HashMap<>();
    table.put("CONV_2D", Rule.one(Windows::convolution));
    table.put("DEPTHWISE_CONV_2D", Rule.one(Windows::depthwise));
    for (String pooling : List.of("AVERAGE_POOL_2D", "MAX_POOL_2D", "L2_POOL_2D")) {
      table.put(pooling, Rule.one(Windows::pool));
    }
    table.put("TRANSPOSE_CONV", Rule.one(node -> Moves.ofSizes(node, 0)));
    table.put("CONV_3D_TRANSPOSE", Rule.one(node -> Moves.ofSizes(node, 0)));
    table.put("CONV_3D", Rule.one(Windows::convolution3d));
    table.put("FULLY_CONNECTED", Rule.one(Windows::fullyConnected));
    table.put("BATCH_MATMUL", Rule.one(Windows::batchMatmul));
    table.put("EMBEDDING_LOOKUP", Rule.one(Windows::embedding));
    table.put("RESIZE_BILINEAR", Rule.one(Windows::resize));
    table.put("RESIZE_NEAREST_NEIGHBOR", Rule.one(Windows::resize));
    for (String pad : List.of("PAD", "PADV2", "MIRROR_PAD")) {
      table.put(pad, Rule.one(Windows::pad));
    }
    table.put("SPACE_TO_DEPTH", Rule.one(node -> blocks(node, true)));
    table.put("DEPTH_TO_SPACE", Rule.one(node -> blocks(node, false)));
    table.put("SPACE_TO_BATCH_ND", Rule.one(node -> batches(node, true)));
    table.put("BATCH_TO_SPACE_ND", Rule.one(node -> batches(node, false)));
    for (String reduction : List.of("MEAN", "REDUCE_ANY", "REDUCE_ALL")) {
      table.put(reduction, Rule.one(node -> reduced(node).withoutValues()));
    }
    for (String reduction : List.of("SUM", "REDUCE_PROD", "REDUCE_MAX", "REDUCE_MIN")) {
      table.put(reduction, Rule.one(Windows::reduced));
    }
    table.put("ARG_MAX", Rule.one(Windows::best));
    table.put("ARG_MIN", Rule.one(Windows::best));
    table.put("TOPK_V2", Windows::largest);
    table.put("UNIDIRECTIONAL_SEQUENCE_LSTM", Rule.one(node -> sequence(node, 8, 1)));
    table.put("UNIDIRECTIONAL_SEQUENCE_RNN", Rule.one(node -> sequence(node, 2, 0)));
    table.put("BIDIRECTIONAL_SEQUENCE_LSTM", Windows::bothWays);
    table.put("SVDF", Rule.one(Windows::svdf));
    return Map.copyOf(table);
  }

  /** What a window slides over: sizes of places, or UNKNOWN. */
  private static int slid(Node node, int size, int window, int stride, int dilation) {
    if (size < 0 || window < 0 || stride <= 0) {
      return Fact.UNKNOWN;
    }
    int reach = (window - 1) * Math.max(1, dilation) + 1;
    int count =
        node.option("padding") == 0
            ? -Math.floorDiv(-size, stride)
            : (size - reach + stride) / stride;
    if (count <= 0) {
      throw new Mismatch(
          "a window of " + reach + " over an axis of size " + size + " of " + node.in(0).text());
    }
    return count;
  }

  private static boolean image(Node node) {
    if (node.isRanked(0) && node.in(0).rank() != IMAGE) {
      throw new Mismatch("a shape of " + node.in(0).text() + " where it takes four axes");
    }
    return node.isRanked(0);
  }

  private static Fact convolution(Node node) {
    Fact filter = node.in(1);
    if (!image(node) || !filter.isRanked() || filter.rank() != IMAGE) {
      return Fact.NOTHING;
    }
    int channels = node.in(0).size(3);
    if (channels >= 0 && filter.size(3) > 0 && channels % filter.size(3) != 0) {
      throw channels(node, filter.size(3));
    }
    return slid(node, filter.size(0));
  }

  private static Mismatch channels(Node node, int channels) {
    return new Mismatch(
        "a shape of " + node.in(0).text() + " where its weights are for " + channels + " channels");
  }

  private static Fact depthwise(Node node) {
    Fact filter = node.in(1);
    if (!image(node) || !filter.isRanked() || filter.rank() != IMAGE) {
      return Fact.NOTHING;
    }
    int channels = node.in(0).size(3);
    if (channels > 0 && filter.size(3) >= 0 && filter.size(3) % channels != 0) {
      throw channels(node, filter.size(3));
    }
    return slid(node, filter.size(3));
  }

  private static Fact slid(Node node, int channels) {
    Fact from = node.in(0);
    Fact filter = node.in(1);
    return Fact.of(
        from.size(0),
        slid(
            node,
            from.size(1),
            filter.size(1),
            node.option("stride_h"),
            node.option("dilation_h_factor")),
        slid(
            node,
            from.size(2),
            filter.size(2),
            node.option("stride_w"),
            node.option("dilation_w_factor")),
        channels);
  }

  private static Fact pool(Node node) {
    if (!image(node)) {
      return Fact.NOTHING;
    }
    Fact from = node.in(0);
    return Fact.of(
        from.size(0),
        slid(node, from.size(1), node.option("filter_height"), node.option("stride_h"), 1),
        slid(node, from.size(2), node.option("filter_width"), node.option("stride_w"), 1),
        from.size(3));
  }

  private static Fact convolution3d(Node node) {
    Fact from = node.in(0);
    Fact filter = node.in(1);
    if (!from.isRanked() || !filter.isRanked() || from.rank() != 5 || filter.rank() != 5) {
      return Fact.NOTHING;
    }
    int[] shape = from.shape().clone();
    List<String> axes = List.of("d", "h", "w");
    for (int i = 0; i < axes.size(); i++) {
      shape[i + 1] =
          slid(
              node,
              from.size(i + 1),
              filter.size(i),
              node.option("stride_" + axes.get(i)),
              node.option("dilation_" + axes.get(i) + "_factor"));
    }
    shape[4] = filter.size(4);
    return Fact.of(shape);
  }

  private static Fact fullyConnected(Node node) {
    Fact from = node.in(0);
    Fact weights = node.in(1);
    if (!from.isRanked() || !weights.isRanked() || weights.rank() != 2) {
      return Fact.NOTHING;
    }
    int depth = weights.size(1);
    int units = weights.size(0);
    if (node.isSet("keep_num_dims") && from.rank() > 0) {
      if (from.size(-1) >= 0 && depth >= 0 && from.size(-1) != depth) {
        throw rows(node, depth);
      }
      int[] shape = from.shape().clone();
      shape[shape.length - 1] = units;
      return Fact.of(shape);
    }
    long elements = from.elements();
    if (elements >= 0 && depth > 0 && elements % depth != 0) {
      throw rows(node, depth);
    }
    boolean rows = from.rank() == 2 && from.size(1) == depth;
    int count = elements >= 0 && depth > 0 ? Math.toIntExact(elements / depth) : Fact.UNKNOWN;
    return Fact.of(count < 0 && rows ? from.size(0) : count, units);
  }

  private static Mismatch rows(Node node, int depth) {
    return new Mismatch(
        "a shape of " + node.in(0).text() + " where its weights are for rows of " + depth);
  }

  private static Fact batchMatmul(Node node) {
    Fact a = node.in(0);
    Fact b = node.in(1);
    if (!a.isRanked() || !b.isRanked() || a.rank() < 2 || b.rank() < 2) {
      return Fact.NOTHING;
    }
    int inner = a.size(node.isSet("adj_x") ? -2 : -1);
    int other = b.size(node.isSet("adj_y") ? -1 : -2);
    if (inner >= 0 && other >= 0 && inner != other) {
      throw new Mismatch("operands of shapes " + a.text() + " and " + b.text());
    }
    int[] outer =
        Elementwise.broadcast(
            Fact.of(Arrays.copyOf(a.shape(), a.rank() - 2)),
            Fact.of(Arrays.copyOf(b.shape(), b.rank() - 2)));
    int[] shape = Arrays.copyOf(outer, outer.length + 2);
    shape[outer.length] = a.size(node.isSet("adj_x") ? -1 : -2);
    shape[outer.length + 1] = b.size(node.isSet("adj_y") ? -2 : -1);
    return Fact.of(shape);
  }

  private static Fact embedding(Node node) {
    Fact rows = node.in(0);
    Fact weights = node.in(1);
    return rows.isRanked() && weights.isRanked() && weights.rank() > 0
        ? Fact.of(
            IntStream.concat(
                    IntStream.of(rows.shape()),
                    IntStream.range(1, weights.rank()).map(weights::size))
                .toArray())
        : Fact.NOTHING;
  }

  private static Fact resize(Node node) {
    Optional<int[]> size = node.sizes(1).filter(sizes -> sizes.length == 2);
    return !image(node)
        ? Fact.NOTHING
        : size.map(to -> Fact.of(node.in(0).size(0), to[0], to[1], node.in(0).size(3)))
            .orElse(Fact.NOTHING);
  }

  private static Fact pad(Node node) {
    Fact from = node.in(0);
    Fact padding = node.in(1);
    if (!from.isRanked() || !padding.isConstant()) {
      return from.isRanked() ? Fact.ofRank(from.rank()) : Fact.NOTHING;
    }
    if (padding.rank() != 2 || padding.size(0) != from.rank() || padding.size(1) != 2) {
      throw new Mismatch("a padding " + padding.text() + " for " + from.text());
    }
    return Fact.of(
        IntStream.range(0, from.rank())
            .map(
                axis ->
                    from.size(axis) < 0
                        ? Fact.UNKNOWN
                        : from.size(axis) + (int) (padding.at(axis, 0) + padding.at(axis, 1)))
            .toArray());
  }

  private static Fact blocks(Node node, boolean deeper) {
    Fact from = node.in(0);
    int block = node.option("block_size");
    if (!image(node) || block <= 0) {
      return Fact.NOTHING;
    }
    return deeper
        ? Fact.of(
            from.size(0),
            divided(node, from.size(1), block),
            divided(node, from.size(2), block),
            times(from.size(3), block * block))
        : Fact.of(
            from.size(0),
            times(from.size(1), block),
            times(from.size(2), block),
            divided(node, from.size(3), block * block));
  }

  private static int times(int size, int factor) {
    return size < 0 ? Fact.UNKNOWN : Math.multiplyExact(size, factor);
  }

  private static int divided(Node node, int size, int divisor) {
    if (size < 0 || divisor <= 0) {
      return Fact.UNKNOWN;
    }
    if (size % divisor != 0) {
      throw new Mismatch(
          "a shape of " + node.in(0).text() + " does not come apart into blocks of " + divisor);
    }
    return size / divisor;
  }

  private static Fact batches(Node node, boolean more) {
    Fact from = node.in(0);
    Optional<int[]> block = node.integers(1);
    Optional<int[]> edges = node.integers(2);
    if (!from.isRanked()
        || block.isEmpty()
        || edges.isEmpty()
        || block.get().length >= from.rank()
        || edges.get().length != 2 * block.get().length) {
      return from.isRanked() ? Fact.ofRank(from.rank()) : Fact.NOTHING;
    }
    int[] shape = from.shape().clone();
    int all = 1;
    for (int i = 0; i < block.get().length; i++) {
      int size = block.get()[i];
      int edge = edges.get()[2 * i] + edges.get()[2 * i + 1];
      all *= size;
      shape[i + 1] =
          shape[i + 1] < 0
              ? Fact.UNKNOWN
              : more ? divided(node, shape[i + 1] + edge, size) : shape[i + 1] * size - edge;
    }
    shape[0] = more ? times(shape[0], all) : divided(node, shape[0], all);
    return Fact.of(shape);
  }

  private static Fact reduced(Node node) {
    Fact from = node.in(0);
    Optional<int[]> axes = node.integers(1);
    boolean kept = node.isSet("keep_dims");
    if (!from.isRanked() || axes.isEmpty()) {
      return from.isRanked() && kept ? Fact.ofRank(from.rank()) : Fact.NOTHING;
    }
    TreeSet<Integer> gone = new TreeSet<>();
    Arrays.stream(axes.get()).forEach(axis -> gone.add(from.axis(axis)));
    int[] shape =
        IntStream.range(0, from.rank())
            .filter(axis -> kept || !gone.contains(axis))
            .map(axis -> gone.contains(axis) ? 1 : from.size(axis))
            .toArray();
    Optional<Reduction> reduction = Reduction.of(node.operator().name());
    return from.values() == null || reduction.isEmpty() || gone.size() != from.rank()
        ? Fact.of(shape)
        : Fact.filled(shape, index -> reduction.get().of(node.type(), from.values()));
  }

  private static Fact best(Node node) {
    Optional<Integer> axis = node.integer(1);
    return node.isRanked(0) && axis.isPresent()
        ? Fact.of(Moves.without(node.in(0).shape(), node.in(0).axis(axis.get())))
        : Fact.NOTHING;
  }

  private static List<Fact> largest(Node node) {
    if (!node.isRanked(0) || node.in(0).rank() == 0) {
      return List.of(Fact.NOTHING, Fact.NOTHING);
    }
    int[] shape = node.in(0).shape().clone();
    shape[shape.length - 1] = node.integer(1).orElse(Fact.UNKNOWN);
    return List.of(Fact.of(shape), Fact.of(shape));
  }

  /** What a cell gives for each step of a sequence. */
  private static Fact sequence(Node node, int weights, int axis) {
    return node.isRanked(0) && node.in(0).rank() == 3
        ? units(node, weights, axis).stream()
            .mapToObj(units -> Fact.of(node.in(0).size(0), node.in(0).size(1), units))
            .findFirst()
            .orElse(Fact.NOTHING)
        : Fact.NOTHING;
  }

  private static OptionalInt units(Node node, int weights, int axis) {
    Fact matrix = node.in(weights);
    return matrix.isRanked() && matrix.rank() == 2
        ? OptionalInt.of(matrix.size(axis))
        : OptionalInt.empty();
  }

  private static List<Fact> bothWays(Node node) {
    Fact there = sequence(node, 8, 1);
    Fact back = sequence(node, 25, 1);
    if (!there.isRanked() || !back.isRanked()) {
      return List.of(Fact.NOTHING, Fact.NOTHING);
    }
    return node.isSet("merge_outputs")
        ? List.of(Fact.of(there.size(0), there.size(1), Math.addExact(there.size(2), back.size(2))))
        : List.of(there, back);
  }

  private static Fact svdf(Node node) {
    int rank = node.option("rank");
    Fact filters = node.in(1);
    return node.isRanked(0) && node.in(0).rank() == 2 && filters.isRanked() && rank > 0
        ? Fact.of(node.in(0).size(0), filters.size(0) < 0 ? Fact.UNKNOWN : filters.size(0) / rank)
        : Fact.NOTHING;
  }
}
