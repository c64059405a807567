package io.narrow.keras.simplify;

import static org.assertj.core.api.Assertions.assertThat;

import io.narrow.keras.graph.Algebra;
import io.narrow.keras.graph.Graph;
import io.narrow.keras.graph.Graphs;
import io.narrow.keras.graph.Op;
import io.narrow.keras.graph.Padding;
import io.narrow.keras.graph.Value;
import io.narrow.keras.layers.Window;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What goes into the operators beside it, and what must not; the runtime tells whether it may. */
class FoldingTest {
  private static final int[] IMAGE = {1, 5, 6, 4};

  /** Operators with weights that make an image of an image with 4 channels. */
  private enum Linear {
    CONV_2D {
      @Override
      Value of(Graph g, Value x) {
        return window(VALID).conv(g, x, Graphs.constant(1, 4, 3, 2, x.channels()), null, 1);
      }
    },
    DEPTHWISE_CONV_2D {
      @Override
      Value of(Graph g, Value x) {
        return window(VALID).depthwise(g, x, Graphs.constant(2, 1, 2, 3, 4), null, 1);
      }
    },
    FULLY_CONNECTED {
      @Override
      Value of(Graph g, Value x) {
        return Algebra.dense(g, x, Graphs.constant(3, 4, x.channels()), null);
      }
    };

    abstract Value of(Graph g, Value x);
  }

  private static final int SAME = Padding.SAME;
  private static final int VALID = Padding.VALID;

  private static Window window(int padding, int... strides) {
    int[] ones = {1, 1};
    return new Window(strides.length == 0 ? ones : strides, ones, padding);
  }

  private static Value relu(Graph g, Value x) {
    return g.unary("RELU", "", x);
  }

  private static Graph folded(BiFunction<Graph, Value, Value> layers) {
    return Graphs.unchanged(layers, Folding::run, IMAGE);
  }

  private static void assertFolds(BiFunction<Graph, Value, Value> layers, String... kinds) {
    assertThat(Graphs.kinds(folded(layers))).containsExactly(kinds);
  }

  @ParameterizedTest
  @EnumSource
  void factorAndOffsetOfAChannelGoIntoTheOperatorBefore(Linear linear) {
    assertFolds(
        (g, x) -> {
          Value scaled = g.binary("MUL", linear.of(g, x), Graphs.constant(5, 4));
          return relu(g, g.binary("ADD", Graphs.constant(6, 1, 1, 1, 4), scaled));
        },
        linear.name());
  }

  @ParameterizedTest
  @EnumSource
  void offsetBeforeTheFactorIsScaledToo(Linear linear) {
    assertFolds(
        (g, x) -> {
          Value moved = g.binary("ADD", linear.of(g, x), Graphs.constant(6, 4));
          return g.binary("MUL", moved, g.scalar(-3));
        },
        linear.name());
  }

  @Test
  void factorBehindAnActivationStays() {
    assertFolds(
        (g, x) -> g.binary("MUL", relu(g, Linear.CONV_2D.of(g, x)), Graphs.constant(5, 4)),
        "CONV_2D",
        "MUL");
  }

  @Test
  void factorOfEveryPixelStays() {
    assertFolds(
        (g, x) -> g.binary("MUL", Linear.FULLY_CONNECTED.of(g, x), Graphs.constant(5, 5, 6, 1)),
        "FULLY_CONNECTED",
        "MUL");
  }

  @Test
  void factorsThatMakeMoreChannelsStay() {
    assertFolds(
        (g, x) ->
            g.binary(
                "MUL", Algebra.dense(g, x, Graphs.constant(1, 1, 4), null), Graphs.constant(5, 4)),
        "FULLY_CONNECTED",
        "MUL");
  }

  @Test
  void factorOfAResultThatOthersReadStays() {
    assertFolds(
        (g, x) -> {
          Value result = Linear.FULLY_CONNECTED.of(g, x);
          return g.binary("ADD", result, g.binary("MUL", result, Graphs.constant(5, 4)));
        },
        "FULLY_CONNECTED",
        "MUL",
        "ADD");
  }

  @Test
  void factorOfAnOutputOfTheModelStays() {
    assertFolds(
        (g, x) -> {
          Value result = Linear.FULLY_CONNECTED.of(g, x);
          g.outputs.add(result);
          return g.binary("MUL", result, Graphs.constant(5, 4));
        },
        "FULLY_CONNECTED",
        "MUL");
  }

  @Test
  void factorIsSeenThroughAReshapeThatKeepsTheChannels() {
    assertFolds(
        (g, x) ->
            g.binary(
                "MUL", g.reshape(Linear.FULLY_CONNECTED.of(g, x), 1, 30, 4), Graphs.constant(5, 4)),
        "FULLY_CONNECTED",
        "RESHAPE");
  }

  @Test
  void factorBehindAReshapeOfTheChannelsStays() {
    assertFolds(
        (g, x) ->
            g.binary(
                "MUL", g.reshape(Linear.FULLY_CONNECTED.of(g, x), 1, 15, 8), Graphs.constant(5, 8)),
        "FULLY_CONNECTED",
        "RESHAPE",
        "MUL");
  }

  @Test
  void factorsOneAfterTheOtherBecomeOne() {
    assertFolds(
        (g, x) -> {
          Value first = g.binary("MUL", x, g.scalar(3));
          return g.binary("MUL", first, Graphs.constant(5, 4));
        },
        "MUL");
  }

