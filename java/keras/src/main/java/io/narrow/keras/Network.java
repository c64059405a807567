package io.narrow.keras;

import io.narrow.keras.Call.UnsupportedException;
import io.narrow.keras.Weights.Part;
import io.narrow.keras.Weights.Place;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Walks a model, nested ones included, and lets the rule of each layer append to the graph. What is
 * unsupported is collected; what is computed from it is left out.
 */
final class Network {
  private final Weights weights;
  private final Graph graph;
  private final boolean keras3;

  /** Path of each layer that cannot be imported, with the reason. */
  private final Map<String, String> problems = new LinkedHashMap<>();

  /** What a layer gives that could not be imported. */
  private static final Value NOTHING = Value.of("nothing", new float[0], 0);

  Network(Weights weights, Graph graph, boolean keras3) {
    this.weights = weights;
    this.graph = graph;
    this.keras3 = keras3;
  }

  /** Whether the file was written by Keras 3, in which some functions are not what they were. */
  boolean keras3() {
    return keras3;
  }

  Weights weights() {
    return weights;
  }

  Map<String, String> problems() {
    return problems;
  }

  Rule rule(String kind) {
    return LayerRules.of(kind).orElseThrow(() -> new UnsupportedException("layer class " + kind));
  }

  /** Runs a model over inputs in the order of its own, and returns its outputs. */
  List<Value> run(ModelConfig model, Path where, List<Value> inputs) {
    Map<String, List<List<Value>>> values = new HashMap<>();
    for (int i = 0; i < model.inputs().size(); i++) {
      if (i >= inputs.size()) {
        throw new IllegalStateException("model `" + model.name() + "` is given too few inputs");
      }
      values.put(model.inputs().get(i).layer(), List.of(List.of(inputs.get(i))));
    }
    List<ModelConfig.Layer> waiting = new ArrayList<>(model.layers());
    waiting.removeIf(layer -> values.containsKey(layer.name()));
    Map<String, Place> places = new HashMap<>();
    model.layers().forEach(layer -> places.put(layer.name(), where.layer(layer)));
    while (!waiting.isEmpty()) {
      int before = steps(waiting, values);
      for (ModelConfig.Layer layer : List.copyOf(waiting)) {
        advance(model, layer, places.get(layer.name()), values);
      }
      waiting.removeIf(layer -> done(layer, values));
      if (steps(waiting, values) == before && before >= 0 && !waiting.isEmpty()) {
        throw new IllegalStateException(
            "layer `" + waiting.get(0).name() + "` waits for inputs that no layer gives");
      }
    }
    List<Value> outputs = new ArrayList<>();
    for (ModelConfig.Reference output : model.outputs()) {
      outputs.add(value(model, output, values));
    }
    return outputs;
  }

  private static boolean done(ModelConfig.Layer layer, Map<String, List<List<Value>>> values) {
    return values.getOrDefault(layer.name(), List.of()).size() >= layer.calls().size();
  }

  /** Grows with every call that is made and every layer that is done. */
  private static int steps(List<ModelConfig.Layer> waiting, Map<String, List<List<Value>>> values) {
    int steps = -waiting.size();
    for (ModelConfig.Layer layer : waiting) {
      steps += values.getOrDefault(layer.name(), List.of()).size();
    }
    return steps + Integer.MAX_VALUE / 2;
  }

  /** Makes the next calls of a layer whose inputs are there. */
  private void advance(
      ModelConfig model,
      ModelConfig.Layer layer,
      Place place,
      Map<String, List<List<Value>>> values) {
    List<List<Value>> made = values.computeIfAbsent(layer.name(), name -> new ArrayList<>());
    while (made.size() < layer.calls().size()) {
      ModelConfig.Arguments arguments = layer.calls().get(made.size());
      if (!arguments.references().stream().allMatch(r -> value(model, r, values) != null)) {
        return;
      }
      List<Value> inputs = new ArrayList<>();
      Map<String, Value> named = new LinkedHashMap<>();
      for (ModelConfig.Argument argument : arguments.all()) {
        Value value =
            argument.reference() == null
                ? Value.of(place.path() + "/constant", argument.constant(), argument.shape())
                : value(model, argument.reference(), values);
        if (!AttentionLayers.FLAGS.contains(argument.name())) {
          inputs.add(value);
        }
        if (!argument.name().isEmpty()) {
          named.put(argument.name(), value);
        }
      }
      made.add(call(layer.kind(), layer.config(), place, inputs, named));
    }
  }

