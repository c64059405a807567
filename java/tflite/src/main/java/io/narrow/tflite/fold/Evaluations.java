package io.narrow.tflite.fold;

import io.narrow.tflite.model.Buffer;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/** What operators give that have constant operands only. */
final class Evaluations {
  /** An operator on constants. */
  interface Evaluation {
    /**
     * @param operands the constants it reads
     * @param output what the model says of its result
     * @return empty where this cannot be said
     */
    Optional<Constant> of(
        Operator operator, List<Constant> operands, Tensor output, Contents contents);
  }

  private static final Map<String, Evaluation> TABLE =
      Map.of(
          "CAST", Evaluations::cast,
          "DENSIFY", (operator, in, output, contents) -> in.stream().findFirst(),
          "DEQUANTIZE", (operator, in, output, contents) -> Codes.dequantize(in.get(0), contents),
          "EXPAND_DIMS", Evaluations::expandDims,
          "FAKE_QUANT", (operator, in, output, contents) -> Codes.fakeQuantize(operator, in.get(0)),
          "QUANTIZE", (operator, in, output, contents) -> Codes.quantize(in.get(0), output),
          "RESHAPE", Evaluations::reshape,
          "SQUEEZE", Evaluations::squeeze,
          "TRANSPOSE", Evaluations::transpose);

  private Evaluations() {}

  /** How an operator is evaluated, empty for one that is not. */
  static Optional<Evaluation> of(String operator) {
    return Optional.ofNullable(TABLE.get(operator));
  }

  private static Optional<Constant> reshape(
      Operator operator, List<Constant> in, Tensor output, Contents contents) {
    Optional<int[]> wanted =
        in.size() > 1 ? integers(in.get(1)) : Optional.of(operator.listOption("new_shape"));
    if (wanted.isEmpty() || wanted.get().length == 0) {
      wanted = Optional.of(output.shape());
    }
    int[] shape = wanted.get().clone();
    long elements = in.get(0).tensor().elements();
    long others =
        Arrays.stream(shape).filter(size -> size >= 0).asLongStream().reduce(1, (a, b) -> a * b);
    for (int i = 0; i < shape.length; i++) {
      if (shape[i] < 0) {
        shape[i] = others == 0 ? 0 : Math.toIntExact(elements / others);
        others *= shape[i];
      }
    }
    return others == elements ? seen(in.get(0), shape, output) : Optional.empty();
  }

  private static Optional<Constant> squeeze(
      Operator operator, List<Constant> in, Tensor output, Contents contents) {
    int[] before = in.get(0).tensor().shape();
    boolean[] dropped = new boolean[before.length];
    for (int axis : operator.listOption("squeeze_dims")) {
      int place = axis < 0 ? axis + before.length : axis;
      if (place < 0 || place >= before.length || before[place] != 1) {
        return Optional.empty();
      }
      dropped[place] = true;
    }
    boolean all = operator.listOption("squeeze_dims").length == 0;
    int[] shape =
        IntStream.range(0, before.length)
            .filter(axis -> !(dropped[axis] || all && before[axis] == 1))
            .map(axis -> before[axis])
            .toArray();
    return seen(in.get(0), shape, output);
  }

  private static Optional<Constant> expandDims(
      Operator operator, List<Constant> in, Tensor output, Contents contents) {
    int[] axis = in.size() < 2 ? new int[0] : integers(in.get(1)).orElse(new int[0]);
    int rank = in.get(0).tensor().rank();
    int place = axis.length != 1 ? -1 : axis[0] < 0 ? axis[0] + rank + 1 : axis[0];
    if (place < 0 || place > rank) {
      return Optional.empty();
    }
    List<Integer> shape = new ArrayList<>();
    Arrays.stream(in.get(0).tensor().shape()).forEach(shape::add);
    shape.add(place, 1);
    return seen(in.get(0), shape.stream().mapToInt(Integer::intValue).toArray(), output);
  }

