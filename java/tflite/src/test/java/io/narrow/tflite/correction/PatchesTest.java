package io.narrow.tflite.correction;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.ModelBuilder;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.runtime.Interpreter;
import io.narrow.tflite.schema.Schema;
import io.narrow.tflite.schema.Table;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Patches times weights are what the runtime computes. */
class PatchesTest {
  private static final int CHANNELS = 4;

  @ParameterizedTest
  @CsvSource({
    // kernel, strides, dilations, padding, groups
    "3,3, 1,1, 1,1, SAME, 1",
    "3,2, 2,3, 1,1, SAME, 1",
    "2,3, 2,1, 1,1, VALID, 1",
    "3,3, 1,1, 2,3, SAME, 1",
    "3,3, 1,1, 2,1, VALID, 1",
    "3,3, 2,2, 1,1, SAME, 2",
    "1,1, 1,1, 1,1, VALID, 4",
    "1,1, 3,3, 1,1, SAME, 1"
  })
  void ofConvolutions(int kh, int kw, int sh, int sw, int dh, int dw, String padding, int groups) {
    int[] kernel = {kh, kw};
    int[] shape = {8, kh, kw, CHANNELS / groups};
    Table options = options("Conv2DOptions", padding, sh, sw, dh, dw);
    check("CONV_2D", options, shape, out(kernel, new int[] {sh, sw}, new int[] {dh, dw}, padding));
  }

  @ParameterizedTest
  @CsvSource({
    "3,3, 1,1, 1,1, SAME, 1",
    "2,3, 2,2, 1,1, SAME, 2",
    "3,3, 1,1, 2,2, VALID, 1",
    "5,4, 2,2, 1,1, SAME, 1"
  })
  void ofDepthwiseConvolutions(
      int kh, int kw, int sh, int sw, int dh, int dw, String padding, int multiplier) {
    int[] kernel = {kh, kw};
    Table options =
        options("DepthwiseConv2DOptions", padding, sh, sw, dh, dw)
            .with("depth_multiplier", multiplier);
    int[] out = out(kernel, new int[] {sh, sw}, new int[] {dh, dw}, padding);
    check("DEPTHWISE_CONV_2D", options, new int[] {1, kh, kw, CHANNELS * multiplier}, out);
  }

  @ParameterizedTest
  @CsvSource({"3,3, 2,2, SAME", "2,4, 2,3, VALID", "3,2, 1,1, SAME", "4,4, 2,2, SAME"})
  void ofTransposedConvolutions(int kh, int kw, int sh, int sw, String padding) {
    boolean same = padding.equals("SAME");
    int[] out = {
      same ? HEIGHT * sh : (HEIGHT - 1) * sh + kh, same ? WIDTH * sw : (WIDTH - 1) * sw + kw
    };
    check(
        "TRANSPOSE_CONV",
        Table.of("TransposeConvOptions")
            .with("padding", Schema.value("Padding", padding))
            .with("stride_h", sh)
            .with("stride_w", sw),
        new int[] {6, kh, kw, CHANNELS},
        out);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 5})
  void ofRows(int rows) {
    ModelBuilder b = new ModelBuilder(7);
    int x = b.floats("x", rows, 9);
    int y = b.floats("y", rows, 3);
    Table options = Table.of("FullyConnectedOptions");
    compare(
        b.operator("FULLY_CONNECTED", options, new int[] {x, b.weights("w", 3, 9), -1}, y)
            .inputs(x)
            .outputs(y)
            .build());
  }

  private static final int HEIGHT = 7;
  private static final int WIDTH = 6;

  private static int[] out(int[] kernel, int[] stride, int[] dilation, String padding) {
    int[] in = {HEIGHT, WIDTH};
    int[] out = new int[2];
    for (int axis = 0; axis < 2; axis++) {
      int reach = (kernel[axis] - 1) * dilation[axis];
      int places = padding.equals("SAME") ? in[axis] : in[axis] - reach;
      out[axis] = (places + stride[axis] - 1) / stride[axis];
    }
    return out;
  }

  private static Table options(String type, String padding, int sh, int sw, int dh, int dw) {
    return Table.of(type)
        .with("padding", Schema.value("Padding", padding))
        .with("stride_h", sh)
        .with("stride_w", sw)
        .with("dilation_h_factor", dh)
        .with("dilation_w_factor", dw);
  }

  private static void check(String name, Table options, int[] shape, int[] out) {
    ModelBuilder b = new ModelBuilder(7);
    boolean transposed = name.equals("TRANSPOSE_CONV");
    int channels = shape[name.startsWith("DEPTHWISE") ? 3 : 0];
    int x = b.floats("x", 2, HEIGHT, WIDTH, CHANNELS);
    int y = b.floats("y", 2, out[0], out[1], channels);
    int w = b.weights("w", shape);
    int[] size = {2, out[0], out[1], channels};
    int[] in =
        transposed
            ? new int[] {b.constant("size", size, 4), w, x}
            : new int[] {x, w, b.constant("bias", new float[channels], channels)};
    compare(b.operator(name, options, in, y).inputs(x).outputs(y).build());
  }

  private static void compare(Model model) {
    Subgraph graph = model.subgraphs().get(0);
    Operator operator = graph.operators().get(0);
    Patches patches = Patches.of(graph, operator).orElseThrow();
    Random random = new Random(11);
    float[] x = new float[(int) graph.tensor(graph.inputs()[0]).elements()];
    for (int i = 0; i < x.length; i++) {
      x[i] = random.nextFloat() - .5f;
    }
    float[] found;
    Interpreter.Options builtIn = Interpreter.Options.DEFAULT.withXnnpack(false);
    try (Interpreter interpreter = Interpreter.open(model.bytes(), "model", builtIn)) {
      interpreter.write(0, FloatBuffer.wrap(x));
      interpreter.run();
      found = interpreter.read(0);
    }
    int positions = (int) patches.positions(found.length);
    assertThat(patches.fits(x.length, positions)).isTrue();
    assertThat(patches.fits(x.length + patches.in()[2], positions)).isFalse();
    FloatBuffer w = model.contents(graph.tensor(operator.input(1))).asFloatBuffer();
    double[] patch = new double[patches.size()];
    List<Integer> used = new ArrayList<>();
    for (int position = 0; position < positions; position++) {
      patches.copy(x, position, patch, 0);
      for (int group = 0; group < patches.groups(); group++) {
        for (int c = 0; c < patches.channels(); c++) {
          double sum = 0;
          for (int i = 0; i < patches.depth(); i++) {
            int weight = patches.weight(group, c, i);
            used.add(weight);
            sum += w.get(weight) * patch[patches.place(group, i)];
          }
          int at = position * patches.outputs() + group * patches.channels() + c;
          assertThat(sum).isCloseTo(found[at], within(1e-5));
        }
      }
    }
    assertThat(used.stream().distinct()).hasSize(w.remaining());
  }
}
