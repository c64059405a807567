package io.narrow.report;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import io.narrow.tflite.calibration.Histogram;
import io.narrow.tflite.calibration.RangeMethod;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.plan.ActivationPlan;
import io.narrow.tflite.plan.Encoding;
import io.narrow.tflite.plan.OperatorPlan;
import io.narrow.tflite.plan.Plan;
import io.narrow.tflite.plan.TensorPlan;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.ToIntFunction;
import java.util.stream.IntStream;

/** Tensors and operators of a subgraph, with what a plan and calibration have to say of each. */
final class GraphDocument {
  private final Model model;
  private final int number;
  private final Subgraph graph;
  private final Optional<Plan> plan;
  private final Optional<ModelDocument.Statistics> statistics;
  private final Optional<Subgraph> planned;
  private final int[] plannedTensors; // by number of a tensor here, -1 for none
  private final int[] calibratedTensors;
  // By number of a tensor or operator of the planned model: the place in the list of the plan.
  private final Map<Integer, Integer> constants;
  private final Map<Integer, Integer> activations;
  private final Map<Integer, Integer> operators;

  GraphDocument(
      Model model, int number, Optional<Plan> plan, Optional<ModelDocument.Statistics> statistics) {
    this.model = model;
    this.number = number;
    this.graph = model.subgraphs().get(number);
    this.plan = plan;
    this.statistics = statistics;
    this.planned = same(plan.map(Plan::model));
    this.plannedTensors = namesakes(planned);
    this.calibratedTensors = namesakes(same(statistics.map(ModelDocument.Statistics::model)));
    this.constants = places(plan.map(Plan::tensors), TensorPlan::subgraph, TensorPlan::tensor);
    this.activations =
        places(plan.map(Plan::activations), ActivationPlan::subgraph, ActivationPlan::tensor);
    this.operators =
        places(plan.map(Plan::operators), OperatorPlan::subgraph, OperatorPlan::operator);
  }

  /** The subgraph of this number of another model, if that has so many. */
  private Optional<Subgraph> same(Optional<Model> other) {
    return other
        .map(Model::subgraphs)
        .filter(all -> number < all.size())
        .map(all -> all.get(number));
  }

  private int[] namesakes(Optional<Subgraph> other) {
    return other
        .map(found -> found.namesakes(graph))
        .orElseGet(() -> IntStream.generate(() -> -1).limit(graph.tensors().size()).toArray());
  }

  private <T> Map<Integer, Integer> places(
      Optional<List<T>> list, ToIntFunction<T> subgraph, ToIntFunction<T> item) {
    Map<Integer, Integer> places = new HashMap<>();
    list.ifPresent(
        all -> {
          for (int i = 0; i < all.size(); i++) {
            if (subgraph.applyAsInt(all.get(i)) == number) {
              places.put(item.applyAsInt(all.get(i)), i);
            }
          }
        });
    return places;
  }

  void addTo(JsonObject entry) {
    entry.add("input_tensors", ModelDocument.numbers(graph.inputs()));
    entry.add("output_tensors", ModelDocument.numbers(graph.outputs()));
    JsonArray tensors = new JsonArray();
    for (int t = 0; t < graph.tensors().size(); t++) {
      tensors.add(tensor(t));
    }
    entry.add("tensors", tensors);
    JsonArray steps = new JsonArray();
    graph.operators().forEach(operator -> steps.add(operator(operator)));
    entry.add("graph", steps);
  }

  private JsonObject operator(Operator operator) {
    JsonObject entry = new JsonObject();
    entry.addProperty("name", operator.name());
    entry.addProperty("precision", Precision.of(model, graph, operator).toString());
    planOf(operator)
        .ifPresent(
            place -> {
              entry.addProperty("plan", place);
              entry.addProperty("planned_precision", planned(place).toString());
            });
    entry.add("inputs", ModelDocument.numbers(operator.inputs()));
    entry.add("outputs", ModelDocument.numbers(operator.outputs()));
    return entry;
  }

  /** The planned operator is the one that writes a tensor of the same name. */
  private Optional<Integer> planOf(Operator operator) {
    if (operator.outputs().length == 0) {
      return Optional.empty();
    }
    int written = operator.outputs()[0] < 0 ? -1 : plannedTensors[operator.outputs()[0]];
    return written < 0
        ? Optional.empty()
        : planned.flatMap(other -> other.producer(written)).map(operators::get);
  }

  private Precision planned(int place) {
    OperatorPlan decision = plan.orElseThrow().operators().get(place);
    Operator operator = planned.orElseThrow().operators().get(decision.operator());
    Set<TensorType> weights = EnumSet.noneOf(TensorType.class);
    Set<TensorType> results = EnumSet.noneOf(TensorType.class);
    for (int input : operator.inputs()) {
      if (constants.containsKey(input)) {
        weights.add(plan.orElseThrow().tensors().get(constants.get(input)).type());
      }
    }
    for (int output : operator.outputs()) {
      if (activations.containsKey(output)) {
        results.add(
            plan.orElseThrow().activations().get(activations.get(output)).produced().type());
      }
    }
    return Precision.of(decision, weights, results);
  }

  private JsonObject tensor(int t) {
    Tensor tensor = graph.tensor(t);
    JsonObject entry = ModelDocument.json(model, tensor);
    float[] scales = tensor.scales();
    if (scales.length > 1) {
      JsonArray array = new JsonArray();
      for (float scale : scales) {
        array.add(Float.isFinite(scale) ? new JsonPrimitive(scale) : new JsonPrimitive("" + scale));
      }
      entry.add("scales", array);
    }
    Encoding encoding = Encoding.FLOAT;
    int other = plannedTensors[t];
    if (other >= 0) {
      Integer constant = constants.get(other);
      Integer activation = activations.get(other);
      if (constant != null) {
        entry.addProperty("plan_constant", constant);
        encoding = plan.orElseThrow().tensors().get(constant).encoding();
      }
      if (activation != null) {
        entry.addProperty("plan_activation", activation);
        encoding = plan.orElseThrow().activations().get(activation).produced();
      }
    }
    Held held = Held.of(tensor, encoding);
    if (model.isConstant(tensor)) {
      ConstantHistogram.of(model, tensor, held).ifPresent(found -> found.addTo(entry));
    } else {
      addActivation(t, held, entry);
    }
    return entry;
  }

  private void addActivation(int t, Held held, JsonObject entry) {
    int other = calibratedTensors[t];
    if (statistics.isEmpty() || other < 0) {
      return;
    }
    var calibration = statistics.get().calibration();
    calibration
        .range(number, other, RangeMethod.AUTO)
        .ifPresent(
            range -> {
              JsonArray ends = new JsonArray();
              ends.add(range.min());
              ends.add(range.max());
              entry.add("range", ends);
              held.addTo(entry);
            });
    calibration
        .histogram(number, other)
        .ifPresent(
            histogram -> {
              entry.addProperty("clipped", held.clipped(histogram));
              Histogram coarse = histogram.coarser(ConstantHistogram.BINS);
              ConstantHistogram.add(
                  entry,
                  coarse.first() * coarse.width(),
                  (coarse.first() + coarse.counts().length) * coarse.width(),
                  coarse.counts());
            });
  }
}
