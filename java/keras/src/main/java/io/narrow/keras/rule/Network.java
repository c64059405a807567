package io.narrow.keras.rule;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.narrow.keras.config.Arguments;
import io.narrow.keras.config.Config;
import io.narrow.keras.config.ModelConfig;
import io.narrow.keras.config.Node;
import io.narrow.keras.file.Hdf5;
import io.narrow.keras.file.Weights;
import io.narrow.keras.file.Weights.Part;
import io.narrow.keras.file.Weights.Place;
import io.narrow.keras.graph.Floats;
import io.narrow.keras.graph.Graph;
import io.narrow.keras.graph.Shapes;
import io.narrow.keras.graph.Value;
import io.narrow.keras.rule.Call.UnsupportedException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Walks a model, nested ones included, and lets the rule of each layer append to the graph. What is
 * unsupported is collected; the layers after it are walked with values of the shape that the file
 * says, or that of the input of the unsupported layer, so that all problems are found at once.
 */
public final class Network {
  private final Map<String, Rule> rules;
  private final Weights weights;
  private final Graph graph;
  private final boolean keras3;

  /** Path of each layer that cannot be imported, with the reason. */
  private final Map<String, String> problems = new LinkedHashMap<>();

  /** Paths of the layers that are annotated for a quantization that has not been applied. */
  private final List<String> annotated = new ArrayList<>();

  private static final Config NOTHING = new Config(new JsonObject());

  /**
   * @param rules of the layers, by class
   */
  public Network(Map<String, Rule> rules, Weights weights, Graph graph, boolean keras3) {
    this.rules = rules;
    this.weights = weights;
    this.graph = graph;
    this.keras3 = keras3;
  }

  /** Whether the file was written by Keras 3, in which some functions are not what they were. */
  public boolean keras3() {
    return keras3;
  }

  /** The class of a layer inside another. */
  public String kind(Config layer) {
    return ModelConfig.kind(layer, rules.keySet());
  }

  public Weights weights() {
    return weights;
  }

  public Map<String, String> problems() {
    return problems;
  }

  public List<String> annotated() {
    return annotated;
  }

  Rule rule(String kind) {
    Rule rule = ModelConfig.isModel(kind) ? this::model : rules.get(kind);
    if (rule == null) {
      throw new UnsupportedException(unknown(kind));
    }
    return rule;
  }

  private static String unknown(String kind) {
    return "layer class " + kind;
  }

  /** Runs a model over inputs in the order of its own, and returns its outputs. */
  public List<Value> run(ModelConfig model, Path where, List<Value> inputs) {
    Map<String, List<List<Value>>> values = new HashMap<>();
    if (inputs.size() != model.inputs().size()) {
      throw new IllegalStateException(
          "it has " + model.inputs().size() + " inputs and is given " + inputs.size());
    }
    for (int i = 0; i < inputs.size(); i++) {
      values.put(model.inputs().get(i).reference().layer(), List.of(List.of(inputs.get(i))));
    }
    List<ModelConfig.Layer> waiting = new ArrayList<>(model.layers());
    waiting.removeIf(layer -> values.containsKey(layer.name()));
    Map<String, Place> places = new HashMap<>();
    model.layers().forEach(layer -> places.put(layer.name(), where.layer(layer)));
    while (!waiting.isEmpty()) {
      boolean moved = false;
      for (ModelConfig.Layer layer : List.copyOf(waiting)) {
        moved |= advance(model, layer, places.get(layer.name()), values);
      }
      waiting.removeIf(layer -> values.get(layer.name()).size() == layer.calls().size());
      if (!moved && !waiting.isEmpty()) {
        throw new IllegalStateException(
            "layer `" + waiting.get(0).name() + "` waits for inputs that no layer gives");
      }
    }
    List<Value> outputs = new ArrayList<>();
    for (ModelConfig.End output : model.outputs()) {
      Value value = value(model, output.reference(), values);
      if (value == null) {
        throw new IllegalStateException("no layer gives the output `" + output.name() + "`");
      }
      outputs.add(value);
    }
    return outputs;
  }

