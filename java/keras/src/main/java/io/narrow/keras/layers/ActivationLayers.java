package io.narrow.keras.layers;

import static io.narrow.keras.rule.Rule.one;

import com.google.gson.JsonObject;
import io.narrow.keras.config.Config;
import io.narrow.keras.graph.Graph;
import io.narrow.keras.graph.Shapes;
import io.narrow.keras.graph.Value;
import io.narrow.keras.rule.Activations;
import io.narrow.keras.rule.Call;
import io.narrow.keras.rule.Masks;
import io.narrow.keras.rule.Rule;
import io.narrow.tflite.model.TensorType;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Activations as layers, and layers that do nothing when a model is run. */
final class ActivationLayers {
  static final Map<String, Rule> ROWS = rows();

  private ActivationLayers() {}

  private static Map<String, Rule> rows() {
    Map<String, Rule> rows = new HashMap<>();
    for (String kind :
        List.of(
            "ActivityRegularization",
            "AlphaDropout",
            "Dropout",
            "FixedDropout", // of the package efficientnet
            "GaussianDropout",
            "GaussianNoise",
            "Identity",
            "InputLayer",
            "SpatialDropout1D",
            "SpatialDropout2D",
            "SpatialDropout3D",
            "StochasticDepth")) {
      rows.put(kind, one(Call::x));
    }
    // They change pictures at random while a model is trained, and numbers to float32 at all times.
    for (String effect :
        List.of(
            "Brightness",
            "ColorDegeneration",
            "ColorJitter",
            "Contrast",
            "ElasticTransform",
            "Erasing",
            "Flip",
            "GaussianBlur",
            "Grayscale",
            "Height",
            "Hue",
            "Invert",
            "Perspective",
            "Posterization",
            "Rotation",
            "Saturation",
            "Sharpness",
            "Shear",
            "Translation",
            "Width",
            "Zoom")) {
      rows.put("Random" + effect, one(ActivationLayers::floats));
    }
    rows.put("Activation", one(call -> call.activated(call.x())));
    rows.put("ReLU", one(ActivationLayers::relu));
    rows.put("ThresholdedReLU", one(ActivationLayers::thresholded));
    rows.put("LeakyReLU", one(ActivationLayers::leaky));
    rows.put("PReLU", one(ActivationLayers::parametric));
    rows.put("ELU", one(call -> named(call, "elu")));
    rows.put("Mish", one(call -> named(call, "mish"))); // the function on a tensor
    rows.put("Softmax", one(ActivationLayers::softmax));
    return rows;
  }

  private static Value floats(Call call) {
    return call.graph().cast(call.x(), TensorType.FLOAT32);
  }

  private static Value named(Call call, String name) {
    return Activations.named(call, name, call.x(), call.config());
  }

  private static Value relu(Call call) {
    return Activations.relu(call.graph(), call.x(), call.config());
  }

  /** x above theta, else 0. */
  private static Value thresholded(Call call) {
    JsonObject parameters = new JsonObject();
    parameters.addProperty("threshold", call.config().number("theta", 1));
    return Activations.named(call, "threshold", call.x(), new Config(parameters));
  }

  private static Value leaky(Call call) {
    double slope = call.config().number("negative_slope", call.config().number("alpha", 0.3));
    return Activations.leaky(call.graph(), call.x(), (float) slope);
  }

  private static Value parametric(Call call) {
    int[] shape = Arrays.copyOfRange(call.x().shape, 1, call.x().rank());
    for (int axis : call.config().integers("shared_axes")) {
      shape[axis - 1] = 1;
    }
    Value alpha = call.graph().constant("alpha", call.weight("alpha", 0, shape), shape);
    return call.graph().op("PRELU", "", Graph.NONE, call.x().shape, call.x(), alpha);
  }

  private static Value softmax(Call call) {
    Value x = call.x();
    int[] axes =
        call.config().has("axis")
            ? Shapes.axes(x.rank(), call.config().integers("axis"))
            : new int[] {x.rank() - 1};
    Value given = call.arguments().value(1, "mask");
    Value mask = given == null ? x.mask : given;
    if (mask == null) {
      return Activations.softmax(call.graph(), x, axes);
    }
    Graph g = call.graph();
    Value counts = g.cast(mask, TensorType.BOOL);
    Value masked = g.select(counts, x, g.scalar(Masks.NEVER));
    return g.select(counts, Activations.softmax(g, masked, axes), g.scalar(0));
  }
}
