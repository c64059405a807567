package io.narrow.tflite.plan;

import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.plan.KnownEncodings.Known;
import io.narrow.tflite.plan.Reason.Code;
import io.narrow.tflite.plan.TensorPlan.Use;
import java.util.List;
import java.util.Optional;

/** Decides what one float32 constant is stored as. */
final class ConstantPlanner {
  private static final float LARGEST_FLOAT16 = 65504;

  /** About what a tensor adds to a file beside its name and contents. */
  private static final long TENSOR_BYTES = 100;

  private static final String BEYOND_RANGE = "beyond the range of float16: ";

  private final Graph graph;
  private final int number;
  private final Tensor tensor;
  private final ConstantConsumers readers;
  private final IntegerPlanner integer;
  private TensorPlan made;

  ConstantPlanner(Graph graph, int number, ConstantConsumers readers, IntegerPlanner integer) {
    this.graph = graph;
    this.number = number;
    this.tensor = graph.tensor(number);
    this.readers = readers;
    this.integer = integer;
  }

  long elements() {
    return tensor.elements();
  }

  TensorPlan made() {
    return made;
  }

  void make() {
    made = integer.constant(number).orElseGet(this::smaller);
  }

  private TensorPlan smaller() {
    Reason objection = readers.objection(number, tensor);
    if (!objection.isEmpty()) {
      return stays(objection);
    }
    OperatorConfiguration configuration = readers.configuration(number);
    return configuration.mode() == Mode.FLOAT16
        ? float16(configuration.saturate())
        : integer(readers.able(number), configuration);
  }

  private TensorPlan stays(Reason reason) {
    return TensorPlan.stays(graph.number(), number, tensor, reason);
  }

  private TensorPlan plan(Encoding encoding, Use use, List<Integer> by, Reason reason) {
    return new TensorPlan(
        graph.number(),
        number,
        tensor.name(),
        tensor.elements(),
        encoding,
        use,
        by,
        graph.known(number).flatMap(known -> known.codesIn(encoding)),
        reason);
  }

  /**
   * Weights and bias of an operator are stored alike: beside float16 weights with a float32 bias
   * the runtime (seen with 2.21) leaves XNNPACK and computes three times as long.
   */
  private TensorPlan float16(boolean saturate) {
    List<Integer> together = readers.together(number);
    long saved = 0;
    for (int each : together) {
      Tensor one = graph.tensor(each);
      saved += one.elements() * (Float.BYTES - Short.BYTES) - dequantizeBytes(one);
    }
    if (saved <= 0) {
      return stays(notSmaller(tensor.elements() * Short.BYTES, "float16"));
    }
    float largest = 0;
    for (int each : together) {
      Tensor one = graph.tensor(each);
      float magnitude = WeightScales.magnitudes(graph.contents(each), 1, one.elements())[0];
      if (magnitude > LARGEST_FLOAT16 && !saturate) {
        String reaches = " reaches " + magnitude + ", it stays float32";
        return stays(Reason.of(Code.BEYOND_FLOAT16, BEYOND_RANGE, one.name(), reaches));
      }
      largest = each == number ? magnitude : largest;
    }
    Reason reason =
        largest > LARGEST_FLOAT16
            ? Reason.of(
                Code.BEYOND_FLOAT16,
                BEYOND_RANGE + WeightScales.beyondFloat16(graph.contents(number)))
            : Reason.of(Code.QUANTIZED, "stored as float16");
    return plan(Encoding.FLOAT16, Use.DEQUANTIZED, List.of(), reason);
  }

