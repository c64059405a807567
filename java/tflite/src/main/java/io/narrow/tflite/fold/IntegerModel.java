package io.narrow.tflite.fold;

import io.narrow.tflite.draft.Draft;
import io.narrow.tflite.model.Buffer;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.ops.IntegerRule;
import io.narrow.tflite.ops.IntegerRule.Scales;
import io.narrow.tflite.ops.OpRule;
import io.narrow.tflite.ops.OpRules;
import io.narrow.tflite.plan.KnownEncodings;
import io.narrow.tflite.plan.Reason;
import io.narrow.tflite.plan.Reason.Code;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Turns a model of uint8 activations, as TensorFlow 1 made them, into one of int8 that gives the
 * same codes less 128. Scales stay, zero points and constants are shifted; weights are shifted by
 * their zero point, which kernels for int8 take to be 0. Where int8 cannot be the same, as little
 * as possible is rounded otherwise, and said. Operators without an int8 kernel stay uint8 between
 * two QUANTIZE operators, which shift codes exactly.
 */
final class IntegerModel {
  private static final int SHIFT = 128;

  /** Of weights. */
  private static final String PARTS =
      "with weights further from their zero point than int8 from 0, which are added up in parts:"
          + " the same codes, but more operators than if speed were preferred";

  /** Of weights. */
  private static final String FAR =
      "with channels that reach further from their zero point than int8 from 0, which are rounded"
          + " to a scale of their own";

  /** Of results: a mean of two codes is rounded up in uint8, in int8 away from the code 0. */
  private static final String APART =
      "that int8 kernels round otherwise where a value lies between two codes: by one code at most";

  private final Model model;
  private final int number;
  private final Draft.Graph graph;
  private final Contents contents;
  private final List<Folded.Change> changes;
  private final boolean fast;
  private final Map<List<Object>, Integer> copies = new HashMap<>();

  private IntegerModel(
      Model model,
      int number,
      Draft draft,
      Contents contents,
      List<Folded.Change> changes,
      boolean fast) {
    this.model = model;
    this.number = number;
    this.graph = draft.graph(number);
    this.contents = contents;
    this.changes = changes;
    this.fast = fast;
  }

  /**
   * The same model with int8 in place of uint8, and what does not give the same codes; the model
   * itself if it has no uint8.
   *
   * @param fast whether weights that int8 cannot hold are rounded rather than added up in parts
   */
  static Folded signed(Model model, boolean fast) {
    boolean any =
        model.subgraphs().stream()
            .flatMap(subgraph -> subgraph.tensors().stream())
            .anyMatch(tensor -> isUnsigned(tensor) && !model.isConstant(tensor));
    if (!any) {
      return new Folded(model, KnownEncodings.NONE, List.of());
    }
    Draft draft = new Draft(model);
    Contents contents = new Contents(draft);
    List<Folded.Change> changes = new ArrayList<>();
    for (int i = 0; i < model.subgraphs().size(); i++) {
      new IntegerModel(model, i, draft, contents, changes, fast).rewrite();
    }
    return new Folded(draft.finish(), KnownEncodings.NONE, changes);
  }

  private static boolean isUnsigned(Tensor tensor) {
    return tensor.type() == TensorType.UINT8 && tensor.scales().length == 1 && tensor.isAffine();
  }

  private static Tensor shifted(Tensor tensor) {
    return tensor.quantized(
        TensorType.INT8, tensor.scales(), new long[] {tensor.zeroPoints()[0] - SHIFT}, 0);
  }

  private boolean isActivation(int tensor) {
    return tensor >= 0
        && isUnsigned(graph.before().tensor(tensor))
        && !model.isConstant(graph.before().tensor(tensor));
  }

