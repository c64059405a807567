package io.narrow.tflite.plan;

import io.narrow.tflite.model.Buffer;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.ops.OpRules;
import io.narrow.tflite.plan.TensorPlan.Use;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Puts other biases into a plan, whose encodings stay what they are. */
final class BiasEdit {
  private record Place(int subgraph, int number) {}

  private final Plan plan;
  private final Map<Place, TensorPlan> tensors = new HashMap<>();
  private final Map<Place, IntegerOperator> integers = new HashMap<>();
  private final List<Buffer> buffers;

  BiasEdit(Plan plan) {
    this.plan = plan;
    this.buffers = new ArrayList<>(plan.model().buffers());
    plan.tensors().forEach(t -> tensors.put(new Place(t.subgraph(), t.tensor()), t));
    plan.integerOperators().forEach(o -> integers.put(new Place(o.subgraph(), o.operator()), o));
  }

  Plan apply(List<Bias> biases) {
    Model model = plan.model();
    List<Subgraph> subgraphs = new ArrayList<>();
    for (int number = 0; number < model.subgraphs().size(); number++) {
      int subgraph = number;
      List<Bias> here = biases.stream().filter(bias -> bias.subgraph() == subgraph).toList();
      subgraphs.add(edit(model.subgraphs().get(number), here));
    }
    Comparator<TensorPlan> order =
        Comparator.comparingInt(TensorPlan::subgraph).thenComparingInt(TensorPlan::tensor);
    return new Plan(
        model.with(subgraphs, buffers),
        plan.recipe(),
        tensors.values().stream().sorted(order).toList(),
        plan.operators(),
        plan.activations(),
        plan.integerOperators().stream()
            .map(o -> integers.get(new Place(o.subgraph(), o.operator())))
            .toList(),
        plan.losses(),
        plan.rounding(),
        plan.ranges());
  }

  private Subgraph edit(Subgraph subgraph, List<Bias> biases) {
    List<Tensor> all = new ArrayList<>(subgraph.tensors());
    List<Operator> operators = new ArrayList<>(subgraph.operators());
    for (Bias bias : biases) {
      Operator operator = operators.get(bias.operator());
      int before = operator.input(bias.place());
      buffers.add(Buffer.of(bias.values()));
      if (before >= 0 && subgraph.reads(before) == 1) {
        all.set(before, all.get(before).withBuffer(buffers.size() - 1));
        encode(bias, operator, before);
        continue;
      }
      Tensor own =
          before >= 0
              ? all.get(before)
              : Tensor.of(
                  all.get(operator.outputs()[0]).name() + "_bias",
                  TensorType.FLOAT32,
                  new int[] {bias.values().length});
      all.add(own.withBuffer(buffers.size() - 1));
      operators.set(bias.operator(), operator.withInput(bias.place(), all.size() - 1));
      add(bias, operator, before, all.size() - 1, own);
    }
    return subgraph.with(all, operators);
  }

  /**
   * Lets an operator that computes in integers hold its bias, of which the tensor is its own.
   *
   * <p>Only a bias that would be too large an integer moves the scales of the weights.
   */
  private void encode(Bias bias, Operator operator, int tensor) {
    Place reader = new Place(bias.subgraph(), bias.operator());
    IntegerOperator integer = integers.get(reader);
    if (integer == null || !IntegerWeights.has(operator)) {
      return;
    }
    IntegerWeights.Pair pair = IntegerWeights.withBias(operator, integer, bias.values());
    int weights = OpRules.of(operator.name()).weights().get(0);
    integers.put(
        reader, integer.withInput(weights, pair.weights()).withInput(bias.place(), pair.bias()));
    replan(bias.subgraph(), operator.input(weights), pair.weights());
    replan(bias.subgraph(), tensor, pair.bias());
  }

  private void replan(int subgraph, int tensor, Encoding encoding) {
    tensors.computeIfPresent(
        new Place(subgraph, tensor),
        (place, old) -> old.encoding().equals(encoding) ? old : old.with(encoding));
  }

  /**
   * Plans a bias that its operator alone reads.
   *
   * @param before number of the one that it had, -1 if it had none
   */
  private void add(Bias bias, Operator operator, int before, int number, Tensor tensor) {
    Place own = new Place(bias.subgraph(), number);
    IntegerOperator integer = integers.get(new Place(bias.subgraph(), bias.operator()));
    TensorPlan old = tensors.get(new Place(bias.subgraph(), before));
    if (integer != null) {
      Encoding same = before < 0 ? Encoding.FLOAT : integer.inputs().get(bias.place());
      tensors.put(own, TensorPlan.integer(bias.subgraph(), number, tensor, same, bias.operator()));
      encode(bias, operator, number);
    } else if (old != null) {
      tensors.put(own, old.as(number, List.of()));
    } else {
      Reason reason = ConstantConsumers.asBias(operator.name());
      tensors.put(own, TensorPlan.stays(bias.subgraph(), number, tensor, reason));
    }
    if (old != null && old.use() == Use.INTEGER) {
      List<Integer> others =
          old.readers().stream().filter(each -> each != bias.operator()).toList();
      tensors.put(new Place(bias.subgraph(), before), old.as(before, others));
    }
  }
}
