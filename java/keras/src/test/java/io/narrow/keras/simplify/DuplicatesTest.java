package io.narrow.keras.simplify;

import static org.assertj.core.api.Assertions.assertThat;

import io.narrow.keras.graph.Floats;
import io.narrow.keras.graph.Graph;
import io.narrow.keras.graph.Graphs;
import io.narrow.keras.graph.Value;
import java.util.List;
import java.util.function.BiFunction;
import org.junit.jupiter.api.Test;

/** Operators that compute what another one has computed, and such as only look alike. */
class DuplicatesTest {
  private static List<String> kinds(BiFunction<Graph, Value, Value> layers) {
    return Graphs.kinds(Graphs.unchanged(layers, Duplicates::drop, 1, 2, 6));
  }

  @Test
  void chainsOfTheSameOperatorsBecomeOne() {
    assertThat(
            kinds(
                (g, x) -> {
                  Value a = g.unary("TANH", "", g.binary("MUL", x, Graphs.constant(1, 6)));
                  Value b = g.unary("TANH", "", g.binary("MUL", x, Graphs.constant(1, 6)));
                  return g.binary("SUB", a, b);
                }))
        .containsExactly("MUL", "TANH", "SUB");
  }

  @Test
  void orderOfOperandsCounts() {
    assertThat(
            kinds(
                (g, x) -> {
                  Value y = g.unary("TANH", "", x);
                  return g.binary("MUL", g.binary("SUB", x, y), g.binary("SUB", y, x));
                }))
        .containsExactly("TANH", "SUB", "SUB", "MUL");
  }

  @Test
  void constantsOfOtherNumbersOrShapesCount() {
    assertThat(
            kinds(
                (g, x) -> {
                  Value a = g.binary("MUL", x, Graphs.constant(1, 6));
                  Value b = g.binary("MUL", x, Graphs.constant(2, 6));
                  return g.binary("ADD", a, b);
                }))
        .hasSize(3);
    float[] ramp = {1, 2, 3, 4, 5, 6};
    assertThat(
            Graphs.kinds(
                Graphs.unchanged(
                    (g, x) -> {
                      Value row = Value.of("row", Floats.of(ramp), 1, 6);
                      Value column = Value.of("column", Floats.of(ramp), 6, 1);
                      return g.binary("SUB", g.binary("MUL", x, row), g.binary("MUL", x, column));
                    },
                    Duplicates::drop,
                    1,
                    6,
                    6)))
        .hasSize(3);
  }

  @Test
  void optionsCount() {
    assertThat(
            kinds(
                (g, x) -> {
                  Value kept = g.reduce("SUM", x, true, 1);
                  Value dropped = g.reduce("SUM", x, false, 1);
                  return g.binary("MUL", kept, g.reshape(dropped, 1, 1, 6));
                }))
        .containsExactly("SUM", "SUM", "RESHAPE", "MUL");
  }

  @Test
  void outputsOfTheModelStayTwoTensors() {
    assertThat(
            kinds(
                (g, x) -> {
                  g.outputs.add(g.unary("TANH", "", x));
                  return g.unary("TANH", "", x);
                }))
        .containsExactly("TANH", "TANH");
  }

  @Test
  void statesThatAreSetToTheSameZerosStayTwo() {
    assertThat(
            kinds(
                (g, x) -> {
                  Value first = g.variable("first", 1, 2, 6);
                  Value second = g.variable("second", 1, 2, 6);
                  g.clear(first);
                  g.clear(second);
                  return g.binary("ADD", x, g.binary("ADD", first, second));
                }))
        .containsExactly("SPLIT", "SPLIT", "ADD", "ADD");
  }
}
