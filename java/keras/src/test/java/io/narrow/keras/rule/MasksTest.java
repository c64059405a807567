package io.narrow.keras.rule;

import static org.assertj.core.api.Assertions.assertThat;

import io.narrow.keras.graph.Floats;
import io.narrow.keras.graph.Graph;
import io.narrow.keras.graph.Graphs;
import io.narrow.keras.graph.Value;
import io.narrow.keras.simplify.Folding;
import io.narrow.tflite.model.TensorType;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which steps count. */
class MasksTest {
  /** What the runtime makes of a mask, as ones and zeros. */
  private static float[] run(Graph graph, Value mask) {
    graph.outputs.clear();
    graph.outputs.add(graph.cast(mask, TensorType.FLOAT32));
    return Graphs.run(graph).get(0);
  }

  private static Value bools(int... values) {
    return Value.of("mask", TensorType.BOOL, values, 1, values.length);
  }

  @ParameterizedTest
  @CsvSource({
    "4, 4, true, 0",
    "3, 5, true, 0",
    "5, 3, false, 2",
    "6, 6, true, 3",
    "4, 6, false, 1"
  })
  void keyIsNearThatIsNotAheadAndInsideTheWindow(
      int queries, int keys, boolean causal, int window) {
    int[] near = Masks.near(new Graph("main"), queries, keys, causal, window).ints;
    for (int q = 0; q < queries; q++) {
      for (int k = 0; k < keys; k++) {
        boolean counts = true;
        if (causal && k > q) {
          counts = false;
        }
        if (window > 0 && (k <= q - window || k >= q + window)) {
          counts = false;
        }
        assertThat(near[q * keys + k]).as("query %d, key %d", q, k).isEqualTo(counts ? 1 : 0);
      }
    }
  }

  @Test
  void withoutAnOrderOrAWindowEveryKeyCounts() {
    assertThat(Masks.near(new Graph("main"), 3, 3, false, 0)).isNull();
  }

  @Test
  void stepCountsThatHasOneNumberOtherThanTheOneForNothing() {
    Graph graph = new Graph("main");
    graph.scope = "layer";
    Value x = graph.input("x", TensorType.FLOAT32, 1, 4, 2);
    float[] given = Graphs.numbers(0, 8); // what the run is given
    float nothing = given[3];
    // The third step has nothing in both, the second in one place only.
    float[] factors = {1, 1, 1, 1, 0, 0, 1, 1};
    float[] offsets = {0, 0, 0, 0, nothing, nothing, 0, 0};
    Value scaled = graph.binary("MUL", x, Value.of("factors", Floats.of(factors), 1, 4, 2));
    Value steps = graph.binary("ADD", scaled, Value.of("offsets", Floats.of(offsets), 1, 4, 2));
    Value mask = Masks.steps(graph, steps, nothing, false);
    assertThat(mask.shape).containsExactly(1, 4);
    assertThat(run(graph, mask)).containsExactly(1, 1, 0, 1);
    assertThat(Masks.steps(graph, steps, nothing, true).shape).containsExactly(1, 4, 1);
  }

  @Test
  void bothCountOrOneOfThem() {
    for (boolean any : new boolean[] {true, false}) {
      Graph graph = new Graph("main");
      graph.scope = "layer";
      graph.input("x", TensorType.FLOAT32, 1);
      Value mask = Masks.both(graph, bools(0, 0, 1, 1), bools(0, 1, 0, 1), any);
      assertThat(run(graph, mask)).containsExactly(0, any ? 1 : 0, any ? 1 : 0, 1);
    }
    Value alone = bools(0, 1);
    assertThat(Masks.both(new Graph("main"), alone, null, true)).isSameAs(alone);
    assertThat(Masks.both(new Graph("main"), null, alone, false)).isSameAs(alone);
  }

  @Test
  void valueWithAnotherMaskIsTheSameInTheModel() {
    Graph graph =
        Graphs.unchanged(
            (g, x) -> {
              Value y = g.unary("TANH", "", x);
              g.outputs.add(y);
              return g.unary("ABS", "", y);
            },
            g -> {
              Value y = g.ops.get(0).output();
              Value other = Masks.with(g, y, bools(1, 0, 1));
              assertThat(other).isNotSameAs(y);
              assertThat(Masks.with(g, other, other.mask)).isSameAs(other);
              assertThat(y.mask).isNull();
              g.outputs.set(0, other);
              Folding.run(g);
            },
            1,
            3);
    assertThat(Graphs.kinds(graph)).isEqualTo(List.of("TANH", "ABS"));
  }
}
