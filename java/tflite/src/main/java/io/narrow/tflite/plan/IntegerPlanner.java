package io.narrow.tflite.plan;

import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.ops.OpRules;
import io.narrow.tflite.plan.Reason.Code;
import io.narrow.tflite.plan.TensorPlan.Use;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * Plans integer activations of a subgraph (specification section 3): the operators that have a
 * kernel compute in integers, all others stay float32 between DEQUANTIZE and QUANTIZE.
 */
final class IntegerPlanner {
  private final Graph graph;
  private final IntegerSupport support;
  private final IntegerScales scales;
  private final Map<Integer, IntegerOperator> integers = new TreeMap<>();
  private final RecurrentPlans recurrent;

  IntegerPlanner(Graph graph) {
    this.graph = graph;
    Map<Integer, Reason> refused = new HashMap<>();
    IntegerSupport supported;
    IntegerScales scaled;
    do {
      integers.clear();
      supported = new IntegerSupport(graph, refused);
      scaled = new IntegerScales(graph, supported);
      for (int i = 0; i < graph.operators(); i++) {
        if (supported.objection(i).isEmpty()) {
          integers.put(i, scaled.operator(i));
        }
      }
    } while (refuse(scaled, refused));
    this.support = supported;
    this.scales = scaled;
    integers.forEach(this::hold);
    this.recurrent = new RecurrentPlans(graph);
    integers.values().forEach(recurrent::add);
  }

  /** Subgraphs that are planned later follow. */
  private void hold(int number, IntegerOperator integer) {
    if (OpRules.of(graph.operator(number).name()).usesVariable()) {
      Encoding encoding =
          integer.outputs().isEmpty() ? integer.inputs().get(1) : integer.outputs().get(0);
      graph.variables().plan(graph.number(), number, encoding);
    }
  }

  /** Whether there are kernels that do not take the scales: without them others can be chosen. */
  private boolean refuse(IntegerScales scaled, Map<Integer, Reason> refused) {
    int before = refused.size();
    integers.forEach(
        (number, integer) -> {
          Reason objection = scaled.objection(number, integer);
          if (!objection.isEmpty()) {
            refused.put(number, objection);
          }
        });
    return refused.size() > before;
  }

  List<IntegerOperator> operators() {
    return List.copyOf(integers.values());
  }

  boolean isInteger(int operator) {
    return integers.containsKey(operator);
  }

  /** What is done to an operator. */
  OperatorConfiguration configuration(int operator) {
    OperatorConfiguration wanted = graph.configurations().of(operator);
    return wanted.mode().integer() && !isInteger(operator)
        ? graph.configurations().otherwise(operator)
        : wanted;
  }

  /** Why an operator does not compute in integers, none if it does. */
  Reason objection(int operator) {
    return support.objection(operator);
  }

  /** What is to be said of how an operator computes; mostly nothing. */
  Reason note(int operator) {
    Reason note = isInteger(operator) ? recurrent.note(operator) : Reason.NONE;
    return note.or(() -> graph.configurations().note(operator));
  }

  /**
   * What becomes of the activations.
   *
   * @param problems gets what is wrong with the types asked for
   */
  List<ActivationPlan> activations(List<String> problems) {
    List<ActivationPlan> plans = new ArrayList<>();
    for (int i = 0; i < graph.subgraph().tensors().size(); i++) {
      if (graph.isFloat(i) && !graph.isConstant(i)) {
        int number = i;
        Optional<ActivationPlan> inside = recurrent.of(i);
        if (inside.isPresent() || isUsed(i)) {
          plans.add(inside.orElseGet(() -> activation(number, problems)));
        }
      }
    }
    return plans;
  }

  /** Not so if the operators that wrote and read it are done whole by another. */
  private boolean isUsed(int number) {
    Subgraph subgraph = graph.subgraph();
    return subgraph.reads(number) > 0
        || subgraph.producer(number).isPresent()
        || subgraph.isInput(number)
        || subgraph.isOutput(number);
  }