  /** Makes the next calls of a layer whose inputs are there; returns whether there were any. */
  private boolean advance(
      ModelConfig model,
      ModelConfig.Layer layer,
      Place place,
      Map<String, List<List<Value>>> values) {
    List<List<Value>> made = values.computeIfAbsent(layer.name(), name -> new ArrayList<>());
    int before = made.size();
    while (made.size() < layer.calls().size()) {
      Node node = layer.calls().get(made.size());
      if (!node.references().stream().allMatch(r -> value(model, r, values) != null)) {
        break;
      }
      List<Object> byPlace = new ArrayList<>();
      node.places().forEach(json -> byPlace.add(argument(model, json, place, values)));
      Map<String, Object> byName = new LinkedHashMap<>();
      node.names()
          .entrySet()
          .forEach(e -> byName.put(e.getKey(), argument(model, e.getValue(), place, values)));
      made.add(call(layer.kind(), layer.config(), place, new Arguments(byPlace, byName)));
    }
    return made.size() > before || layer.calls().isEmpty();
  }

  private static Object argument(
      ModelConfig model, JsonElement json, Place place, Map<String, List<List<Value>>> values) {
    if (json.isJsonArray()) {
      List<Object> list = new ArrayList<>();
      json.getAsJsonArray().forEach(element -> list.add(argument(model, element, place, values)));
      return list;
    }
    if (!json.isJsonObject()) {
      return json;
    }
    JsonObject object = json.getAsJsonObject();
    ModelConfig.Reference reference = Node.reference(object);
    Config config = new Config(object);
    if (reference != null) {
      Value value = value(model, reference, values);
      return value.unknown ? unknown(config.object("config"), value) : value;
    }
    String kind = config.text("class_name", "");
    if (kind.equals("__numpy__") || kind.equals("__tensor__")) {
      return constant(place, config.object("config"));
    }
    if (!kind.isEmpty()) {
      return json;
    }
    Map<String, Object> table = new LinkedHashMap<>();
    object
        .entrySet()
        .forEach(e -> table.put(e.getKey(), argument(model, e.getValue(), place, values)));
    return table;
  }

  /** What could not be imported, in the shape that Keras 3 gives with a reference. */
  private static Value unknown(Config reference, Value otherwise) {
    int[] shape = otherwise.shape;
    if (reference.has("shape")) {
      List<Integer> sizes = new ArrayList<>();
      reference.list("shape").forEach(size -> sizes.add(size.isJsonNull() ? 1 : size.getAsInt()));
      shape = Shapes.ints(sizes);
    }
    Value value = new Value("unknown", otherwise.type, shape);
    value.unknown = true;
    return value;
  }

  private static Value constant(Place place, Config config) {
    JsonElement nested = config.get("value");
    List<Integer> shape = new ArrayList<>();
    for (JsonElement at = nested; at.isJsonArray(); at = at.getAsJsonArray().get(0)) {
      shape.add(at.getAsJsonArray().size());
    }
    float[] numbers = Config.numbers(nested);
    int[] sizes = Shapes.ints(shape);
    if (Arrays.stream(sizes).reduce(1, Math::multiplyExact) != numbers.length) {
      throw new IllegalStateException("a constant has rows of different lengths");
    }
    String name = place.path() + "/constant";
    if (!config.text("dtype", "float32").startsWith("int")) {
      return Value.of(name, Floats.of(numbers), sizes);
    }
    int[] ints = new int[numbers.length];
    Arrays.setAll(ints, i -> (int) numbers[i]);
    return Value.of(name, ints, sizes);
  }

  private static Value value(
      ModelConfig model, ModelConfig.Reference from, Map<String, List<List<Value>>> values) {
    List<List<Value>> calls = values.getOrDefault(from.layer(), List.of());
    int call = from.call() - model.firstCall(from.layer());
    if (call < 0 || call >= calls.size()) {
      return null;
    }
    List<Value> outputs = calls.get(call);
    if (outputs.size() == 1 && outputs.get(0).unknown) {
      return outputs.get(0);
    }
    if (from.output() < 0 || from.output() >= outputs.size()) {
      throw new IllegalStateException(
          "layer `" + from.layer() + "` has no output " + from.output());
    }
    return outputs.get(from.output());
  }

