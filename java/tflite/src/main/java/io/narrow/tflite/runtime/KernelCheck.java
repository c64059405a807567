package io.narrow.tflite.runtime;

import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.ops.IntegerRule;
import io.narrow.tflite.ops.Limits;
import io.narrow.tflite.ops.OpRule;
import io.narrow.tflite.ops.OpRules;
import io.narrow.tflite.schema.Schema;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.bytedeco.tensorflowlite.Interpreter;
import org.bytedeco.tensorflowlite.RegistrationNodePair;
import org.bytedeco.tensorflowlite.TfLiteIntArray;
import org.bytedeco.tensorflowlite.TfLiteTensor;
import org.bytedeco.tensorflowlite.global.tensorflowlite;

/**
 * Looks for operators whose kernels would end the process: their scales are beyond the limits in
 * the operator table, which kernels check with an abort, or an operand is missing, which they do
 * not check.
 */
final class KernelCheck {
  private final Interpreter interpreter;
  private final List<String> problems = new ArrayList<>();

  private KernelCheck(Interpreter interpreter) {
    this.interpreter = interpreter;
  }

  /** What is wrong, a text for each operator. */
  static List<String> problems(Interpreter interpreter) {
    KernelCheck check = new KernelCheck(interpreter);
    for (int s = 0; s < interpreter.subgraphs_size(); s++) {
      long nodes = interpreter.subgraph(s).nodes_size();
      for (int n = 0; n < nodes; n++) {
        check.look(s, n);
      }
    }
    return check.problems;
  }

  /**
   * What is wrong with shapes, once the built-in kernels have prepared the model: as far as they
   * are known before it runs.
   */
  static List<String> shapes(Interpreter interpreter) {
    KernelCheck check = new KernelCheck(interpreter);
    for (int n = 0; n < interpreter.nodes_size() && !check.isDynamic(n); n++) {
      check.rows(n);
    }
    return check.problems;
  }

  /** Whether an operator finds out the shapes of its results as it runs. */
  private boolean isDynamic(int number) {
    TfLiteIntArray outputs = interpreter.node_and_registration(number).first().outputs();
    for (int i = 0; i < outputs.size(); i++) {
      // WHILE marks outputs that nobody reads as missing.
      if (outputs.data(i) >= 0
          && interpreter.tensor(outputs.data(i)).allocation_type()
              == tensorflowlite.kTfLiteDynamic) {
        return true;
      }
    }
    return false;
  }

  private void rows(int number) {
    RegistrationNodePair node = interpreter.node_and_registration(number);
    String name = Schema.name("BuiltinOperator", node.second().builtin_code());
    OpRule rule = OpRules.of(name);
    TfLiteIntArray inputs = node.first().inputs();
    if (!rule.goesByRows() || inputs.size() <= rule.weights().get(0)) {
      return;
    }
    int[] x = shape(inputs.data(0));
    int[] w = shape(inputs.data(rule.weights().get(0)));
    long values = Arrays.stream(x).asLongStream().reduce(1, (a, b) -> a * b);
    int columns = w.length == 0 ? 1 : w[w.length - 1];
    if (columns == 0 ? values > 0 : values % columns != 0) {
      problems.add(
          text(0, number, name)
              + "its weights have "
              + columns
              + " columns, its input "
              + values
              + " values");
    }
  }

  private int[] shape(int tensor) {
    return NativeModel.dimensions(interpreter.tensor(tensor).dims());
  }

  private void look(int subgraph, int number) {
    RegistrationNodePair node = interpreter.node_and_registration(subgraph, number);
    String name = Schema.name("BuiltinOperator", node.second().builtin_code());
    Optional<IntegerRule> rule = OpRules.of(name).integer();
    TfLiteIntArray inputs = node.first().inputs();
    for (int place = 0; place < inputs.size(); place++) {
      if (inputs.data(place) < 0 && !OpRules.of(name).mayLack(place)) {
        problems.add(text(subgraph, number, name) + "its operand " + place + " is missing");
        return;
      }
    }
    if (rule.isEmpty() || inputs.size() == 0 || inputs.data(0) < 0) {
      return;
    }
    int type = interpreter.subgraph(subgraph).tensor(inputs.data(0)).type();
    boolean wide = type == tensorflowlite.kTfLiteInt16;
    boolean integer =
        wide || type == tensorflowlite.kTfLiteInt8 || type == tensorflowlite.kTfLiteUInt8;
    Limits limits = rule.get().limits(wide ? TensorType.INT16 : TensorType.INT8);
    if (integer && limits.canEndProcess()) {
      String problem =
          limits.endsProcess(scales(subgraph, inputs), scales(subgraph, node.first().outputs()));
      if (!problem.isEmpty()) {
        problems.add(text(subgraph, number, name) + problem);
      }
    }
  }

  private static String text(int subgraph, int number, String name) {
    String where = subgraph == 0 ? "" : " of subgraph " + subgraph;
    return name + " (operator " + number + where + "): ";
  }

  /** Of the tensors that have one. */
  private List<Float> scales(int subgraph, TfLiteIntArray tensors) {
    List<Float> scales = new ArrayList<>();
    for (int i = 0; i < tensors.size(); i++) {
      if (tensors.data(i) >= 0) {
        TfLiteTensor tensor = interpreter.subgraph(subgraph).tensor(tensors.data(i));
        if (tensor.params().scale() != 0) {
          scales.add(tensor.params().scale());
        }
      }
    }
    return scales;
  }
}
