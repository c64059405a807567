package io.narrow.tflite.plan;

import io.narrow.kernels.FloatRange;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.ModelBuilder;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.rewrite.Rewriter;
import io.narrow.tflite.schema.Table;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A model that a test builds, and the ranges of its activations. */
abstract class RangedModel {
  static final Table CONCATENATION = Table.of("ConcatenationOptions").with("axis", 1);
  static final Table FULLY_CONNECTED = Table.of("FullyConnectedOptions");

  final ModelBuilder b = new ModelBuilder(1);
  final Map<Integer, FloatRange> ranges = new HashMap<>();

  int ranged(String name, float min, float max, int... shape) {
    int tensor = b.floats(name, shape);
    ranges.put(tensor, new FloatRange(min, max, 0, 0));
    return tensor;
  }

  Plan plan(Recipe recipe) {
    return Planner.plan(
        b.build(), recipe, (subgraph, tensor, type) -> Optional.ofNullable(ranges.get(tensor)));
  }

  Plan plan() {
    return plan(Recipe.int8());
  }

  static Encoding produced(Plan plan, int tensor) {
    return plan.activations().stream()
        .filter(activation -> activation.tensor() == tensor)
        .findFirst()
        .orElseThrow()
        .produced();
  }

  static List<String> names(Plan plan) {
    return Rewriter.rewrite(plan).subgraphs().get(0).operators().stream()
        .map(Operator::name)
        .toList();
  }

  /** The constant that the operator with this name reads at this place. */
  static Tensor constant(Model model, String operator, int place) {
    Subgraph subgraph = model.subgraphs().get(0);
    return subgraph.operators().stream()
        .filter(each -> each.name().equals(operator))
        .map(each -> subgraph.tensor(each.input(place)))
        .findFirst()
        .orElseThrow();
  }

  /** Two results of kernels, of these largest values, one after another. */
  int concatenation(float first, float second) {
    int x = ranged("x", -first, first, 1, 4);
    int z = ranged("z", -second, second, 1, 4);
    int a = ranged("a", 0, first, 1, 4);
    int c = ranged("c", 0, second, 1, 4);
    int y = ranged("y", 0, Math.max(first, second), 1, 8);
    b.operator("ABS", new int[] {x}, a)
        .operator("ABS", new int[] {z}, c)
        .operator("CONCATENATION", CONCATENATION, new int[] {a, c}, y)
        .inputs(x, z)
        .outputs(y);
    return y;
  }

  void fullyConnected(float[] weights, float[] bias) {
    int inputs = weights.length / bias.length;
    int x = ranged("x", -1, 1, 1, inputs);
    int w = b.constant("w", weights, bias.length, inputs);
    int c = b.constant("bias", bias, bias.length);
    int y = ranged("y", -100, 100, 1, bias.length);
    b.operator("FULLY_CONNECTED", FULLY_CONNECTED, new int[] {x, w, c}, y).inputs(x).outputs(y);
  }
}
