package io.narrow.keras;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.narrow.keras.config.Config;
import io.narrow.keras.config.ModelConfig;
import io.narrow.keras.file.Hdf5;
import io.narrow.keras.file.Weights;
import io.narrow.keras.graph.Assembler;
import io.narrow.keras.graph.Graph;
import io.narrow.keras.graph.Pairs;
import io.narrow.keras.graph.Value;
import io.narrow.keras.layers.LayerRules;
import io.narrow.keras.rule.Network;
import io.narrow.keras.rule.Rule;
import io.narrow.keras.simplify.Folding;
import io.narrow.tflite.NarrowException;
import io.narrow.tflite.model.Model;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** Turns one configuration with its weights into a model. */
final class Importer {
  private static final System.Logger LOG = System.getLogger(Importer.class.getName());

  private static final Map<String, Rule> RULES = LayerRules.ROWS;

  private final Path file;
  private final JsonObject json;
  private final Weights weights;
  private final boolean keras3;
  private final KerasModel.Options options;

  Importer(
      Path file, JsonObject json, Weights weights, String version, KerasModel.Options options) {
    this.file = file;
    this.json = json;
    this.weights = weights;
    this.keras3 = version.startsWith("3");
    this.options = options;
  }

  Model model() {
    String kind = ModelConfig.kind(new Config(json), RULES.keySet());
    if (!ModelConfig.isModel(kind)) {
      throw NarrowException.unsupported(
          file + ": is a model of the class " + kind + ", which only its Python code can build");
    }
    try {
      ModelConfig model = ModelConfig.of(kind, config(), RULES.keySet());
      InputShapes shapes = new InputShapes(model, config(), options);
      return build(model, shapes, true);
    } catch (Hdf5.DamagedException e) {
      throw e;
    } catch (NarrowException e) {
      throw new NarrowException(e.kind(), file + ": " + e.getMessage(), e);
    } catch (Network.ImportException | IllegalStateException e) {
      throw new NarrowException(NarrowException.Kind.INPUT, file + ": " + e.getMessage(), e);
    } catch (RuntimeException | StackOverflowError e) {
      throw new NarrowException(
          NarrowException.Kind.INPUT,
          file + ": its configuration is damaged: " + e.getMessage(),
          e);
    }
  }

  /**
   * @param dynamic whether the batch may be of no fixed size; if the model turns out to need one,
   *     it is built once more
   */
  private Model build(ModelConfig model, InputShapes shapes, boolean dynamic) {
    Graph graph = new Graph("main");
    Map<String, Value> inputs = new LinkedHashMap<>();
    for (ModelConfig.End input : model.inputs()) {
      inputs.put(input.name(), shapes.add(graph, input, dynamic));
    }
    Network network = new Network(RULES, weights, graph, keras3);
    List<Value> outputs = network.run(model, Network.Path.root(), List.copyOf(inputs.values()));
    if (!network.problems().isEmpty()) {
      throw NarrowException.unsupported(
          "these layers cannot be imported: "
              + network.problems().entrySet().stream()
                  .map(e -> e.getKey() + " (" + e.getValue() + ")")
                  .collect(Collectors.joining("; ")));
    }
    if (dynamic && graph.fixed()) {
      return build(model, shapes, false);
    }
    if (!network.annotated().isEmpty()) {
      LOG.log(
          Level.WARNING,
          file
              + ": imported as float, since these layers are annotated for quantization, which has"
              + " not been applied: "
              + String.join(", ", network.annotated()));
    }
    graph.outputs.addAll(outputs);
    Folding.run(graph);
    Pairs.put(graph);
    return new Assembler(graph).model(String.valueOf(file.getFileName()), inputs, names(model));
  }

  /** Names of the outputs in the signature, as TensorFlow's converter makes them. */
  private Map<String, Integer> names(ModelConfig model) {
    Map<String, Integer> names = new LinkedHashMap<>();
    for (int i = 0; i < model.outputs().size(); i++) {
      ModelConfig.End output = model.outputs().get(i);
      String numbered = output.key().isEmpty() ? "output_" + i : output.key();
      String name = keras3 ? numbered : output.name();
      names.put(names.containsKey(name) ? name + "_" + i : name, i);
    }
    return names;
  }

  /** Sequential models of early Keras are a bare list of layers. */
  private Config config() {
    JsonElement config = json.get("config");
    if (config != null && config.isJsonArray()) {
      JsonObject wrapped = new JsonObject();
      wrapped.add("layers", config);
      return new Config(wrapped);
    }
    return new Config(json).object("config");
  }
}
