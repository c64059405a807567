package io.narrow.keras.simplify;

import static org.assertj.core.api.Assertions.assertThat;

import io.narrow.keras.graph.Graph;
import io.narrow.keras.graph.Graphs;
import io.narrow.keras.graph.Value;
import java.util.List;
import java.util.function.BiFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What TRANSPOSE may move behind; the runtime tells whether the numbers stay the same. */
class LayoutTest {
  private static final int[] FIRST = {0, 3, 1, 2}; // channels first
  private static final int[] LAST = {0, 2, 3, 1};

  private static List<String> kinds(BiFunction<Graph, Value, Value> layers) {
    return Graphs.kinds(Graphs.unchanged(layers, Layout::run, 1, 4, 3, 5));
  }

  @Test
  void turnsThatUndoEachOtherGo() {
    assertThat(kinds((g, x) -> g.transpose(g.unary("TANH", "", g.transpose(x, LAST)), FIRST)))
        .containsExactly("TANH");
  }

  @Test
  void turnsThatDoNotUndoEachOtherBecomeOne() {
    assertThat(kinds((g, x) -> g.transpose(g.transpose(x, LAST), 0, 2, 1, 3)))
        .containsExactly("TRANSPOSE");
  }

  @ParameterizedTest
  @ValueSource(strings = {"ADD", "SUB", "MUL", "DIV", "MAXIMUM", "SQUARED_DIFFERENCE"})
  void constantsTurnWithTheirOperator(String kind) {
    int[][] shapes = {{4}, {1}, {3, 1, 4}, {5, 1}, {5, 4}, {1, 3, 5, 4}, {3, 1, 1}};
    for (int[] shape : shapes) {
      BiFunction<Graph, Value, Value> after =
          (g, x) ->
              g.transpose(g.binary(kind, g.transpose(x, LAST), Graphs.constant(9, shape)), FIRST);
      assertThat(kinds(after)).containsExactly(kind);
      BiFunction<Graph, Value, Value> before =
          (g, x) ->
              g.transpose(g.binary(kind, Graphs.constant(9, shape), g.transpose(x, LAST)), FIRST);
      assertThat(kinds(before)).containsExactly(kind);
    }
  }

  @Test
  void constantThatMakesTheResultLargerTurnsToo() {
    assertThat(
            Graphs.kinds(
                Graphs.unchanged(
                    (g, x) ->
                        g.transpose(
                            g.binary("ADD", g.transpose(x, LAST), Graphs.constant(9, 3, 5, 4)),
                            FIRST),
                    Layout::run,
                    1,
                    4,
                    1,
                    1)))
        .containsExactly("ADD");
  }

  @Test
  void operandsOfDifferentTurnsAreTurnedFirst() {
    assertThat(
            kinds(
                (g, x) -> {
                  Value a = g.transpose(x, LAST);
                  Value b = g.transpose(g.reshape(x, 1, 3, 4, 5), 0, 1, 3, 2);
                  return g.binary("ADD", a, b);
                }))
        .containsExactly("RESHAPE", "TRANSPOSE", "TRANSPOSE", "ADD");
  }

  @Test
  void operandOfFewerAxesIsTurnedFirst() {
    assertThat(
            kinds(
                (g, x) -> {
                  Value matrix = g.transpose(g.pick(g.pick(x, 2, 0), 0, 0), 1, 0);
                  return g.binary("ADD", g.transpose(x, LAST), matrix);
                }))
        .containsExactly("STRIDED_SLICE", "STRIDED_SLICE", "TRANSPOSE", "TRANSPOSE", "ADD");
  }

  @Test
  void axisOfAConcatenationAndPaddingsTurn() {
    assertThat(
            kinds(
                (g, x) -> {
                  Value turned = g.transpose(x, LAST);
                  Value both = g.concat(List.of(turned, g.unary("TANH", "", turned)), 3);
                  return g.transpose(g.pad(both, 0, 0, 1, 2, 3, 0, 0, 4), FIRST);
                }))
        .containsExactly("TANH", "CONCATENATION", "PAD");
  }

  @Test
  void readerThatNeedsItsOrderGetsIt() {
    assertThat(
            kinds(
                (g, x) -> {
                  Value turned = g.transpose(x, LAST);
                  g.outputs.add(g.transpose(g.unary("TANH", "", turned), FIRST));
                  return g.reduce("SUM", turned, false, 3);
                }))
        .containsExactlyInAnyOrder("TANH", "TRANSPOSE", "SUM");
  }

  @Test
  void turnedOutputOfTheModelIsMade() {
    assertThat(kinds((g, x) -> g.unary("TANH", "", g.transpose(x, LAST))))
        .containsExactly("TANH", "TRANSPOSE");
  }
}
