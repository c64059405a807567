package io.narrow.cli;

import io.narrow.report.ModelDocument;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Signature;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** A model as text. */
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
    Subgraph main = model.subgraphs().get(0);
    model
        .normalizations()
        .forEach(
            (input, found) ->
                lines.add(
                    "pictures         " + main.tensor(input).name() + ": " + found.options()));
    for (int i = 0; i < model.subgraphs().size(); i++) {
      Subgraph subgraph = model.subgraphs().get(i);
      lines.add("subgraph " + i + " " + subgraph.name());
      lines.add("  inputs     " + tensors(subgraph, subgraph.inputs()));
      lines.add("  outputs    " + tensors(subgraph, subgraph.outputs()));
      lines.add("  operators  " + text(ModelDocument.operators(subgraph)));
      lines.add("  constants  " + text(ModelDocument.constants(model, subgraph)));
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
    String quantization = tensor.quantizationText();
    return tensor
        + (model.isConstant(tensor) ? " constant" : "")
        + (tensor.isVariable() ? " variable" : "")
        + (quantization.isEmpty() ? "" : "  " + quantization);
  }

  private static String tensors(Subgraph subgraph, int[] numbers) {
    List<String> names = new ArrayList<>();
    for (int number : numbers) {
      names.add(subgraph.tensor(number).toString());
    }
    return names.isEmpty() ? "none" : String.join("; ", names);
  }

  private static String text(Map<String, Long> counts) {
    return counts.isEmpty()
        ? "none"
        : counts.entrySet().stream()
            .map(entry -> entry.getKey() + " " + entry.getValue())
            .collect(Collectors.joining(", "));
  }
}
