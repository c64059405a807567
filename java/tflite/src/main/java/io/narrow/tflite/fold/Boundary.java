package io.narrow.tflite.fold;

import io.narrow.tflite.draft.Draft;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.ops.OpRules;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Gives a model that computes in integers inputs and outputs of another type, under their numbers
 * and names. Between int8 and uint8 codes move by 128.
 */
final class Boundary {
  private static final Map<TensorType, Integer> MIDDLE =
      Map.of(TensorType.INT8, 0, TensorType.INT16, 0, TensorType.UINT8, 128);

  private final Draft.Graph graph;
  private final Subgraph before;

  private Boundary(Draft.Graph graph) {
    this.graph = graph;
    this.before = graph.before();
  }

  static Model of(Model model, TensorType inputs, TensorType outputs) {
    Draft stripped = new Draft(model);
    for (int entry : model.entries()) {
      new Boundary(stripped.graph(entry)).strip(inputs, outputs);
    }
    Model bare = stripped.finish();
    Draft draft = new Draft(bare);
    for (int entry : bare.entries()) {
      new Boundary(draft.graph(entry)).convert(inputs, outputs);
    }
    return draft.finish();
  }

  /** Removes the QUANTIZE operators of inputs, and the DEQUANTIZE operators of outputs. */
  private void strip(TensorType inputs, TensorType outputs) {
    for (int input : inputs == TensorType.FLOAT32 ? new int[0] : before.inputs()) {
      List<Subgraph.Reader> readers = before.readers(input);
      if (before.tensor(input).type() == TensorType.FLOAT32
          && !before.isOutput(input)
          && readers.size() == 1
          && is(readers.get(0).operator(), "QUANTIZE")) {
        int codes = graph.operator(readers.get(0).operator()).outputs()[0];
        if (isCodes(before.tensor(codes)) && !before.isOutput(codes)) {
          graph.replace(input, retyped(before.tensor(input), before.tensor(codes)));
          graph.remove(readers.get(0).operator());
          read(codes, input);
        }
      }
    }
    for (int output : outputs == TensorType.FLOAT32 ? new int[0] : before.outputs()) {
      int producer = before.producer(output).orElse(-1);
      if (producer < 0
          || !before.readers(output).isEmpty()
          || before.tensor(output).type() != TensorType.FLOAT32
          || !is(producer, "DEQUANTIZE")) {
        continue;
      }
      int codes = before.operators().get(producer).input(0);
      int maker = before.producer(codes).orElse(-1);
      if (maker >= 0 && isCodes(before.tensor(codes)) && !before.isOutput(codes)) {
        graph.replace(output, retyped(before.tensor(output), before.tensor(codes)));
        graph.remove(producer);
        write(maker, codes, output);
        read(codes, output);
      }
    }
  }

  private void convert(TensorType inputs, TensorType outputs) {
    for (int input : before.inputs()) {
      if (converts(input, inputs) && !before.isOutput(input)) {
        int inside = graph.add(before.tensor(input).withName(name(input)));
        graph.replace(input, as(before.tensor(input), inputs));
        read(input, inside);
        graph.addFirst(OpRules.quantize(input, before.tensor(input).type(), inside));
      }
    }
    for (int output : before.outputs()) {
      int producer = before.producer(output).orElse(-1);
      if (converts(output, outputs) && producer >= 0) {
        TensorType type = before.tensor(output).type();
        int inside = graph.add(before.tensor(output).withName(name(output)));
        graph.replace(output, as(before.tensor(output), outputs));
        write(producer, output, inside);
        read(output, inside);
        graph.addAfter(
            producer,
            outputs == TensorType.FLOAT32
                ? OpRules.dequantize(inside, type, false, output)
                : OpRules.quantize(inside, outputs, output));
      }
    }
  }

  private String name(int tensor) {
    return before.tensor(tensor).name() + "_" + before.tensor(tensor).type();
  }

  private boolean is(int operator, String name) {
    return before.operators().get(operator).name().equals(name);
  }

  private static boolean isCodes(Tensor tensor) {
    return MIDDLE.containsKey(tensor.type()) && tensor.isAffine() && tensor.scales().length == 1;
  }

  /** Whether codes can become those of a type, or float32, without a loss. */
  private boolean converts(int tensor, TensorType type) {
    Tensor codes = before.tensor(tensor);
    return isCodes(codes)
        && codes.type() != type
        && (type == TensorType.FLOAT32 || codes.type().bits() == type.bits());
  }

  private static Tensor as(Tensor codes, TensorType type) {
    return type == TensorType.FLOAT32
        ? codes.withType(type)
        : codes.quantized(
            type,
            codes.scales(),
            new long[] {codes.zeroPoints()[0] - MIDDLE.get(codes.type()) + MIDDLE.get(type)},
            0);
  }

  private static Tensor retyped(Tensor tensor, Tensor codes) {
    return tensor.quantized(codes.type(), codes.scales(), codes.zeroPoints(), 0);
  }

  /** Lets all that read a tensor read another. */
  private void read(int tensor, int instead) {
    for (Subgraph.Reader reader : before.readers(tensor)) {
      graph.replace(
          reader.operator(), graph.operator(reader.operator()).withInput(reader.place(), instead));
    }
  }

  private void write(int producer, int tensor, int instead) {
    Operator operator = graph.operator(producer);
    for (int place : IntStream.range(0, operator.outputs().length).toArray()) {
      operator =
          operator.outputs()[place] == tensor ? operator.withOutput(place, instead) : operator;
    }
    graph.replace(producer, operator);
  }
}
