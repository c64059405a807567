package io.narrow.tflite.shape;

import io.narrow.tflite.draft.Draft;
import io.narrow.tflite.model.Buffer;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * A model whose shapes are written where they follow from those of its inputs, and in which
 * integers that follow from shapes are constants: {@code SHAPE}, {@code STRIDED_SLICE} and {@code
 * PACK} into {@code RESHAPE}, as exporters write them, are gone.
 *
 * @param model computes the same; the given one itself if nothing follows
 * @param computed the tensors that became constants
 */
public record StaticShapes(Model model, List<Computed> computed) {
  /** What arithmetic over shapes computes with: everything else stays computed. */
  private static final Set<TensorType> INTEGERS =
      EnumSet.of(TensorType.INT32, TensorType.INT64, TensorType.BOOL);

  /**
   * A tensor that became a constant.
   *
   * @param subgraph number of its subgraph
   * @param tensor its name
   */
  public record Computed(int subgraph, String tensor) {}

  public StaticShapes {
    computed = List.copyOf(computed);
  }

  /** Of a model, as far as the sizes of its inputs are fixed. */
  public static StaticShapes of(Model model) {
    return mayChange(model) ? of(model, Inference.of(model)) : new StaticShapes(model, List.of());
  }

  /** Whether there is a size to infer, or an integer to compute: most models have neither. */
  private static boolean mayChange(Model model) {
    return isDynamic(model)
        || model.subgraphs().stream()
            .anyMatch(
                graph -> graph.operators().stream().anyMatch(o -> computesIntegers(graph, o)));
  }

  private static boolean computesIntegers(Subgraph graph, Operator operator) {
    return IntStream.of(operator.outputs())
            .anyMatch(t -> t >= 0 && INTEGERS.contains(graph.tensor(t).type()))
        && Inference.isComputation(operator);
  }

  /** A model with the shapes that are known, and nothing folded. */
  static Model written(Model model, Inference inference) {
    Draft draft = new Draft(model);
    boolean changed = false;
    for (int s = 0; s < model.subgraphs().size(); s++) {
      changed |= write(draft.graph(s), s, inference);
    }
    return changed ? draft.finish() : model;
  }

  private static StaticShapes of(Model model, Inference inference) {
    Draft draft = new Draft(model);
    List<Computed> computed = new ArrayList<>();
    for (int s = 0; s < model.subgraphs().size(); s++) {
      computed.addAll(new Graph(model, draft, s, inference).fold());
    }
    if (computed.isEmpty() && !isDynamic(model)) {
      return new StaticShapes(model, List.of());
    }
    boolean changed = !computed.isEmpty();
    for (int s = 0; s < model.subgraphs().size(); s++) {
      changed |= write(draft.graph(s), s, inference);
    }
    return new StaticShapes(changed ? draft.finish().compact().model() : model, computed);
  }

  private static boolean isDynamic(Model model) {
    return model.subgraphs().stream()
        .flatMap(graph -> graph.tensors().stream())
        .anyMatch(StaticShapes::isDynamic);
  }

  private static boolean isDynamic(Tensor tensor) {
    return Arrays.stream(tensor.shapeSignature()).anyMatch(size -> size < 0);
  }

  /** Writes down the shapes that are known better than the file says them. */
  private static boolean write(Draft.Graph graph, int number, Inference inference) {
    boolean changed = false;
    BitSet computed = new BitSet();
    graph.before().operators().stream()
        .map(Operator::outputs)
        .flatMapToInt(IntStream::of)
        .filter(t -> t >= 0)
        .forEach(computed::set);
    IntStream.of(graph.before().inputs()).forEach(computed::set);
    for (int t = computed.nextSetBit(0); t >= 0; t = computed.nextSetBit(t + 1)) {
      Fact fact = inference.of(number, t);
      Tensor tensor = graph.tensor(t);
      if (!fact.isRanked()
          || tensor.isVariable()
          || tensor.buffer() != graph.before().tensor(t).buffer()) {
        continue;
      }
      int[] said = tensor.shapeSignature();
      int[] sizes = fact.shape().clone();
      for (int axis = 0; axis < sizes.length && said.length == sizes.length; axis++) {
        sizes[axis] = sizes[axis] < 0 ? said[axis] : sizes[axis];
      }
      if (!Arrays.equals(sizes, said)) {
        graph.replace(t, tensor.withSizes(sizes));
        changed = true;
      }
    }
    return changed;
  }

  /** Folds a subgraph. */
  private static final class Graph {
    private final Model model;
    private final Draft draft;
    private final int number;
    private final Draft.Graph graph;
    private final Subgraph before;
    private final Inference inference;
    private final BitSet boundary = new BitSet();
    private final BitSet constants = new BitSet(); // results that are read as constants

    Graph(Model model, Draft draft, int number, Inference inference) {
      this.model = model;
      this.draft = draft;
      this.number = number;
      this.graph = draft.graph(number);
      this.before = graph.before();
      this.inference = inference;
      IntStream.of(before.inputs()).forEach(boundary::set);
      IntStream.of(before.outputs()).forEach(boundary::set);
      model.signatures().stream()
          .filter(signature -> signature.subgraph() == number)
          .forEach(
              signature -> {
                signature.inputs().values().forEach(boundary::set);
                signature.outputs().values().forEach(boundary::set);
              });
    }

    List<Computed> fold() {
      for (int i = before.operators().size() - 1; i >= 0; i--) {
        Operator operator = before.operators().get(i);
        if (Inference.isComputation(operator)
            && Arrays.stream(operator.outputs()).allMatch(this::isNotComputed)) {
          graph.remove(i);
          Arrays.stream(operator.outputs()).filter(this::isConstant).forEach(constants::set);
        }
      }
      List<Computed> computed = new ArrayList<>();
      for (int t = constants.nextSetBit(0); t >= 0; t = constants.nextSetBit(t + 1)) {
        if (isRead(t)) {
          Tensor tensor = before.tensor(t);
          Fact fact = inference.of(number, t);
          int buffer = draft.addBuffer(contents(tensor.type(), fact.values()));
          graph.replace(t, tensor.withSizes(fact.shape()).withBuffer(buffer));
          computed.add(new Computed(number, tensor.name()));
        }
      }
      return computed;
    }

    /** Whether nothing is lost if no operator writes it: it is a constant, or no longer read. */
    private boolean isNotComputed(int t) {
      return t >= 0
          && !boundary.get(t)
          && !before.tensor(t).isVariable()
          && (isConstant(t) || before.reads(t) > 0 && !isRead(t));
    }

    private boolean isConstant(int t) {
      Fact fact = inference.of(number, t);
      return INTEGERS.contains(before.tensor(t).type())
          && !before.tensor(t).isQuantized()
          && fact.isConstant()
          && fact.values().length > 0;
    }

    private boolean isRead(int t) {
      return before.readers(t).stream().anyMatch(reader -> !graph.isRemoved(reader.operator()));
    }
  }

  private static Buffer contents(TensorType type, double[] values) {
    ByteBuffer bytes =
        ByteBuffer.allocateDirect((int) type.bytes(values.length)).order(ByteOrder.LITTLE_ENDIAN);
    for (double value : values) {
      switch (type) {
        case INT32 -> bytes.putInt((int) value);
        case INT64 -> bytes.putLong((long) value);
        default -> bytes.put((byte) (value == 0 ? 0 : 1));
      }
    }
    return Buffer.of(bytes.flip());
  }
}