  private TensorPlan integer(
      List<ConstantConsumers.Consumer> all, OperatorConfiguration configuration) {
    TensorType type = configuration.weightType();
    boolean rows = all.get(0).rule().copiesRows();
    boolean dequantized = configuration.mode() == Mode.WEIGHT_ONLY && !rows;
    int axis = axis(all, dequantized);
    List<ConstantConsumers.Consumer> by =
        all.stream().filter(r -> takes(r, axis, dequantized)).toList();
    String others = dequantized ? "" : readers.others(number, by);
    if (rows && !others.isEmpty()) {
      String only = others + " reads it as float32, so a quantized copy would only add to the file";
      return stays(Reason.of(Code.NEEDED_AS_FLOAT, only));
    }
    int block = configuration.block();
    long saved = tensor.elements() * Float.BYTES - storedBytes(type) - parameterBytes(axis, block);
    if (saved <= (dequantized || rows ? dequantizeBytes(tensor) : 0)) {
      return stays(notSmaller(saved, type.toString()));
    }
    long inner = block > 0 ? block : tensor.inner(axis);
    int channels =
        block > 0
            ? Math.toIntExact(tensor.elements() / block)
            : axis < 0 ? 1 : tensor.dimension(axis);
    float[] magnitudes = WeightScales.magnitudes(graph.contents(number), channels, inner);
    for (int c = 0; c < channels; c++) {
      if (!Float.isFinite(magnitudes[c])) {
        String where = axis < 0 ? "" : (block > 0 ? " in block " : " in channel ") + c;
        return stays(Reason.of(Code.NOT_FINITE, "holds NaN or infinity" + where));
      }
    }
    Optional<Known> known = graph.known(number).filter(k -> k.fits(type, axis, block));
    if (known.isEmpty() && configuration.scales() == WeightScaling.RECOVERED) {
      String parts = block > 0 ? "block of " + block : axis < 0 ? "tensor" : "channel";
      String grid = "its weights are no multiples of a step for each " + parts;
      return stays(Reason.of(Code.NO_GRID, grid + " with codes of " + type));
    }
    Encoding encoding =
        known.isPresent()
            ? known.get().per(axis, channels)
            : new Encoding(
                type,
                axis,
                WeightScales.of(graph.contents(number), inner, magnitudes, configuration),
                0,
                block);
    return plan(
        encoding,
        dequantized ? Use.DEQUANTIZED : rows ? Use.ROWS : Use.DIRECT,
        by.stream().map(ConstantConsumers.Consumer::operator).distinct().toList(),
        Reason.of(
            Code.QUANTIZED,
            type
                + (block > 0
                    ? ", a scale per block of " + block
                    : axis < 0 ? ", one scale" : ", a scale per channel of axis " + axis)
                + known.map(k -> ", " + k.reason()).orElse("")
                + (others.isEmpty() ? "" : "; " + others + " keeps a float32 copy")));
  }

  /** The axis that all readers agree on, or one scale for all if they do not and can take it. */
  private int axis(List<ConstantConsumers.Consumer> all, boolean dequantized) {
    int axis = all.get(0).axis(tensor);
    boolean agreed = all.stream().allMatch(r -> r.axis(tensor) == axis);
    boolean oneScale = all.stream().allMatch(r -> r.rule().oneScaleToo());
    return agreed || dequantized || !oneScale ? axis : -1;
  }

  private boolean takes(ConstantConsumers.Consumer reader, int axis, boolean dequantized) {
    return dequantized || reader.axis(tensor) == axis || axis < 0 && reader.rule().oneScaleToo();
  }

  private long storedBytes(TensorType type) {
    return type.bytes(tensor.elements());
  }

  /** A scale and a zero point per channel, or a tensor of scales, as the file format has them. */
  private long parameterBytes(int axis, int block) {
    return block > 0
        ? tensor.elements() / block * Short.BYTES + TENSOR_BYTES + tensor.name().length()
        : axis < 0 ? 0 : (long) tensor.dimension(axis) * (Float.BYTES + Long.BYTES);
  }

  /** About what a DEQUANTIZE operator and its second tensor add to a file. */
  private static long dequantizeBytes(Tensor tensor) {
    return TENSOR_BYTES + tensor.name().length();
  }

  private Reason notSmaller(long saved, String type) {
    return Reason.of(
        Code.TOO_SMALL,
        tensor.elements()
            + " elements: "
            + type
            + " would save "
            + Math.max(0, saved)
            + " bytes, its DEQUANTIZE operator costs about "
            + dequantizeBytes(tensor));
  }
}
