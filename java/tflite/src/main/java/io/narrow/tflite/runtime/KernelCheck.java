package io.narrow.tflite.runtime;

import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.ops.IntegerRule;
import io.narrow.tflite.ops.Limits;
import io.narrow.tflite.ops.OpRules;
import io.narrow.tflite.schema.Schema;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.bytedeco.tensorflowlite.Interpreter;
import org.bytedeco.tensorflowlite.RegistrationNodePair;
import org.bytedeco.tensorflowlite.TfLiteIntArray;
import org.bytedeco.tensorflowlite.TfLiteTensor;
import org.bytedeco.tensorflowlite.global.tensorflowlite;

/**
 * Looks for operators whose kernels would end the process: their scales are beyond the limits in
 * the operator table, which kernels check with an abort.
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

  private void look(int subgraph, int number) {
    RegistrationNodePair node = interpreter.node_and_registration(subgraph, number);
    String name = Schema.name("BuiltinOperator", node.second().builtin_code());
    Optional<IntegerRule> rule = OpRules.of(name).integer();
    TfLiteIntArray inputs = node.first().inputs();
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
        problems.add(
            name
                + " (operator "
                + number
                + (subgraph == 0 ? "" : " of subgraph " + subgraph)
                + "): "
                + problem);
      }
    }
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
