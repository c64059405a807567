package io.narrow.tflite.plan;

import io.narrow.kernels.FloatRange;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.ops.IntegerRule;
import io.narrow.tflite.ops.Lstm;
import io.narrow.tflite.ops.OpRules;
import io.narrow.tflite.plan.KnownEncodings.Known;
import io.narrow.tflite.plan.Reason.Code;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.IntStream;

/** A subgraph that is planned, with what is known of it. */
final class Graph {
  private final Model model;
  private final int number;
  private final Subgraph subgraph;
  private final Recipe recipe;
  private final Ranges ranges;
  private final KnownEncodings known;
  private final OperatorConfigurations configurations;
  private final Map<List<Object>, Optional<FloatRange>> chosen = new ConcurrentHashMap<>();
  private final Map<Integer, Optional<Known>> recovered = new ConcurrentHashMap<>();
  private final Variables variables;
  private final boolean entry;
  private final boolean wasSeen;
  private final boolean recovers; // for any operator

  /**
   * @param variables of the model
   */
  Graph(
      Model model,
      int number,
      Recipe recipe,
      Ranges ranges,
      KnownEncodings known,
      Variables variables) {
    this.model = model;
    this.number = number;
    this.subgraph = model.subgraphs().get(number);
    this.recipe = recipe;
    this.ranges = ranges;
    this.known = known;
    this.variables = variables;
    this.configurations = new OperatorConfigurations(model, subgraph, recipe);
    if (recipe.needsRanges()) {
      IntStream.range(0, subgraph.tensors().size())
          .parallel()
          .filter(t -> isFloat(t) && !isConstant(t))
          .forEach(t -> chosen(t, recipe.mode() == Mode.INT16X8));
    }
    this.recovers =
        recipe.rules().stream()
            .anyMatch(rule -> rule.configuration().scales() == WeightScaling.RECOVERED);
    this.entry = model.entries().contains(number);
    this.wasSeen =
        IntStream.range(0, subgraph.tensors().size())
            .anyMatch(t -> isFloat(t) && !isConstant(t) && seen(t).isPresent());
  }

  Model model() {
    return model;
  }

  int number() {
    return number;
  }

  Subgraph subgraph() {
    return subgraph;
  }

  Recipe recipe() {
    return recipe;
  }

  Variables variables() {
    return variables;
  }

  OperatorConfigurations configurations() {
    return configurations;
  }

  /** How an operator computes with integer activations; it has to have a row for that. */
  IntegerRule rule(int operator) {
    return OpRules.of(operator(operator).name())
        .integer(operator(operator), this::isConstant)
        .orElseThrow();
  }

  int operators() {
    return subgraph.operators().size();
  }

  Operator operator(int i) {
    return subgraph.operators().get(i);
  }

  Tensor tensor(int i) {
    return subgraph.tensor(i);
  }

  boolean isFloat(int tensor) {
    return tensor >= 0 && tensor(tensor).type() == TensorType.FLOAT32;
  }

  boolean isConstant(int tensor) {
    return model.isConstant(tensor(tensor));
  }

  ByteBuffer contents(int tensor) {
    return model.contents(tensor(tensor));
  }

  boolean isOutput(int tensor) {
    return subgraph.isOutput(tensor);
  }

  boolean isInput(int tensor) {
    return subgraph.isInput(tensor);
  }

  /** Number of the operator that writes a tensor. */
  Optional<Integer> producer(int tensor) {
    return tensor < 0 ? Optional.empty() : subgraph.producer(tensor);
  }

  List<Subgraph.Reader> readers(int tensor) {
    return tensor < 0 ? List.of() : subgraph.readers(tensor);
  }

  /** Smallest and largest value of a constant. */
  FloatRange values(int constant) {
    float[] range = IntegerWeights.range(contents(constant));
    return new FloatRange(range[0], range[1], 0, 0);
  }

  /** What no value of a constant, or of the larger of a constant and others, is below. */
  Optional<Float> least(int tensor) {
    if (isConstant(tensor)) {
      return Optional.of(values(tensor).min());
    }
    return producer(tensor)
        .map(this::operator)
        .filter(operator -> OpRules.of(operator.name()).takesLarger())
        .flatMap(
            operator ->
                IntStream.of(operator.inputs())
                    .filter(input -> isFloat(input) && isConstant(input))
                    .filter(input -> !tensor(input).isEncoded())
                    .boxed()
                    .map(input -> values(input).min())
                    .max(Float::compare));
  }

  /**
   * The operator that does nothing but set a state to zero in each run: it moves zeros there, with
   * a kernel that moves codes just as well.
   */
  Optional<Integer> clearing(int state) {
    return producer(state)
        .filter(number -> tensor(state).isVariable() && configurations.of(number).mode().integer())
        .filter(number -> movesZeros(operator(number)));
  }

  private boolean movesZeros(Operator operator) {
    return OpRules.of(operator.name())
        .integer()
        .filter(rule -> rule.scales().same())
        .filter(rule -> rule.has(TensorType.INT8) && rule.has(TensorType.INT16))
        .filter(rule -> operator.outputs().length == 1)
        .filter(
            rule ->
                IntStream.range(0, operator.inputs().length)
                    .filter(rule::reads)
                    .allMatch(place -> isZero(operator.input(place))))
        .isPresent();
  }

