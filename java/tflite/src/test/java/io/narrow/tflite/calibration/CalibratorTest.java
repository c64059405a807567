package io.narrow.tflite.calibration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.narrow.kernels.FloatRange;
import io.narrow.tflite.Examples;
import io.narrow.tflite.NarrowException;
import io.narrow.tflite.Progress;
import io.narrow.tflite.Shared;
import io.narrow.tflite.data.Dataset;
import io.narrow.tflite.data.Sample;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.ModelBuilder;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.runtime.Interpreter;
import io.narrow.tflite.schema.Table;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CalibratorTest {
  private static final Calibrator.Options OPTIONS = Calibrator.Options.DEFAULT;
  private static final int PIXELS = 64; // of a digit

  @TempDir private Path folder;

  /** Smallest and largest value of every float32 tensor that is given or computed. */
  private static Map<Integer, float[]> slowRanges(Path file, Dataset data, int samples) {
    Map<Integer, float[]> ranges = new TreeMap<>();
    Subgraph graph = Model.read(file).subgraphs().get(0);
    List<Integer> tensors = new ArrayList<>();
    graph.operators().stream()
        .map(Operator::outputs)
        .forEach(outputs -> Arrays.stream(outputs).forEach(tensors::add));
    try (Interpreter interpreter =
        Interpreter.open(
            file, Interpreter.Options.DEFAULT.withXnnpack(false).withPreserveAllTensors(true))) {
      List<Sample> given = data.limit(samples).samples(interpreter.inputs());
      for (Sample sample : given) {
        for (int i = 0; i < sample.inputs().size(); i++) {
          sample.inputs().get(i).writeTo(interpreter, i);
          merge(ranges, graph.inputs()[i], sample.inputs().get(i).floats());
        }
        interpreter.run();
        for (int tensor : tensors) {
          if (graph.tensor(tensor).type() == TensorType.FLOAT32) {
            merge(ranges, tensor, interpreter.data(tensor).asFloatBuffer());
          }
        }
      }
    }
    return ranges;
  }

  private static void merge(Map<Integer, float[]> ranges, int tensor, FloatBuffer values) {
    float[] range = ranges.computeIfAbsent(tensor, t -> new float[] {values.get(0), values.get(0)});
    for (int i = 0; i < values.capacity(); i++) {
      range[0] = Math.min(range[0], values.get(i));
      range[1] = Math.max(range[1], values.get(i));
    }
  }

  private static void compare(Path file, Dataset data, int samples) {
    Calibration calibration =
        Calibrator.calibrate(Model.read(file), data, OPTIONS.withSamples(samples));
    Map<Integer, float[]> expected = slowRanges(file, data, samples);
    assertThat(calibration.samples()).isEqualTo(samples);
    assertThat(calibration.tensors()).isEqualTo(expected.size());
    int tensors = Model.read(file).subgraphs().get(0).tensors().size();
    for (int t = 0; t < tensors; t++) {
      float[] range = expected.get(t);
      assertThat(calibration.range(0, t, RangeMethod.MINMAX).isPresent())
          .as("tensor %s", t)
          .isEqualTo(range != null);
      if (range != null) {
        double tolerance = 1e-4 * Math.max(-range[0], range[1]);
        FloatRange got = calibration.range(0, t, RangeMethod.MINMAX).orElseThrow();
        assertThat((double) got.min()).as("tensor %s", t).isCloseTo(range[0], within(tolerance));
        assertThat((double) got.max()).as("tensor %s", t).isCloseTo(range[1], within(tolerance));
      }
    }
  }

  @Test
  void rangesOfTheExampleAreThoseOfTheBuiltInKernels() {
    compare(Examples.DIGITS, Dataset.open(Examples.DIGITS_TEST + "?scale=1/16"), 100);
  }

  @Test
  void rangesOfTheSeedAreThoseOfTheBuiltInKernels() {
    Path seed = Shared.file("models/seed/cifar10_resnet18_pruned.tflite");
    Dataset data =
        Dataset.open(
            "cifar10:"
                + Shared.file("data/cifar10/train_4660.bin")
                + "?scale=1/255&mean=0.4914,0.4822,0.4465&std=0.2023,0.1994,0.2010");
    compare(seed, data, 30);
  }

  private List<float[]> digits(int count) {
    Random random = new Random(3);
    List<float[]> digits = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      float[] digit = new float[PIXELS];
      double contrast = Math.pow(4, random.nextInt(4) - 2);
      for (int k = 0; k < PIXELS; k++) {
        digit[k] = (float) (random.nextGaussian() * contrast);
      }
      digits.add(digit);
    }
    return digits;
  }

  private Dataset data(List<float[]> samples) throws IOException {
    int each = samples.get(0).length;
    ByteBuffer bytes =
        ByteBuffer.allocate(samples.size() * each * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    for (float[] sample : samples) {
      bytes.asFloatBuffer().put(sample);
      bytes.position(bytes.position() + each * Float.BYTES);
    }
    Path file = Files.createTempFile(folder, "samples", ".raw");
    Files.write(file, bytes.array());
    return Dataset.open("raw:" + file);
  }

  private String text(Calibration calibration) throws IOException {
    Path file = folder.resolve("calibration.json");
    calibration.write(file);
    return Files.readString(file);
  }

  @Test
  void bytesDependOnNeitherThreadsNorOrderNorParts() throws IOException {
    List<float[]> digits = digits(41);
    String expected =
        text(Calibrator.calibrate(Model.read(Examples.DIGITS), data(digits), OPTIONS));
    for (int threads : new int[] {2, 3, 50}) {
      assertThat(
              text(
                  Calibrator.calibrate(
                      Model.read(Examples.DIGITS), data(digits), OPTIONS.withThreads(threads))))
          .isEqualTo(expected);
    }
    List<float[]> shuffled = new ArrayList<>(digits);
    Collections.shuffle(shuffled, new Random(9));
    assertThat(text(Calibrator.calibrate(Model.read(Examples.DIGITS), data(shuffled), OPTIONS)))
        .isEqualTo(expected);
    Calibration parts = Calibration.EMPTY;
    for (int[] part : new int[][] {{20, 41}, {0, 3}, {3, 20}}) {
      Dataset some = data(digits.subList(part[0], part[1]));
      parts = parts.merge(Calibrator.calibrate(Model.read(Examples.DIGITS), some, OPTIONS));
    }
    assertThat(text(parts)).isEqualTo(expected);
    assertThat(text(parts.merge(Calibration.EMPTY))).isEqualTo(expected);
  }

  /** Little-endian float32 is read into the model's memory, other numbers are converted. */
  @ParameterizedTest
  @CsvSource({"<f4, false", ">f4, false", "<f8, false", "<f4, true"})
  void samplesAreTheSameHoweverTheyAreStored(String type, boolean fortran) throws IOException {
    List<float[]> digits = digits(5);
    String expected =
        text(Calibrator.calibrate(Model.read(Examples.DIGITS), data(digits), OPTIONS));
    assertThat(
            text(
                Calibrator.calibrate(
                    Model.read(Examples.DIGITS), npy(digits, type, fortran), OPTIONS)))
        .isEqualTo(expected);
    digits.get(3)[7] = Float.NaN;
    Dataset broken = npy(digits, type, fortran);
    assertThatThrownBy(() -> Calibrator.calibrate(Model.read(Examples.DIGITS), broken, OPTIONS))
        .isInstanceOf(NarrowException.class)
        .hasMessageContainingAll("sample 3, input", "NaN at element 7");
  }

  private Dataset npy(List<float[]> samples, String type, boolean fortran) throws IOException {
    String header =
        "{'descr': '%s', 'fortran_order': %s, 'shape': (%d, 8, 8)}\n"
            .formatted(type, fortran ? "True" : "False", samples.size());
    ByteBuffer bytes = ByteBuffer.allocate(10 + header.length() + 8 * samples.size() * PIXELS);
    bytes.order(ByteOrder.LITTLE_ENDIAN).put((byte) 0x93).put("NUMPY\1\0".getBytes());
    bytes.putShort((short) header.length()).put(header.getBytes());
    bytes.order(type.startsWith("<") ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN);
    for (int i = 0; i < samples.size() * PIXELS; i++) {
      int sample = fortran ? i % samples.size() : i / PIXELS;
      int pixel = fortran ? i / samples.size() : i % PIXELS;
      float value = samples.get(sample)[fortran ? pixel % 8 * 8 + pixel / 8 : pixel];
      if (type.endsWith("8")) {
        bytes.putDouble(value);
      } else {
        bytes.putFloat(value);
      }
    }
    Path file = Files.createTempFile(folder, "samples", ".npy");
    Files.write(file, Arrays.copyOf(bytes.array(), bytes.position()));
    return Dataset.open(file.toString());
  }

  @Test
  void sizeDoesNotDependOnTheNumberOfSamples() throws IOException {
    List<float[]> digits = digits(10);
    String few = text(Calibrator.calibrate(Model.read(Examples.DIGITS), data(digits), OPTIONS));
    List<float[]> many = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      many.addAll(digits);
    }
    String more = text(Calibrator.calibrate(Model.read(Examples.DIGITS), data(many), OPTIONS));
    // the same bins, with counts a hundred times as large: two zeros more each at the most
    assertThat(more.chars().filter(c -> c == ',').count())
        .isEqualTo(few.chars().filter(c -> c == ',').count());
    assertThat(more).contains("\"samples\":1000").hasSizeLessThan(2 * few.length());
  }

  /** y = log(x), z = y + y. */
  private Model logarithm() {
    ModelBuilder builder = new ModelBuilder(1);
    int x = builder.floats("x", 1, 4);
    int y = builder.floats("y", 1, 4);
    int z = builder.floats("z", 1, 4);
    Path file = folder.resolve("log.tflite");
    builder
        .operator("LOG", new int[] {x}, y)
        .operator("ADD", new int[] {y, y}, z)
        .inputs(x)
        .outputs(z)
        .build()
        .write(file);
    return Model.read(file);
  }

  @Test
  void whatIsNotFiniteIsNamedWithTensorOperatorAndSample() throws IOException {
    Model model = logarithm();
    float[] good = {1, 2, 3, 4};
    float[] negative = {1, -2, 3, -4};
    float[] zero = {1, 0, 3, 4};
    for (int threads : new int[] {1, 2}) {
      Dataset twice = data(List.of(good, good, good, negative, zero, good));
      assertThatThrownBy(() -> Calibrator.calibrate(model, twice, OPTIONS.withThreads(threads)))
          .isInstanceOf(NarrowException.class)
          .hasMessageContainingAll(
              "log.tflite", "sample 3", "tensor `y`", "LOG (operator 0)", "2 NaN");
    }
    Dataset first = data(List.of(zero, good));
    assertThatThrownBy(() -> Calibrator.calibrate(model, first, OPTIONS))
        .isInstanceOf(NarrowException.class)
        .hasMessageContainingAll("sample 0", "tensor `y`", "1 infinite");
  }

  @Test
  void constantThatIsNotFiniteIsBlamedForWhatBecomesOfIt() throws IOException {
    ModelBuilder builder = new ModelBuilder(1);
    int x = builder.floats("x", 1, 4);
    int y = builder.floats("y", 1, 4);
    int z = builder.floats("z", 1, 4);
    int fine = builder.constant("fine", new float[] {1, 2, 3, 4}, 4);
    int bad = builder.constant("bad", new float[] {1, Float.NaN, 3, 4}, 4);
    Model model =
        builder
            .operator("ADD", new int[] {x, fine}, y)
            .operator("MUL", new int[] {y, bad}, z)
            .inputs(x)
            .outputs(z)
            .build();
    Dataset data = data(List.of(new float[] {1, 2, 3, 4}));
    assertThatThrownBy(() -> Calibrator.calibrate(model, data, OPTIONS))
        .isInstanceOf(NarrowException.class)
        .hasMessageContainingAll("constant `bad` is not finite", "MUL (operator 1)", "1 NaN");
  }

  @Test
  void onlyFloatsThatAreGivenOrComputedHaveRanges() throws IOException {
    ModelBuilder builder = new ModelBuilder(1);
    int x = builder.floats("x", 1, 4);
    int w = builder.weights("w", 1, 4);
    int y = builder.floats("y", 1, 4);
    int i = builder.tensor("i", TensorType.INT32, 1);
    int axis = builder.constant("axis", new int[] {1}, 1);
    Table options = Table.of("ArgMaxOptions").with("output_type", TensorType.INT32.code());
    Model model =
        builder
            .operator("ADD", new int[] {x, w}, y)
            .operator("ARG_MAX", options, new int[] {y, axis}, i)
            .inputs(x)
            .outputs(i)
            .build();
    Calibration calibration =
        Calibrator.calibrate(model, data(List.of(new float[] {1, 2, 3, -4})), OPTIONS);
    assertThat(calibration.tensors()).isEqualTo(2);
    assertThat(calibration.range(0, x, RangeMethod.MINMAX)).contains(new FloatRange(-4, 3, 0, 0));
    assertThat(calibration.range(0, y, RangeMethod.MINMAX)).isPresent();
    for (int other : new int[] {w, i, axis, 99}) {
      assertThat(calibration.range(0, other, RangeMethod.MINMAX)).isEmpty();
    }
    assertThat(calibration.range(1, x, RangeMethod.MINMAX)).isEmpty();
  }

  @Test
  void stateIsResetBeforeEachSample() throws IOException {
    Model model = Model.read(Shared.file("models/zoo/tfmicro_mnist_lstm.tflite"));
    List<Activation> activations = Activation.of(model);
    assertThat(activations).anyMatch(a -> a.role() == Activation.Role.STATE);
    int inputs =
        (int) model.subgraphs().get(0).tensor(model.subgraphs().get(0).inputs()[0]).elements();
    float[] sample = new float[inputs];
    Random random = new Random(4);
    for (int i = 0; i < inputs; i++) {
      sample[i] = random.nextFloat();
    }
    Calibration once = Calibrator.calibrate(model, data(List.of(sample)), OPTIONS);
    Calibration again = Calibrator.calibrate(model, data(Collections.nCopies(4, sample)), OPTIONS);
    for (Activation activation : activations) {
      assertThat(again.range(0, activation.tensor(), RangeMethod.MINMAX))
          .as(activation.name())
          .isPresent()
          .isEqualTo(once.range(0, activation.tensor(), RangeMethod.MINMAX));
    }
  }

  @Test
  void movingAverageIsThatOfEachSamplesRangeInOrder() throws IOException {
    List<float[]> digits = digits(6);
    Calibration average =
        Calibrator.calibrate(
            Model.read(Examples.DIGITS),
            data(digits),
            OPTIONS.withMethod(RangeMethod.MOVING_AVERAGE).withThreads(2));
    int output = Model.read(Examples.DIGITS).subgraphs().get(0).outputs()[0];
    float min = Float.NaN;
    float max = Float.NaN;
    for (float[] digit : digits) {
      float[] range = slowRanges(Examples.DIGITS, data(List.of(digit)), 1).get(output);
      min = Float.isNaN(min) ? range[0] : .95f * min + .05f * range[0];
      max = Float.isNaN(max) ? range[1] : .95f * max + .05f * range[1];
    }
    FloatRange got = average.range(0, output, average.method()).orElseThrow();
    assertThat(got.min()).isCloseTo(min, within(1e-6f));
    assertThat(got.max()).isCloseTo(max, within(1e-5f));
    Calibration without = Calibrator.calibrate(Model.read(Examples.DIGITS), data(digits), OPTIONS);
    assertThatThrownBy(() -> without.range(0, output, RangeMethod.MOVING_AVERAGE))
        .isInstanceOf(NarrowException.class)
        .hasMessageContaining("calibrate with this method");
    assertThatThrownBy(() -> average.range(0, output, RangeMethod.movingAverage(.5)))
        .isInstanceOf(NarrowException.class);
  }

  @Test
  void dataThatDoNotFitAreRefusedBeforeTheFirstRun() {
    Dataset data = Dataset.open("random:3");
    assertThatThrownBy(
            () -> Calibrator.calibrate(Model.read(folder.resolve("none.tflite")), data, OPTIONS))
        .isInstanceOf(NarrowException.class);
    assertThatThrownBy(
            () ->
                Calibrator.calibrate(
                    Model.read(Examples.DIGITS), data(List.of(new float[7])), OPTIONS))
        .isInstanceOf(NarrowException.class)
        .hasMessageContaining("samples");
    assertThatThrownBy(() -> OPTIONS.withThreads(0)).isInstanceOf(NarrowException.class);
  }

  @Test
  void progressCountsEverySample() throws IOException {
    List<String> events = Collections.synchronizedList(new ArrayList<>());
    Progress progress =
        new Progress() {
          @Override
          public void start(String task, long total) {
            events.add(task + total);
          }

          @Override
          public void step() {
            events.add("step");
          }

          @Override
          public void done() {
            events.add("done");
          }
        };
    Calibrator.calibrate(
        Model.read(Examples.DIGITS),
        data(digits(9)),
        OPTIONS.withThreads(2).withProgress(progress));
    assertThat(events).hasSize(11).startsWith("calibrate9", "step").endsWith("step", "done");
  }
}
