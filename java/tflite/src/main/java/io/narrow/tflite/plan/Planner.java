package io.narrow.tflite.plan;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.calibration.Calibration;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.ops.OpRule;
import io.narrow.tflite.ops.OpRules;
import io.narrow.tflite.plan.OperatorPlan.Precision;
import io.narrow.tflite.plan.TensorPlan.Use;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Decides for every float32 constant of a model what it is stored as (specification sections 2 and
 * 4). Constants in the bodies of control flow and in every subgraph follow the same rules;
 * constants that are already quantized are no float32 constants and stay as they are.
 */
public final class Planner {
  static final String BEYOND_RANGE = "beyond the range of float16: ";

  private static final float LARGEST_FLOAT16 = 65504;

  private final Model model;
  private final Recipe recipe;
  private final List<TensorPlan> tensors = new ArrayList<>();
  private final List<OperatorPlan> operators = new ArrayList<>();

  private Planner(Model model, Recipe recipe) {
    this.model = model;
    this.recipe = recipe;
  }

  /** As {@link #plan(Model, Recipe, Ranges)}, with the ranges that calibration found. */
  public static Plan plan(Model model, Recipe recipe, Calibration calibration) {
    return plan(model, recipe, (Ranges) calibration::range);
  }

  /**
   * Plans what a recipe makes of a model.
   *
   * @param ranges of activations, for recipes whose activations are integers; others ignore them
   * @throws NarrowException if the recipe is strict and an operator would stay float32, or an input
   *     or output that is to be an integer has no range
   */
  public static Plan plan(Model model, Recipe recipe, Ranges ranges) {
    return recipe.mode().integer()
        ? IntegerPlanner.plan(model, recipe, ranges)
        : plan(model, recipe);
  }

  /**
   * Plans what a recipe makes of a model.
   *
   * @throws NarrowException if the recipe's activations are integers: then ranges are needed
   */
  public static Plan plan(Model model, Recipe recipe) {
    if (recipe.mode().integer()) {
      throw IntegerPlanner.uncalibrated(recipe);
    }
    Planner planner = new Planner(model, recipe);
    for (int subgraph = 0; subgraph < model.subgraphs().size(); subgraph++) {
      planner.subgraph(subgraph);
    }
    planner.dropCopies();
    for (int subgraph = 0; subgraph < model.subgraphs().size(); subgraph++) {
      planner.operators(subgraph);
    }
    return new Plan(model, recipe, planner.tensors, planner.operators);
  }

  private void subgraph(int number) {
    Subgraph subgraph = model.subgraphs().get(number);
    Readers readers = new Readers(model, subgraph, recipe);
    List<Decision> decisions = new ArrayList<>();
    for (int i = 0; i < subgraph.tensors().size(); i++) {
      Tensor tensor = subgraph.tensor(i);
      if (tensor.type() == TensorType.FLOAT32 && model.isConstant(tensor)) {
        decisions.add(new Decision(number, i, tensor, readers));
      }
    }
    LargestFirst.forEach(decisions, decision -> decision.tensor.elements(), Decision::make);
    decisions.forEach(decision -> tensors.add(decision.made));
  }

  /**
   * Where a tensor of another subgraph needs the same buffer as float32, a smaller copy beside it
   * would only add to the file, unless a kernel is faster with it.
   */
  private void dropCopies() {
    for (boolean dropped = true; dropped; ) {
      dropped = false;
      Set<Integer> kept = new HashSet<>();
      for (TensorPlan plan : tensors) {
        if (plan.isFloat()) {
          kept.add(buffer(plan));
        }
      }
      for (int i = 0; i < tensors.size(); i++) {
        TensorPlan plan = tensors.get(i);
        if (!plan.isFloat() && plan.use() != Use.DIRECT && kept.contains(buffer(plan))) {
          String reason = "another tensor needs the same buffer as float32";
          tensors.set(i, TensorPlan.stays(plan.subgraph(), plan.tensor(), tensor(plan), reason));
          dropped = true;
        }
      }
    }
  }

  private int buffer(TensorPlan plan) {
    return tensor(plan).buffer();
  }