  private boolean isZero(int tensor) {
    if (!isFloat(tensor) || !isConstant(tensor) || tensor(tensor).isEncoded()) {
      return false;
    }
    ByteBuffer values = contents(tensor);
    boolean zero = true;
    while (values.hasRemaining()) {
      zero &= values.getFloat() == 0;
    }
    return zero;
  }

  /** The state that an operator sets to zero, where another reads it, if that is all it does. */
  Optional<Subgraph.Reader> cleared(int number) {
    return IntStream.of(operator(number).outputs())
        .filter(state -> clearing(state).isPresent() && readers(state).size() == 1)
        .mapToObj(state -> readers(state).get(0))
        .findFirst();
  }

  /** The range of all values that were seen of a tensor. */
  Optional<FloatRange> seen(int tensor) {
    return chosen(tensor, true).filter(range -> !range.isEmpty());
  }

  /** The range of a tensor for codes of this type, empty if it was not seen or not finite. */
  Optional<FloatRange> range(int tensor, TensorType type) {
    return chosen(tensor, type == TensorType.INT16).filter(Graph::isFinite);
  }

  /** Choosing a range may mean to search for it: once is enough. */
  private Optional<FloatRange> chosen(int tensor, boolean whole) {
    return chosen.computeIfAbsent(
        List.of(tensor, whole),
        key ->
            known(tensor)
                .map(k -> new FloatRange(k.encoding().lowest(), k.encoding().highest(), 0, 0))
                .or(() -> ranges.range(number, tensor, whole)));
  }

  /** What is known of a tensor before it is planned. */
  Optional<Known> known(int tensor) {
    Optional<Known> stored = known.of(number, tensor);
    return stored.isPresent() || !recovers ? stored : recovered(tensor);
  }

  /**
   * What its readers' configuration finds that the values of a constant are; nothing if they do
   * not.
   */
  private Optional<Known> recovered(int tensor) {
    return recovered.computeIfAbsent(
        tensor,
        key ->
            readers(tensor).stream()
                .filter(r -> configurations.of(r.operator()).scales() == WeightScaling.RECOVERED)
                .filter(
                    r -> OpRules.of(operator(r.operator()).name()).weights().contains(r.place()))
                .findFirst()
                .flatMap(reader -> recovered(tensor, operator(reader.operator()), reader)));
  }

  private Optional<Known> recovered(int number, Operator operator, Subgraph.Reader reader) {
    Tensor tensor = tensor(number);
    OperatorConfiguration configuration = configurations.of(reader.operator());
    int axis = OpRules.of(operator.name()).axis().of(operator, tensor);
    if (!isFloat(number) || !isConstant(number) || tensor.isEncoded() || axis < 0) {
      return Optional.empty();
    }
    Encoding like =
        new Encoding(configuration.weightType(), axis, new float[0], 0, configuration.block());
    return WeightScales.finite(contents(number))
        ? Recovery.of(contents(number), tensor, like)
        : Optional.empty();
  }

  /** The range of an intermediate of an LSTM, likewise. */
  Optional<FloatRange> intermediate(int operator, int place) {
    int output = operator(operator).outputs()[0];
    return ranges.intermediate(number, output, place, place != Lstm.HIDDEN).filter(Graph::isFinite);
  }

  private static boolean isFinite(FloatRange range) {
    return !range.isEmpty() && range.nans() == 0 && range.infinities() == 0;
  }

  /** Why there is no range of a tensor. */
  Reason whyNotSeen(int tensor) {
    String name = tensor(tensor).name();
    if (ranges.isNone()) {
      String why = ", and there are no calibration data";
      return Reason.of(Code.NO_DATA, "the model has no range of ", name, why);
    }
    return wasSeen
        ? Reason.of(Code.NOT_SEEN, "calibration saw no value of ", name, "")
        : whyNotSeen();
  }

  private Reason whyNotSeen() {
    if (number == 0) {
      return Reason.of(Code.NOT_SEEN, "it was not calibrated");
    }
    if (isEntry()) {
      String signature = model.signatureOf(number);
      return Reason.of(Code.NO_DATA, "there are no calibration data for signature ", signature, "");
    }
    String name = subgraph.name();
    return OpRules.state(model, number)
        .map(
            operator ->
                " without the operator that calls it: "
                    + operator.name()
                    + " in it depends on what ran before")
        .map(why -> Reason.of(Code.INNER, "calibration cannot run ", name, why))
        .orElse(Reason.of(Code.NOT_SEEN, "no sample of the calibration ran ", name, ""));
  }

  /** Whether the caller of the model gives its inputs and takes its outputs. */
  boolean isEntry() {
    return entry;
  }

  /** Whether an operator of the model gives its inputs and takes its outputs. */
  boolean isCalled() {
    return number != 0
        && model.subgraphs().stream()
            .flatMap(each -> each.operators().stream())
            .anyMatch(operator -> operator.calls().contains(number));
  }

  /** The tensor whose scale is that of the variable that an operator uses. */
  int held(int number) {
    return Variables.value(operator(variables().together(number(), number).get(0)));
  }
}
