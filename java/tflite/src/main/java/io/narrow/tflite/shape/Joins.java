package io.narrow.tflite.shape;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/** Rules for operators that make one tensor of several, or several of one. */
final class Joins {
  static final Map<String, Rule> TABLE =
      Map.of(
          "PACK", Rule.one(Joins::pack),
          "UNPACK", Joins::unpack,
          "CONCATENATION", Rule.one(Joins::concatenate),
          "SPLIT", Joins::split,
          "SPLIT_V", Joins::splitV);

  private Joins() {}

  /** How many results an operator says that it has. */
  private static int results(Node node, String option) {
    int count = node.option(option);
    if (count != node.operator().outputs().length) {
      throw new Mismatch(count + " results, but writes " + node.operator().outputs().length);
    }
    return count;
  }

  private static Fact pack(Node node) {
    List<Fact> all = node.operands();
    Fact same = all.stream().reduce(Joins::merged).orElse(Fact.NOTHING);
    if (!same.isRanked()) {
      return Fact.NOTHING;
    }
    int[] shape = Moves.inserted(same.shape(), node.option("axis"), all.size());
    int axis = node.option("axis") < 0 ? node.option("axis") + shape.length : node.option("axis");
    return Fact.filled(shape, index -> all.get(index[axis]).at(Moves.without(index, axis)));
  }

  /** What is known of tensors that must have the same shape. */
  private static Fact merged(Fact a, Fact b) {
    if (!a.isRanked() || !b.isRanked()) {
      return a.isRanked() ? a.withoutValues() : b.withoutValues();
    }
    return Fact.of(merged(a, b, -1));
  }

  /** The shape of tensors that must have the same but along one axis. */
  private static int[] merged(Fact a, Fact b, int free) {
    int[] shape = a.shape().clone();
    for (int axis = 0; axis < shape.length; axis++) {
      int other = axis < b.rank() ? b.size(axis) : 0;
      if (axis != free && shape[axis] >= 0 && other >= 0 && shape[axis] != other
          || a.rank() != b.rank()) {
        throw new Mismatch("operands of shapes " + a.text() + " and " + b.text());
      }
      shape[axis] = shape[axis] < 0 ? other : shape[axis];
    }
    return shape;
  }

  private static List<Fact> unpack(Node node) {
    int count = results(node, "num");
    Fact from = node.in(0);
    if (!from.isRanked()) {
      return Collections.nCopies(count, Fact.NOTHING);
    }
    int axis = from.axis(node.option("axis"));
    if (from.size(axis) >= 0 && from.size(axis) != count) {
      throw new Mismatch(
          from.text() + " does not come apart into " + count + " along axis " + axis);
    }
    return IntStream.range(0, count)
        .mapToObj(
            number ->
                Fact.filled(
                    Moves.without(from.shape(), axis),
                    index -> from.at(Moves.inserted(index, axis, number))))
        .toList();
  }

  private static Fact concatenate(Node node) {
    List<Fact> all = node.operands();
    if (all.isEmpty() || !all.stream().allMatch(Fact::isRanked)) {
      return Fact.NOTHING;
    }
    int axis = all.get(0).axis(node.option("axis"));
    Fact joined = all.get(0);
    for (Fact each : all) {
      joined = Fact.of(merged(joined, each, axis));
    }
    int[] ends = new int[all.size()];
    int[] shape = joined.shape().clone();
    shape[axis] = 0;
    for (int i = 0; i < ends.length; i++) {
      int size = all.get(i).size(axis);
      shape[axis] = size < 0 || shape[axis] < 0 ? Fact.UNKNOWN : Math.addExact(shape[axis], size);
      ends[i] = shape[axis];
    }
    return Fact.filled(
        shape,
        index -> {
          int part = 0;
          while (ends[part] <= index[axis]) {
            part++;
          }
          int[] own = index.clone();
          own[axis] -= part == 0 ? 0 : ends[part - 1];
          return all.get(part).at(own);
        });
  }

  private static List<Fact> split(Node node) {
    int parts = results(node, "num_splits");
    Fact from = node.in(1);
    Optional<Integer> along = node.integer(0);
    if (!from.isRanked() || along.isEmpty()) {
      return Collections.nCopies(parts, Fact.NOTHING);
    }
    int axis = from.axis(along.get());
    int size = from.size(axis);
    if (size >= 0 && size % parts != 0) {
      throw new Mismatch(from.text() + " does not split into " + parts + " along axis " + axis);
    }
    int[] sizes = new int[parts];
    Arrays.fill(sizes, size < 0 ? Fact.UNKNOWN : size / parts);
    return parts(from, axis, sizes);
  }

  private static List<Fact> splitV(Node node) {
    int count = results(node, "num_splits");
    Fact from = node.in(0);
    Optional<int[]> wanted = node.integers(1);
    Optional<Integer> along = node.integer(2);
    if (!from.isRanked() || along.isEmpty() || wanted.isEmpty()) {
      return Collections.nCopies(count, Fact.NOTHING);
    }
    int axis = from.axis(along.get());
    int[] sizes = wanted.get().clone();
    int[] open = Moves.openSizes(sizes);
    int size = from.size(axis);
    int taken = Arrays.stream(sizes).filter(each -> each >= 0).sum();
    if (open.length == 1 && size >= taken) {
      sizes[open[0]] = size - taken;
    } else if (size >= 0 && (open.length > 0 || taken != size)) {
      throw new Mismatch(
          from.text() + " does not split into " + Fact.text(wanted.get()) + " along axis " + axis);
    }
    return parts(from, axis, sizes);
  }

  private static List<Fact> parts(Fact from, int axis, int[] sizes) {
    List<Fact> parts = new ArrayList<>();
    int begin = 0;
    for (int size : sizes) {
      int[] shape = from.shape().clone();
      shape[axis] = size;
      int start = begin;
      parts.add(
          Fact.filled(
              shape,
              index -> {
                int[] own = index.clone();
                own[axis] += start;
                return from.at(own);
              }));
      begin += Math.max(0, size);
    }
    return parts;
  }
}