  private ActivationPlan activation(int number, List<String> problems) {
    Recipe recipe = graph.recipe();
    if (graph.isInput(number)) {
      Encoding given = boundary(number, recipe.inputType(), "input type", problems);
      Reason reason =
          graph.isEntry()
              ? Reason.of(Code.AS_ASKED, "is an input of the model, " + given.type() + " as asked")
              : Reason.of(Code.NEIGHBOUR, "is given by the operator that calls " + name());
      return plan(number, given, given, reason);
    }
    Encoding produced = Encoding.FLOAT;
    Reason reason =
        graph.tensor(number).isVariable()
            ? Reason.of(Code.STATE, "keeps state from run to run")
            : Reason.of(Code.GAINS_NOTHING, "nothing writes it");
    Optional<Integer> producer = graph.producer(number);
    if (producer.isPresent() && isInteger(producer.get())) {
      produced = scales.encoding(number);
      reason = scales.reason(number);
    } else if (producer.isPresent()) {
      String name = graph.operator(producer.get()).name();
      Reason objection = support.objection(producer.get());
      reason = objection.as(name + " computes it as float32: " + objection);
    }
    if (!graph.isOutput(number)) {
      return plan(number, produced, produced, reason);
    }
    if (!graph.isEntry()) {
      String taken = reason + "; is taken by the operator that calls " + name();
      return plan(number, produced, Encoding.FLOAT, reason.as(taken));
    }
    Encoding stored =
        recipe.outputType() == TensorType.FLOAT32
            ? Encoding.FLOAT
            : boundary(number, recipe.outputType(), "output type", problems);
    return plan(
        number,
        produced,
        stored,
        reason.as(reason + "; is an output of the model, " + stored.type() + " as asked"));
  }

  private String name() {
    return "`" + graph.subgraph().name() + "`";
  }

  private ActivationPlan plan(int number, Encoding produced, Encoding stored, Reason reason) {
    String name = graph.tensor(number).name();
    return new ActivationPlan(graph.number(), number, name, produced, stored, reason);
  }

  private Encoding boundary(int number, TensorType type, String setting, List<String> problems) {
    if (type == TensorType.FLOAT32 || !graph.isEntry()) {
      return Encoding.FLOAT;
    }
    if (graph.isCalled()) {
      problems.add(setting + " " + type + ": an operator calls " + name() + " as float32");
      return Encoding.FLOAT;
    }
    if (!scales.has(number)) {
      problems.add(setting + " " + type + ": " + graph.whyNotSeen(number));
      return Encoding.FLOAT;
    }
    boolean wide = type == TensorType.INT16;
    Encoding inside = scales.encoding(number, wide ? TensorType.INT16 : TensorType.INT8);
    return type == TensorType.UINT8 ? inside.unsigned() : inside;
  }

  /** The plan of a constant, if an operator that computes in integers reads it. */
  Optional<TensorPlan> constant(int number) {
    Set<Encoding> encodings = new LinkedHashSet<>();
    Set<Integer> by = new LinkedHashSet<>();
    Set<String> floats = new LinkedHashSet<>();
    for (Subgraph.Reader reader : graph.readers(number)) {
      IntegerOperator integer = integers.get(reader.operator());
      if (integer == null) {
        Operator operator = graph.operator(reader.operator());
        floats.add(operator.name() + " stays float32: " + support.objection(reader.operator()));
      } else {
        by.add(reader.operator());
        encodings.add(integer.inputs().get(reader.place()));
      }
    }
    if (encodings.isEmpty()) {
      return Optional.empty();
    }
    Encoding first = encodings.iterator().next();
    String reason =
        first
            + (encodings.size() == 1 ? "" : "; " + encodings.size() + " copies of other scales")
            + (floats.isEmpty() ? "" : "; a float32 copy, as " + String.join("; ", floats));
    Tensor tensor = graph.tensor(number);
    return Optional.of(
        new TensorPlan(
            graph.number(),
            number,
            tensor.name(),
            tensor.elements(),
            first,
            Use.INTEGER,
            List.copyOf(by),
            graph.known(number).flatMap(known -> known.codesIn(first)),
            Reason.of(Code.QUANTIZED, reason)));
  }
}
