package io.narrow.tflite.draft;

import static org.assertj.core.api.Assertions.assertThat;

import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.ModelBuilder;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import org.junit.jupiter.api.Test;

class DraftTest {
  /** Two RELU, and an addition of a constant between them. */
  private static Model model() {
    ModelBuilder builder = new ModelBuilder(1);
    int x = builder.floats("x", 2, 3);
    int first = builder.floats("first", 2, 3);
    int second = builder.floats("second", 2, 3);
    int constant = builder.weights("constant", 3);
    int third = builder.floats("third", 2, 3);
    return builder
        .operator("RELU", new int[] {x}, first)
        .operator("ADD", new int[] {first, constant}, second)
        .operator("RELU", new int[] {second}, third)
        .inputs(x)
        .outputs(third)
        .build();
  }

  @Test
  void removedOperatorLeavesNoTensorNoBufferAndNoCode() {
    Draft draft = new Draft(model());
    Draft.Graph graph = draft.graph(0);
    graph.remove(1);
    graph.replace(2, graph.operator(2).withInput(0, 1));
    Model.Compact compact = draft.finish().compact();
    Subgraph subgraph = compact.model().subgraphs().get(0);
    assertThat(subgraph.operators()).extracting(Operator::name).containsExactly("RELU", "RELU");
    assertThat(subgraph.tensors()).extracting(Tensor::name).containsExactly("x", "first", "third");
    assertThat(subgraph.outputs()).containsExactly(2);
    assertThat(subgraph.operators().get(1).inputs()).containsExactly(1);
    assertThat(compact.tensors().get(0)).containsExactly(0, 1, -1, -1, 2);
    assertThat(compact.model().buffers()).hasSize(1);
  }

  @Test
  void buffersComeInTheOrderOfTheirTensors() {
    Model model = model();
    Draft draft = new Draft(model);
    int late = draft.addBuffer(model.buffers().get(1));
    Tensor first = draft.graph(0).tensor(1);
    draft.graph(0).replace(1, first.withBuffer(late)); // a constant before the other
    Model compact = draft.finish().compact().model();
    assertThat(compact.subgraphs().get(0).tensors())
        .extracting(Tensor::buffer)
        .containsExactly(0, 1, 0, 2, 0);
  }

  @Test
  void compactModelStaysTheSame() {
    Model model = model();
    Model.Compact compact = model.compact();
    assertThat(compact.tensors().get(0)).containsExactly(0, 1, 2, 3, 4);
    assertThat(compact.model().bytes()).isEqualTo(model.bytes());
  }
}