  private Tensor tensor(TensorPlan plan) {
    return model.subgraphs().get(plan.subgraph()).tensor(plan.tensor());
  }

  private void operators(int number) {
    Map<Integer, TensorPlan> plans = new HashMap<>();
    for (TensorPlan plan : tensors) {
      if (plan.subgraph() == number) {
        plans.put(plan.tensor(), plan);
      }
    }
    Subgraph subgraph = model.subgraphs().get(number);
    for (int i = 0; i < subgraph.operators().size(); i++) {
      operators.add(operator(number, i, subgraph, plans));
    }
  }

  /** One constant on its way to a decision. */
  private final class Decision {
    private final int subgraph;
    private final int number;
    private final Tensor tensor;
    private final Readers readers;
    private TensorPlan made;

    Decision(int subgraph, int number, Tensor tensor, Readers readers) {
      this.subgraph = subgraph;
      this.number = number;
      this.tensor = tensor;
      this.readers = readers;
    }

    void make() {
      Optional<String> objection = readers.objection(number, tensor);
      if (objection.isPresent()) {
        made = stays(objection.get());
      } else {
        made = recipe.mode() == Recipe.Mode.FLOAT16 ? float16() : integer();
      }
    }

    private TensorPlan stays(String reason) {
      return TensorPlan.stays(subgraph, number, tensor, reason);
    }

    private TensorPlan plan(
        TensorType type, int axis, float[] scales, Use use, List<Integer> by, String reason) {
      return new TensorPlan(
          subgraph, number, tensor.name(), tensor.elements(), type, axis, scales, use, by, reason);
    }

    /**
     * Weights and bias of an operator are stored alike: beside float16 weights with a float32 bias
     * the runtime (seen with 2.21) leaves XNNPACK and computes three times as long.
     */
    private TensorPlan float16() {
      List<Integer> together = readers.together(number);
      long saved = 0;
      for (int each : together) {
        Tensor one = model.subgraphs().get(subgraph).tensor(each);
        saved += one.elements() * (Float.BYTES - Short.BYTES) - dequantizeBytes(one);
      }
      if (saved <= 0) {
        return stays(notSmaller(tensor.elements() * Short.BYTES, "float16"));
      }
      float largest = 0;
      for (int each : together) {
        Tensor one = model.subgraphs().get(subgraph).tensor(each);
        float magnitude = WeightScales.magnitudes(model.contents(one), 1, one.elements())[0];
        if (magnitude > LARGEST_FLOAT16 && !recipe.saturate()) {
          return stays(
              BEYOND_RANGE + "`" + one.name() + "` reaches " + magnitude + ", it stays float32");
        }
        largest = each == number ? magnitude : largest;
      }
      String reason =
          largest > LARGEST_FLOAT16
              ? BEYOND_RANGE + WeightScales.beyondFloat16(model.contents(tensor))
              : "stored as float16";
      return plan(TensorType.FLOAT16, -1, new float[0], Use.DEQUANTIZED, List.of(), reason);
    }

    private TensorPlan integer() {
      List<Readers.Reader> all = readers.asWeight(number);
      TensorType type = readers.type(number);
      boolean rows = all.get(0).rule().copiesRows();
      boolean dequantized = recipe.mode() == Recipe.Mode.WEIGHT_ONLY && !rows;
      int axis = axis(all, dequantized);
      List<Readers.Reader> by = all.stream().filter(r -> takes(r, axis, dequantized)).toList();
      String others = dequantized ? "" : readers.others(number, by);
      if (rows && !others.isEmpty()) {
        return stays(
            others + " reads it as float32, so a quantized copy would only add to the file");
      }
      long saved = tensor.elements() * Float.BYTES - storedBytes(type) - parameterBytes(axis);
      if (saved <= (dequantized || rows ? dequantizeBytes(tensor) : 0)) {
        return stays(notSmaller(saved, type.toString()));
      }
      int channels = axis < 0 ? 1 : tensor.dimension(axis);
      long inner = inner(axis);
      float[] magnitudes = WeightScales.magnitudes(model.contents(tensor), channels, inner);
      for (int c = 0; c < channels; c++) {
        if (!Float.isFinite(magnitudes[c])) {
          return stays("holds NaN or infinity" + (axis < 0 ? "" : " in channel " + c));
        }
      }
      float[] scales =
          type == TensorType.INT4
              ? WeightScales.leastError(model.contents(tensor), inner, magnitudes, 7)
              : WeightScales.reachingAll(magnitudes, 127);
      return plan(
          type,
          axis,
          scales,
          dequantized ? Use.DEQUANTIZED : rows ? Use.ROWS : Use.DIRECT,
          by.stream().map(Readers.Reader::operator).distinct().toList(),
          type
              + (axis < 0 ? ", one scale" : ", a scale per channel of axis " + axis)
              + (others.isEmpty() ? "" : "; " + others + " keeps a float32 copy"));
    }

