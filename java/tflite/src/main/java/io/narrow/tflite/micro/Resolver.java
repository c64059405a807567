package io.narrow.tflite.micro;

import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeSet;

/** The methods of TensorFlow Lite Micro's {@code MicroMutableOpResolver}. */
final class Resolver {
  /** Operators whose method is not named as the others are. */
  private static final Map<String, String> NAMES =
      Map.of(
          "BATCH_MATMUL", "BatchMatMul",
          "CUMSUM", "CumSum",
          "PADV2", "PadV2",
          "UNIDIRECTIONAL_SEQUENCE_LSTM", "UnidirectionalSequenceLSTM",
          "CUSTOM:CIRCULAR_BUFFER", "CircularBuffer",
          "CUSTOM:TFLite_Detection_PostProcess", "DetectionPostprocess",
          "CUSTOM:ethos-u", "EthosU");

  private Resolver() {}

  /** The methods that register the operators of a model, each once. */
  static SortedSet<String> methods(Model model) {
    SortedSet<String> methods = new TreeSet<>();
    for (Subgraph graph : model.subgraphs()) {
      for (Operator operator : graph.operators()) {
        methods.add("Add" + name(operator.name()));
      }
    }
    return methods;
  }

  /**
   * MAX_POOL_2D is MaxPool2D: words begin with a capital, those that begin with a digit are all.
   */
  static String name(String operator) {
    if (NAMES.containsKey(operator)) {
      return NAMES.get(operator);
    }
    StringBuilder name = new StringBuilder();
    for (String word : operator.split("_")) {
      boolean capitals = Character.isDigit(word.charAt(0));
      name.append(word.charAt(0));
      name.append(
          capitals ? word.substring(1) : word.substring(1).toLowerCase(java.util.Locale.ROOT));
    }
    return name.toString();
  }
}
