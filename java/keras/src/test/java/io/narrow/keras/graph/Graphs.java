package io.narrow.keras.graph;

import static org.assertj.core.api.Assertions.assertThat;

import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.runtime.Interpreter;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.BiFunction;
import java.util.function.Consumer;

/** Graphs that tests build, and what the runtime makes of them as they are. */
public final class Graphs {
  private static final double TOLERANCE = 1e-4;

  private Graphs() {}

  /** A graph of one input and one output. */
  public static Graph of(BiFunction<Graph, Value, Value> layers, int... shape) {
    Graph graph = new Graph("main");
    graph.scope = "layer";
    graph.outputs.add(layers.apply(graph, graph.input("x", TensorType.FLOAT32, shape)));
    return graph;
  }

  public static float[] numbers(int seed, int count) {
    Random random = new Random(seed);
    float[] numbers = new float[count];
    for (int i = 0; i < count; i++) {
      numbers[i] = 2 * random.nextFloat() - 1;
    }
    return numbers;
  }

  /** A constant with seeded values between -1 and 1. */
  public static Value constant(int seed, int... shape) {
    int count = 1;
    for (int size : shape) {
      count *= size;
    }
    return Value.of("constant", Floats.of(numbers(seed, count)), shape);
  }

  public static List<String> kinds(Graph graph) {
    return graph.ops.stream().map(op -> op.kind).toList();
  }

  static Model model(Graph graph) {
    Map<String, Value> inputs = new LinkedHashMap<>();
    graph.inputs.forEach(input -> inputs.put(input.name, input));
    Map<String, Integer> outputs = new LinkedHashMap<>();
    for (int i = 0; i < graph.outputs.size(); i++) {
      outputs.put("output_" + i, i);
    }
    return new Assembler(graph).model("graph", inputs, outputs);
  }

  /** The outputs for a seeded input, with the built-in kernels. */
  public static List<float[]> run(Graph graph) {
    Interpreter.Options plain = Interpreter.Options.DEFAULT.withXnnpack(false);
    try (Interpreter interpreter = Interpreter.open(model(graph).bytes(), "graph", plain)) {
      for (int i = 0; i < graph.inputs.size(); i++) {
        interpreter.write(i, FloatBuffer.wrap(numbers(i, graph.inputs.get(i).elements(0))));
      }
      interpreter.run();
      List<float[]> outputs = new ArrayList<>();
      for (int i = 0; i < graph.outputs.size(); i++) {
        outputs.add(interpreter.read(i).clone());
      }
      return outputs;
    }
  }

  /** Asserts that a pass changes nothing that the runtime computes, and gives what it leaves. */
  public static Graph unchanged(
      BiFunction<Graph, Value, Value> layers, Consumer<Graph> pass, int... shape) {
    Graph graph = of(layers, shape);
    List<float[]> before = run(graph);
    pass.accept(graph);
    List<float[]> after = run(graph);
    assertThat(after).hasSameSizeAs(before);
    for (int i = 0; i < before.size(); i++) {
      assertThat(after.get(i)).hasSameSizeAs(before.get(i));
      for (int k = 0; k < before.get(i).length; k++) {
        double wanted = before.get(i)[k];
        assertThat(Math.abs(after.get(i)[k] - wanted))
            .as("output %d, element %d: %s instead of %s", i, k, after.get(i)[k], wanted)
            .isLessThanOrEqualTo(TOLERANCE * Math.max(1, Math.abs(wanted)));
      }
    }
    return graph;
  }
}
