package io.narrow.tflite.rewrite;

import io.narrow.tflite.model.ModelBuilder;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.ops.OpRule;
import io.narrow.tflite.ops.OpRules;
import io.narrow.tflite.schema.Table;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/** A model of one operator for every row of the table of integer kernels. */
final class IntegerModels {
  static final double LUT = 34;
  static final double CHOICE = 15; // few values of a large effect, e.g. an index

  /**
   * @param build adds the operator, inputs and outputs
   * @param int8 least ratio of signal to noise in decibels with int8 activations, 0 without a
   *     kernel
   * @param int16 the same with int16 activations
   */
  record OneOperator(UnaryOperator<ModelBuilder> build, double int8, double int16) {
    double least(TensorType type) {
      return type == TensorType.INT16 ? int16 : int8;
    }
  }

  static final Map<String, OneOperator> MODELS = new LinkedHashMap<>();

  private IntegerModels() {}

  static Stream<String> names(TensorType type) {
    return MODELS.entrySet().stream()
        .filter(model -> model.getValue().least(type) > 0)
        .filter(model -> row(model.getKey()).integer().orElseThrow().has(type))
        .map(Map.Entry::getKey);
  }

  private static OpRule row(String model) {
    return OpRules.of(model.split(" ")[0]);
  }

  /** Where models are added to. */
  interface Rows {
    void add(String name, double int8, double int16, UnaryOperator<ModelBuilder> build);
  }

  private static void add(
      String name, double int8, double int16, UnaryOperator<ModelBuilder> build) {
    MODELS.put(name, new OneOperator(build, int8, int16));
  }

  static Table options(String table) {
    return Table.of(table);
  }

  static {
    ComputingModels.add(IntegerModels::add);
    MovingModels.add(IntegerModels::add);
    for (Set<RecurrentModels.Feature> features : RecurrentModels.variants()) {
      add(RecurrentModels.name(features), 30, 0, b -> RecurrentModels.lstm(b, features));
    }
    add("SVDF", LUT, 0, b -> RecurrentModels.svdf(b, 1, true));
    add("SVDF beside negative values", LUT, 0, RecurrentModels::svdfBesideItsInput);
    add("SVDF of rank 2 without bias", LUT, 0, b -> RecurrentModels.svdf(b, 2, false));
  }

  static ModelBuilder end(
      ModelBuilder b, String operator, Table options, int[] in, int input, int... shape) {
    int y = b.floats("y", shape);
    return call(b, operator, options, in, y).inputs(input).outputs(y);
  }

  static ModelBuilder call(ModelBuilder b, String operator, Table options, int[] in, int... out) {
    return options == null ? b.operator(operator, in, out) : b.operator(operator, options, in, out);
  }

  /** One activation, then constants of whole numbers, one axis each. */
  static ModelBuilder one(
      ModelBuilder b, String operator, Table options, int[] from, int[] to, int[]... constants) {
    int[] in = new int[1 + constants.length];
    in[0] = b.floats("x", from);
    for (int i = 0; i < constants.length; i++) {
      in[i + 1] = b.constant("c" + i, constants[i], constants[i].length);
    }
    return end(b, operator, options, in, in[0], to);
  }
}
