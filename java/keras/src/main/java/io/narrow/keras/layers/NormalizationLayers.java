package io.narrow.keras.layers;

import static io.narrow.keras.rule.Rule.one;

import io.narrow.keras.config.Config;
import io.narrow.keras.file.Weights;
import io.narrow.keras.graph.Algebra;
import io.narrow.keras.graph.Graph;
import io.narrow.keras.graph.Shapes;
import io.narrow.keras.graph.Value;
import io.narrow.keras.rule.Activations;
import io.narrow.keras.rule.Call;
import io.narrow.keras.rule.Rule;
import io.narrow.tflite.model.TensorType;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Normalization by constants, and by what the input itself has. */
final class NormalizationLayers {
  static final Map<String, Rule> ROWS = rows();

  private NormalizationLayers() {}

  private static Map<String, Rule> rows() {
    Map<String, Rule> rows = new HashMap<>();
    // BatchNormalizationV1 is what Keras 2 called it for a while.
    for (String kind :
        List.of("BatchNormalization", "BatchNormalizationV1", "SyncBatchNormalization")) {
      rows.put(kind, one(NormalizationLayers::batch));
    }
    rows.put("GroupNormalization", one(NormalizationLayers::group));
    rows.put("LayerNormalization", one(NormalizationLayers::layer));
    // Of keras.applications.ConvNeXt, which defines it beside its models.
    rows.put("LayerScale", one(NormalizationLayers::scale));
    rows.put("Normalization", one(NormalizationLayers::normalization));
    rows.put("RMSNormalization", one(NormalizationLayers::rootMeanSquare));
    rows.put("Rescaling", one(NormalizationLayers::rescaling));
    rows.put("SpectralNormalization", NormalizationLayers::spectral);
    rows.put("UnitNormalization", one(NormalizationLayers::unit));
    return rows;
  }

  /** gamma (x - mean) / sqrt(variance + epsilon) + beta as one factor and one offset. */
  private static Value batch(Call call) {
    Value x = call.x();
    Config config = call.config();
    int axis = Shapes.axis(x.rank(), config.integers("axis", 1, -1)[0]);
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
    return affine(call.graph(), x, factors, offsets, along(x, axis));
  }

  /** x * factors + offsets; both have the shape. */
  private static Value affine(Graph g, Value x, float[] factors, float[] offsets, int... shape) {
    Value scaled = g.binary("MUL", x, g.constant("factors", factors, shape));
    return g.binary("ADD", scaled, g.constant("offsets", offsets, shape));
  }

  /** The sizes of some axes and 1 for the others, from the first of those axes on. */
  private static int[] along(Value x, int... axes) {
    int first = axes.length == 0 ? x.rank() : axes[0];
    int[] shape = new int[x.rank() - first];
    Arrays.fill(shape, 1);
    for (int axis : axes) {
      shape[axis - first] = x.size(axis);
    }
    return shape;
  }

  /** Axes of a normalization, by default the last. */
  private static int[] axes(Call call) {
    int rank = call.x().rank();
    return call.config().has("axis")
        ? Shapes.axes(rank, call.config().integers("axis"))
        : new int[] {rank - 1};
  }

  /** A weight over axes, shaped so that it goes together with the input. */
  private static Value parameter(Call call, String name, int index, int... axes) {
    int[] sizes = Arrays.stream(axes).map(call.x()::size).toArray();
    return call.graph().constant(name, call.weight(name, index, sizes), along(call.x(), axes));
  }

  private static Value layer(Call call) {
    Value x = call.x();
    Config config = call.config();
    int[] axes = axes(call);
    Graph g = call.graph();
    float epsilon = (float) config.number("epsilon", 1e-3);
    boolean rms = config.flag("rms_scaling", false);
    // By the variance, not the mean square: Keras has it so, and says that it is wrong.
    Value y =
        rms ? g.binary("MUL", x, deviation(g, x, epsilon, axes)) : standard(g, x, epsilon, axes);
    int next = 0;
    if (config.flag("scale", true) || rms) {
      y = g.binary("MUL", y, parameter(call, "gamma", next++, axes));
    }
    return config.flag("center", true) && !rms
        ? g.binary("ADD", y, parameter(call, "beta", next, axes))
        : y;
  }

  private static Value scale(Call call) {
    return call.graph().binary("MUL", call.x(), parameter(call, "gamma", 0, call.x().rank() - 1));
  }

  private static Value rootMeanSquare(Call call) {
    Value x = call.x();
    int[] axes = axes(call);
    Graph g = call.graph();
    float epsilon = (float) call.config().number("epsilon", 1e-6);
    Value mean = g.reduce("MEAN", g.binary("MUL", x, x), true, axes);
    Value y = g.binary("MUL", x, g.unary("RSQRT", "", Activations.plus(g, mean, epsilon)));
    return g.binary("MUL", y, parameter(call, "scale", 0, axes));
  }

