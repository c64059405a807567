package io.narrow.tflite.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.narrow.tflite.Examples;
import io.narrow.tflite.NarrowException;
import io.narrow.tflite.Quantizer;
import io.narrow.tflite.Shared;
import io.narrow.tflite.data.Dataset;
import io.narrow.tflite.data.Datasets;
import io.narrow.tflite.data.NpyFile;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.plan.Recipe;
import io.narrow.tflite.runtime.Interpreter;
import io.narrow.tflite.runtime.TensorInfo;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class InferenceTest {
  private static final Path DIGITS = Examples.DIGITS;

  @TempDir private Path folder;

  private static List<Inference.Output> run(Path model, String... inputs) {
    return Inference.run(model, List.of(inputs), Interpreter.Options.DEFAULT, false);
  }

  private static TensorInfo input(Path model) {
    try (Interpreter interpreter = Interpreter.open(model, Interpreter.Options.DEFAULT)) {
      return interpreter.inputs().get(0);
    }
  }

  private static float[] picture(Path model) {
    float[] picture = new float[(int) input(model).elements()];
    for (int i = 0; i < picture.length; i++) {
      picture[i] = i * 7 % 17 / 16f;
    }
    return picture;
  }

  private Path floats(String name, float[] values, int... shape) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    Path file = folder.resolve(name);
    NpyFile.write(file, TensorType.FLOAT32, shape, bytes);
    return file;
  }

  private Path quantized(Recipe recipe) {
    Path file = folder.resolve("quantized.tflite");
    Quantizer.DEFAULT
        .withData(Datasets.of(Dataset.open(Examples.DIGITS_CALIBRATION + "?scale=1/16").limit(20)))
        .quantize(Model.read(DIGITS), recipe)
        .write(file);
    return file;
  }

  private static float[] byHand(Path model, float[] values) {
    try (Interpreter interpreter = Interpreter.open(model, Interpreter.Options.DEFAULT)) {
      interpreter.write(0, FloatBuffer.wrap(values));
      interpreter.run();
      return interpreter.read(0);
    }
  }

  @Test
  void arrayOfTheInputsShapeIsOneInput() {
    float[] picture = picture(DIGITS);
    int[] shape = input(DIGITS).shape();
    float[] wanted = byHand(DIGITS, picture);
    Path whole = floats("whole.npy", picture, Arrays.copyOfRange(shape, 1, shape.length));
    Path batch = floats("batch.npy", picture, shape);
    float[] two = Arrays.copyOf(picture, 2 * picture.length);
    int[] twoShape = shape.clone();
    twoShape[0] = 2;
    Path samples = floats("samples.npy", two, twoShape);
    for (Path file : List.of(whole, batch, samples)) {
      assertThat(run(DIGITS, file.toString()).get(0).values()).isEqualTo(wanted);
    }
    assertThat(run(DIGITS, input(DIGITS).name() + "=" + whole).get(0).values()).isEqualTo(wanted);
    assertThat(run(DIGITS, Dataset.plainName(input(DIGITS)) + "=" + whole).get(0).values())
        .isEqualTo(wanted);
  }

  @ParameterizedTest
  @ValueSource(strings = {"int8", "uint8", "int16"})
  void realNumbersGoInAndComeOutWhateverTheTypes(String type) {
    TensorType boundary = TensorType.valueOf(type.toUpperCase(Locale.ROOT));
    Recipe recipe = type.equals("int16") ? Recipe.int16x8() : Recipe.int8();
    Path model = quantized(recipe.withBoundary(boundary, boundary));
    float[] picture = picture(DIGITS);
    Path file = floats("x.npy", picture, input(DIGITS).shape());
    Inference.Output real = run(model, file.toString()).get(0);
    assertThat(real.tensor().type()).isEqualTo(boundary);
    assertThat(real.values()).isEqualTo(byHand(model, picture));

    // the same by codes that are computed here
    TensorInfo info = input(model);
    ByteBuffer codes = ByteBuffer.allocate(picture.length * boundary.bits() / 8);
    codes.order(ByteOrder.LITTLE_ENDIAN);
    for (float x : picture) {
      long q = Math.round(Math.rint(x / info.scale())) + info.zeroPoint();
      if (boundary.bits() == 16) {
        codes.putShort((short) Math.min(q, Short.MAX_VALUE));
      } else {
        codes.put((byte) Math.min(q, boundary == TensorType.UINT8 ? 255 : 127));
      }
    }
    Path written = folder.resolve("codes.npy");
    NpyFile.write(written, boundary, info.shape(), codes.flip());
    Inference.Output integers =
        Inference.run(model, List.of(written.toString()), Interpreter.Options.DEFAULT, true).get(0);
    for (int i = 0; i < real.values().length; i++) {
      float q = integers.values()[i];
      assertThat(real.tensor().scale() * (q - real.tensor().zeroPoint()))
          .isEqualTo(real.values()[i]);
    }
    assertThat(integers.type()).isEqualTo(boundary);
  }

  @Test
  void writtenOutputIsReadBackAsItIs() {
    Path file = floats("x.npy", picture(DIGITS), input(DIGITS).shape());
    Inference.Output output = run(DIGITS, file.toString()).get(0);
    Path written = folder.resolve(output.fileName() + ".npy");
    output.write(written);
    assertThat(
            Dataset.single(written.toString(), List.of(output.tensor())).inputs().get(0).floats())
        .isEqualTo(FloatBuffer.wrap(output.values()));
  }

  @Test
  void pictureFeedsAModelOfPictures() {
    Path photo = Shared.file("data/photos");
    Path model = Shared.file("models/zoo/mobilenet_v1_025_224_u8.tflite");
    String first = pictures(photo).get(0).toString();
    float[] alone = run(model, first + "?resize=224x224&scale=1/127.5&offset=-1").get(0).values();
    float[] folderFirst =
        run(model, "images:" + photo + "?resize=224x224&scale=1/127.5&offset=-1").get(0).values();
    assertThat(alone).isEqualTo(folderFirst);
  }

  private static List<Path> pictures(Path folder) {
    try (Stream<Path> files = Files.walk(folder)) {
      return files.filter(f -> f.toString().matches(".*\\.(jpg|png)")).sorted().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void whatIsMissingWrongOrDoubleIsNamed() {
    Path file = floats("x.npy", picture(DIGITS), input(DIGITS).shape());
    Path small = floats("small.npy", new float[3], 3);
    assertThatThrownBy(() -> run(DIGITS, "nobody=" + file))
        .isInstanceOf(NarrowException.class)
        .hasMessageContaining("no input `nobody`");
    assertThatThrownBy(() -> run(DIGITS, file.toString(), file.toString()))
        .hasMessageContaining("is fed twice");
    assertThatThrownBy(() -> run(DIGITS)).hasMessageContaining("nothing is given for input");
    assertThatThrownBy(() -> run(DIGITS, small.toString()))
        .isInstanceOf(NarrowException.class)
        .hasMessageContaining("want float32[");
  }
}
