package io.narrow.tflite.model;

import io.narrow.tflite.schema.Table;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/** Drops what nothing in a model uses, and numbers the rest again. */
final class Compaction {
  /** What stands for the number of something that was dropped. */
  private static final int DROPPED = -1;

  private Compaction() {}

  /**
   * New number of each tensor of a subgraph, {@value #DROPPED} for one that no operator, signature
   * or boundary of the subgraph uses.
   */
  static int[] tensors(Model model, int number) {
    Subgraph subgraph = model.subgraphs().get(number);
    boolean[] used = new boolean[subgraph.tensors().size()];
    mark(used, subgraph.inputs());
    mark(used, subgraph.outputs());
    for (Operator operator : subgraph.operators()) {
      mark(used, operator.inputs());
      mark(used, operator.outputs());
      mark(used, operator.intermediates());
    }
    for (Signature signature : model.signatures()) {
      if (signature.subgraph() == number) {
        mark(used, numbers(signature.inputs().values()));
        mark(used, numbers(signature.outputs().values()));
      }
    }
    for (int i = 0; i < used.length; i++) {
      int scales = subgraph.tensor(i).blockScalesNumber();
      if (used[i] && scales >= 0) {
        used[scales] = true;
      }
    }
    int[] renumbered = new int[used.length];
    int kept = 0;
    for (int i = 0; i < used.length; i++) {
      renumbered[i] = used[i] ? kept++ : DROPPED;
    }
    return renumbered;
  }

  private static int[] numbers(Iterable<Integer> boxed) {
    IntStream.Builder numbers = IntStream.builder();
    boxed.forEach(numbers::add);
    return numbers.build().toArray();
  }

  private static void mark(boolean[] used, int[] numbers) {
    for (int number : numbers) {
      if (number >= 0) {
        used[number] = true;
      }
    }
  }

  /** A subgraph with the tensors that have a new number, under that number. */
  static Subgraph renumber(Subgraph subgraph, int[] numbers) {
    List<Tensor> tensors = new ArrayList<>();
    for (int i = 0; i < numbers.length; i++) {
      if (numbers[i] != DROPPED) {
        tensors.add(subgraph.tensor(i).renumbered(tensor -> numbers[tensor]));
      }
    }
    List<Operator> operators = new ArrayList<>();
    for (Operator operator : subgraph.operators()) {
      operators.add(operator.renumbered(tensor -> numbers[tensor]));
    }
    return subgraph
        .with(tensors, operators)
        .withInputs(renumber(subgraph.inputs(), numbers))
        .withOutputs(renumber(subgraph.outputs(), numbers));
  }

  private static int[] renumber(int[] before, int[] numbers) {
    return Arrays.stream(before).map(n -> n < 0 ? n : numbers[n]).toArray();
  }

  /** The signatures over renumbered tensors. */
  static List<Table> signatures(List<Table> signatures, List<int[]> numbers) {
    return signatures.stream()
        .map(
            signature -> {
              int[] of = numbers.get((int) signature.integer("subgraph_index"));
              return signature
                  .with("inputs", renumber(signature.tables("inputs"), of))
                  .with("outputs", renumber(signature.tables("outputs"), of));
            })
        .toList();
  }

  private static List<Table> renumber(List<Table> entries, int[] numbers) {
    return entries.stream()
        .map(e -> e.with("tensor_index", numbers[(int) e.integer("tensor_index")]))
        .toList();
  }

  /** The kinds of operators that are used. */
  static List<OperatorCode> codes(List<OperatorCode> codes, List<Subgraph> subgraphs) {
    Set<OperatorCode> used = new HashSet<>();
    for (Subgraph subgraph : subgraphs) {
      subgraph.operators().forEach(operator -> used.add(operator.code()));
    }
    return codes.stream().filter(used::contains).toList();
  }

  /**
   * Numbers of the buffers that are used: the empty one, those of the tensors, of the metadata.
   *
   * @param inOrder whether in the order in which tensors use them, so that equal models have equal
   *     bytes whatever edits they came from; else in the order of their numbers
   */
  static int[] buffers(Model model, Table root, boolean inOrder) {
    IntStream.Builder used = IntStream.builder().add(0);
    for (Subgraph subgraph : model.subgraphs()) {
      subgraph.tensors().forEach(tensor -> used.add(tensor.buffer()));
    }
    root.tables("metadata").forEach(entry -> used.add((int) entry.integer("buffer")));
    Arrays.stream(root.ints("metadata_buffer")).forEach(used::add);
    IntStream distinct = used.build().distinct();
    return (inOrder ? distinct : distinct.sorted()).toArray();
  }
}