  /** (x - mean) / sqrt(variance + epsilon) over axes. */
  private static Value standard(Graph g, Value x, float epsilon, int... axes) {
    Value mean = g.reduce("MEAN", x, true, axes);
    return g.binary("MUL", g.binary("SUB", x, mean), deviation(g, x, mean, epsilon, axes));
  }

  private static Value deviation(Graph g, Value x, float epsilon, int... axes) {
    return deviation(g, x, g.reduce("MEAN", x, true, axes), epsilon, axes);
  }

  /** 1 / sqrt(variance + epsilon). */
  private static Value deviation(Graph g, Value x, Value mean, float epsilon, int... axes) {
    Value variance = g.reduce("MEAN", g.binary("SQUARED_DIFFERENCE", x, mean), true, axes);
    return g.unary("RSQRT", "", Activations.plus(g, variance, epsilon));
  }

  private static Value group(Call call) {
    Value x = call.x();
    Config config = call.config();
    int axis = Shapes.axis(x.rank(), config.integer("axis", -1));
    int channels = x.size(axis);
    int groups = config.integer("groups", 32);
    groups = groups == -1 ? channels : groups;
    if (axis == 0 || groups < 1 || channels % groups != 0) {
      throw new IllegalStateException(groups + " groups of " + channels + " channels");
    }
    Graph g = call.graph();
    int before = 1;
    for (int i = 1; i < axis; i++) {
      before = Math.multiplyExact(before, x.size(i));
    }
    int after = x.elements(axis + 1);
    Value grouped = g.reshape(x, x.size(0), before, groups, channels / groups * after);
    Value normal = standard(g, grouped, (float) config.number("epsilon", 1e-3), 1, 3);
    Value y = g.reshape(normal, x.shape);
    int next = 0;
    if (config.flag("scale", true)) {
      y = g.binary("MUL", y, parameter(call, "gamma", next++, axis));
    }
    return config.flag("center", true)
        ? g.binary("ADD", y, parameter(call, "beta", next, axis))
        : y;
  }

  private static Value unit(Call call) {
    return Algebra.unit(call.graph(), call.x(), axes(call));
  }

  /** The layer inside, whose weights have been normalized while it was trained. */
  private static List<Value> spectral(Call call) {
    Config layer = call.config().object("layer");
    return call.inner(
            call.network().kind(layer),
            layer.object("config"),
            Cells.inside(call.part(), "", "layer"),
            call.inputs())
        .build();
  }

  private static Value rescaling(Call call) {
    Graph g = call.graph();
    Value x = g.cast(call.x(), TensorType.FLOAT32);
    float[] scale = call.config().numbers("scale");
    float[] offset = call.config().has("offset") ? call.config().numbers("offset") : new float[1];
    Value scaled = scale.length == 1 && scale[0] == 1 ? x : g.binary("MUL", x, row(g, scale));
    return offset.length == 1 && offset[0] == 0 ? scaled : g.binary("ADD", scaled, row(g, offset));
  }

  private static Value row(Graph g, float[] values) {
    return values.length == 1 ? g.scalar(values[0]) : g.constant("row", values, values.length);
  }

  /** (x - mean) / max(sqrt(variance), epsilon), with statistics of the configuration or weights. */
  private static Value normalization(Call call) {
    Config config = call.config();
    Graph g = call.graph();
    Value x = g.cast(call.x(), TensorType.FLOAT32);
    boolean given = config.has("mean") && config.has("variance");
    Optional<Weights.Array> learnt =
        given ? Optional.empty() : call.optional(call.part(), "mean", 0);
    if (!given && learnt.isEmpty()) {
      throw new IllegalStateException("it has neither been adapted nor been given a mean");
    }
    float[] mean = given ? config.numbers("mean") : learnt.get().floats().values();
    float[] variance =
        given
            ? config.numbers("variance")
            : call.weight("variance", 1, learnt.get().shape()).values();
    int[] shape = mean.length == 1 ? new int[0] : along(x, kept(config, x));
    int elements = Arrays.stream(shape).reduce(1, Math::multiplyExact);
    if (mean.length != variance.length || mean.length != elements) {
      throw new IllegalStateException(
          mean.length + " means and " + variance.length + " variances do not fit its input " + x);
    }
    boolean invert = config.flag("invert", false);
    float[] factors = new float[mean.length];
    float[] offsets = new float[mean.length];
    for (int i = 0; i < mean.length; i++) {
      double deviation = Math.max(Math.sqrt(variance[i]), 1e-7);
      factors[i] = (float) (invert ? deviation : 1 / deviation);
      offsets[i] = (float) (invert ? mean[i] : -mean[i] / deviation);
    }
    return affine(g, x, factors, offsets, shape);
  }

  /** The axes that have statistics of their own. */
  private static int[] kept(Config config, Value x) {
    boolean none = config.json().has("axis") && !config.has("axis");
    return none
        ? new int[0]
        : config.has("axis")
            ? Shapes.axes(x.rank(), config.integers("axis"))
            : new int[] {x.rank() - 1};
  }
}
