package io.narrow.report;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.narrow.tflite.calibration.Calibration;
import io.narrow.tflite.comparison.Comparison;
import io.narrow.tflite.comparison.ComparisonFile;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Signature;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.plan.Plan;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;

/** A model as a JSON document. */
public final class ModelDocument {
  private final Model model;
  private Optional<Plan> plan = Optional.empty();
  private Optional<Statistics> statistics = Optional.empty();
  private Optional<Comparison> comparison = Optional.empty();

  /** What calibration saw, and of which model. */
  record Statistics(Model model, Calibration calibration) {}

  public ModelDocument(Model model) {
    this.model = model;
  }

  /** Lets the {@link #graph} refer to what a plan decides, by places in the lists of the plan. */
  public ModelDocument withPlan(Plan made) {
    plan = Optional.of(made);
    return this;
  }

  /**
   * Adds histograms of activations to the {@link #graph}.
   *
   * @param calibrated the model that was calibrated, whose tensors have the names of this one's
   */
  public ModelDocument withCalibration(Model calibrated, Calibration calibration) {
    statistics = Optional.of(new Statistics(calibrated, calibration));
    return this;
  }

  /**
   * Adds how far the model's tensors are from those of the float model that it was made of.
   *
   * @param made of this model, the quantized one, best with histograms
   */
  public ModelDocument withComparison(Comparison made) {
    comparison = Optional.of(made);
    return this;
  }

  /** How many operators of each kind a subgraph has, most first. */
  public static Map<String, Long> operators(Subgraph subgraph) {
    return mostFirst(
        subgraph.operators().stream()
            .collect(Collectors.groupingBy(Operator::name, TreeMap::new, Collectors.counting())));
  }

  /** How many constants of each type a subgraph has, most first. */
  public static Map<String, Long> constants(Model model, Subgraph subgraph) {
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

  /**
   * What is in the model.
   *
   * @param tensors whether to list every tensor
   */
  public JsonObject summary(boolean tensors) {
    return document(
        (number, subgraph, entry) -> {
          if (tensors) {
            entry.add("tensors", array(subgraph.tensors(), this::json));
          }
        });
  }

  /**
   * What is in the model, with all that a page shows of it: where its bytes are, every tensor with
   * a histogram of its values, every operator with what it computes with, and what it reads and
   * writes.
   *
   * @throws io.narrow.tflite.NarrowException if the model is larger than 2 GiB
   */
  public JsonObject graph() {
    JsonObject document =
        document(
            (number, subgraph, entry) ->
                new GraphDocument(model, number, plan, statistics).addTo(entry));
    document.add("bytes", counts(model.bytesByUse()));
    comparison.ifPresent(
        made -> {
          document.addProperty("compared_with", made.floatModel());
          document.add("comparison", JsonParser.parseString(ComparisonFile.json(made)));
        });
    return document;
  }

  /** What is added to the entry of a subgraph. */
  private interface Details {
    void addTo(int number, Subgraph subgraph, JsonObject entry);
  }

  private JsonObject document(Details details) {
    JsonObject document = new JsonObject();
    document.addProperty("model", model.name());
    document.addProperty("description", model.description());
    document.addProperty("minimum_runtime", model.minimumRuntime());
    document.addProperty("attached_bytes", model.tailBytes());
    document.add("states", array(model.states(), this::json));
    JsonArray signatures = new JsonArray();
    model.signatures().stream().map(Signature::key).forEach(signatures::add);
    document.add("signatures", signatures);
    JsonObject pictures = new JsonObject();
    Subgraph main = model.subgraphs().get(0);
    model
        .normalizations()
        .forEach(
            (input, found) -> pictures.addProperty(main.tensor(input).name(), found.options()));
    document.add("pictures", pictures);
    JsonArray subgraphs = new JsonArray();
    for (int i = 0; i < model.subgraphs().size(); i++) {
      Subgraph subgraph = model.subgraphs().get(i);
      JsonObject entry = new JsonObject();
      entry.addProperty("name", subgraph.name());
      entry.add("inputs", tensors(subgraph, subgraph.inputs()));
      entry.add("outputs", tensors(subgraph, subgraph.outputs()));
      entry.add("operators", counts(operators(subgraph)));
      entry.add("constants", counts(constants(model, subgraph)));
      details.addTo(i, subgraph, entry);
      subgraphs.add(entry);
    }
    document.add("subgraphs", subgraphs);
    return document;
  }

  private JsonObject json(Tensor tensor) {
    return json(model, tensor);
  }

  static JsonObject json(Model model, Tensor tensor) {
    JsonObject entry = new JsonObject();
    entry.addProperty("name", tensor.name());
    entry.addProperty("type", tensor.type().toString());
    entry.add("shape", numbers(tensor.shape()));
    entry.addProperty("constant", model.isConstant(tensor));
    if (tensor.isQuantized()) {
      entry.addProperty("quantization", tensor.quantizationText());
    }
    return entry;
  }

  static JsonArray numbers(int... numbers) {
    JsonArray array = new JsonArray();
    for (int number : numbers) {
      array.add(number);
    }
    return array;
  }

  private JsonArray tensors(Subgraph subgraph, int[] numbers) {
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