  private void rewrite() {
    Subgraph before = graph.before();
    for (int t = 0; t < before.tensors().size(); t++) {
      if (isActivation(t)) {
        graph.replace(t, shifted(before.tensor(t)));
      }
    }
    for (int i = 0; i < before.operators().size(); i++) {
      Operator operator = before.operators().get(i);
      if (IntStream.concat(Arrays.stream(operator.inputs()), Arrays.stream(operator.outputs()))
          .anyMatch(this::isActivation)) {
        Optional<Operator> signed = signed(i, operator);
        if (signed.isPresent()) {
          graph.replace(i, signed.get());
        } else {
          staysUnsigned(i, operator);
        }
      }
    }
  }

  /** The operator in int8, empty if there is none that computes the same but for rounding. */
  private Optional<Operator> signed(int at, Operator operator) {
    OpRule rule = OpRules.of(operator.name());
    if (rule.converts()) {
      int version = rule.conversionVersion(TensorType.INT8, false);
      return Optional.of(operator.withVersion(Math.max(version, operator.version())));
    }
    Optional<IntegerRule> integer = rule.integer().filter(r -> r.has(TensorType.INT8));
    if (integer.isEmpty()
        || integer.get().scales().recurrent()
        || !integer.get().objection(operator).isEmpty()) {
      return Optional.empty();
    }
    boolean weighted = integer.get().scales() == Scales.WEIGHTS;
    if (weighted && !hasConstants(rule, operator)) {
      return Optional.empty();
    }
    boolean rescales = integer.get().scales().same() && !oneScale(operator);
    if (rescales && !rule.rescales()) {
      return Optional.empty();
    }
    Operator changed = weighted ? weighted(at, rule, integer.get(), operator) : operator;
    for (int place = 0; place < operator.inputs().length; place++) {
      int t = changed.input(place);
      if (isUnsigned(t) && model.isConstant(graph.before().tensor(t))) {
        changed = changed.withInput(place, constant(t));
      }
    }
    if (rescales) {
      changed = rescaled(operator, changed);
    }
    if (rescales || rule.roundsApart(operator)) {
      note(operator.outputs()[0], APART);
    }
    return Optional.of(
        changed.withVersion(integer.get().version(TensorType.INT8, TensorType.INT8, operator)));
  }

  private boolean isUnsigned(int t) {
    return t >= 0 && t < graph.before().tensors().size() && isUnsigned(graph.before().tensor(t));
  }

  private void note(int t, String what) {
    changes.add(
        new Folded.Change(number, graph.before().tensor(t).name(), Reason.of(Code.FOLDED, what)));
  }

  /** Whether the weights of an operator, and its bias, can be rounded to other scales. */
  private boolean hasConstants(OpRule rule, Operator operator) {
    int weights = operator.input(rule.weights().get(0));
    int bias = operator.input(rule.bias());
    if (!isUnsigned(weights) || !model.isConstant(graph.before().tensor(weights))) {
      return false;
    }
    Tensor tensor = graph.before().tensor(weights);
    int axis = rule.axis().of(operator, tensor);
    if (axis < 0 || axis >= tensor.rank() || bias < 0) {
      return axis >= 0 && axis < tensor.rank();
    }
    Tensor added = graph.before().tensor(bias);
    return added.type() == TensorType.INT32
        && model.isConstant(added)
        && added.scales().length == 1
        && added.elements() == tensor.dimension(axis);
  }

