package io.narrow.tflite.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.narrow.tflite.Examples;
import io.narrow.tflite.NarrowException;
import io.narrow.tflite.NarrowException.Kind;
import io.narrow.tflite.Shared;
import io.narrow.tflite.model.ModelBuilder;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.runtime.Interpreter.Options;
import io.narrow.tflite.schema.Table;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class InterpreterTest {
  private static final String RESNET = "models/zoo/tiny_ic_resnet8_f32.tflite";
  private static final String MNIST = "models/zoo/aeq_conv_fc_mnist_f32.tflite";

  @TempDir Path folder;

  @Test
  void namesTypesAndShapesAreThoseOfTheFile() {
    try (Interpreter model =
        Interpreter.open(Shared.file("models/zoo/tiny_ic_resnet8_i8.tflite"), Options.DEFAULT)) {
      TensorInfo input = model.inputs().get(0);
      assertThat(input.type()).isEqualTo(TensorType.INT8);
      assertThat(input.shape()).containsExactly(1, 32, 32, 3);
      assertThat(input.scale()).isEqualTo(1);
      assertThat(input.zeroPoint()).isEqualTo(-128);
      assertThat(input.describe()).isEqualTo("int8[1,32,32,3]");
      assertThat(model.outputs()).hasSize(1);
      assertThat(model.outputs().get(0).shape()).containsExactly(1, 10);
    }
  }

  private static float[] ofOnes(Path file, Options options) {
    try (Interpreter model = Interpreter.open(file, options)) {
      float[] ones = new float[(int) model.inputs().get(0).elements()];
      Arrays.fill(ones, 1);
      model.write(0, FloatBuffer.wrap(ones));
      model.run();
      return model.read(0);
    }
  }

  /** The runtime's table of kernels, which opening a model writes to, is not to be shared. */
  @Test
  void manyThreadsOpenModelsAtOnce() {
    float[] expected = ofOnes(Examples.DIGITS, Options.DEFAULT);
    List<float[]> all =
        IntStream.range(0, 400)
            .parallel()
            .mapToObj(i -> ofOnes(Examples.DIGITS, Options.DEFAULT.withXnnpack(i % 2 == 0)))
            .toList();
    assertThat(all)
        .allSatisfy(
            actual ->
                assertThat(actual).usingComparatorWithPrecision(1e-5f).containsExactly(expected));
  }

  /** XNNPACK has no LOG (2.21), and what lies on both sides of it are two parts. */
  @Test
  void operatorsThatXnnpackTookAreNamedPartByPart() {
    ModelBuilder b = new ModelBuilder(1);
    int[] t = new int[5];
    for (int i = 0; i < t.length; i++) {
      t[i] = b.floats("t" + i, 4, 6);
    }
    b.operator("ABS", new int[] {t[0]}, t[1]).operator("LOGISTIC", new int[] {t[1]}, t[2]);
    b.operator("LOG", new int[] {t[2]}, t[3]).operator("ABS", new int[] {t[3]}, t[4]);
    Path file = folder.resolve("parts.tflite");
    b.inputs(t[0]).outputs(t[4]).build().write(file);
    try (Interpreter model = Interpreter.open(file, Options.DEFAULT)) {
      assertThat(model.delegated()).containsExactly(List.of(0, 1), List.of(3));
    }
    try (Interpreter model = Interpreter.open(file, Options.DEFAULT.withXnnpack(false))) {
      assertThat(model.delegated()).isEmpty();
    }
  }

  @Test
  void bothKernelSetsGiveTheSameResult() {
    float[] picture = uniform(3072, 0, 255);
    float[] fast = run(Shared.file(RESNET), Options.DEFAULT, picture);
    float[] plain = run(Shared.file(RESNET), Options.DEFAULT.withXnnpack(false), picture);
    float[] threads = run(Shared.file(RESNET), Options.DEFAULT.withThreads(2), picture);
    assertThat(fast).hasSize(10).usingComparatorWithPrecision(1e-4f).containsExactly(plain);
    assertThat(threads).usingComparatorWithPrecision(1e-4f).containsExactly(plain);
  }

  @Test
  void inputMemoryIsTheTensorsOwn() {
    float[] picture = uniform(3072, 0, 255);
    float[] expected = run(Shared.file(RESNET), Options.DEFAULT, picture);
    try (Interpreter model = Interpreter.open(Shared.file(RESNET), Options.DEFAULT)) {
      assertThat(model.input(0).isDirect()).isTrue();
      assertThat(model.input(0).remaining()).isEqualTo(4 * 3072);
      model.input(0).asFloatBuffer().put(picture);
      model.run();
      float[] values = new float[10];
      model.output(0).asFloatBuffer().get(values);
      assertThat(values).containsExactly(expected);
      assertThat(model.output(0).isReadOnly()).isTrue();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 4})
  void modelsInMemoryNeedNotBeAligned(int shift) throws IOException {
    byte[] bytes = Files.readAllBytes(Shared.file(RESNET));
    ByteBuffer buffer = ByteBuffer.allocateDirect(bytes.length + shift).position(shift);
    buffer.put(bytes).flip().position(shift);
    float[] picture = uniform(3072, 0, 255);
    float[] expected = run(Shared.file(RESNET), Options.DEFAULT, picture);
    try (Interpreter model = Interpreter.open(buffer, "memory", Options.DEFAULT)) {
      model.write(0, FloatBuffer.wrap(picture));
      model.run();
      assertThat(model.read(0)).containsExactly(expected);
    }
  }

  @Test
  void damagedFilesAreRefusedByName() throws IOException {
    byte[] good = Files.readAllBytes(Shared.file(MNIST));
    byte[][] bad = {
      {},
      "not a model".getBytes(),
      Arrays.copyOf(good, 100),
      Arrays.copyOf(good, good.length / 2),
      new byte[4096],
    };
    for (int i = 0; i < bad.length; i++) {
      Path file = Files.write(folder.resolve("bad" + i + ".tflite"), bad[i]);
      assertThatThrownBy(() -> Interpreter.open(file, Options.DEFAULT))
          .isInstanceOfSatisfying(
              NarrowException.class, e -> assertThat(e.kind()).isEqualTo(Kind.INPUT))
          .hasMessageMatching(
              file + ": (is empty|is not a TensorFlow Lite model: .*|is damaged: .*)");
      ByteBuffer buffer = ByteBuffer.allocateDirect(bad[i].length).put(bad[i]).flip();
      assertThatThrownBy(() -> Interpreter.open(buffer, "memory", Options.DEFAULT))
          .isInstanceOf(NarrowException.class)
          .hasMessageStartingWith("memory: ");
    }
  }

  @Test
  void missingFilesAndFoldersAreRefused() {
    for (Path path : List.of(folder, folder.resolve("absent.tflite"))) {
      assertThatThrownBy(() -> Interpreter.open(path, Options.DEFAULT))
          .isInstanceOf(NarrowException.class)
          .hasMessageContaining(path.toString());
    }
  }

  @Test
  void filesMayHaveNamesOfAnyLanguage() throws IOException {
    Path copy = Files.copy(Shared.file(MNIST), folder.resolve("modèle 모델.tflite"));
    try (Interpreter model = Interpreter.open(copy, Options.DEFAULT)) {
      assertThat(model.inputs()).hasSize(1);
    }
  }

  @Test
  void unresolvedOperatorsAreNamedAllAtOnce() {
    Path file = Shared.file("models/zoo/hair_segmentation_customop.tflite");
    assertThatThrownBy(() -> Interpreter.open(file, Options.DEFAULT))
        .isInstanceOfSatisfying(
            NarrowException.class, e -> assertThat(e.kind()).isEqualTo(Kind.UNSUPPORTED))
        .hasMessageContainingAll(
            "hair_segmentation",
            "`Convolution2DTransposeBias`",
            "`MaxPoolingWithArgmax2D`",
            "`MaxUnpooling2D`");
  }

  @Test
  void closingTwiceIsFineAndUseAfterwardsIsNot() {
    Interpreter model = Interpreter.open(Shared.file(MNIST), Options.DEFAULT);
    model.close();
    model.close();
    List<Runnable> uses =
        List.of(
            model::run,
            model::inputs,
            model::outputs,
            model::signatures,
            model::resetVariableTensors,
            () -> model.input(0),
            () -> model.output(0),
            () -> model.read(0),
            () -> model.tensor(0),
            () -> model.data(0),
            () -> model.resize(0, 1),
            () -> model.write(0, FloatBuffer.allocate(1)));
    for (Runnable use : uses) {
      assertThatThrownBy(use::run).isInstanceOf(IllegalStateException.class);
    }
  }

  @Test
  void signaturesNameTensors() {
    try (Interpreter model =
        Interpreter.open(Shared.file("models/zoo/gen_while_if_multisig.tflite"), Options.DEFAULT)) {
      assertThat(model.signatures())
          .extracting(SignatureInfo::key)
          .containsExactly("branch", "loop");
      Map<String, Integer> inputs = model.signatures().get(0).inputs();
      assertThat(model.tensor(inputs.get("c")).type()).isEqualTo(TensorType.BOOL);
      assertThat(model.tensor(inputs.get("x")).shape()).containsExactly(1, 32);
    }
    try (Interpreter model = Interpreter.open(Shared.file(RESNET), Options.DEFAULT)) {
      model.signatures().forEach(s -> assertThat(s.inputs()).hasSize(1));
    }
  }

  @Test
  void dynamicBatchCanBeResizedAndOthersCannot() {
    float[] pictures = uniform(3 * 784, 0, 1);
    try (Interpreter model = Interpreter.open(Shared.file(MNIST), Options.DEFAULT)) {
      assertThat(model.inputs().get(0).shape()).containsExactly(1, 28, 28, 1);
      List<float[]> single = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        model.write(0, FloatBuffer.wrap(pictures, 784 * i, 784));
        model.run();
        single.add(model.read(0));
      }
      model.resize(0, 3, 28, 28, 1);
      model.write(0, FloatBuffer.wrap(pictures));
      model.run();
      assertThat(model.outputs().get(0).shape()).containsExactly(3, 10);
      float[] all = model.read(0);
      for (int i = 0; i < 30; i++) {
        assertThat(all[i]).isCloseTo(single.get(i / 10)[i % 10], within(1e-5f));
      }
      int[][] refused = {
        {1, 27, 28, 1}, {28, 28}, {0, 28, 28, 1}, {-1, 28, 28, 1}, {1 << 30, 28, 28, 1}
      };
      for (int[] shape : refused) {
        assertThatThrownBy(() -> model.resize(0, shape))
            .isInstanceOf(NarrowException.class)
            .hasMessageContaining("cannot be resized to " + TensorInfo.shapeText(shape));
      }
    }
  }

  @Test
  void outputsOfDynamicShapeAreReadAgainAfterEachRun() {
    try (Interpreter model =
        Interpreter.open(Shared.file("models/zoo/odd_topk_runtime_k.tflite"), Options.DEFAULT)) {
      float[] x = uniform(128, 0, 1);
      float[] sorted = x.clone();
      Arrays.sort(sorted);
      for (int k : new int[] {3, 7, 2}) {
        model.write(0, LongBuffer.wrap(new long[] {k}));
        model.write(1, FloatBuffer.wrap(x));
        model.run();
        assertThat(model.outputs().get(1).shape()).containsExactly(1, k);
        float[] top = model.read(1);
        for (int i = 0; i < k; i++) {
          assertThat(top[i]).isEqualTo(sorted[127 - i]);
        }
      }
    }
  }

  @Test
  void stateIsKeptUntilItIsReset() {
    try (Interpreter model =
        Interpreter.open(Shared.file("models/zoo/tfmicro_mnist_lstm.tflite"), Options.DEFAULT)) {
      FloatBuffer picture = FloatBuffer.wrap(uniform(784, 0, 1));
      model.write(0, picture);
      model.run();
      float[] first = model.read(0);
      model.write(0, picture);
      model.run();
      assertThat(model.read(0)).isNotEqualTo(first);
      model.resetVariableTensors();
      model.write(0, picture);
      model.run();
      assertThat(model.read(0)).containsExactly(first);
    }
  }

  @Test
  void everyActivationCanBeAnOutput() {
    Path file = Shared.file("models/seed/cifar10_resnet18_pruned.tflite");
    float[] picture = uniform(3072, -2, 2);
    try (Interpreter slow =
        Interpreter.open(file, Options.DEFAULT.withXnnpack(false).withPreserveAllTensors(true))) {
      slow.write(0, FloatBuffer.wrap(picture));
      slow.run();
      int last = slow.tensorCount();
      List<Integer> activations = new ArrayList<>();
      for (int i = 0; i < last; i++) {
        if (slow.tensor(i).name().contains("Relu")) {
          activations.add(i);
        }
      }
      assertThat(activations).hasSizeGreaterThan(5);
      try (Interpreter fast = Interpreter.open(file, Options.DEFAULT.withOutputs(activations))) {
        fast.write(0, FloatBuffer.wrap(picture));
        fast.run();
        for (int i = 0; i < activations.size(); i++) {
          FloatBuffer expected = slow.data(activations.get(i)).asFloatBuffer();
          float[] got = fast.read(i);
          assertThat(got).hasSize(expected.remaining());
          for (float value : got) {
            assertThat(value).isCloseTo(expected.get(), within(1e-3f));
          }
        }
      }
    }
    assertThatThrownBy(() -> Interpreter.open(file, Options.DEFAULT.withOutputs(List.of(9999))))
        .isInstanceOf(IndexOutOfBoundsException.class);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "tiny_ic_resnet8_i8",
        "mobilenet_v1_025_224_u8",
        "adi_dtln1_i16",
        "tfmicro_hello_world_i8"
      })
  void quantizedInputsTakeTheNearestStep(String name) {
    Path file = Shared.file("models/zoo/" + name + ".tflite");
    try (Interpreter model = Interpreter.open(file, Options.DEFAULT)) {
      TensorInfo info = model.inputs().get(0);
      boolean wide = info.type() == TensorType.INT16;
      int min = wide ? -32768 : info.type() == TensorType.INT8 ? -128 : 0;
      int max = wide ? 32767 : min + 255;
      int count = (int) info.elements();
      float reach = 1.2f * info.scale() * (max - min);
      float[] values = uniform(count, -reach, reach);
      model.write(0, FloatBuffer.wrap(values));
      ByteBuffer memory = model.input(0);
      for (int i = 0; i < Math.min(count, 500); i++) {
        int q =
            wide
                ? memory.getShort(2 * i)
                : min < 0 ? memory.get(i) : Byte.toUnsignedInt(memory.get(i));
        double error = Math.abs((double) info.scale() * (q - info.zeroPoint()) - values[i]);
        if (q == min || q == max) {
          boolean beyond =
              q == min ? values[i] <= real(info, min + 1) : values[i] >= real(info, max - 1);
          assertThat(beyond).as("%s", values[i]).isTrue();
        } else {
          assertThat(error).isLessThanOrEqualTo(info.scale() * 0.50001);
        }
      }
    }
  }

  @Test
  void wholeNumbersStayExactAndFractionsAreRefused() {
    Path file = Shared.file("models/zoo/gen_tiny_transformer_int64.tflite");
    try (Interpreter model = Interpreter.open(file, Options.DEFAULT)) {
      long[] ids = new long[64];
      ids[63] = (1L << 53) + 1;
      model.write(0, LongBuffer.wrap(ids));
      assertThat(model.input(0).getLong(8 * 63)).isEqualTo((1L << 53) + 1);
      float[] fractions = new float[64];
      fractions[5] = 0.5f;
      assertThatThrownBy(() -> model.write(0, FloatBuffer.wrap(fractions)))
          .isInstanceOf(NarrowException.class)
          .hasMessageContaining("0.5 is not of type int64");
      assertThatThrownBy(() -> model.write(0, LongBuffer.wrap(new long[63])))
          .isInstanceOf(NarrowException.class)
          .hasMessageContaining("got 63 values, want 64");
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {0, -1, Integer.MIN_VALUE})
  void aCountThatWouldEndTheProcessIsRefused(long count) {
    ModelBuilder b = new ModelBuilder(1);
    int x = b.floats("x", 1, 16);
    int k = b.tensor("k", TensorType.INT32);
    int values = b.tensor("values", TensorType.FLOAT32, 1, 1);
    int indices = b.tensor("indices", TensorType.INT32, 1, 1);
    b.operator("TOPK_V2", Table.of("TopKV2Options"), new int[] {x, k}, values, indices)
        .inputs(x, k)
        .outputs(values, indices);
    try (Interpreter model = Interpreter.open(b.build().bytes(), "top", Options.DEFAULT)) {
      model.write(1, LongBuffer.wrap(new long[] {count}));
      assertThatThrownBy(model::run)
          .isInstanceOf(NarrowException.class)
          .hasMessage("top: input `k`: TOPK_V2 needs at least 1");
      model.write(1, LongBuffer.wrap(new long[] {3}));
      model.run();
      assertThat(model.read(0)).hasSize(3);
    }
  }

  @Test
  void anInputThatNoArrayHoldsIsRefused() {
    ModelBuilder b = new ModelBuilder(1);
    int x = b.floats("x", 1 << 16, 1 << 16);
    int y = b.floats("y", 1 << 16, 1 << 16);
    b.operator("RELU", new int[] {x}, y).inputs(x).outputs(y);
    ByteBuffer bytes = b.build().bytes();
    assertThatThrownBy(() -> Interpreter.open(bytes, "vast", Options.DEFAULT))
        .isInstanceOfSatisfying(
            NarrowException.class, e -> assertThat(e.kind()).isEqualTo(Kind.UNSUPPORTED))
        .hasMessage("vast: input `x` float32[65536,65536] is larger than 2 GiB");
  }

  private static double real(TensorInfo info, int q) {
    return (double) info.scale() * (q - info.zeroPoint());
  }

  private static float[] run(Path file, Options options, float[] input) {
    try (Interpreter model = Interpreter.open(file, options)) {
      model.write(0, FloatBuffer.wrap(input));
      model.run();
      return model.read(0);
    }
  }

  private static float[] uniform(int count, float from, float to) {
    Random random = new Random(count);
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = from + random.nextFloat() * (to - from);
    }
    return values;
  }
}
