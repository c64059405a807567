package io.narrow.keras.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.runtime.Interpreter;
import java.nio.ByteBuffer;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Graphs as models: names, numbers, constants. */
class AssemblerTest {
  @Test
  void namesThatAreTakenGetTheFirstNumberThatIsFree() {
    Graph graph =
        Graphs.of(
            (g, x) -> {
              Value first = g.unary("TANH", "", x);
              first.name = "a";
              Value second = g.unary("RELU", "", first);
              second.name = "a_1";
              Value third = g.unary("ABS", "", second);
              third.name = "a";
              Value fourth = g.unary("EXP", "", third);
              fourth.name = "a";
              return fourth;
            },
            1,
            3);
    assertThat(Graphs.model(graph).subgraphs().get(0).tensors())
        .extracting(Tensor::name)
        .containsExactly("x", "a", "a_1", "a_2", "a_3");
  }

  @Test
  void equalConstantsAreStoredOnceAndOthersOfTheirSizeApart() {
    Graph graph =
        Graphs.of(
            (g, x) -> {
              Value a = g.binary("MUL", x, Graphs.constant(1, 3));
              Value b = g.binary("MUL", a, Graphs.constant(1, 1, 3));
              return g.binary("ADD", b, Graphs.constant(2, 3));
            },
            1,
            3);
    Model model = Graphs.model(graph);
    Subgraph main = model.subgraphs().get(0);
    int[] buffers =
        main.operators().stream().mapToInt(o -> main.tensor(o.input(1)).buffer()).toArray();
    assertThat(buffers[1]).isEqualTo(buffers[0]);
    assertThat(buffers[2]).isNotEqualTo(buffers[0]);
    ByteBuffer contents = model.buffer(buffers[2]);
    for (float wanted : Graphs.numbers(2, 3)) {
      assertThat(contents.getFloat()).isEqualTo(wanted);
    }
    assertThat(contents.hasRemaining()).isFalse();
  }

  @Test
  void boolsAreBytesAndWholeNumbersFour() {
    Graph graph =
        Graphs.of(
            (g, x) -> {
              Value yes = Value.of("yes", TensorType.BOOL, new int[] {1, 0, 1}, 3);
              return g.reshape(g.select(yes, x, g.scalar(7)), 3, 1);
            },
            1,
            3);
    Model model = Graphs.model(graph);
    Subgraph main = model.subgraphs().get(0);
    ByteBuffer bools = model.contents(main.tensor(main.operators().get(0).input(0)));
    ByteBuffer shape = model.contents(main.tensor(main.operators().get(1).input(1)));
    assertThat(bools.remaining()).isEqualTo(3);
    assertThat(new int[] {bools.get(), bools.get(), bools.get()}).containsExactly(1, 0, 1);
    assertThat(new int[] {shape.getInt(), shape.getInt()}).containsExactly(3, 1);
    assertThat(shape.hasRemaining()).isFalse();
  }

  @Test
  void onlyTheFirstAxisOfWhatIsBatchedMayBeResized() {
    for (boolean batched : new boolean[] {true, false}) {
      Graph graph = new Graph("main");
      Value x = graph.input("x", TensorType.FLOAT32, 1, 3);
      x.batched = batched;
      graph.outputs.addAll(List.of(graph.unary("TANH", "", x), graph.reduce("SUM", x, false, 0)));
      try (Interpreter interpreter =
          Interpreter.open(Graphs.model(graph).bytes(), "graph", Interpreter.Options.DEFAULT)) {
        assertThatThrownBy(() -> interpreter.resize(0, 1, 4))
            .hasMessageContaining("cannot be resized");
        if (batched) {
          interpreter.resize(0, 5, 3);
          interpreter.run();
          assertThat(interpreter.outputs().get(0).shape()).containsExactly(5, 3);
          assertThat(interpreter.outputs().get(1).shape()).containsExactly(3);
        } else {
          assertThatThrownBy(() -> interpreter.resize(0, 5, 3))
              .hasMessageContaining("cannot be resized");
        }
      }
    }
  }

  @Test
  void tensorWithoutElementsIsNamed() {
    Graph graph = Graphs.of((g, x) -> new Value("nothing", TensorType.FLOAT32, 1, 0), 1, 3);
    assertThatThrownBy(() -> Graphs.model(graph)).hasMessageContaining("`nothing[1, 0]`");
  }

  @Test
  void bodiesAreNumberedInTheOrderInWhichTheyWereBegun() {
    Graph graph = Graphs.of((g, x) -> g.unary("TANH", "", x), 1, 3);
    for (String name : List.of("first", "second")) {
      Graph body = graph.body(name);
      Value y = body.input("y", TensorType.FLOAT32, 2);
      body.outputs.add(body.unary(name.equals("first") ? "ABS" : "NEG", "", y));
    }
    List<Subgraph> subgraphs = Graphs.model(graph).subgraphs();
    assertThat(subgraphs)
        .extracting(Subgraph::name)
        .containsExactly("main", "layer/first", "layer/second");
    assertThat(subgraphs.get(1).operators().get(0).name()).isEqualTo("ABS");
    assertThat(subgraphs.get(2).operators().get(0).name()).isEqualTo("NEG");
  }
}