  /** An operator with int8 weights, and with a bias of the scales that they get. */
  private Operator weighted(int at, OpRule rule, IntegerRule integer, Operator operator) {
    int place = rule.weights().get(0);
    int t = operator.input(place);
    Tensor tensor = graph.before().tensor(t);
    Buffer codes = contents.of(tensor.buffer());
    int axis = rule.axis().of(operator, tensor);
    SignedWeights weights = new SignedWeights(tensor, codes, axis);
    if (!weights.exact() && !fast) {
      int input = integer.inputs().iterator().next();
      Optional<Operator> exact = new FarWeights(graph, contents, at, rule, input).exact();
      if (exact.isPresent()) {
        note(t, PARTS);
        return exact.get();
      }
    }
    List<Object> how = List.of("weights", tensor.shapeText(), tensor.zeroPoints()[0], axis);
    int made =
        copies.computeIfAbsent(
            List.of(t, axis),
            key -> {
              if (!weights.exact()) {
                note(t, FAR);
              }
              Buffer moved = contents.computed(codes, how, weights::codes);
              return graph.add(weights.tensor(contents.number(moved)));
            });
    Operator changed = operator.withInput(place, made);
    int bias = operator.input(rule.bias());
    if (bias < 0 || weights.exact()) {
      return changed;
    }
    Tensor added = graph.before().tensor(bias);
    Buffer sums = contents.of(added.buffer());
    return changed.withInput(
        rule.bias(),
        copies.computeIfAbsent(
            List.of(bias, t, axis),
            key -> {
              Buffer moved =
                  contents.computed(
                      sums, List.of(how, tensor.buffer()), () -> weights.biases(sums));
              return graph.add(weights.bias(added, contents.number(moved)));
            }));
  }

  /** Whether all that an operator reads and writes of uint8 has the same scale. */
  private boolean oneScale(Operator operator) {
    return Arrays.stream(operator.inputs())
        .filter(this::isUnsigned)
        .allMatch(t -> sameScale(t, operator.outputs()[0]));
  }

  private boolean sameScale(int a, int b) {
    Tensor first = graph.before().tensor(a);
    Tensor second = graph.before().tensor(b);
    return Arrays.equals(first.scales(), second.scales())
        && Arrays.equals(first.zeroPoints(), second.zeroPoints());
  }

  /** An operator whose operands have the scale of its result. */
  private Operator rescaled(Operator first, Operator operator) {
    Operator changed = operator;
    int result = operator.outputs()[0];
    for (int place = 0; place < operator.inputs().length; place++) {
      int before = first.input(place);
      if (isUnsigned(before) && !sameScale(before, result)) {
        Tensor operand = graph.tensor(operator.input(place));
        Tensor wanted = graph.tensor(result);
        int made =
            graph.add(
                operand
                    .quantized(TensorType.INT8, wanted.scales(), wanted.zeroPoints(), 0)
                    .withBuffer(0)
                    .withName(operand.name() + "_requantized"));
        graph.addBehind(before, OpRules.quantize(operator.input(place), TensorType.INT8, made));
        changed = changed.withInput(place, made);
      }
    }
    return changed;
  }

  /** Number of a constant in int8. */
  private int constant(int t) {
    Tensor tensor = graph.before().tensor(t);
    Buffer codes = contents.of(tensor.buffer());
    return copies.computeIfAbsent(
        List.of(t, SHIFT),
        key -> {
          Buffer moved =
              contents.computed(codes, List.of("shift"), () -> Codes.shifted(codes, SHIFT));
          return graph.add(shifted(tensor).withBuffer(contents.number(moved)));
        });
  }

  private void staysUnsigned(int i, Operator operator) {
    Operator changed = operator;
    for (int place = 0; place < operator.inputs().length; place++) {
      int t = operator.input(place);
      if (isActivation(t)) {
        int copy =
            copies.computeIfAbsent(
                List.of(t, "uint8"),
                key -> {
                  int unsigned = add(t);
                  graph.addBehind(t, OpRules.quantize(t, TensorType.UINT8, unsigned));
                  return unsigned;
                });
        changed = changed.withInput(place, copy);
      }
    }
    for (int place = 0; place < operator.outputs().length; place++) {
      int t = operator.outputs()[place];
      if (isActivation(t)) {
        int unsigned = add(t);
        changed = changed.withOutput(place, unsigned);
        graph.addAfter(i, OpRules.quantize(unsigned, TensorType.INT8, t));
      }
    }
    graph.replace(i, changed);
  }

  private int add(int t) {
    Tensor tensor = graph.before().tensor(t);
    return graph.add(tensor.withName(tensor.name() + "_uint8"));
  }
}
