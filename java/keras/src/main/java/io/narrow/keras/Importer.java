package io.narrow.keras;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.narrow.tflite.NarrowException;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.TensorType;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Turns one configuration with its weights into a model. */
final class Importer {
  /** Layers that keep their state in variables of the runtime, which have a size. */
  private static final Set<String> FIXED_BATCH = Set.of("LSTM", "SimpleRNN", "CuDNNLSTM");

  private final Path file;
  private final JsonObject json;
  private final Weights weights;
  private final boolean keras3;
  private final KerasModel.Options options;
  private final Graph graph = new Graph("main");

  Importer(
      Path file, JsonObject json, Weights weights, String version, KerasModel.Options options) {
    this.file = file;
    this.json = json;
    this.weights = weights;
    this.keras3 = version.startsWith("3");
    this.options = options;
  }

  Model model() {
    String kind = new Config(json).text("class_name", "");
    if (!ModelConfig.isModel(kind)) {
      throw NarrowException.unsupported(
          file + ": is a model of the class " + kind + ", which only its Python code can build");
    }
    try {
      return build(kind);
    } catch (Hdf5.DamagedException | NarrowException e) {
      throw e;
    } catch (Network.ImportException e) {
      throw new NarrowException(NarrowException.Kind.INPUT, file + ": " + e.getMessage(), e);
    } catch (RuntimeException | StackOverflowError e) {
      throw new NarrowException(
          NarrowException.Kind.INPUT,
          file + ": its configuration is damaged: " + e.getMessage(),
          e);
    }
  }

