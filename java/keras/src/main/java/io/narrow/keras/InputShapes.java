package io.narrow.keras;

import com.google.gson.JsonElement;
import io.narrow.keras.config.Config;
import io.narrow.keras.config.ModelConfig;
import io.narrow.keras.graph.Graph;
import io.narrow.keras.graph.Value;
import io.narrow.keras.layers.LayerRules;
import io.narrow.tflite.NarrowException;
import io.narrow.tflite.model.TensorType;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** Shapes of the inputs of a model: those in the file, those that were asked for, or both. */
final class InputShapes {
  private static final List<String> FIELDS =
      List.of("batch_shape", "batch_input_shape", "build_input_shape", "input_shape");

  private final ModelConfig model;
  private final Config whole;
  private final KerasModel.Options options;

  /**
   * @param whole the configuration of the model, which has the shape where no layer has
   */
  InputShapes(ModelConfig model, Config whole, KerasModel.Options options) {
    this.model = model;
    this.whole = whole;
    this.options = options;
    for (String name : options.inputShapes().keySet()) {
      if (name.isEmpty() && model.inputs().size() > 1) {
        throw new IllegalStateException(
            "it has several inputs, say which one the shape is for: " + names());
      }
      if (!name.isEmpty() && model.inputs().stream().noneMatch(end -> end.name().equals(name))) {
        throw new IllegalStateException("it has no input `" + name + "`, only " + names());
      }
    }
  }

  private String names() {
    return model.inputs().stream().map(ModelConfig.End::name).collect(Collectors.joining(", "));
  }

  /**
   * Adds an input to a graph.
   *
   * @param dynamic whether a batch of no fixed size may stay so
   */
  Value add(Graph graph, ModelConfig.End input, boolean dynamic) {
    ModelConfig.Layer layer = model.receiver(input);
    List<Integer> sizes = sizes(layer);
    List<Integer> asked =
        options.inputShapes().getOrDefault(input.name(), options.inputShapes().get(""));
    if (asked != null) {
      if (!sizes.isEmpty() && sizes.size() != asked.size() + 1) {
        throw new IllegalStateException(
            "input `%s` has %d axes besides the batch, not %d"
                .formatted(input.name(), sizes.size() - 1, asked.size()));
      }
      Integer batch = sizes.isEmpty() ? null : sizes.get(0);
      sizes = new ArrayList<>(asked);
      sizes.add(0, batch);
    }
    if (sizes.isEmpty() || sizes.subList(1, sizes.size()).contains(null)) {
      throw new IllegalStateException(
          "input `%s` has no fixed shape (%s): give an input shape, without the batch"
              .formatted(
                  input.name(),
                  sizes.stream()
                      .map(size -> size == null ? "any" : size.toString())
                      .collect(Collectors.joining(", "))));
    }
    boolean open = options.batch() == 0 && sizes.get(0) == null;
    int[] shape = new int[sizes.size()];
    for (int i = 0; i < shape.length; i++) {
      shape[i] = sizes.get(i) == null ? 1 : sizes.get(i);
      if (shape[i] < 1) {
        throw new IllegalStateException("input `" + input.name() + "` has the shape " + sizes);
      }
    }
    shape[0] = options.batch() > 0 ? options.batch() : shape[0];
    Value value = graph.input(input.name(), type(layer), shape);
    value.batched = dynamic && open;
    return value;
  }

  private static TensorType type(ModelConfig.Layer layer) {
    String type = layer.config().text("dtype", "float32");
    if (type.equals("string")) {
      throw NarrowException.unsupported("input `" + layer.name() + "` holds strings");
    }
    return Config.type(type);
  }

  private List<Integer> sizes(ModelConfig.Layer layer) {
    List<Integer> sizes = inside(layer);
    sizes = sizes.isEmpty() ? shape(whole.object("build_config")) : sizes;
    return sizes.isEmpty() ? shape(whole) : sizes;
  }

  /** The shape that a layer has, or the first layer of the model that it is. */
  private static List<Integer> inside(ModelConfig.Layer layer) {
    List<Integer> sizes = shape(layer.config());
    if (!sizes.isEmpty() || !ModelConfig.isModel(layer.kind())) {
      return sizes;
    }
    ModelConfig inner = ModelConfig.of(layer.kind(), layer.config(), LayerRules.ROWS.keySet());
    return inside(inner.receiver(inner.inputs().get(0)));
  }

  /** The shape that a layer or model says its input has, null for a size that may be any. */
  private static List<Integer> shape(Config config) {
    for (String field : FIELDS) {
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
