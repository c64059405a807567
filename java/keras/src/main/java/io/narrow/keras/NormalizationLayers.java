package io.narrow.keras;

import static io.narrow.keras.Rule.one;

import io.narrow.keras.Call.UnsupportedException;
import io.narrow.tflite.model.TensorType;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;

/** Normalization by constants, and by what the input itself has. */
final class NormalizationLayers {
  static final Map<String, Rule> ROWS =
      Map.of(
          // Of keras.applications.ConvNeXt, which defines it beside its models.
          "LayerScale",
          one(NormalizationLayers::scale),
          "BatchNormalization",
          one(NormalizationLayers::batch),
          "BatchNormalizationV1",
          one(NormalizationLayers::batch),
          "SyncBatchNormalization",
          one(NormalizationLayers::batch),
          "LayerNormalization",
          one(NormalizationLayers::layer),
          "GroupNormalization",
          one(NormalizationLayers::group),
          "UnitNormalization",
          one(NormalizationLayers::unit),
          "Rescaling",
          one(NormalizationLayers::rescaling),
          "Normalization",
          one(NormalizationLayers::normalization));

  private NormalizationLayers() {}

  /** gamma (x - mean) / sqrt(variance + epsilon) + beta as one factor and one offset. */
  private static Value batch(Call call) {
    Value x = call.x();
    Config config = call.config();
    int[] axes = config.integers("axis", 1, -1);
    int axis = axes[0] < 0 ? axes[0] + x.rank() : axes[0];
    int channels = x.size(axis);
    int next = 0;
    float[] gamma =
        config.flag("scale", true) ? call.weight("gamma", next++, channels).values() : null;
    float[] beta =
        config.flag("center", true) ? call.weight("beta", next++, channels).values() : null;
    float[] mean = call.weight("moving_mean", next++, channels).values();
    float[] variance = call.weight("moving_variance", next, channels).values();
    double epsilon = config.number("epsilon", 1e-3);
    float[] factors = new float[channels];
    float[] offsets = new float[channels];
    for (int i = 0; i < channels; i++) {
      double factor = (gamma == null ? 1 : gamma[i]) / Math.sqrt(variance[i] + epsilon);
      factors[i] = (float) factor;
      offsets[i] = (float) ((beta == null ? 0 : beta[i]) - mean[i] * factor);
    }
    return affine(call.graph(), x, axis, factors, offsets);
  }

  private static Value affine(Graph g, Value x, int axis, float[] factors, float[] offsets) {
    int[] shape = new int[x.rank() - axis];
    Arrays.fill(shape, 1);
    shape[0] = factors.length;
    Value scaled = g.binary("MUL", x, g.constant("factors", factors, shape));
    return g.binary("ADD", scaled, g.constant("offsets", offsets, shape));
  }

  private static Value layer(Call call) {
    Value x = call.x();
    Config config = call.config();
    int[] axes = config.has("axis") ? config.integers("axis") : new int[] {-1};
    if (axes.length != 1 || axes[0] != -1 && axes[0] != x.rank() - 1) {
      throw new UnsupportedException("axes " + Arrays.toString(axes) + ", only the last is");
    }
    int size = x.channels();
    boolean rms = config.flag("rms_scaling", false);
    Graph g = call.graph();
    float epsilon = (float) config.number("epsilon", 1e-3);
    Value y = rms ? rootMeanSquare(g, x, epsilon) : standard(g, x, epsilon, x.rank() - 1);
    int next = 0;
    if (config.flag("scale", true)) {
      y =
          g.binary(
              "MUL", y, g.constant("gamma", call.weight("gamma", next++, size).values(), size));
    }
    if (config.flag("center", true) && !rms) {
      y = g.binary("ADD", y, g.constant("beta", call.weight("beta", next, size).values(), size));
    }
    return y;
  }

  private static Value scale(Call call) {
    int size = call.x().channels();
    float[] gamma = call.weight("gamma", 0, size).values();
    return call.graph().binary("MUL", call.x(), call.graph().constant("gamma", gamma, size));
  }

  private static Value rootMeanSquare(Graph g, Value x, float epsilon) {
    Value mean = g.reduce("MEAN", g.binary("MUL", x, x), true, x.rank() - 1);
    return g.binary("MUL", x, g.unary("RSQRT", "", g.binary("ADD", mean, g.scalar(epsilon))));
  }

