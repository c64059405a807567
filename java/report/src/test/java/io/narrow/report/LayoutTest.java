package io.narrow.report;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import io.narrow.tflite.Progress;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.eclipse.elk.core.util.NullElkProgressMonitor;
import org.eclipse.elk.graph.ElkEdge;
import org.junit.jupiter.api.Test;

class LayoutTest {
  private static Layout layout(Model model) {
    JsonObject graph =
        new ModelDocument(model).graph().getAsJsonArray("subgraphs").get(0).getAsJsonObject();
    return Layout.of(graph, 0, new NullElkProgressMonitor());
  }

  private static long bends(Layout layout) {
    return layout.lines().values().stream()
        .flatMap(List::stream)
        .map(ElkEdge::getSections)
        .mapToLong(sections -> sections.get(0).getBendPoints().size())
        .sum();
  }

  @Test
  void everyReaderThatIsFarHasAStubAndNoOther() {
    Layout layout = layout(Chains.far(300, Map.of(200, 110)));
    // Results 52, 54 ... 300 read the input, 0, from more than 50 layers below; 200 does not.
    assertThat(layout.stubs()).filteredOn(stub -> stub.reader() >= 0).hasSize(125);
    assertThat(layout.stubs())
        .filteredOn(stub -> stub.reader() < 0)
        .extracting(Layout.Stub::label)
        .containsExactlyInAnyOrder(
            List.of("to ADD 51 and 123 more", "first"), List.of("to ADD 199", "value110"));
    assertThat(layout.stubs())
        .filteredOn(stub -> stub.reader() == 199)
        .extracting(Layout.Stub::label)
        .containsExactly(List.of("from ADD 109", "value110"));
  }

  @Test
  void linesGrowAsTheGraphDoes() {
    long small = bends(layout(Chains.far(500, Map.of())));
    long large = bends(layout(Chains.far(2000, Map.of())));
    assertThat(large).isLessThan(5 * small);
  }

  /** Constants that become float32 in an operator of their own stand where they are used. */
  @Test
  void whatDependsOnConstantsAloneIsNotFar() {
    List<Tensor> tensors = new ArrayList<>();
    List<Operator> operators = new ArrayList<>();
    tensors.add(Tensor.of("first", TensorType.FLOAT32, new int[] {8}));
    for (int i = 0; i < 200; i++) {
      int next = tensors.size();
      tensors.add(Tensor.of("half" + i, TensorType.FLOAT16, new int[] {8}));
      tensors.add(Tensor.of("wide" + i, TensorType.FLOAT32, new int[] {8}));
      tensors.add(Tensor.of("turned" + i, TensorType.FLOAT32, new int[] {8}));
      tensors.add(Tensor.of("sum" + i, TensorType.FLOAT32, new int[] {8}));
      operators.add(0, Operator.of("RELU", 1, new int[] {next + 1}, new int[] {next + 2}));
      operators.add(0, Operator.of("DEQUANTIZE", 1, new int[] {next}, new int[] {next + 1}));
      operators.add(
          Operator.of("ADD", 1, new int[] {Math.max(0, next - 1), next + 2}, new int[] {next + 3}));
    }
    assertThat(layout(Chains.of(tensors, operators, 800)).stubs()).isEmpty();
  }

  @Test
  void operatorsInAnyOrderAreLaidOut() {
    Model chain = Chains.far(300, Map.of());
    List<Operator> operators = new ArrayList<>(chain.subgraphs().get(0).operators());
    Collections.reverse(operators);
    Layout layout = layout(Chains.of(chain.subgraphs().get(0).tensors(), operators, 300));
    assertThat(layout.operators()).hasSize(300);
  }

  @Test
  void progressMakesAsManyStepsAsItSaid() {
    long[] steps = new long[3];
    Drawing.of(
        new ModelDocument(Chains.far(300, Map.of())).graph(),
        new Progress() {
          @Override
          public void start(String task, long total) {
            steps[0] += total;
          }

          @Override
          public void step() {
            steps[1]++;
          }

          @Override
          public void done() {
            steps[2]++;
          }
        });
    assertThat(steps).containsExactly(100, 100, 1);
  }
}
