package io.narrow.tflite.rewrite;

import io.narrow.tflite.draft.Draft;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.ops.OpRules;
import io.narrow.tflite.ops.Releases;
import io.narrow.tflite.plan.Mode;
import io.narrow.tflite.plan.Plan;
import io.narrow.tflite.plan.TensorPlan;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/** Turns a plan into a new model, by a list of edits. */
public final class Rewriter {
  /** Tells XNNPACK that it may compute in half precision (specification section 4). */
  private static final String REDUCED_PRECISION = "reduced_precision_support";

  private Rewriter() {}

  /** Carries a plan out. The model it was made for stays as it is. */
  public static Model rewrite(Plan plan) {
    boolean rewritten = plan.recipe().mode() == Mode.FLOAT32 || plan.recipe().needsRanges();
    if (!plan.changesAnything() && !rewritten) {
      return plan.model();
    }
    Draft draft = new Draft(plan.model());
    Contents contents = new Contents(draft, plan);
    for (TensorPlan tensor : plan.tensors()) {
      Subgraph subgraph = plan.model().subgraphs().get(tensor.subgraph());
      Edit.of(tensor, subgraph).forEach(edit -> edit.apply(draft, contents));
    }
    for (int i = 0; i < plan.model().subgraphs().size(); i++) {
      new IntegerGraph(draft, contents, plan, i).rewrite();
    }
    Model model = draft.finish().compact().model();
    if (plan.tensors().stream().anyMatch(tensor -> tensor.type() == TensorType.FLOAT16)) {
      ByteBuffer value = ByteBuffer.wrap("fp16accfp32".getBytes(StandardCharsets.US_ASCII));
      model = model.withMetadata(REDUCED_PRECISION, value);
    }
    return withMinimumRuntime(model);
  }

  private static Model withMinimumRuntime(Model model) {
    String needed = model.minimumRuntime();
    for (Subgraph subgraph : model.subgraphs()) {
      for (Operator operator : subgraph.operators()) {
        needed = Releases.later(needed, OpRules.of(operator.name()).release(operator, subgraph));
      }
    }
    return needed.equals(model.minimumRuntime()) ? model : model.withMinimumRuntime(needed);
  }
}