  /** (x - mean) / sqrt(variance + epsilon) over axes. */
  private static Value standard(Graph g, Value x, float epsilon, int... axes) {
    Value mean = g.reduce("MEAN", x, true, axes);
    Value variance = g.reduce("MEAN", g.binary("SQUARED_DIFFERENCE", x, mean), true, axes);
    Value inverse = g.unary("RSQRT", "", g.binary("ADD", variance, g.scalar(epsilon)));
    return g.binary("MUL", g.binary("SUB", x, mean), inverse);
  }

  private static Value group(Call call) {
    Value x = call.x();
    Config config = call.config();
    int axis = config.integer("axis", -1);
    if (axis != -1 && axis != x.rank() - 1) {
      throw new UnsupportedException("axis " + axis + ", only the last is");
    }
    int channels = x.channels();
    int groups = config.integer("groups", 32);
    groups = groups == -1 ? channels : groups;
    Graph g = call.graph();
    int positions = x.elements(1) / channels;
    Value grouped = g.reshape(x, x.size(0), positions, groups, channels / groups);
    Value normal = standard(g, grouped, (float) config.number("epsilon", 1e-3), 1, 3);
    Value y = g.reshape(normal, x.shape);
    int next = 0;
    if (config.flag("scale", true)) {
      float[] gamma = call.weight("gamma", next++, channels).values();
      y = g.binary("MUL", y, g.constant("gamma", gamma, channels));
    }
    if (config.flag("center", true)) {
      float[] beta = call.weight("beta", next, channels).values();
      y = g.binary("ADD", y, g.constant("beta", beta, channels));
    }
    return y;
  }

  private static Value unit(Call call) {
    int[] axes = call.config().has("axis") ? call.config().integers("axis") : new int[] {-1};
    Value x = call.x();
    if (axes.length != 1 || axes[0] != -1 && axes[0] != x.rank() - 1) {
      throw new UnsupportedException("axes " + Arrays.toString(axes) + ", only the last is");
    }
    Graph g = call.graph();
    Value squares = g.reduce("SUM", g.binary("MUL", x, x), true, x.rank() - 1);
    Value floor = g.binary("MAXIMUM", squares, g.scalar(1e-12f));
    return g.binary("MUL", x, g.unary("RSQRT", "", floor));
  }

  private static Value rescaling(Call call) {
    Graph g = call.graph();
    Value x = g.cast(call.x(), TensorType.FLOAT32);
    float[] scale = call.config().numbers("scale");
    float[] offset = call.config().has("offset") ? call.config().numbers("offset") : new float[1];
    if (!isOne(scale)) {
      x = g.binary("MUL", x, numbers(g, "scale", scale));
    }
    return isZero(offset) ? x : g.binary("ADD", x, numbers(g, "offset", offset));
  }

  private static Value numbers(Graph g, String name, float[] values) {
    return values.length == 1 ? g.scalar(values[0]) : g.constant(name, values, values.length);
  }

  private static boolean isOne(float[] values) {
    return values.length == 1 && values[0] == 1;
  }

  private static boolean isZero(float[] values) {
    return values.length == 1 && values[0] == 0;
  }

  /** (x - mean) / max(sqrt(variance), epsilon), with statistics of the configuration or weights. */
  private static Value normalization(Call call) {
    Config config = call.config();
    Value x = call.x();
    boolean given = config.has("mean") && config.has("variance");
    Optional<Weights.Array> learnt =
        given ? Optional.empty() : call.optional(call.part(), "mean", 0);
    if (!given && learnt.isEmpty()) {
      throw new IllegalStateException("it has neither been adapted nor been given a mean");
    }
    float[] mean = given ? config.numbers("mean") : learnt.get().values();
    float[] variance =
        given
            ? config.numbers("variance")
            : call.weight("variance", 1, learnt.get().shape()).values();
    if (mean.length != variance.length || mean.length != 1 && mean.length != x.channels()) {
      throw new UnsupportedException("statistics of an axis other than the last");
    }
    boolean invert = config.flag("invert", false);
    float[] factors = new float[mean.length];
    float[] offsets = new float[mean.length];
    for (int i = 0; i < mean.length; i++) {
      double deviation = Math.max(Math.sqrt(variance[i]), 1e-7);
      factors[i] = (float) (invert ? deviation : 1 / deviation);
      offsets[i] = (float) (invert ? mean[i] : -mean[i] / deviation);
    }
    Graph g = call.graph();
    Value scaled = g.binary("MUL", x, numbers(g, "factors", factors));
    return g.binary("ADD", scaled, numbers(g, "offsets", offsets));
  }
}