    /** The axis that all readers agree on, or one scale for all if they do not and can take it. */
    private int axis(List<Readers.Reader> all, boolean dequantized) {
      int axis = all.get(0).axis(tensor);
      boolean agreed = all.stream().allMatch(r -> r.axis(tensor) == axis);
      boolean oneScale = all.stream().allMatch(r -> r.rule().oneScaleToo());
      return agreed || dequantized || !oneScale ? axis : -1;
    }

    private boolean takes(Readers.Reader reader, int axis, boolean dequantized) {
      return dequantized || reader.axis(tensor) == axis || axis < 0 && reader.rule().oneScaleToo();
    }

    private long inner(int axis) {
      long inner = 1;
      for (int i = axis < 0 ? 0 : axis + 1; i < tensor.rank(); i++) {
        inner *= tensor.dimension(i);
      }
      return inner;
    }

    private long storedBytes(TensorType type) {
      return type.bytes(tensor.elements());
    }

    /** A scale and a zero point per channel, as the file format has them. */
    private long parameterBytes(int axis) {
      return axis < 0 ? 0 : (long) tensor.dimension(axis) * (Float.BYTES + Long.BYTES);
    }

    /** About what a DEQUANTIZE operator and its second tensor add to a file. */
    private static long dequantizeBytes(Tensor tensor) {
      return 100 + tensor.name().length();
    }

    private String notSmaller(long saved, String type) {
      return tensor.elements()
          + " elements: "
          + type
          + " would save "
          + Math.max(0, saved)
          + " bytes, its DEQUANTIZE operator costs about "
          + dequantizeBytes(tensor);
    }
  }

  private OperatorPlan operator(
      int subgraph, int number, Subgraph graph, Map<Integer, TensorPlan> plans) {
    Operator operator = graph.operators().get(number);
    Set<Integer> touched = new HashSet<>();
    Precision precision = Precision.OTHER;
    String reason = "";
    for (int tensor : operator.outputs()) {
      touched.add(tensor);
    }
    for (int tensor : operator.inputs()) {
      touched.add(tensor);
    }
    if (touched.stream().anyMatch(t -> t >= 0 && graph.tensor(t).type() == TensorType.FLOAT32)) {
      precision = Precision.FLOAT32;
    }
    OpRule rule = OpRules.of(operator.name()).orElse(null);
    for (int place = 0; place < operator.inputs().length; place++) {
      TensorPlan plan = plans.get(operator.input(place));
      if (plan == null) {
        continue;
      }
      if (plan.isFloat()) {
        if (rule != null && rule.weights().contains(place) && precision == Precision.FLOAT32) {
          reason = "`" + plan.name() + "` stays float32: " + plan.reason();
        }
      } else if (plan.use() == Use.DEQUANTIZED) {
        precision = Precision.STORED;
        reason = "`" + plan.name() + "`: " + plan.reason();
      } else if (plan.readers().contains(number)) {
        precision = plan.use() == Use.ROWS ? Precision.STORED : Precision.HYBRID;
        reason = "`" + plan.name() + "`: " + plan.reason();
      }
    }
    return new OperatorPlan(subgraph, number, operator.name(), precision, reason);
  }
}
