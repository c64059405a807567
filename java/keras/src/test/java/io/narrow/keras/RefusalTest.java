package io.narrow.keras;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.jhdf.HdfFile;
import io.jhdf.WritableHdfFile;
import io.jhdf.api.WritableGroup;
import io.narrow.keras.file.Watchdog;
import io.narrow.tflite.NarrowException;
import io.narrow.tflite.NarrowException.Kind;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What cannot be imported is named, all of it. */
class RefusalTest {
  @TempDir private Path folder;

  private static String sequential(String name, String... layers) {
    return "{\"class_name\":\"Sequential\",\"config\":{\"name\":\"%s\",\"layers\":[%s]}}"
        .formatted(name, String.join(",", layers));
  }

  private static String layer(String kind, String name, String more) {
    return "{\"class_name\":\"%s\",\"config\":{\"name\":\"%s\"%s}}".formatted(kind, name, more);
  }

  private static final String INPUT = layer("InputLayer", "in", ",\"batch_shape\":[null,4,4,3]");

  private Path legacy(String config) {
    Path file = folder.resolve("model.h5");
    try (WritableHdfFile hdf5 = HdfFile.write(file)) {
      hdf5.putAttribute("model_config", config);
      hdf5.putGroup("model_weights");
    }
    return file;
  }

  private Path archive(String config) throws IOException {
    Path weights = folder.resolve("weights.h5");
    try (WritableHdfFile hdf5 = HdfFile.write(weights)) {
      hdf5.putGroup("layers");
    }
    Path file = folder.resolve("model.keras");
    try (OutputStream stream = Files.newOutputStream(file);
        ZipOutputStream zip = new ZipOutputStream(stream)) {
      zip.putNextEntry(new ZipEntry("config.json"));
      zip.write(config.getBytes(StandardCharsets.UTF_8));
      zip.putNextEntry(new ZipEntry("metadata.json"));
      zip.write("{\"keras_version\":\"3.9.0\"}".getBytes(StandardCharsets.UTF_8));
      zip.putNextEntry(new ZipEntry("model.weights.h5"));
      zip.write(Files.readAllBytes(weights));
    }
    return file;
  }

  private static NarrowException refusal(Path file, Kind kind) {
    try {
      TestFiles.read(file);
    } catch (NarrowException e) {
      assertThat(e.kind()).isEqualTo(kind);
      assertThat(e.getMessage()).startsWith(file.toString()).doesNotContain("\n");
      return e;
    }
    throw new AssertionError("not refused");
  }

  @Test
  void allUnsupportedLayersAreNamedWithTheirPaths() throws IOException {
    String code = ",\"function\":{\"class_name\":\"__lambda__\",\"config\":{\"code\":\"4wEA\"}}";
    String inner =
        layer(
            "Sequential",
            "inner",
            ",\"layers\":["
                + layer("MyLayer", "mine", "")
                + ","
                + layer("Activation", "act", ",\"activation\":\"my_function\"")
                + "]");
    String config =
        sequential(
            "outer",
            INPUT,
            layer("Lambda", "lambda", code),
            layer("ReLU", "fine", ""),
            layer("MaxPooling2D", "wide", ",\"padding\":\"wide\""),
            inner);
    for (Path file : new Path[] {legacy(config), archive(config)}) {
      assertThat(refusal(file, Kind.UNSUPPORTED))
          .hasMessageContaining("lambda (Lambda)")
          .hasMessageContaining("wide (MaxPooling2D: padding wide)")
          .hasMessageContaining("inner/mine (MyLayer)")
          .hasMessageContaining("inner/act (Activation: activation my_function)");
    }
  }