  private static Value value(
      ModelConfig model, ModelConfig.Reference from, Map<String, List<List<Value>>> values) {
    List<List<Value>> calls = values.getOrDefault(from.layer(), List.of());
    int call = from.call() - model.firstCall(from.layer());
    if (call < 0 || call >= calls.size()) {
      return null;
    }
    List<Value> outputs = calls.get(call);
    if (outputs.size() == 1 && outputs.get(0) == NOTHING) {
      return NOTHING;
    }
    if (from.output() < 0 || from.output() >= outputs.size()) {
      throw new IllegalStateException(
          "layer `" + from.layer() + "` has no output " + from.output());
    }
    return outputs.get(from.output());
  }

  private List<Value> call(
      String kind, Config config, Place place, List<Value> inputs, Map<String, Value> named) {
    String outer = graph.scope;
    graph.scope = place.path();
    try {
      if (ModelConfig.isModel(kind)) {
        ModelConfig inner = ModelConfig.of(kind, config);
        return run(inner, new Path(place.names(), place.archive(), new HashMap<>()), inputs);
      }
      Call call = new Call(kind, config, place, Part.WHOLE, inputs, named, this, graph);
      Rule rule = rule(kind);
      Activations.check(config.get("activation"));
      Activations.check(config.get("recurrent_activation"));
      call.channelsLast();
      if (inputs.contains(NOTHING)) {
        return List.of(NOTHING);
      }
      if (inputs.isEmpty()) {
        throw new IllegalStateException("it has no input");
      }
      List<Value> outputs = rule.build(call);
      if (!graph.ops.isEmpty()
          && graph.ops.get(graph.ops.size() - 1).outputs.contains(outputs.get(0))) {
        outputs.get(0).name = place.path();
      }
      return outputs;
    } catch (UnsupportedException e) {
      problems.putIfAbsent(
          place.path(),
          e.getMessage().startsWith("layer class ") ? kind : kind + ": " + e.getMessage());
      return List.of(NOTHING);
    } catch (ImportException e) {
      throw e;
    } catch (Hdf5.DamagedException e) {
      throw e;
    } catch (RuntimeException e) {
      // Whatever the rule stumbled over, the layer's configuration or weights led it there.
      String why = e.getMessage() == null ? e.toString() : e.getMessage();
      throw new ImportException("layer `" + place.path() + "` (" + kind + "): " + why, e);
    } finally {
      graph.scope = outer;
    }
  }

  /** A layer is not as its class needs it; the message names it. */
  static final class ImportException extends RuntimeException {
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
  record Path(List<String> names, String archive, Map<String, Integer> counts) {
    Place layer(ModelConfig.Layer layer) {
      List<String> path = new ArrayList<>(names);
      path.add(layer.name());
      String snake = snake(layer.kind());
      int number = counts.merge(snake, 1, Integer::sum) - 1;
      String prefix = archive.isEmpty() ? "" : archive + "/";
      return new Place(
          List.copyOf(path), prefix + "layers/" + snake + (number == 0 ? "" : "_" + number));
    }

    /** As Keras turns the name of a class into that of a group. */
    private static String snake(String kind) {
      return kind.replaceAll("\\W+", "")
          .replaceAll("(.)([A-Z][a-z]+)", "$1_$2")
          .replaceAll("([a-z])([A-Z])", "$1_$2")
          .toLowerCase(Locale.ROOT);
    }
  }
}