  private List<Value> call(String kind, Config config, Place place, Arguments arguments) {
    String outer = graph.scope;
    graph.scope = place.path();
    List<Value> inputs = arguments.values();
    boolean unknown = inputs.stream().anyMatch(value -> value.unknown);
    try {
      if (inputs.isEmpty()) {
        throw new IllegalStateException("it has no input");
      }
      rule(kind);
      if (config.get("dtype") instanceof JsonObject policy
          && policy.toString().contains("QuantizedDTypePolicy")) {
        throw new UnsupportedException("quantized weights");
      }
      Activations.check(config.get("activation"));
      Activations.check(config.get("recurrent_activation"));
      List<Value> outputs =
          new Call(kind, config, place, Part.WHOLE, arguments, inputs, this, graph).build();
      if (!ModelConfig.isModel(kind)
          && !graph.ops.isEmpty()
          && graph.ops.get(graph.ops.size() - 1).outputs.contains(outputs.get(0))) {
        outputs.get(0).name = place.path();
      }
      outputs.forEach(value -> value.unknown |= unknown);
      return outputs;
    } catch (UnsupportedException e) {
      problems.putIfAbsent(
          place.path(), e.getMessage().equals(unknown(kind)) ? kind : kind + ": " + e.getMessage());
      return List.of(unknown(NOTHING, inputs.get(0)));
    } catch (Hdf5.DamagedException e) {
      throw e;
    } catch (RuntimeException e) {
      if (unknown) {
        return List.of(unknown(NOTHING, inputs.get(0))); // its shape may have been another one
      }
      if (e instanceof ImportException) {
        throw e;
      }
      // Whatever the rule stumbled over, the layer's configuration or weights led it there.
      String why = e.getMessage() == null ? e.toString() : e.getMessage();
      throw new ImportException("layer `" + place.path() + "` (" + kind + "): " + why, e);
    } finally {
      graph.scope = outer;
    }
  }

  /** A model in the place of a layer; what it is given by name has the order of its inputs. */
  private List<Value> model(Call call) {
    ModelConfig inner = ModelConfig.of(call.kind(), call.config(), rules.keySet());
    List<Value> inputs = call.inputs();
    if (call.arguments().get(0, "") instanceof Map<?, ?> table) {
      inputs = new ArrayList<>();
      for (ModelConfig.End input : inner.inputs()) {
        inputs.addAll(
            Arguments.values(table.get(input.key().isEmpty() ? input.name() : input.key())));
      }
    }
    Place place = call.place();
    String inside = call.part().archive();
    String archive = inside.isEmpty() ? place.archive() : place.archive() + "/" + inside;
    return run(inner, new Path(place.names(), archive, new HashMap<>()), inputs);
  }

  /** A layer is not as its class needs it; the message names it. */
  public static final class ImportException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    ImportException(String message, Throwable cause) {
      super(message, cause);
    }
  }

  /**
   * Where the layers of a model are.
   *
   * @param names of the models around them
   * @param archive path of the model in an archive, empty for the outermost
   * @param counts how many layers of each class have been seen, which an archive tells them by
   */
  public record Path(List<String> names, String archive, Map<String, Integer> counts) {
    public static Path root() {
      return new Path(List.of(), "", new HashMap<>());
    }

    Place layer(ModelConfig.Layer layer) {
      List<String> path = new ArrayList<>(names);
      path.add(layer.name());
      String prefix = archive.isEmpty() ? "" : archive + "/";
      return new Place(List.copyOf(path), prefix + "layers/" + next(layer.kind()));
    }

    /** The group of the next layer of a class. */
    public String next(String kind) {
      // The one class of Keras that is not saved by its own name.
      String snake = snake(kind.replace("GroupQuery", "GroupedQuery"));
      int number = counts.merge(snake, 1, Integer::sum) - 1;
      return snake + (number == 0 ? "" : "_" + number);
    }
  }

  /** As Keras turns the name of a class into that of a group. */
  public static String snake(String kind) {
    return kind.replaceAll("\\W+", "")
        .replaceAll("(.)([A-Z][a-z]+)", "$1_$2")
        .replaceAll("([a-z])([A-Z])", "$1_$2")
        .toLowerCase(Locale.ROOT);
  }
}