  /** The same contents in another shape. */
  private static Optional<Constant> seen(Constant constant, int[] shape, Tensor output) {
    // A scale per channel belongs to an axis, which may be another now.
    return output.type() == constant.tensor().type()
        ? Optional.of(
            new Constant(
                result(output, shape),
                constant.contents(),
                constant.known().filter(known -> known.encoding().axis() < 0)))
        : Optional.empty();
  }

  /** The output of an operator that moves values, which has the scales that the model says. */
  static Tensor result(Tensor output, int[] shape) {
    Tensor plain = output.holding(Tensor.of(output.name(), output.type(), shape));
    return output.scales().length == 0
        ? plain
        : plain.quantized(
            output.type(), output.scales(), output.zeroPoints(), output.quantizedDimension());
  }

  private static Optional<Constant> transpose(
      Operator operator, List<Constant> in, Tensor output, Contents contents) {
    Constant constant = in.get(0);
    Tensor before = constant.tensor();
    int[] order = in.size() < 2 ? new int[0] : integers(in.get(1)).orElse(new int[0]);
    boolean permutes =
        Arrays.equals(
            Arrays.stream(order)
                .map(axis -> axis < 0 ? axis + order.length : axis)
                .sorted()
                .toArray(),
            IntStream.range(0, before.rank()).toArray());
    if (!permutes
        || output.type() != before.type()
        || before.type().bits() % 8 != 0
        || before.type().bits() == 0) {
      return Optional.empty();
    }
    int[] from = Arrays.stream(order).map(axis -> axis < 0 ? axis + order.length : axis).toArray();
    int[] shape = Arrays.stream(from).map(before::dimension).toArray();
    long[] strides = Arrays.stream(from).mapToLong(before::inner).toArray();
    int width = before.type().bits() / 8;
    Buffer moved =
        contents.computed(
            constant.contents(),
            List.of("TRANSPOSE", before.shapeText(), Arrays.toString(from), width),
            () -> strided(constant.contents(), width, shape, strides));
    return Optional.of(
        new Constant(
            result(output, shape),
            moved,
            constant.known().flatMap(known -> Codes.transposed(known, from, before, shape))));
  }

  /** Elements in the order of other strides. */
  static Buffer strided(Buffer from, int width, int[] shape, long[] strides) {
    return Buffer.computed(
        from.size(),
        target -> {
          ByteBuffer source = from.bytes();
          int[] index = new int[shape.length];
          long at = 0;
          int elements = target.remaining() / width;
          for (int i = 0; i < elements; i++) {
            int place = source.position() + (int) at * width;
            for (int k = 0; k < width; k++) {
              target.put(source.get(place + k));
            }
            for (int axis = shape.length - 1; axis >= 0; axis--) {
              at += strides[axis];
              if (++index[axis] < shape[axis]) {
                break;
              }
              at -= strides[axis] * shape[axis];
              index[axis] = 0;
            }
          }
        });
  }

  private static Optional<Constant> cast(
      Operator operator, List<Constant> in, Tensor output, Contents contents) {
    Tensor before = in.get(0).tensor();
    Buffer from = in.get(0).contents();
    if (before.type() == output.type()) {
      return seen(in.get(0), before.shape(), output);
    }
    long elements = before.elements();
    long bytes = output.type().bytes(elements);
    if (bytes > Integer.MAX_VALUE || !Numbers.casts(before.type(), output.type())) {
      return Optional.empty();
    }
    Buffer to =
        contents.computed(
            from,
            List.of("CAST", before.type(), output.type()),
            () ->
                Buffer.computed(
                    (int) bytes,
                    target -> Numbers.cast(from.bytes(), before.type(), target, output.type())));
    return Optional.of(Constant.of(result(output, before.shape()), to));
  }

  /** The values of a constant shape, order or axis. */
  private static Optional<int[]> integers(Constant constant) {
    ByteBuffer bytes = constant.contents().bytes();
    if (constant.tensor().type() == TensorType.INT32) {
      int[] values = new int[bytes.remaining() / Integer.BYTES];
      bytes.asIntBuffer().get(values);
      return Optional.of(values);
    }
    return Optional.empty();
  }
}
