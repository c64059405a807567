package io.narrow.tflite.rewrite;

import io.narrow.tflite.draft.Draft;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.ops.OpRule;
import io.narrow.tflite.ops.OpRules;
import io.narrow.tflite.plan.Encoding;
import io.narrow.tflite.plan.TensorPlan;
import java.util.ArrayList;
import java.util.List;

/** A change to a model, as data: one record for each kind of change. */
sealed interface Edit {
  /** Carries the change out. */
  void apply(Draft draft, Contents contents);

  /** The constant with its new type and contents, under its own name. */
  private static Tensor stored(TensorPlan plan, Draft.Graph graph, Contents contents) {
    Tensor tensor = graph.tensor(plan.tensor());
    Encoding encoding = plan.encoding();
    Tensor stored = tensor.withBuffer(contents.store(tensor, encoding));
    if (encoding.block() == 0) {
      return encoding.apply(stored);
    }
    // Named and laid out as ai-edge-quantizer does.
    int[] shape = tensor.shape();
    shape[shape.length - 1] /= encoding.block();
    Tensor scales =
        Tensor.of(tensor.name() + "_scales", TensorType.FLOAT16, shape)
            .withBuffer(contents.storeScales(encoding));
    return stored.blockwise(encoding.type(), graph.add(scales), encoding.block());
  }

  private static String suffix(TensorPlan plan) {
    return "_" + plan.type();
  }

  private static Operator dequantize(TensorPlan plan, int from, int to) {
    return OpRules.dequantize(from, plan.type(), plan.encoding().axis() >= 0, to);
  }

  /** All readers take the stored type: the tensor changes where it stands. */
  record Retype(TensorPlan plan) implements Edit {
    @Override
    public void apply(Draft draft, Contents contents) {
      Draft.Graph graph = draft.graph(plan.subgraph());
      graph.replace(plan.tensor(), stored(plan, graph, contents));
    }
  }

  /** Some readers take the stored type: they get a tensor of their own. */
  record Split(TensorPlan plan) implements Edit {
    @Override
    public void apply(Draft draft, Contents contents) {
      Draft.Graph graph = draft.graph(plan.subgraph());
      Tensor stored = stored(plan, graph, contents);
      int number = graph.add(stored.withName(stored.name() + suffix(plan)));
      for (int reader : plan.readers()) {
        Operator operator = graph.operator(reader);
        OpRule rule = OpRules.of(operator.name());
        for (int place : rule.weights()) {
          if (operator.input(place) == plan.tensor()) {
            operator = operator.withInput(place, number);
          }
        }
        graph.replace(reader, operator);
      }
    }
  }

  /** A DEQUANTIZE operator computes the tensor from a new, smaller constant. */
  record Dequantize(TensorPlan plan) implements Edit {
    @Override
    public void apply(Draft draft, Contents contents) {
      Draft.Graph graph = draft.graph(plan.subgraph());
      Tensor stored = stored(plan, graph, contents);
      int constant = graph.add(stored.withName(stored.name() + suffix(plan)));
      graph.replace(plan.tensor(), graph.tensor(plan.tensor()).withBuffer(0));
      graph.addFirst(dequantize(plan, constant, plan.tensor()));
    }
  }

  /** An operator copies stored rows to its output: a DEQUANTIZE operator makes them float. */
  record DequantizeOutput(TensorPlan plan, int reader) implements Edit {
    @Override
    public void apply(Draft draft, Contents contents) {
      Draft.Graph graph = draft.graph(plan.subgraph());
      Operator operator = graph.operator(reader);
      int output = operator.outputs()[0];
      Tensor rows = graph.tensor(output);
      int quantized =
          graph.add(plan.encoding().apply(rows.withName(rows.name() + suffix(plan)).withBuffer(0)));
      graph.replace(reader, operator.withOutput(0, quantized));
      graph.addAfter(reader, dequantize(plan, quantized, output));
    }
  }

  /** A reader of quantized weights gets the version that has the kernel. */
  record UseKernel(TensorPlan plan, int reader) implements Edit {
    @Override
    public void apply(Draft draft, Contents contents) {
      Draft.Graph graph = draft.graph(plan.subgraph());
      Operator operator = graph.operator(reader);
      OpRule rule = OpRules.of(operator.name());
      OpRule.Kernel kernel = rule.kernel(plan.type()).orElseThrow();
      int version = rule.version(kernel, graph.before(), operator);
      graph.replace(reader, operator.withVersion(version));
    }
  }

  /** The edits that carry out the plan of one constant of this subgraph. */
  static List<Edit> of(TensorPlan plan, Subgraph subgraph) {
    if (plan.isFloat() || plan.use() == TensorPlan.Use.INTEGER) {
      return List.of(); // what computes in integers is rewritten as a whole
    }
    if (plan.use() == TensorPlan.Use.DEQUANTIZED) {
      return List.of(new Dequantize(plan));
    }
    List<Edit> edits = new ArrayList<>();
    for (int reader : plan.readers()) {
      edits.add(new UseKernel(plan, reader));
      if (OpRules.of(subgraph.operators().get(reader).name()).copiesRows()) {
        edits.add(new DequantizeOutput(plan, reader));
      }
    }
    edits.add(readByOthers(plan, subgraph) ? new Split(plan) : new Retype(plan));
    return edits;
  }

  /**
   * Whether an operator that is no reader of the stored values, or a reader's other place, reads
   * it.
   */
  private static boolean readByOthers(TensorPlan plan, Subgraph subgraph) {
    for (Subgraph.Reader reader : subgraph.readers(plan.tensor())) {
      Operator operator = subgraph.operators().get(reader.operator());
      boolean takes =
          plan.readers().contains(reader.operator())
              && OpRules.of(operator.name()).weights().contains(reader.place());
      if (!takes) {
        return true;
      }
    }
    return false;
  }
}
