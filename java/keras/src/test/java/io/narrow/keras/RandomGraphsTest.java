package io.narrow.keras;

import io.narrow.keras.graph.Algebra;
import io.narrow.keras.graph.Graph;
import io.narrow.keras.graph.Graphs;
import io.narrow.keras.graph.Padding;
import io.narrow.keras.graph.Value;
import io.narrow.keras.layers.Window;
import io.narrow.keras.simplify.Folding;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** All passes after each other, over graphs that nobody thought of. */
class RandomGraphsTest {
  private static final int GRAPHS = 40;
  private static final int OPERATORS = 14;
  private static final int LARGEST = 4000;
  private static final int[] ONES = {1, 1};

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4})
  void passesChangeNoNumber(int seed) {
    for (int i = 0; i < GRAPHS; i++) {
      int number = 1000 * seed + i;
      try {
        Graphs.unchanged((g, x) -> layers(g, x, new Random(number)), Folding::run, 1, 4, 5, 6);
      } catch (AssertionError | RuntimeException e) {
        throw new AssertionError("graph with the seed " + number, e);
      }
    }
  }

  private static Value layers(Graph g, Value x, Random random) {
    List<Value> made = new ArrayList<>(List.of(x));
    for (int i = 0; i < OPERATORS; i++) {
      // Mostly the latest, so that there are chains, but sometimes one that others read.
      int back = random.nextInt(4) == 0 ? random.nextInt(made.size()) : 0;
      made.add(layer(g, made.get(made.size() - 1 - back), random));
    }
    if (random.nextInt(3) == 0) {
      g.outputs.add(made.get(1 + random.nextInt(OPERATORS)));
    }
    return made.get(OPERATORS);
  }

  private static Value layer(Graph g, Value x, Random random) {
    int seed = random.nextInt(5); // few, so that some operators are alike
    int channels = x.channels();
    int kind = random.nextInt(12);
    return switch (x.elements(0) > LARGEST ? 4 : kind) {
      case 0, 1 -> g.binary(random.nextBoolean() ? "MUL" : "ADD", x, factors(x, seed, random));
      case 2 -> g.binary("MUL", x, g.scalar(.5f + seed / 4f));
      case 3 -> g.unary(random.nextBoolean() ? "RELU" : "RELU6", "", x);
      case 4 -> g.unary("TANH", "", x);
      case 5 -> Algebra.dense(g, x, Graphs.constant(seed, 1 + random.nextInt(5), channels), null);
      case 6 -> window(x, random).conv(g, x, Graphs.constant(seed, 3, 2, 2, channels), null, 1);
      case 7 ->
          window(x, random).depthwise(g, x, Graphs.constant(seed, 1, 2, 2, channels), null, 1);
      case 8 ->
          g.pad(x, 0, 0, random.nextInt(2), 1, random.nextInt(2), 1, 0, random.nextInt(4) / 3);
      case 9, 10 ->
          g.transpose(x, random.nextBoolean() ? new int[] {0, 3, 1, 2} : new int[] {0, 2, 3, 1});
      default -> g.concat(List.of(x, g.unary("RELU", "", x)), 1 + random.nextInt(3));
    };
  }

  /** A constant of one number, of one for each channel, or for each of another axis. */
  private static Value factors(Value x, int seed, Random random) {
    return switch (random.nextInt(4)) {
      case 0 -> Graphs.constant(seed, 1, 1, 1, 1);
      case 1 -> Graphs.constant(seed, x.size(2), 1);
      case 2 -> Graphs.constant(seed, 1, 1, 1, x.channels());
      default -> Graphs.constant(seed, x.channels());
    };
  }

  /** A window of two pixels by two; SAME padding fits any size. */
  private static Window window(Value x, Random random) {
    boolean valid = random.nextBoolean() && x.size(1) > 1 && x.size(2) > 1;
    int padding = valid ? Padding.VALID : Padding.SAME;
    return new Window(random.nextBoolean() ? ONES : new int[] {2, 1}, ONES, padding);
  }
}