  private Model build(String kind) {
    ModelConfig model = ModelConfig.of(kind, config());
    Set<String> kinds = kinds(json).collect(Collectors.toSet());
    boolean dynamic = options.batch() == 0 && kinds.stream().noneMatch(FIXED_BATCH::contains);
    Map<String, Value> inputs = new LinkedHashMap<>();
    for (ModelConfig.Reference reference : model.inputs()) {
      Value value = input(model, reference.layer(), dynamic);
      inputs.put(value.name, value);
    }
    Network network = new Network(weights, graph, keras3);
    masks(kinds, network);
    List<Value> outputs =
        network.run(
            model, new Network.Path(List.of(), "", new HashMap<>()), List.copyOf(inputs.values()));
    if (!network.problems().isEmpty()) {
      throw NarrowException.unsupported(
          file
              + ": these layers cannot be imported: "
              + network.problems().entrySet().stream()
                  .map(e -> e.getKey() + " (" + e.getValue() + ")")
                  .collect(Collectors.joining("; ")));
    }
    graph.outputs.addAll(outputs);
    Map<String, Value> named = new LinkedHashMap<>();
    for (int i = 0; i < outputs.size(); i++) {
      String name = keras3 ? "output_" + i : model.outputs().get(i).layer();
      named.put(named.containsKey(name) ? name + "_" + i : name, outputs.get(i));
    }
    Folding.run(graph);
    Map<String, Integer> places = new LinkedHashMap<>();
    int place = 0;
    for (String name : named.keySet()) {
      places.put(name, place++);
    }
    return new Assembler(graph).model(String.valueOf(file.getFileName()), inputs, places);
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

  private void masks(Set<String> kinds, Network network) {
    boolean masked = kinds.contains("Masking") || json.toString().contains("\"mask_zero\":true");
    List<String> readers = kinds.stream().filter(RecurrentLayers.MASK_READERS::contains).toList();
    if (masked && !readers.isEmpty()) {
      network.problems().put("a mask", "read by " + String.join(", ", readers));
    }
  }

  /** Classes of all layers, however deep. */
  private static Stream<String> kinds(JsonElement element) {
    if (element.isJsonArray()) {
      return element.getAsJsonArray().asList().stream().flatMap(Importer::kinds);
    }
    if (!element.isJsonObject()) {
      return Stream.empty();
    }
    JsonObject object = element.getAsJsonObject();
    String kind = new Config(object).text("class_name", "");
    return Stream.concat(
        Stream.of(kind), object.entrySet().stream().flatMap(e -> kinds(e.getValue())));
  }

  private Value input(ModelConfig model, String name, boolean dynamic) {
    Config config;
    String type = "float32";
    List<Integer> sizes;
    ModelConfig.Layer layer =
        name.contains(" ") && model.layers().stream().noneMatch(l -> l.name().equals(name))
            ? model.layers().get(0)
            : model.layer(name);
    config = layer.config();
    sizes = shape(config);
    if (sizes.isEmpty()) {
      sizes = inner(layer);
    }
    if (sizes.isEmpty()) {
      sizes = shape(config().object("build_config"));
    }
    if (sizes.isEmpty()) {
      sizes = shape(config());
    }
    type = config.text("dtype", "float32");
    int batch = options.batch() > 0 ? options.batch() : 1;
    int[] shape;
    boolean open = sizes.isEmpty() || sizes.get(0) == null;
    if (!options.inputShape().isEmpty()) {
      if (model.inputs().size() > 1) {
        throw NarrowException.input(
            file + ": has several inputs, an input shape is for models with one");
      }
      if (!sizes.isEmpty() && sizes.size() != options.inputShape().size() + 1) {
        throw NarrowException.input(
            file
                + ": its input has "
                + (sizes.size() - 1)
                + " axes besides the batch, not "
                + options.inputShape().size());
      }
      shape = new int[options.inputShape().size() + 1];
      for (int i = 1; i < shape.length; i++) {
        shape[i] = options.inputShape().get(i - 1);
      }
    } else {
      if (sizes.isEmpty() || sizes.subList(1, sizes.size()).contains(null)) {
        throw NarrowException.input(
            file
                + ": input `"
                + layer.name()
                + "` has no fixed shape ("
                + sizes.stream()
                    .map(s -> s == null ? "any" : s.toString())
                    .collect(Collectors.joining(", "))
                + "): give one with --input-shape, without the batch");
      }
      shape = sizes.stream().mapToInt(s -> s == null ? 1 : s).toArray();
    }
    shape[0] = open || options.batch() > 0 ? batch : sizes.get(0);
    if (Arrays.stream(shape).anyMatch(s -> s < 1)) {
      throw NarrowException.input(
          file + ": input `" + layer.name() + "` has the shape " + Arrays.toString(shape));
    }
    Value value =
        graph.input(name.contains(" ") ? layer.name() + "_input" : name, type(type), shape);
    value.batched = dynamic && open;
    return value;
  }

  private static TensorType type(String type) {
    return switch (type) {
      case "int32" -> TensorType.INT32;
      case "int64" -> TensorType.INT64;
      case "uint8" -> TensorType.UINT8;
      case "bool" -> TensorType.BOOL;
      default -> {
        if (type.toLowerCase(Locale.ROOT).contains("string")) {
          throw NarrowException.unsupported("inputs of type string cannot be imported");
        }
        yield TensorType.FLOAT32;
      }
    };
  }

  private static List<Integer> inner(ModelConfig.Layer layer) {
    if (!ModelConfig.isModel(layer.kind())) {
      return List.of();
    }
    ModelConfig model = ModelConfig.of(layer.kind(), layer.config());
    ModelConfig.Layer first =
        model.layers().stream()
            .filter(l -> l.name().equals(model.inputs().get(0).layer()))
            .findFirst()
            .orElse(model.layers().get(0));
    List<Integer> sizes = shape(first.config());
    return sizes.isEmpty() && first != layer ? inner(first) : sizes;
  }

  /** The shape that a layer or model says its input has, null for a size that may be any. */
  private static List<Integer> shape(Config config) {
    for (String field :
        List.of("batch_shape", "batch_input_shape", "build_input_shape", "input_shape")) {
      if (config.has(field) && config.get(field).isJsonArray()) {
        List<Integer> sizes = new ArrayList<>();
        for (JsonElement size : config.list(field)) {
          sizes.add(size.isJsonNull() ? null : Integer.valueOf(size.getAsInt()));
        }
        return sizes;
      }
    }
    return List.of();
  }
}
