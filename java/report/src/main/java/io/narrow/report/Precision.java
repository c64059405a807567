package io.narrow.report;

import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.plan.OperatorPlan;
import java.util.HashSet;
import java.util.Locale;
import java.util.Set;
import java.util.stream.IntStream;

/** What an operator computes with, and its weights are stored as. */
enum Precision {
  FLOAT32,
  /** float32, with weights that are stored as float16 and become float32 before. */
  FLOAT16,
  /** float32, with weights that are stored as integers and become float32 before. */
  STORED,
  /** float32 values with integer weights. */
  HYBRID,
  /** Weights of four bits or less, whatever the values. */
  INT4,
  INT8,
  INT16,
  /** Between float32 and others. */
  CONVERSION,
  /** No numbers that quantization is about. */
  OTHER;

  private static final Set<String> CONVERSIONS = Set.of("QUANTIZE", "DEQUANTIZE");
  private static final Set<TensorType> FEW_BITS =
      Set.of(TensorType.INT4, TensorType.UINT4, TensorType.INT2);

  /** Of an operator as a model has it. */
  static Precision of(Model model, Subgraph graph, Operator operator) {
    if (CONVERSIONS.contains(operator.name())) {
      return CONVERSION;
    }
    Set<TensorType> values = new HashSet<>();
    Set<TensorType> weights = new HashSet<>();
    Set<TensorType> stored = new HashSet<>();
    IntStream.of(operator.inputs())
        .filter(number -> number >= 0)
        .forEach(
            number -> {
              Tensor tensor = graph.tensor(number);
              boolean constant = model.isConstant(tensor);
              if (!constant || tensor.type() == TensorType.FLOAT32) {
                values.add(tensor.type());
              } else if (tensor.isQuantized()) {
                weights.add(tensor.type());
              }
              graph.producer(number).stream()
                  .map(producer -> graph.operators().get(producer))
                  .filter(producer -> producer.name().equals("DEQUANTIZE"))
                  .map(producer -> graph.tensor(producer.input(0)))
                  .filter(model::isConstant)
                  .forEach(from -> stored.add(from.type()));
            });
    IntStream.of(operator.outputs()).forEach(number -> values.add(graph.tensor(number).type()));
    if (weights.stream().anyMatch(FEW_BITS::contains)) {
      return INT4;
    }
    if (values.contains(TensorType.FLOAT32)) {
      return !weights.isEmpty()
          ? HYBRID
          : stored.contains(TensorType.FLOAT16)
              ? FLOAT16
              : stored.stream().anyMatch(FEW_BITS::contains)
                  ? INT4
                  : stored.isEmpty() ? FLOAT32 : STORED;
    }
    return values.contains(TensorType.INT16)
        ? INT16
        : values.contains(TensorType.INT8) || values.contains(TensorType.UINT8) ? INT8 : OTHER;
  }

  /**
   * Of an operator that is planned.
   *
   * @param weights types that its constants are to have
   * @param results types that its results are to have
   */
  static Precision of(OperatorPlan planned, Set<TensorType> weights, Set<TensorType> results) {
    if (planned.precision() != OperatorPlan.Precision.FLOAT32
        && weights.stream().anyMatch(FEW_BITS::contains)) {
      return INT4;
    }
    return switch (planned.precision()) {
      case FLOAT32 -> FLOAT32;
      case HYBRID -> HYBRID;
      case STORED -> weights.contains(TensorType.FLOAT16) ? FLOAT16 : STORED;
      case INTEGER -> results.contains(TensorType.INT16) ? INT16 : INT8;
      case CONVERSION -> CONVERSION;
      case CALL, OTHER -> OTHER;
    };
  }

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
