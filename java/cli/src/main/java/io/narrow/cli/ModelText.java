package io.narrow.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Signature;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;

/** A model as text and as JSON. */
final class ModelText {
  private final Model model;

  ModelText(Model model) {
    this.model = model;
  }

  List<String> lines(boolean tensors) {
    List<String> lines = new ArrayList<>();
    lines.add(model.name());
    if (!model.description().isEmpty()) {
      lines.add("description      " + model.description());
    }
    if (!model.minimumRuntime().isEmpty()) {
      lines.add("minimum runtime  " + model.minimumRuntime());
    }
    if (model.tailBytes() > 0) {
      lines.add("attached         " + model.tailBytes() + " bytes after the model");
    }
    state(false, "until the caller resets variables").ifPresent(lines::add);
    state(true, "as long as the interpreter lives").ifPresent(lines::add);
    for (Signature signature : model.signatures()) {
      lines.add(
          "signature        "
              + signature.key()
              + ": "
              + String.join(", ", signature.inputs().keySet())
              + " -> "
              + String.join(", ", signature.outputs().keySet()));
    }
    for (int i = 0; i < model.subgraphs().size(); i++) {
      Subgraph subgraph = model.subgraphs().get(i);
      lines.add("subgraph " + i + " " + subgraph.name());
      lines.add("  inputs     " + tensors(subgraph, subgraph.inputs()));
      lines.add("  outputs    " + tensors(subgraph, subgraph.outputs()));
      lines.add("  operators  " + text(operators(subgraph)));
      lines.add("  constants  " + text(constants(subgraph)));
      if (tensors) {
        for (int t = 0; t < subgraph.tensors().size(); t++) {
          lines.add(String.format(Locale.ROOT, "  %5d %s", t, line(subgraph.tensor(t))));
        }
      }
    }
    return lines;
  }

  /** A line on what the model keeps, in handles or in variable tensors. */
  private Optional<String> state(boolean handles, String until) {
    String names =
        model.states().stream()
            .filter(state -> (state.type() == TensorType.RESOURCE) == handles)
            .map(Tensor::name)
            .collect(Collectors.joining(", "));
    return Optional.of("keeps state      " + names + " from run to run, " + until)
        .filter(line -> !names.isEmpty());
  }

  private String line(Tensor tensor) {
    String quantization = quantization(tensor);
    return tensor
        + (model.isConstant(tensor) ? " constant" : "")
        + (tensor.isVariable() ? " variable" : "")
        + (quantization.isEmpty() ? "" : "  " + quantization);
  }

  /** As Netron prints it: {@code scale * (q - zero point)}. */
  private static String quantization(Tensor tensor) {
    float[] scales = tensor.scales();
    long[] zeroPoints = tensor.zeroPoints();
    if (scales.length == 0) {
      return tensor.isQuantized() ? "quantized with details of its own" : "";
    }
    String first = scales[0] + " * " + code(zeroPoints.length == 0 ? 0 : zeroPoints[0]);
    return scales.length == 1
        ? first
        : first + " ... " + scales.length + " channels of axis " + tensor.quantizedDimension();
  }

  private static String code(long zeroPoint) {
    return zeroPoint == 0
        ? "q"
        : zeroPoint < 0 ? "(q + " + -zeroPoint + ")" : "(q - " + zeroPoint + ")";
  }

  private static String tensors(Subgraph subgraph, int[] numbers) {
    List<String> names = new ArrayList<>();
    for (int number : numbers) {
      names.add(subgraph.tensor(number).toString());
    }
    return names.isEmpty() ? "none" : String.join("; ", names);
  }

  private static Map<String, Long> operators(Subgraph subgraph) {
    return mostFirst(
        subgraph.operators().stream()
            .collect(Collectors.groupingBy(Operator::name, TreeMap::new, Collectors.counting())));
  }

  private Map<String, Long> constants(Subgraph subgraph) {
    return mostFirst(
        subgraph.tensors().stream()
            .filter(model::isConstant)
            .collect(
                Collectors.groupingBy(
                    tensor -> tensor.type().toString(), TreeMap::new, Collectors.counting())));
  }

  private static Map<String, Long> mostFirst(Map<String, Long> counts) {
    return counts.entrySet().stream()
        .sorted(Comparator.comparing(Map.Entry<String, Long>::getValue).reversed())
        .collect(
            Collectors.toMap(
                Map.Entry::getKey, Map.Entry::getValue, (a, b) -> a, LinkedHashMap::new));
  }

  private static String text(Map<String, Long> counts) {
    return counts.isEmpty()
        ? "none"
        : counts.entrySet().stream()
            .map(entry -> entry.getKey() + " " + entry.getValue())
            .collect(Collectors.joining(", "));
  }

  JsonObject json(boolean tensors) {
    JsonObject document = new JsonObject();
    document.addProperty("model", model.name());
    document.addProperty("description", model.description());
    document.addProperty("minimum_runtime", model.minimumRuntime());
    document.addProperty("attached_bytes", model.tailBytes());
    document.add("states", array(model.states(), this::json));
    JsonArray signatures = new JsonArray();
    model.signatures().forEach(signature -> signatures.add(signature.key()));
    document.add("signatures", signatures);
    JsonArray subgraphs = new JsonArray();
    for (Subgraph subgraph : model.subgraphs()) {
      JsonObject entry = new JsonObject();
      entry.addProperty("name", subgraph.name());
      entry.add("inputs", numbers(subgraph, subgraph.inputs()));
      entry.add("outputs", numbers(subgraph, subgraph.outputs()));
      entry.add("operators", counts(operators(subgraph)));
      entry.add("constants", counts(constants(subgraph)));
      if (tensors) {
        entry.add("tensors", array(subgraph.tensors(), this::json));
      }
      subgraphs.add(entry);
    }
    document.add("subgraphs", subgraphs);
    return document;
  }

  private JsonObject json(Tensor tensor) {
    JsonObject entry = new JsonObject();
    entry.addProperty("name", tensor.name());
    entry.addProperty("type", tensor.type().toString());
    JsonArray shape = new JsonArray();
    for (int size : tensor.shape()) {
      shape.add(size);
    }
    entry.add("shape", shape);
    entry.addProperty("constant", model.isConstant(tensor));
    if (tensor.isQuantized()) {
      entry.addProperty("quantization", quantization(tensor));
    }
    return entry;
  }

  private JsonArray numbers(Subgraph subgraph, int[] numbers) {
    List<Tensor> tensors = new ArrayList<>();
    for (int number : numbers) {
      tensors.add(subgraph.tensor(number));
    }
    return array(tensors, this::json);
  }

  private static JsonObject counts(Map<String, Long> counts) {
    JsonObject object = new JsonObject();
    counts.forEach(object::addProperty);
    return object;
  }

  private static <T> JsonArray array(List<T> items, Function<T, JsonObject> json) {
    JsonArray array = new JsonArray();
    items.forEach(item -> array.add(json.apply(item)));
    return array;
  }
}