  @Test
  void weightThatIsMissingIsNamedWithItsLayer() {
    String conv = layer("Conv2D", "conv", ",\"filters\":2,\"kernel_size\":[3,3]");
    assertThat(refusal(legacy(sequential("model", INPUT, conv)), Kind.INPUT))
        .hasMessageContaining("layer `conv` (Conv2D): its weight `kernel` is missing");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{} | is a model of the class",
        "[] | configuration is no JSON object",
        "{\"class_name\" | configuration is no JSON",
        "{\"class_name\":\"Sequential\",\"config\":{}} | has no layers",
        "{\"class_name\":\"Functional\",\"config\":{\"layers\":[]}} | no layers, inputs or outputs",
      })
  void configurationThatIsNoModelIsRefused(String config, String why) {
    Path file = legacy(config);
    assertThatThrownBy(() -> TestFiles.read(file))
        .isInstanceOf(NarrowException.class)
        .hasMessageStartingWith(file.toString())
        .hasMessageContaining(why);
  }

  @Test
  void layersThatWaitForEachOtherAreRefused() {
    String template =
        "{\"class_name\":\"ReLU\",\"name\":\"%s\",\"config\":{},\"inbound_nodes\":[[[\"%s\",0,0,{}]]]}";
    String config =
        "{\"class_name\":\"Functional\",\"config\":{\"layers\":["
            + "{\"class_name\":\"InputLayer\",\"name\":\"in\",\"config\":{\"batch_shape\":[null,4]},"
            + "\"inbound_nodes\":[]},"
            + template.formatted("a", "b")
            + ","
            + template.formatted("b", "a")
            + "],\"input_layers\":[[\"in\",0,0]],\"output_layers\":[[\"a\",0,0]]}}";
    assertThat(refusal(legacy(config), Kind.INPUT))
        .hasMessageContaining("waits for inputs that no layer gives");
  }

  @Test
  void openShapeAsksForOne() {
    String open = layer("InputLayer", "in", ",\"batch_shape\":[null,null,null,3]");
    String config = sequential("model", open, layer("ReLU", "relu", ""));
    assertThat(refusal(legacy(config), Kind.INPUT)).hasMessageContaining("give an input shape");
    KerasModel.Options options = new KerasModel.Options(0, Map.of("", List.of(6, 8, 3)));
    assertThat(KerasModel.read(folder.resolve("model.h5"), options).subgraphs()).hasSize(1);
  }

  private static String wrapped(String name, String scheme, String bits) {
    return layer(
        "QuantizeWrapperV2",
        name,
        ",\"layer\":"
            + layer("ReLU", name + "_inside", "")
            + ",\"quantize_config\":{\"class_name\":\""
            + scheme
            + "\",\"config\":{"
            + bits
            + "}}");
  }

  private static String quantizer(String name, String kind, String config) {
    return layer(
        "QuantizeLayer",
        name,
        ",\"quantizer\":{\"class_name\":\"" + kind + "\",\"config\":{" + config + "}}");
  }

  @Test
  void quantizationThatIsNotOfEightBitsOrNotKnownIsNamedWithItsLayer() throws IOException {
    String[] layers = {
      INPUT,
      quantizer("own", "MyQuantizer", "\"num_bits\":8"),
      quantizer("four", "MovingAverageQuantizer", "\"num_bits\":4"),
      quantizer("axis", "LastValueQuantizer", "\"num_bits\":8,\"per_axis\":true"),
      quantizer("empty", "AllValuesQuantizer", "\"num_bits\":8"),
      wrapped("mine", "MyQuantizeConfig", ""),
      wrapped("bits", "DefaultNBitOutputQuantizeConfig", "\"num_bits_activation\":4"),
      wrapped("weights", "Default8BitQuantizeConfig", "\"weight_attrs\":[\"kernel\"]"),
      wrapped(
          "gates", "Default8BitQuantizeConfig", "\"activation_attrs\":[\"recurrent_activation\"]"),
      wrapped("none", "NoOpQuantizeConfig", ""),
    };
    String config = sequential("model", layers);
    for (Path file : new Path[] {legacy(config), archive(config)}) {
      assertThat(refusal(file, Kind.UNSUPPORTED))
          .hasMessageContaining("own (QuantizeLayer: quantization by MyQuantizer)")
          .hasMessageContaining("four (QuantizeLayer: MovingAverageQuantizer with 4 bits)")
          .hasMessageContaining("axis (QuantizeLayer: quantization by LastValueQuantizer)")
          .hasMessageContaining("empty (QuantizeLayer: no `empty_min` in the file)")
          .hasMessageContaining("mine (QuantizeWrapperV2: quantization by MyQuantizeConfig)")
          .hasMessageContaining(
              "bits (QuantizeWrapperV2: DefaultNBitOutputQuantizeConfig with 4 bits)")
          .hasMessageContaining("weights (QuantizeWrapperV2: no `kernel_min` in the file)")
          .hasMessageContaining("gates (QuantizeWrapperV2: rounding of recurrent_activation)")
          .satisfies(e -> assertThat(e.getMessage()).doesNotContain("none"));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "0f,0f,which makes all of it zero",
    "NaN,1f,a range of NaN to 1.0",
    "2f,1f,a range of 2.0 to 1.0",
    "-Infinity,Infinity,a range of -Infinity to Infinity"
  })
  void rangeThatNothingWasRecordedInIsNamedWithItsLayer(float min, float max, String why) {
    Path file = folder.resolve("model.h5");
    String layer = quantizer("first", "AllValuesQuantizer", "\"num_bits\":8");
    try (WritableHdfFile hdf5 = HdfFile.write(file)) {
      hdf5.putAttribute("model_config", sequential("model", INPUT, layer));
      WritableGroup group = hdf5.putGroup("model_weights").putGroup("first");
      group.putAttribute("weight_names", new String[] {"first_min:0", "first_max:0"});
      group.putDataset("first_min:0", min);
      group.putDataset("first_max:0", max);
    }
    assertThat(refusal(file, Kind.UNSUPPORTED))
        .hasMessageContaining("first (QuantizeLayer: `first` has a range of")
        .hasMessageContaining(why);
  }

  /** Every continuation of an object header points to itself. */
  @Test
  @Timeout(120)
  void cyclesInHdf5Addresses() throws IOException {
    byte[] bytes = Files.readAllBytes(TestFiles.digits("digits.h5"));
    ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    int cycles = 0;
    for (int place = 0; place + 24 <= bytes.length; place += 8) {
      boolean continuation = (buffer.getLong(place) & 0xffffffffffL) == 0x100010L;
      if (continuation && buffer.getLong(place + 8) < bytes.length) {
        buffer.putLong(place + 8, place).putLong(place + 16, 24);
        cycles++;
      }
    }
    assertThat(cycles).isPositive();
    refusal(Files.write(folder.resolve("cyclic.h5"), bytes), Kind.INPUT);
  }

  @Test
  void readingThatDoesNotEndIsCutOff() {
    Path file = folder.resolve("endless.h5");
    assertThatThrownBy(
            () ->
                Watchdog.within(
                    file,
                    1,
                    () -> {
                      Thread.sleep(60_000);
                      return 0;
                    }))
        .isInstanceOf(NarrowException.class)
        .hasMessageStartingWith(file.toString())
        .hasMessageContaining("does not come to an end");
  }
}
