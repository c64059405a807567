package io.narrow.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.plan.ActivationPlan;
import io.narrow.tflite.plan.OperatorPlan;
import io.narrow.tflite.plan.Plan;
import io.narrow.tflite.plan.Reason;
import io.narrow.tflite.plan.TensorPlan;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** A plan as text and as JSON. */
final class PlanText {
  private final Plan plan;
  private final List<Reason> warnings;

  PlanText(Plan plan, List<Reason> warnings) {
    this.plan = plan;
    this.warnings = List.copyOf(warnings);
  }

  /**
   * @param why whether to give the reason for each constant and activation
   */
  List<String> lines(boolean why) {
    List<String> lines = new ArrayList<>();
    lines.add("constants  " + count(plan.tensors(), t -> t.type().toString()));
    if (plan.recipe().needsRanges()) {
      lines.add("computed   " + count(plan.activations(), t -> t.produced().type().toString()));
    }
    lines.add("operators  " + count(plan.operators(), o -> o.precision().toString()));
    if (!plan.ranges().isEmpty()) {
      lines.add("ranges     " + plan.ranges());
    }
    if (!plan.rounding().isEmpty()) {
      lines.add("rounding   " + plan.rounding());
    }
    if (why) {
      lines.addAll(reasons());
    }
    return lines;
  }

  /** Whether more operators stay float32 for more reasons than warnings tell one by one. */
  boolean summarizes() {
    return plan.recipe().needsRanges()
        && plan.operators().stream()
                .filter(operator -> operator.precision().computesFloat())
                .map(OperatorPlan::reason)
                .distinct()
                .count()
            > warnings.size();
  }

  /**
   * A line for every operator in the order of the graph, and under it one for each float32 tensor
   * that it is the first to read, as far as nothing computes that, and for each that it writes.
   */
  List<String> reasons() {
    List<String> lines = new ArrayList<>();
    for (int s = 0; s < plan.model().subgraphs().size(); s++) {
      int number = s;
      Map<Integer, String> left = new LinkedHashMap<>(); // lines of tensors not yet in the text
      plan.tensors().stream()
          .filter(t -> t.subgraph() == number)
          .forEach(t -> left.put(t.tensor(), line(t.type(), t.name(), t.reason())));
      plan.activations().stream()
          .filter(t -> t.subgraph() == number)
          .forEach(t -> left.put(t.tensor(), line(t.stored().type(), t.name(), t.reason())));
      List<OperatorPlan> operators =
          plan.operators().stream().filter(o -> o.subgraph() == number).toList();
      for (OperatorPlan planned : operators) {
        Operator operator = plan.model().subgraphs().get(s).operators().get(planned.operator());
        lines.add(line(planned));
        IntStream.concat(IntStream.of(operator.inputs()), IntStream.of(operator.outputs()))
            .mapToObj(left::remove)
            .filter(Objects::nonNull)
            .forEach(lines::add);
      }
      lines.addAll(left.values());
    }
    return lines.stream().map(Output::shortened).toList();
  }

  /** A line for every operator in the order of the graph. */
  List<String> operators() {
    return plan.operators().stream().map(this::line).map(Output::shortened).toList();
  }

  private String line(OperatorPlan operator) {
    String name = operator.name() + " (operator " + operator.operator() + ")";
    return "  "
        + within(operator.subgraph(), name)
        + " "
        + operator.precision()
        + (operator.reason().isEmpty() ? "" : ": " + operator.reason());
  }

  private static String line(TensorType type, String name, Reason reason) {
    return String.format("    %-8s `%s`: %s", type, name, reason);
  }

  private String within(int subgraph, String name) {
    return plan.model().subgraphs().size() == 1 ? name : "[" + subgraph + "] " + name;
  }

  private static <T> String count(List<T> items, Function<T, String> key) {
    Map<String, Long> counts =
        items.stream()
            .collect(Collectors.groupingBy(key, LinkedHashMap::new, Collectors.counting()));
    return counts.isEmpty()
        ? "none"
        : counts.entrySet().stream()
            .map(entry -> entry.getValue() + " " + entry.getKey())
            .collect(Collectors.joining(", "));
  }

  private static void addTo(JsonObject document, String name, Reason reason) {
    if (!reason.isEmpty()) {
      JsonObject given = new JsonObject();
      add(given, reason);
      document.add(name, given);
    }
  }

  JsonObject json() {
    JsonObject document = new JsonObject();
    document.addProperty("mode", plan.recipe().mode().toString());
    document.addProperty("recipe", plan.recipe().toString());
    addTo(document, "ranges", plan.ranges());
    addTo(document, "rounding", plan.rounding());
    JsonArray constants = new JsonArray();
    for (TensorPlan tensor : plan.tensors()) {
      JsonObject entry = new JsonObject();
      entry.addProperty("subgraph", tensor.subgraph());
      entry.addProperty("tensor", tensor.tensor());
      entry.addProperty("name", tensor.name());
      entry.addProperty("elements", tensor.elements());
      entry.addProperty("type", tensor.type().toString());
      if (tensor.encoding().axis() >= 0) {
        entry.addProperty("axis", tensor.encoding().axis());
      }
      add(entry, tensor.reason());
      constants.add(entry);
    }
    document.add("constants", constants);
    JsonArray activations = new JsonArray();
    for (ActivationPlan tensor : plan.activations()) {
      JsonObject entry = new JsonObject();
      entry.addProperty("subgraph", tensor.subgraph());
      entry.addProperty("tensor", tensor.tensor());
      entry.addProperty("name", tensor.name());
      entry.addProperty("type", tensor.stored().type().toString());
      if (!tensor.stored().isFloat()) {
        entry.addProperty("scale", tensor.stored().scale());
        entry.addProperty("zero_point", tensor.stored().zeroPoint());
      }
      add(entry, tensor.reason());
      activations.add(entry);
    }
    document.add("activations", activations);
    JsonArray operators = new JsonArray();
    for (OperatorPlan operator : plan.operators()) {
      JsonObject entry = new JsonObject();
      entry.addProperty("subgraph", operator.subgraph());
      entry.addProperty("operator", operator.operator());
      entry.addProperty("name", operator.name());
      entry.addProperty("precision", operator.precision().toString());
      add(entry, operator.reason());
      operators.add(entry);
    }
    document.add("operators", operators);
    JsonArray warnings = new JsonArray();
    this.warnings.forEach(warning -> warnings.add(json(warning)));
    document.add("warnings", warnings);
    return document;
  }

  private static void add(JsonObject entry, Reason reason) {
    entry.addProperty("code", reason.code().toString());
    entry.addProperty("reason", reason.text());
  }

  private static JsonObject json(Reason warning) {
    JsonObject entry = new JsonObject();
    entry.addProperty("code", warning.code().toString());
    entry.addProperty("text", warning.text());
    JsonArray names = new JsonArray();
    warning.names().forEach(names::add);
    Advice.of(warning).ifPresent(advice -> entry.addProperty("advice", advice));
    entry.add("names", names);
    return entry;
  }
}
