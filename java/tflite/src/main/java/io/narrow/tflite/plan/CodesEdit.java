package io.narrow.tflite.plan;

import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.ops.OpRules;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Puts chosen codes of weights into a plan. */
final class CodesEdit {
  private CodesEdit() {}

  static Plan apply(Plan plan, List<Codes> chosen, Reason why) {
    Map<List<Integer>, Codes> byTensor = new HashMap<>();
    chosen.forEach(codes -> byTensor.put(List.of(codes.subgraph(), codes.tensor()), codes));
    Map<List<Integer>, Encoding> biases = new HashMap<>();
    List<IntegerOperator> integers = new ArrayList<>();
    for (IntegerOperator integer : plan.integerOperators()) {
      integers.add(edit(plan.model(), integer, byTensor, biases));
    }
    List<TensorPlan> tensors = new ArrayList<>();
    for (TensorPlan tensor : plan.tensors()) {
      List<Integer> place = List.of(tensor.subgraph(), tensor.tensor());
      TensorPlan edited = biases.containsKey(place) ? tensor.with(biases.get(place)) : tensor;
      Codes codes = byTensor.get(place);
      tensors.add(codes == null ? edited : edited.with(codes));
    }
    return new Plan(
        plan.model(),
        plan.recipe(),
        tensors,
        plan.operators(),
        plan.activations(),
        integers,
        plan.losses(),
        why,
        plan.ranges());
  }

  /** An operator that computes in integers, if its weights have other scales now. */
  private static IntegerOperator edit(
      Model model,
      IntegerOperator integer,
      Map<List<Integer>, Codes> chosen,
      Map<List<Integer>, Encoding> biases) {
    Subgraph subgraph = model.subgraphs().get(integer.subgraph());
    Operator operator = subgraph.operators().get(integer.operator());
    if (!IntegerWeights.has(operator)) {
      return integer;
    }
    int place = OpRules.of(operator.name()).weights().get(0);
    Codes codes = chosen.get(List.of(integer.subgraph(), operator.input(place)));
    if (codes == null || codes.encoding().equals(integer.inputs().get(place))) {
      return integer;
    }
    IntegerOperator edited = integer.withInput(place, codes.encoding());
    int at = OpRules.of(operator.name()).bias();
    int bias = operator.input(at);
    if (bias < 0) {
      return edited;
    }
    FloatBuffer values = model.contents(subgraph.tensor(bias)).asFloatBuffer();
    float[] copy = new float[values.remaining()];
    values.get(copy);
    IntegerWeights.Pair pair = IntegerWeights.withBias(operator, edited, copy);
    if (!pair.weights().equals(codes.encoding()) || subgraph.reads(bias) > 1) {
      chosen.remove(List.of(integer.subgraph(), operator.input(place)));
      return integer; // no bias of this kernel has the scales
    }
    biases.put(List.of(integer.subgraph(), bias), pair.bias());
    return edited.withInput(at, pair.bias());
  }
}
