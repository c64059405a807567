package io.narrow.tflite.plan;

import io.narrow.kernels.FloatRange;
import io.narrow.tflite.NarrowException;
import io.narrow.tflite.NarrowException.Kind;
import io.narrow.tflite.calibration.Calibration;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.ops.OpRule;
import io.narrow.tflite.ops.OpRules;
import io.narrow.tflite.plan.KnownEncodings.Known;
import io.narrow.tflite.plan.OperatorPlan.Precision;
import io.narrow.tflite.plan.Reason.Code;
import io.narrow.tflite.plan.TensorPlan.Use;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Decides what every operator of a model computes with, and what every float32 constant is stored
 * as (specification sections 2 to 4). Constants in the bodies of control flow and in every subgraph
 * follow the same rules; constants that are already quantized are no float32 constants and stay as
 * they are.
 */
public final class Planner {
  private static final String BEYOND_RANGE = "beyond the range of float16: ";

  /** More operators than these are told by kinds of reason. */
  private static final int SCREEN = 12;

  private static final float LARGEST_FLOAT16 = 65504;

  private final Model model;
  private final Recipe recipe;
  private final Ranges ranges;
  private final KnownEncodings known;
  private final List<TensorPlan> tensors = new ArrayList<>();
  private final List<OperatorPlan> operators = new ArrayList<>();
  private final List<ActivationPlan> activations = new ArrayList<>();
  private final List<IntegerPlanner> integers = new ArrayList<>();

  private Planner(Model model, Recipe recipe, Ranges ranges, KnownEncodings known) {
    this.model = model;
    this.recipe = recipe;
    this.ranges = ranges;
    this.known = known;
  }

  /** As {@link #plan(Model, Recipe, Ranges)}, with the ranges that calibration found. */
  public static Plan plan(Model model, Recipe recipe, Calibration calibration) {
    return plan(model, recipe, ranges(calibration));
  }

  /**
   * Plans what a recipe makes of a model.
   *
   * @throws NarrowException if the recipe's activations are integers: then ranges are needed
   */
  public static Plan plan(Model model, Recipe recipe) {
    if (recipe.needsRanges()) {
      throw NarrowException.input(recipe + ": needs the ranges of a calibration");
    }
    return plan(model, recipe, Ranges.NONE);
  }

  /**
   * Plans what a recipe makes of a model.
   *
   * @param ranges of activations, for recipes whose activations are integers; others ignore them
   * @throws NarrowException if the recipe is strict and an operator would stay float32, names an
   *     operator that has no kernel, or an input or output that is to be an integer has no range
   */
  public static Plan plan(Model model, Recipe recipe, Ranges ranges) {
    return plan(model, recipe, ranges, KnownEncodings.NONE);
  }

  /**
   * As {@link #plan(Model, Recipe, Ranges)}, with encodings that are known.
   *
   * @param known of activations and weights of the model, which stay what they are where a kernel
   *     takes them
   */
  public static Plan plan(Model model, Recipe recipe, Ranges ranges, KnownEncodings known) {
    if (!recipe.needsRanges()) {
      return new Planner(model, recipe, ranges, known).plan();
    }
    Masks masks = new Masks(model, recipe, ranges);
    Lowering lowered = new Lowering(masks.model(), recipe, masks.ranges());
    return new Planner(lowered.model(), recipe, lowered.ranges(), known).plan();
  }

  /** The ranges that calibration found. */
  public static Ranges ranges(Calibration calibration) {
    return new Calibrated(calibration);
  }

  private record Calibrated(Calibration calibration) implements Ranges {
    @Override
    public Optional<FloatRange> range(int subgraph, int tensor, boolean whole) {
      return calibration.range(subgraph, tensor, whole);
    }

    @Override
    public Optional<FloatRange> intermediate(int subgraph, int output, int number, boolean whole) {
      return calibration.intermediate(subgraph, output, number, whole);
    }
  }

  private Plan plan() {
    List<String> problems = new ArrayList<>();
    Variables variables = new Variables(model);
    Losses losses = new Losses();
    for (int number = 0; number < model.subgraphs().size(); number++) {
      Graph graph = new Graph(model, number, recipe, ranges, known, variables);
      IntegerPlanner integer = new IntegerPlanner(graph);
      integers.add(integer);
      constants(graph, integer);
      activations.addAll(integer.activations(problems));
      losses.add(graph, integer.operators());
    }
    if (!problems.isEmpty()) {
      throw model.problem(Kind.UNSUPPORTED, String.join("; ", problems));
    }
    dropCopies();
    for (int subgraph = 0; subgraph < model.subgraphs().size(); subgraph++) {
      operators(subgraph);
    }
    if (recipe.strict()) {
      refuseFloat();
    }
    List<IntegerOperator> inIntegers =
        integers.stream().flatMap(integer -> integer.operators().stream()).toList();
    return new Plan(model, recipe, tensors, operators, activations, inIntegers, losses.all());
  }

