package io.narrow.tflite.comparison;

import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * A quantized model in which every operator is cut loose from those before it: what it reads is an
 * input of the model, to be given what the float model has computed there. One run gives what every
 * operator does alone. Operators between which there is no tensor that the float model has, too,
 * stay together; so do those that pass on shapes, handles and what is not a real number there but
 * here, or the other way round.
 *
 * @param model numbers of tensors are those of the quantized model
 * @param inputs numbers of the float model's tensors to be written to the inputs
 * @param open names of tensors that are not cut because the file does not say how large they are
 */
record LocalModel(Model model, List<Integer> inputs, List<String> open) {
  /**
   * Cuts a model.
   *
   * @param sizes elements of the float model's tensors that are known, as it runs: what is of
   *     another size in the file is not cut
   */
  static LocalModel of(
      GraphValues floats, GraphValues quantized, Pairing pairing, Map<Integer, Long> sizes) {
    Subgraph graph = quantized.graph();
    List<Tensor> tensors = new ArrayList<>(graph.tensors());
    List<Integer> given = new ArrayList<>();
    List<Integer> inputs = new ArrayList<>();
    for (int input : graph.inputs()) {
      given.add(input);
      inputs.add(pairing.floatTensor(input));
    }
    Map<Integer, Integer> loose = new HashMap<>();
    Set<String> open = new LinkedHashSet<>();
    List<Operator> operators = new ArrayList<>();
    for (Operator operator : graph.operators()) {
      Operator cut = operator;
      for (int place = 0; place < operator.inputs().length; place++) {
        int tensor = operator.input(place);
        if (tensor < 0
            || graph.isInput(tensor)
            || !canBeCut(tensor, floats, quantized, pairing)
            || !sizes.containsKey(pairing.floatTensor(tensor))) {
          continue;
        }
        Tensor own = graph.tensor(tensor);
        if (sizes.get(pairing.floatTensor(tensor)) != own.elements()) {
          open.add(own.name());
        } else {
          Integer number = loose.get(tensor);
          if (number == null) {
            number = tensors.size();
            loose.put(tensor, number);
            given.add(number);
            inputs.add(pairing.floatTensor(tensor));
            tensors.add(own.withName(own.name() + "_alone"));
          }
          cut = cut.withInput(place, number);
        }
      }
      operators.add(cut);
    }
    Subgraph main =
        graph
            .with(tensors, operators)
            .withInputs(given.stream().mapToInt(Integer::intValue).toArray());
    List<Subgraph> subgraphs = new ArrayList<>(quantized.model().subgraphs());
    subgraphs.set(0, main);
    return new LocalModel(
        quantized.model().with(subgraphs, quantized.model().buffers()), inputs, List.copyOf(open));
  }

  /** Says which operators are not alone, if any are not. */
  Optional<String> openText() {
    return open.isEmpty()
        ? Optional.empty()
        : Optional.of(
            "what reads `"
                + open.get(0)
                + "`"
                + (open.size() == 1 ? "" : " or " + (open.size() - 1) + " other")
                + " alone: the model leaves its shape open, so local errors there include those"
                + " of what writes it");
  }

  private static boolean canBeCut(
      int tensor, GraphValues floats, GraphValues quantized, Pairing pairing) {
    int number = pairing.floatTensor(tensor);
    if (number < 0 || !quantized.isComputed(tensor) || quantized.isState(tensor)) {
      return false;
    }
    TensorType mine = quantized.graph().tensor(tensor).type();
    TensorType theirs = floats.graph().tensor(number).type();
    return switch (mine) {
      case FLOAT32, FLOAT16, INT8, UINT8, INT16 -> theirs == TensorType.FLOAT32 || mine == theirs;
      default -> mine == theirs;
    };
  }
}
