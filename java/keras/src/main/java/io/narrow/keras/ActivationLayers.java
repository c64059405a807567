package io.narrow.keras;

import static io.narrow.keras.Rule.one;

import io.narrow.keras.Call.UnsupportedException;
import java.util.Arrays;
import java.util.Map;

/** Activations as layers, and layers that do nothing when a model is run. */
final class ActivationLayers {
  private static final Rule NOTHING = one(Call::x);

  static final Map<String, Rule> ROWS =
      Map.ofEntries(
          Map.entry("Activation", one(call -> call.activated(call.x()))),
          Map.entry("ReLU", one(ActivationLayers::relu)),
          Map.entry("LeakyReLU", one(ActivationLayers::leaky)),
          Map.entry("PReLU", one(ActivationLayers::parametric)),
          Map.entry(
              "ELU",
              one(
                  call ->
                      Activations.elu(
                          call.graph(), call.x(), (float) call.config().number("alpha", 1)))),
          Map.entry("Softmax", one(ActivationLayers::softmax)),
          Map.entry("Dropout", NOTHING),
          Map.entry("SpatialDropout1D", NOTHING),
          Map.entry("SpatialDropout2D", NOTHING),
          Map.entry("SpatialDropout3D", NOTHING),
          Map.entry("AlphaDropout", NOTHING),
          Map.entry("GaussianDropout", NOTHING),
          Map.entry("GaussianNoise", NOTHING),
          Map.entry("ActivityRegularization", NOTHING),
          Map.entry("StochasticDepth", NOTHING),
          Map.entry("Masking", NOTHING),
          Map.entry("Identity", NOTHING),
          Map.entry("InputLayer", NOTHING));

  private ActivationLayers() {}

  private static Value relu(Call call) {
    Config config = call.config();
    float slope = (float) config.number("negative_slope", 0);
    if (config.number("threshold", 0) != 0) {
      throw new UnsupportedException("a threshold other than 0");
    }
    Graph g = call.graph();
    if (!config.has("max_value")) {
      return slope == 0 ? g.unary("RELU", "", call.x()) : Activations.leaky(g, call.x(), slope);
    }
    float largest = (float) config.number("max_value", 0);
    if (slope == 0 && largest == 6) {
      return g.unary("RELU6", "", call.x());
    }
    Value rectified =
        slope == 0 ? g.unary("RELU", "", call.x()) : Activations.leaky(g, call.x(), slope);
    return g.binary("MINIMUM", rectified, g.scalar(largest));
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
    float[] slopes = call.weight("alpha", 0, shape).values();
    Value alpha = call.graph().constant("alpha", slopes, shape);
    return call.graph().op("PRELU", "", Graph.NONE, call.x().shape, call.x(), alpha);
  }

  private static Value softmax(Call call) {
    int[] axis = call.config().integers("axis", 1, -1);
    int last = call.x().rank() - 1;
    if (axis[0] != -1 && axis[0] != last) {
      throw new UnsupportedException("axis " + axis[0] + ", only the last is");
    }
    return Activations.softmax(call.graph(), call.x());
  }
}
