package io.narrow.tflite.fold;

import io.narrow.tflite.draft.Draft;
import io.narrow.tflite.model.Buffer;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.ops.IntegerRule;
import io.narrow.tflite.ops.OpRule;
import io.narrow.tflite.ops.OpRules;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Turns a model of uint8 activations, as TensorFlow 1 made them, into one of int8 that gives the
 * same codes less 128. Scales stay, zero points and constants are shifted; weights are shifted by
 * their zero point, which kernels for int8 take to be 0. Operators that cannot be the same in int8
 * stay uint8 between two QUANTIZE operators, which shift codes exactly.
 */
final class IntegerModel {
  private static final int SHIFT = 128;

  private final Model model;
  private final Draft.Graph graph;
  private final Contents contents;
  private final Map<List<Object>, Integer> copies = new HashMap<>();

  private IntegerModel(Model model, Draft.Graph graph, Contents contents) {
    this.model = model;
    this.graph = graph;
    this.contents = contents;
  }

  /** The same model with int8 in place of uint8; the model itself if it has no uint8. */
  static Model signed(Model model) {
    boolean any =
        model.subgraphs().stream()
            .flatMap(subgraph -> subgraph.tensors().stream())
            .anyMatch(tensor -> isUnsigned(tensor) && !model.isConstant(tensor));
    if (!any) {
      return model;
    }
    Draft draft = new Draft(model);
    Contents contents = new Contents(draft);
    for (int i = 0; i < model.subgraphs().size(); i++) {
      new IntegerModel(model, draft.graph(i), contents).rewrite();
    }
    return draft.finish();
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
        Optional<Operator> signed = signed(operator);
        if (signed.isPresent()) {
          graph.replace(i, signed.get());
        } else {
          staysUnsigned(i, operator);
        }
      }
    }
  }

  /** The operator in int8, empty if it would not give the same codes. */
  private Optional<Operator> signed(Operator operator) {
    Subgraph before = graph.before();
    OpRule rule = OpRules.of(operator.name());
    if (rule.converts()) {
      return Optional.of(operator);
    }
    Optional<IntegerRule> integer = rule.integer().filter(r -> r.has(TensorType.INT8));
    if (integer.isEmpty()
        || !integer.get().objection(operator).isEmpty()
        || rule.roundsApart(operator)) {
      return Optional.empty();
    }
    Operator changed = operator;
    for (int place = 0; place < operator.inputs().length; place++) {
      int t = operator.input(place);
      boolean weight = rule.weights().contains(place);
      if (t < 0 || !isUnsigned(before.tensor(t))) {
        continue;
      }
      if (integer.get().scales().same() && !sameScale(t, operator.outputs()[0])) {
        return Optional.empty();
      }
      if (model.isConstant(before.tensor(t))) {
        Optional<Integer> constant = constant(t, weight);
        if (constant.isEmpty()) {
          return Optional.empty();
        }
        changed = changed.withInput(place, constant.get());
      } else if (weight) {
        return Optional.empty();
      }
    }
    return Optional.of(
        changed.withVersion(integer.get().version(TensorType.INT8, TensorType.INT8, operator)));
  }

  private boolean sameScale(int a, int b) {
    Tensor first = graph.before().tensor(a);
    Tensor second = graph.before().tensor(b);
    return Arrays.equals(first.scales(), second.scales())
        && Arrays.equals(first.zeroPoints(), second.zeroPoints());
  }

  /** Number of a constant in int8: weights by their zero point, others by 128. */
  private Optional<Integer> constant(int t, boolean weight) {
    Tensor tensor = graph.before().tensor(t);
    int shift = weight ? (int) tensor.zeroPoints()[0] : SHIFT;
    Buffer codes = contents.of(tensor.buffer());
    ByteBuffer bytes = codes.bytes();
    while (bytes.hasRemaining()) {
      int code = Byte.toUnsignedInt(bytes.get()) - shift;
      if (code < Byte.MIN_VALUE || code > Byte.MAX_VALUE) {
        return Optional.empty();
      }
    }
    return Optional.of(
        copies.computeIfAbsent(
            List.of(t, shift),
            key -> {
              Buffer moved =
                  contents.computed(
                      codes, List.of("shift", shift), () -> Codes.shifted(codes, shift));
              return graph.add(
                  tensor
                      .quantized(
                          TensorType.INT8,
                          tensor.scales(),
                          new long[] {tensor.zeroPoints()[0] - shift},
                          0)
                      .withBuffer(contents.number(moved)));
            }));
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