  private void constants(Graph graph, IntegerPlanner integer) {
    Readers readers = new Readers(graph, integer);
    List<Decision> decisions = new ArrayList<>();
    for (int i = 0; i < graph.subgraph().tensors().size(); i++) {
      if (graph.isFloat(i) && graph.isConstant(i)) {
        decisions.add(new Decision(graph, i, readers, integer));
      }
    }
    LargestFirst.forEach(decisions, decision -> decision.tensor.elements(), Decision::make);
    decisions.forEach(decision -> tensors.add(decision.made));
  }

  private void refuseFloat() {
    List<OperatorPlan> all =
        operators.stream().filter(operator -> operator.precision().computesFloat()).toList();
    String floats =
        all.size() <= SCREEN
            ? all.stream()
                .map(o -> o.name() + " (operator " + o.operator() + where(o) + "): " + o.reason())
                .collect(Collectors.joining("; "))
            : Warnings.floats(all).stream().map(Reason::text).collect(Collectors.joining("; "));
    if (!floats.isEmpty()) {
      throw model.problem(
          Kind.UNSUPPORTED, "strict, but these operators would stay float32: " + floats);
    }
  }

  private static String where(OperatorPlan operator) {
    return operator.subgraph() == 0 ? "" : " of subgraph " + operator.subgraph();
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
        if (isCopy(plan) && kept.contains(buffer(plan))) {
          Reason reason =
              Reason.of(Code.NEEDED_AS_FLOAT, "another tensor needs the same buffer as float32");
          tensors.set(i, TensorPlan.stays(plan.subgraph(), plan.tensor(), tensor(plan), reason));
          dropped = true;
        }
      }
    }
  }

  private static boolean isCopy(TensorPlan plan) {
    return plan.use() == Use.DEQUANTIZED || plan.use() == Use.ROWS;
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
  private static final class Decision {
    private final Graph graph;
    private final int number;
    private final Tensor tensor;
    private final Readers readers;
    private final IntegerPlanner integer;
    private TensorPlan made;

    Decision(Graph graph, int number, Readers readers, IntegerPlanner integer) {
      this.graph = graph;
      this.number = number;
      this.tensor = graph.tensor(number);
      this.readers = readers;
      this.integer = integer;
    }

    void make() {
      made = integer.constant(number).orElseGet(this::smaller);
    }

    private TensorPlan smaller() {
      Reason objection = readers.objection(number, tensor);
      if (!objection.isEmpty()) {
        return stays(objection);
      }
      Treatment treatment = readers.treatment(number);
      return treatment.mode() == Mode.FLOAT16
          ? float16(treatment.saturate())
          : integer(readers.able(number), treatment);
    }

    private TensorPlan stays(Reason reason) {
      return TensorPlan.stays(graph.number(), number, tensor, reason);
    }

    private TensorPlan plan(Encoding encoding, Use use, List<Integer> by, Reason reason) {
      return new TensorPlan(
          graph.number(),
          number,
          tensor.name(),
          tensor.elements(),
          encoding,
          use,
          by,
          graph.known(number).flatMap(known -> known.codesIn(encoding)),
          reason);
    }

    /**
     * Weights and bias of an operator are stored alike: beside float16 weights with a float32 bias
     * the runtime (seen with 2.21) leaves XNNPACK and computes three times as long.
     */
    private TensorPlan float16(boolean saturate) {
      List<Integer> together = readers.together(number);
      long saved = 0;
      for (int each : together) {
        Tensor one = graph.tensor(each);
        saved += one.elements() * (Float.BYTES - Short.BYTES) - dequantizeBytes(one);
      }
      if (saved <= 0) {
        return stays(notSmaller(tensor.elements() * Short.BYTES, "float16"));
      }
      float largest = 0;
      for (int each : together) {
        Tensor one = graph.tensor(each);
        float magnitude = WeightScales.magnitudes(graph.contents(each), 1, one.elements())[0];
        if (magnitude > LARGEST_FLOAT16 && !saturate) {
          String reaches = " reaches " + magnitude + ", it stays float32";
          return stays(Reason.of(Code.BEYOND_FLOAT16, BEYOND_RANGE, one.name(), reaches));
        }
        largest = each == number ? magnitude : largest;
      }
      Reason reason =
          largest > LARGEST_FLOAT16
              ? Reason.of(
                  Code.BEYOND_FLOAT16,
                  BEYOND_RANGE + WeightScales.beyondFloat16(graph.contents(number)))
              : Reason.of(Code.QUANTIZED, "stored as float16");
      return plan(Encoding.FLOAT16, Use.DEQUANTIZED, List.of(), reason);
    }

    private TensorPlan integer(List<Readers.Reader> all, Treatment treatment) {
      TensorType type = treatment.weightType();
      boolean rows = all.get(0).rule().copiesRows();
      boolean dequantized = treatment.mode() == Mode.WEIGHT_ONLY && !rows;
      int axis = axis(all, dequantized);
      List<Readers.Reader> by = all.stream().filter(r -> takes(r, axis, dequantized)).toList();
      String others = dequantized ? "" : readers.others(number, by);
      if (rows && !others.isEmpty()) {
        String only =
            others + " reads it as float32, so a quantized copy would only add to the file";
        return stays(Reason.of(Code.NEEDED_AS_FLOAT, only));
      }
      long saved = tensor.elements() * Float.BYTES - storedBytes(type) - parameterBytes(axis);
      if (saved <= (dequantized || rows ? dequantizeBytes(tensor) : 0)) {
        return stays(notSmaller(saved, type.toString()));
      }
      int channels = axis < 0 ? 1 : tensor.dimension(axis);
      long inner = tensor.inner(axis);
      float[] magnitudes = WeightScales.magnitudes(graph.contents(number), channels, inner);
      for (int c = 0; c < channels; c++) {
        if (!Float.isFinite(magnitudes[c])) {
          String where = axis < 0 ? "" : " in channel " + c;
          return stays(Reason.of(Code.NOT_FINITE, "holds NaN or infinity" + where));
        }
      }
      Optional<Known> known = graph.known(number).filter(k -> k.fits(type, axis));
      Encoding encoding =
          known.isPresent()
              ? known.get().per(axis, channels)
              : new Encoding(
                  type,
                  axis,
                  WeightScales.of(graph.contents(number), inner, magnitudes, treatment),
                  0);
      return plan(
          encoding,
          dequantized ? Use.DEQUANTIZED : rows ? Use.ROWS : Use.DIRECT,
          by.stream().map(Readers.Reader::operator).distinct().toList(),
          Reason.of(
              Code.QUANTIZED,
              type
                  + (axis < 0 ? ", one scale" : ", a scale per channel of axis " + axis)
                  + known.map(k -> ", " + k.reason()).orElse("")
                  + (others.isEmpty() ? "" : "; " + others + " keeps a float32 copy")));
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

    private Reason notSmaller(long saved, String type) {
      return Reason.of(
          Code.TOO_SMALL,
          tensor.elements()
              + " elements: "
              + type
              + " would save "
              + Math.max(0, saved)
              + " bytes, its DEQUANTIZE operator costs about "
              + dequantizeBytes(tensor));
    }
  }

  private OperatorPlan operator(
      int subgraph, int number, Subgraph graph, Map<Integer, TensorPlan> plans) {
    Operator operator = graph.operators().get(number);
    IntegerPlanner integer = integers.get(subgraph);
    Precision precision = Precision.OTHER;
    Reason reason = Reason.NONE;
    if (integer.isInteger(number)) {
      precision = Precision.INTEGER;
      reason = integer.note(number);
    } else if (OpRules.of(operator.name()).converts()) {
      precision = Precision.CONVERSION;
    } else if (touchesFloat(graph, operator)) {
      precision = Precision.FLOAT32;
      reason = integer.objection(number);
    }
    boolean keepsFloat = integer.treatment(number).mode() == Mode.FLOAT32;
    boolean couldNot = recipe.needsRanges() && !reason.isEmpty();
    OpRule rule = OpRules.of(operator.name());
    for (int place = 0; place < operator.inputs().length; place++) {
      TensorPlan plan = plans.get(operator.input(place));
      if (plan == null || precision == Precision.INTEGER) {
        continue;
      }
      if (plan.isFloat()) {
        if (rule.weights().contains(place)
            && precision == Precision.FLOAT32
            && !keepsFloat
            && !couldNot) {
          String before = "`" + plan.name() + "` stays float32: ";
          reason = new Reason(plan.reason().code(), before + plan.reason(), List.of(plan.name()));
        }
      } else if (plan.use() == Use.DEQUANTIZED || plan.readers().contains(number)) {
        precision = plan.use() == Use.DIRECT ? Precision.HYBRID : Precision.STORED;
        // How its weights are stored is said with them.
        reason = couldNot ? reason : stored(plan, integer.note(number));
      }
    }
    return new OperatorPlan(subgraph, number, operator.name(), precision, reason);
  }

  private static Reason stored(TensorPlan plan, Reason note) {
    Code code = note.isEmpty() ? plan.reason().code() : note.code();
    String text = "`" + plan.name() + "`: " + plan.reason();
    return new Reason(code, note.isEmpty() ? text : text + "; " + note, List.of(plan.name()));
  }

  private static boolean touchesFloat(Subgraph graph, Operator operator) {
    return IntStream.concat(IntStream.of(operator.inputs()), IntStream.of(operator.outputs()))
        .anyMatch(tensor -> tensor >= 0 && graph.tensor(tensor).type() == TensorType.FLOAT32);
  }
}