  @ParameterizedTest
  @EnumSource(names = {"CONV_2D", "FULLY_CONNECTED"})
  void factorAndOffsetGoIntoTheOperatorAfterThatPadsNothing(Linear linear) {
    assertFolds(
        (g, x) -> {
          Value scaled = g.binary("MUL", x, Graphs.constant(5, 4));
          Value moved = g.binary("ADD", scaled, Graphs.constant(6, 4));
          Value bias = Graphs.constant(7, 4);
          return linear == Linear.CONV_2D
              ? window(VALID).conv(g, moved, Graphs.constant(1, 4, 3, 2, 4), bias, 1)
              : Algebra.dense(g, moved, Graphs.constant(3, 4, 4), bias);
        },
        linear.name());
  }

  @Test
  void offsetInFrontOfPaddingStaysAndTheFactorGoes() {
    BiFunction<Graph, Value, Value> offset =
        (g, x) ->
            window(SAME)
                .conv(
                    g,
                    g.binary("ADD", x, Graphs.constant(6, 4)),
                    Graphs.constant(1, 4, 3, 3, 4),
                    null,
                    1);
    assertFolds(offset, "ADD", "CONV_2D");
    assertFolds(
        (g, x) ->
            window(SAME)
                .conv(
                    g,
                    g.binary("MUL", x, Graphs.constant(6, 4)),
                    Graphs.constant(1, 4, 3, 3, 4),
                    null,
                    1),
        "CONV_2D");
  }

  @Test
  void factorInFrontOfADepthwiseConvolutionStays() {
    assertFolds(
        (g, x) -> Linear.DEPTHWISE_CONV_2D.of(g, g.binary("MUL", x, Graphs.constant(5, 4))),
        "MUL",
        "DEPTHWISE_CONV_2D");
  }

  @Test
  void paddingThatSameAddsGoesIntoTheConvolution() {
    // Five rows in steps of two with a window of three: one row before and one after.
    Graph graph =
        folded(
            (g, x) ->
                window(VALID, 2, 1)
                    .conv(
                        g,
                        g.pad(x, 0, 0, 1, 1, 1, 1, 0, 0),
                        Graphs.constant(1, 4, 3, 3, 4),
                        null,
                        1));
    assertThat(Graphs.kinds(graph)).containsExactly("CONV_2D");
    assertThat(graph.ops.get(0).fields).containsEntry("padding", SAME);
  }

  @Test
  void paddingOfOtherAmountsStays() {
    // Six columns in steps of two: SAME pads one after them and none before.
    BiFunction<Graph, Value, Value> before =
        (g, x) ->
            window(VALID, 1, 2)
                .conv(g, g.pad(x, 0, 0, 1, 1, 1, 0, 0, 0), Graphs.constant(1, 4, 3, 3, 4), null, 1);
    assertFolds(before, "PAD", "CONV_2D");
    assertFolds(
        (g, x) ->
            window(VALID, 1, 2)
                .conv(g, g.pad(x, 0, 0, 1, 1, 0, 1, 0, 0), Graphs.constant(1, 4, 3, 3, 4), null, 1),
        "CONV_2D");
  }

  @Test
  void paddingOfChannelsStays() {
    assertFolds(
        (g, x) ->
            window(VALID)
                .conv(g, g.pad(x, 0, 0, 1, 1, 1, 1, 0, 1), Graphs.constant(1, 4, 3, 3, 5), null, 1),
        "PAD",
        "CONV_2D");
  }

  @Test
  void paddingThatOthersReadIsKeptForThem() {
    assertFolds(
        (g, x) -> {
          Value padded = g.pad(x, 0, 0, 1, 1, 1, 1, 0, 0);
          g.outputs.add(relu(g, padded));
          return window(VALID).conv(g, padded, Graphs.constant(1, 4, 3, 3, 4), null, 1);
        },
        "PAD",
        "RELU",
        "CONV_2D");
  }

  @Test
  void secondActivationStays() {
    Graph graph =
        folded((g, x) -> relu(g, g.unary("RELU6", "", g.binary("ADD", x, g.scalar(.1f)))));
    assertThat(Graphs.kinds(graph)).containsExactly("ADD", "RELU");
    assertThat(graph.ops.get(0).fields).containsEntry(Folding.ACTIVATION, 3);
  }

  @Test
  void activationOfWhatOthersReadStays() {
    assertFolds(
        (g, x) -> {
          Value sum = g.binary("ADD", x, g.scalar(.1f));
          return g.binary("MUL", sum, relu(g, sum));
        },
        "ADD",
        "RELU",
        "MUL");
  }

  @Test
  void whatNobodyReadsIsLeftOutButForWhatHasAnEffect() {
    assertFolds(
        (g, x) -> {
          relu(g, g.binary("MUL", x, g.scalar(2)));
          return g.unary("TANH", "", x);
        },
        "TANH");
    Graph graph = Graphs.of((g, x) -> g.unary("TANH", "", x), IMAGE);
    graph.add(new Op("CALL_ONCE", "CallOnceOptions", Map.of(), List.of()));
    Folding.run(graph);
    assertThat(Graphs.kinds(graph)).containsExactly("TANH", "CALL_ONCE");
  }
}
