package io.narrow.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.narrow.kernels.FloatRange;
import io.narrow.tflite.NarrowException;
import io.narrow.tflite.calibration.Calibration;
import io.narrow.tflite.calibration.RangeMethod;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.snippet.Snippet;
import io.narrow.tflite.snippet.Snippet.Language;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NarrowTest {
  static final Path EXAMPLE = example();
  private static final String MODEL = EXAMPLE.resolve("digits.tflite").toString();
  private static final String KERAS = EXAMPLE.resolve("digits.h5").toString();
  private static final String DATA = EXAMPLE.resolve("test.npz") + "?scale=1/16";

  @TempDir private Path folder;
  private String out;
  private String err;

  private static Path example() {
    Path up = Path.of("").toAbsolutePath();
    while (!Files.isDirectory(up.resolve("examples").resolve("digits"))) {
      up = up.getParent();
    }
    return up.resolve("examples").resolve("digits");
  }

  private int run(String... arguments) {
    StringWriter results = new StringWriter();
    StringWriter messages = new StringWriter();
    int code = Narrow.run(new PrintWriter(results), new PrintWriter(messages), arguments);
    out = results.toString();
    err = messages.toString();
    return code;
  }

  private String output() {
    return folder.resolve("out.tflite").toString();
  }

  @Test
  void quantizeTellsWhatBecameOfTheModel() {
    assertThat(run("quantize", MODEL, "-o", output())).isZero();
    assertThat(out).contains("127,356 -> ").contains("8 int8").contains("8 integer weights");
    assertThat(err).isEmpty();
    assertThat(Model.read(Path.of(output())).subgraphs().get(0).tensors())
        .anyMatch(tensor -> tensor.type() == TensorType.INT8);
  }

  @ParameterizedTest
  @ValueSource(strings = {"dynamic", "float16", "weight-only"})
  void everyModeMakesTheExampleSmaller(String mode) throws IOException {
    assertThat(run("quantize", MODEL, "--mode", mode, "-o", output())).isZero();
    assertThat(Files.size(Path.of(output()))).isLessThan(75_000);
  }

  @Test
  void jsonIsOneDocument() {
    assertThat(run("quantize", MODEL, "-o", output(), "--json")).isZero();
    JsonObject document = JsonParser.parseString(out).getAsJsonObject();
    assertThat(document.get("mode").getAsString()).isEqualTo("dynamic");
    assertThat(document.getAsJsonObject("input").get("bytes").getAsLong()).isEqualTo(127_356);
    assertThat(document.getAsJsonArray("constants")).hasSize(22);
    for (String[] command :
        new String[][] {
          {"inspect", MODEL, "--why", "--tensors", "--json"},
          {"doctor", "--json"},
          {"evaluate", MODEL, "--data", DATA, "--samples", "3", "--json"},
          {"calibrate", MODEL, "--data", DATA, "-o", output(), "--samples", "3", "--json"}
        }) {
      assertThat(run(command)).as("%s", Arrays.toString(command)).isZero();
      assertThat(JsonParser.parseString(out).isJsonNull()).isFalse();
    }
  }

  @Test
  void whyGivesAReasonForEveryFloatConstant() {
    assertThat(run("inspect", MODEL, "--why")).isZero();
    assertThat(out)
        .contains("117 elements, fewer than 1024")
        .contains("CONV_2D reads it as bias, which stays float32")
        .contains("a scale per channel of axis 0");
  }

  @Test
  void whyFollowsTheGraph() {
    assertThat(run("inspect", MODEL, "--why")).isZero();
    List<String> lines = out.lines().filter(line -> line.contains("(operator ")).toList();
    List<Integer> numbers =
        lines.stream()
            .map(line -> Integer.valueOf(line.replaceAll(".*\\(operator (\\d+)\\).*", "$1")))
            .toList();
    assertThat(numbers).isSorted().hasSizeGreaterThan(5);
    assertThat(out).containsPattern("(?m)^  CONV_2D \\(operator 0\\).*\\R    (in|fl|un)");
  }

  @Test
  void whatCanComputeInIntegersNeedsNoData() {
    assertThat(run("inspect", MODEL, "--why", "--mode", "int8")).isZero();
    assertThat(err).contains("without --calibrate every range is taken for -1 to 1");
    List<String> assumed = out.lines().filter(line -> line.contains("(operator ")).toList();
    assertThat(run("inspect", MODEL, "--why", "--mode", "int8", "--calibrate", DATA)).isZero();
    assertThat(err).doesNotContain("without --calibrate");
    assertThat(out.lines().filter(line -> line.contains("(operator ")).toList())
        .isEqualTo(assumed)
        .anyMatch(line -> line.startsWith("  CONV_2D (operator 0) integer"));
  }

  @Test
  void middleOfALongNameIsLeftOut() {
    String name = "a".repeat(40) + ";" + "b".repeat(40);
    assertThat(Output.shortened("`" + name + "` is computed, `c` too"))
        .isEqualTo("`" + "a".repeat(30) + " ... " + "b".repeat(30) + "` is computed, `c` too");
    assertThat(Output.shortened("`" + "a".repeat(65) + "`")).hasSize(67);
    String between = "`a`" + " ".repeat(70) + "`b`";
    assertThat(Output.shortened(between)).isEqualTo(between);
  }

  @Test
  void nothingToQuantizeIsSaidAndTheModelWritten() {
    assertThat(run("quantize", MODEL, "-o", output(), "--min-elements", "1000000")).isZero();
    assertThat(err).startsWith("narrow: nothing to quantize: none of its ");
    assertThat(Path.of(output())).exists();
  }

  @Test
  void reasonsInJsonHaveACodeATextAndTheOptionThatHelps() {
    assertThat(
            run(
                "quantize",
                MODEL,
                "-o",
                output(),
                "--mode",
                "weight-only",
                "--bits",
                "4",
                "--json"))
        .isZero();
    JsonObject plan = JsonParser.parseString(out).getAsJsonObject();
    JsonObject slow = plan.getAsJsonArray("warnings").get(0).getAsJsonObject();
    assertThat(slow.get("code").getAsString()).isEqualTo("slow_weights");
    assertThat(slow.get("text").getAsString()).contains("int4 weights").doesNotContain("--");
    assertThat(slow.get("advice").getAsString()).startsWith("`--prefer speed`");
    JsonObject constant = plan.getAsJsonArray("constants").get(0).getAsJsonObject();
    assertThat(constant.get("code").getAsString()).matches("[a-z0-9_]+");
    assertThat(constant.get("reason").getAsString()).isNotEmpty();
  }

  @Test
  void quantizedModelIsQuantizedToTheSameBytes() throws IOException {
    run("quantize", MODEL, "-o", output());
    Path again = folder.resolve("again.tflite");
    assertThat(run("quantize", output(), "-o", again.toString())).isZero();
    assertThat(again).hasSameBinaryContentAs(Path.of(output()));
  }

  @Test
  void compareSaysWhereAccuracyWent() throws IOException {
    Path csv = folder.resolve("errors.csv");
    Path overlay = folder.resolve("overlay.json");
    String calibration = EXAMPLE.resolve("calibration.npz") + "?scale=1/16";
    assertThat(run("quantize", MODEL, "--mode", "int8", "--calibrate", calibration, "-o", output()))
        .isZero();
    String[] compare = {"compare", MODEL, output(), "--data", DATA, "--samples", "3"};
    assertThat(run(with(new String[] {"--restore", "1", "--top", "2"}, compare))).as(err).isZero();
    assertThat(out).contains("worst first").contains("more (--top 0 shows all)");
    assertThat(out).contains("to keep them float: --keep-float '^");
    assertThat(
            run(
                with(
                    new String[] {
                      "--json", "--csv", csv.toString(), "--model-explorer", overlay.toString()
                    },
                    compare)))
        .isZero();
    JsonObject graph =
        JsonParser.parseString(out).getAsJsonObject().getAsJsonObject("serving_default");
    assertThat(graph.getAsJsonObject("input_tensors").keySet())
        .containsExactly("serving_default_image:0");
    JsonObject result =
        graph.getAsJsonObject("output_tensors").getAsJsonObject("StatefulPartitionedCall_1:0");
    assertThat(result.keySet()).contains("mse", "snr", "cosine_similarity", "local_mse");
    List<String> lines = Files.readString(csv).lines().toList();
    assertThat(lines.get(0))
        .isEqualTo(
            "op_name,tensor_idx,num_elements,stddev,mean_error,max_abs_error,mean_squared_error,"
                + "scale,zero_point,tensor_name");
    assertThat(lines).anyMatch(line -> line.matches("CONV_2D,\\d+,832,.*"));
    assertThat(Files.readString(csv)).endsWith("\r\n");
    JsonObject nodes =
        JsonParser.parseString(Files.readString(overlay))
            .getAsJsonObject()
            .getAsJsonObject("main")
            .getAsJsonObject("results");
    assertThat(nodes.keySet()).hasSizeGreaterThanOrEqualTo(17);
    assertThat(run(with(new String[] {"--no-local"}, compare))).isZero();
    assertThat(out).doesNotContain("first bad");
  }

  @Test
  void evaluateComparesWithTheFirstModel() {
    run("quantize", MODEL, "-o", output());
    assertThat(run("evaluate", MODEL, output(), "--data", DATA, "--json")).isZero();
    JsonObject first = JsonParser.parseString(out).getAsJsonArray().get(0).getAsJsonObject();
    JsonObject second = JsonParser.parseString(out).getAsJsonArray().get(1).getAsJsonObject();
    assertThat(first.get("accuracy").getAsDouble()).isEqualTo(596 / 600.0);
    assertThat(second.get("accuracy").getAsDouble()).isGreaterThan(.98);
    assertThat(second.get("agreement").getAsDouble()).isGreaterThan(.98);
    assertThat(second.get("sqnr_db").getAsDouble()).isGreaterThan(35);
  }

  @Test
  void calibrateWritesTheRangesOfEveryActivation() {
    Path ranges = folder.resolve("ranges.json");
    String[] command = {"calibrate", MODEL, "--data", DATA, "-o", ranges.toString()};
    assertThat(run(command)).isZero();
    assertThat(out).contains("ranges.json").contains(" tensors, 600 samples");
    assertThat(err).isEmpty();
    Model model = Model.read(Path.of(MODEL));
    int input = model.subgraphs().get(0).inputs()[0];
    for (String[] more : new String[][] {{}, {"--ai-edge"}}) {
      String[] again = Stream.of(command, more).flatMap(Stream::of).toArray(String[]::new);
      assertThat(run(again)).isZero();
      Calibration read = Calibration.read(ranges, model);
      assertThat(read.samples()).isEqualTo(600);
      assertThat(read.range(0, input, RangeMethod.MINMAX)).contains(new FloatRange(0, 1, 0, 0));
    }
  }

  /** What stands before the first empty line. */
  private List<String> table() {
    return out.lines().takeWhile(line -> !line.isEmpty()).toList();
  }

  @Test
  void sweepPrintsALineForEveryMode() {
    assertThat(run("sweep", MODEL, "--data", DATA, "-o", folder.toString())).isZero();
    assertThat(table()).hasSize(6);
    assertThat(folder.resolve("digits_weight-only4.tflite")).exists();
    String calibration = EXAMPLE.resolve("calibration.npz") + "?scale=1/16";
    assertThat(
            run(
                "sweep",
                MODEL,
                "--data",
                DATA,
                "--calibrate",
                calibration,
                "--samples",
                "50",
                "-o",
                folder.toString()))
        .isZero();
    assertThat(table()).hasSize(10);
    assertThat(folder.resolve("digits_int8_uint8io.tflite")).exists();
  }

  @Test
  void preferenceDecidesWhatBecomesOfFourBits() {
    assertThat(run("quantize", MODEL, "-o", output(), "--mode", "weight-only", "--bits", "4"))
        .isZero();
    assertThat(err).contains("int4 weights", "`--prefer speed` keeps them on it");
    Path fast = folder.resolve("fast");
    String[] sweep = {"sweep", MODEL, "--data", DATA, "--samples", "3", "-o", fast.toString()};
    assertThat(run(sweep)).isZero();
    assertThat(fast.resolve("digits_weight-only4.tflite"))
        .hasSameBinaryContentAs(Path.of(output()));
    String[] preferring = Arrays.copyOf(sweep, sweep.length + 2);
    preferring[sweep.length] = "--prefer";
    preferring[sweep.length + 1] = "speed";
    assertThat(run(preferring)).isZero();
    assertThat(fast.resolve("digits_weight-only4.tflite"))
        .hasSameBinaryContentAs(fast.resolve("digits_weight-only.tflite"));
  }

  @Test
  void tablesCanBeMarkdown() {
    assertThat(run("evaluate", MODEL, "--data", DATA, "--samples", "3", "--markdown")).isZero();
    assertThat(out.lines().toList())
        .hasSize(3)
        .startsWith(
            "| model | accuracy | change (95 %) | agreement | SQNR dB | latency ms (5-95 %) | speed"
                + " | bytes | size |",
            "|---|--:|--:|--:|--:|--:|--:|--:|--:|");
    assertThat(out).contains(" | 127,356 | 100.0% |");
  }

  @Test
  void savedRecipesDoTheSameAgain() throws IOException {
    Path recipe = folder.resolve("recipe.json");
    String[] options = {
      "--mode", "weight-only", "--keep-float", "block1", "--keep-float-ops", "FULLY_CONNECTED"
    };
    List<String> command = new ArrayList<>(List.of("quantize", MODEL, "-o", output()));
    command.addAll(List.of(options));
    command.addAll(List.of("--save-recipe", recipe.toString(), "--why"));
    assertThat(run(command.toArray(String[]::new))).isZero();
    assertThat(out)
        .contains(
            "logits_1/MatMul`: FULLY_CONNECTED stays float32: the recipe keeps it so: float32");
    Path again = folder.resolve("again.tflite");
    assertThat(run("quantize", MODEL, "-o", again.toString(), "--recipe", recipe.toString()))
        .isZero();
    assertThat(Files.mismatch(Path.of(output()), again)).isEqualTo(-1);
    assertThat(run("quantize", MODEL, "-o", output(), "--recipe", recipe.toString(), "--bits", "4"))
        .isEqualTo(2);
    assertThat(err)
        .isEqualToIgnoringNewLines(
            "narrow: --recipe: takes the place of --mode, --bits, --block, --recover,"
                + " --min-elements");
  }

  @Test
  void calibrationRoundsTogetherAndCorrectsBiasesUnlessToldNotTo() throws IOException {
    String calibration = EXAMPLE.resolve("calibration.npz") + "?scale=1/16";
    Path plain = folder.resolve("plain.tflite");
    Path neither = folder.resolve("neither.tflite");
    Path rounded = folder.resolve("rounded.tflite");
    assertThat(run("quantize", MODEL, "-o", plain.toString())).isZero();
    assertThat(
            run(
                "quantize",
                MODEL,
                "-o",
                neither.toString(),
                "--calibrate",
                calibration,
                "--rounding",
                "nearest",
                "--no-bias-correction"))
        .isZero();
    assertThat(Files.mismatch(plain, neither)).isEqualTo(-1);
    assertThat(
            run(
                "quantize",
                MODEL,
                "-o",
                rounded.toString(),
                "--calibrate",
                calibration,
                "--no-bias-correction"))
        .isZero();
    assertThat(out).contains("rounding   second order");
    assertThat(Files.mismatch(plain, rounded)).isNotEqualTo(-1);
    assertThat(run("quantize", MODEL, "-o", output(), "--calibrate", calibration)).isZero();
    assertThat(Files.mismatch(rounded, Path.of(output()))).isNotEqualTo(-1);
  }

  @Test
  void int8NeedsDataToCalibrateWith() {
    assertThat(run("quantize", MODEL, "--mode", "int8", "-o", output())).isEqualTo(2);
    assertThat(err)
        .isEqualToIgnoringNewLines(
            "narrow: mode int8: needs representative data to calibrate with (--calibrate DATA)");
    String calibration = EXAMPLE.resolve("calibration.npz") + "?scale=1/16";
    assertThat(run("quantize", MODEL, "--mode", "int8", "--calibrate", calibration, "-o", output()))
        .isZero();
    assertThat(run("evaluate", output(), "--data", DATA, "--json")).isZero();
    assertThat(
            JsonParser.parseString(out)
                .getAsJsonArray()
                .get(0)
                .getAsJsonObject()
                .get("accuracy")
                .getAsDouble())
        .isGreaterThan(.985);
  }

  @Test
  void argumentsInAFileMayAskForARuntime() throws IOException {
    Path file = folder.resolve("arguments");
    String calibration = EXAMPLE.resolve("calibration.npz") + "?scale=1/16";
    Files.writeString(file, "--mode int8\n--calibrate \"" + calibration + "\"\n");
    assertThat(run("quantize", MODEL, "@" + file, "-o", output())).isZero();
    assertThat(out).contains("int8");
    assertThat(Narrow.needsKernelsOnly("quantize", MODEL, "-o", "out")).isTrue();
    assertThat(Narrow.needsKernelsOnly("quantize", MODEL, "@" + file, "-o", "out")).isFalse();
    assertThat(Narrow.needsKernelsOnly("quantize", "--calibrate=" + calibration)).isFalse();
    assertThat(Narrow.needsKernelsOnly("@" + file)).isFalse();
    assertThat(Narrow.needsKernelsOnly("inspect", "--calibrate", calibration)).isFalse();
    assertThat(Narrow.needsKernelsOnly()).isFalse();
  }

  @Test
  void importWritesAFloatModelFromKeras() throws IOException {
    assertThat(run("import", KERAS, "-o", output())).isZero();
    assertThat(out).contains("serving_default: image -> output_0").contains("CONV_2D 10");
    assertThat(Files.size(Path.of(output()))).isLessThanOrEqualTo(127_356);
    assertThat(run("import", KERAS, "-o", output(), "--batch", "2", "--input-shape", "16x16x1"))
        .isZero();
    assertThat(out).contains("image float32[2, 16, 16, 1]");
  }

  @Test
  void kerasModelsAreTakenWhereModelsAre() {
    assertThat(run("quantize", KERAS, "-o", output())).isZero();
    assertThat(out).contains("8 int8");
    assertThat(run("inspect", KERAS, "--why", "--json")).isZero();
    assertThat(run("sweep", KERAS, "--data", DATA, "--samples", "50", "-o", folder.toString()))
        .isZero();
    assertThat(table()).hasSize(6);
    assertThat(folder.resolve("digits.tflite")).exists();
    String ranges = folder.resolve("ranges.json").toString();
    String calibration = EXAMPLE.resolve("calibration.npz") + "?scale=1/16";
    assertThat(run("calibrate", KERAS, "--data", calibration, "-o", ranges)).isZero();
    assertThat(run("quantize", KERAS, "--mode", "int8", "--calibrate", ranges, "-o", output()))
        .isZero();
    assertThat(err).contains("biases are not corrected: ranges.json has ranges only");
  }

  @Test
  void badInputGetsOneLineAndExitCode2() throws IOException {
    String text = Files.writeString(folder.resolve("text.tflite"), "no model, but text").toString();
    String cut = folder.resolve("cut.tflite").toString();
    Files.write(Path.of(cut), Arrays.copyOf(Files.readAllBytes(Path.of(MODEL)), 5000));
    String[][] commands = {
      {},
      {"frobnicate"},
      {"quantize"},
      {"quantize", MODEL},
      {"quantize", "none.tflite", "-o", output()},
      {"quantize", text, "-o", output()},
      {"quantize", cut, "-o", output()},
      {"quantize", folder.toString(), "-o", output()},
      {"quantize", MODEL, "-o", folder.toString()},
      {"quantize", MODEL, "-o", folder.resolve("none/out.tflite").toString()},
      {"quantize", MODEL, "-o", output(), "--mode", "int7"},
      {"quantize", MODEL, "-o", output(), "--mode", "int8"},
      {"quantize", MODEL, "-o", output(), "--mode", "int8", "--io", "int16"},
      {"quantize", MODEL, "-o", output(), "--mode", "int16x8", "--output-type", "uint8"},
      {"quantize", MODEL, "-o", output(), "--io", "int7"},
      {"quantize", MODEL, "-o", output(), "--strict"},
      {"quantize", MODEL, "-o", output(), "--bits", "3"},
      {"quantize", MODEL, "-o", output(), "--bits", "x"},
      {"quantize", MODEL, "-o", output(), "--min-elements", "-1"},
      {"inspect", text},
      {"import", text, "-o", output()},
      {"import", "none.h5", "-o", output()},
      {"import", KERAS, "-o", output(), "--batch", "0"},
      {"import", KERAS, "-o", output(), "--input-shape", "8xx8"},
      {"import", KERAS, "-o", output(), "--input-shape", "8x8x3"},
      {"import", KERAS, "-o", output(), "--input-shape", "0x8x1"},
      {"compare", MODEL, "--data", DATA},
      {"compare", MODEL, MODEL, "--data", "none.npz"},
      {"compare", MODEL, text, "--data", DATA},
      {"compare", MODEL, MODEL, "--data", DATA, "--threads", "0"},
      {"compare", MODEL, MODEL, "--data", DATA, "--restore", "-1"},
      {"compare", MODEL, MODEL, "--data", DATA, "--restore", "1", "--no-local"},
      {"compare", MODEL, MODEL, "--data", DATA, "--csv", "/none/errors.csv"},
      {"evaluate", MODEL, "--data", "none.npz"},
      {"evaluate", MODEL, "--data", DATA + "&frob=1"},
      {"evaluate", MODEL, text, "--data", DATA},
      {"evaluate", MODEL, "--data", DATA, "--samples", "0"},
      {"evaluate", MODEL, "--data", DATA, "--threads", "0"},
      {"sweep", MODEL, "--data", "foo:bar"},
      {"sweep", MODEL, "--data", DATA, "--prefer", "small"},
      {"quantize", MODEL, "-o", output(), "--prefer", "small"},
      {"calibrate", MODEL, "--data", DATA},
      {"calibrate", MODEL, "-o", output()},
      {"calibrate", "none.tflite", "--data", DATA, "-o", output()},
      {"calibrate", MODEL, "--data", "none.npz", "-o", output()},
      {"calibrate", MODEL, "--data", DATA, "-o", output(), "--threads", "0"},
      {"calibrate", MODEL, "--data", DATA, "-o", output(), "--samples", "0"},
      {"calibrate", MODEL, "--data", DATA, "-o", output(), "--range", "median"},
      {"calibrate", MODEL, "--data", DATA, "-o", folder.resolve("none/x.json").toString()},
    };
    for (String[] command : commands) {
      String name = Arrays.toString(command);
      assertThat(run(command)).as("%s: %s", name, err).isEqualTo(2);
      assertThat(err.lines()).as(name).hasSize(1);
      assertThat(err).as(name).startsWith("narrow: ");
      assertThat(out).as(name).isEmpty();
      assertThat(Path.of(output())).as(name).doesNotExist();
    }
    try (Stream<Path> left = Files.list(folder)) {
      assertThat(left).as("nothing half-written").hasSize(2);
    }
  }

  @Test
  void helpAndVersionAreNoErrors() {
    assertThat(run("--help")).isZero();
    assertThat(out).contains("quantize").contains("Exit codes:");
    assertThat(run("quantize", "--help")).isZero();
    assertThat(run("--version")).isZero();
    assertThat(out).startsWith("narrow ");
  }

  @Test
  void doctorNamesTheKernels() {
    assertThat(run("doctor")).isZero();
    assertThat(out).contains("kernels available  java").contains("TensorFlow Lite");
  }

  @Test
  void benchmarkPrintsWhatScriptsLookFor() {
    String[] few = {"--runs", "3", "--seconds", "0", "--warm-up-seconds", "0"};
    assertThat(run("quantize", MODEL, "-o", output())).isZero();
    assertThat(run(with(few, "benchmark", MODEL, output()))).isZero();
    assertThat(out)
        .containsPattern(
            "(?m)^count=\\d+ first=\\d+ curr=\\d+ min=\\d+ max=\\d+ avg=\\S+ std=\\d+ ")
        .containsPattern("(?m)^Inference timings in us: Init: \\d+, First inference: \\d+, Warmup ")
        .containsPattern("Replacing \\d+ out of \\d+ node\\(s\\) with delegate")
        .contains("Summary by node type", "[difference ms]");
    assertThat(run(with(few, "benchmark", MODEL, output(), "--json"))).isZero();
    JsonObject document = JsonParser.parseString(out).getAsJsonObject();
    assertThat(document.getAsJsonArray("models")).hasSize(2);
    assertThat(document.getAsJsonArray("differences")).hasSize(1);
  }

  private static String[] with(String[] more, String... arguments) {
    return Stream.of(arguments, more).flatMap(Arrays::stream).toArray(String[]::new);
  }

  @Test
  void runWritesItsOutputsAndPrintsTheSameNumbers() throws IOException {
    Path results = folder.resolve("results");
    assertThat(run("run", MODEL, "--input", DATA, "-o", results.toString(), "--json")).isZero();
    JsonObject output = JsonParser.parseString(out).getAsJsonArray().get(0).getAsJsonObject();
    assertThat(output.getAsJsonArray("values")).hasSize(10);
    byte[] file = Files.readAllBytes(Path.of(output.get("file").getAsString()));
    ByteBuffer numbers = ByteBuffer.wrap(file, file.length - 40, 40).order(ByteOrder.LITTLE_ENDIAN);
    output
        .getAsJsonArray("values")
        .forEach(value -> assertThat(numbers.getFloat()).isEqualTo(value.getAsFloat()));
    assertThat(run("run", MODEL, "--input", "nobody=" + DATA)).isEqualTo(Narrow.USAGE);
    assertThat(err).contains("no input `nobody`").hasLineCount(1);
  }

  @Test
  void checkNeedsNoData() {
    assertThat(run("check", MODEL, "--mode", "int16x8")).isZero();
    assertThat(out)
        .contains("CONV_2D (operator 0) integer")
        .contains("127,356 -> ")
        .contains("outside XNNPACK: 4 ADD, 10 CONV_2D");
    assertThat(run("check", MODEL, "--mode", "int8", "--json")).isZero();
    JsonObject document = JsonParser.parseString(out).getAsJsonObject();
    assertThat(document.get("runs").getAsBoolean()).isTrue();
    assertThat(document.getAsJsonArray("operators")).hasSize(17);
  }

  @Test
  void checkSaysWhatADeviceMakesOfAModel() {
    assertThat(run("check", MODEL, "--mode", "int8", "--io", "int8", "--target", "ETHOS-U55"))
        .isZero();
    assertThat(out).contains("on ethos-u55)").contains("runs: ");
    assertThat(run("check", MODEL, "--mode", "dynamic", "--target", "tflm"))
        .isEqualTo(NarrowException.Kind.UNSUPPORTED.exitCode());
    assertThat(out)
        .contains("CONV_2D: no kernel for float32 activations and int8 weights")
        .contains("does not run: ");
    assertThat(run("check", MODEL, "--mode", "dynamic", "--target", "tflm", "--json"))
        .isEqualTo(NarrowException.Kind.UNSUPPORTED.exitCode());
    JsonObject document = JsonParser.parseString(out).getAsJsonObject();
    assertThat(document.get("runs").getAsBoolean()).isFalse();
    JsonObject finding = document.getAsJsonArray("findings").get(0).getAsJsonObject();
    assertThat(finding.get("effect").getAsString()).isEqualTo("error");
    assertThat(finding.getAsJsonArray("at")).isNotEmpty();
    assertThat(run("check", MODEL, "--target", "hexagon")).isEqualTo(Narrow.USAGE);
    assertThat(err).contains("target `hexagon`: known are tflm, ").hasLineCount(1);
  }

  @Test
  void exportWritesWhatAMicrocontrollerRuns() {
    Path made = folder.resolve("made");
    assertThat(run("export", "--c", MODEL, "-o", made.toString(), "--name", "digits")).isZero();
    assertThat(out).contains("digits_model_data.cc").contains("arena      ");
    assertThat(made.resolve("digits_model.h")).content().contains("kArenaSize = ");
    assertThat(run("quantize", MODEL, "-o", output())).isZero();
    assertThat(run("export", "--c", output(), "-o", made.toString()))
        .isEqualTo(NarrowException.Kind.UNSUPPORTED.exitCode());
    assertThat(err).contains("does not run on TensorFlow Lite Micro: ").hasLineCount(1);
    assertThat(run("export", MODEL, "-o", made.toString())).isEqualTo(Narrow.USAGE);
  }

  @Test
  void gateFailsWithItsOwnCodeAndWritesWhy() throws IOException {
    assertThat(run("quantize", MODEL, "-o", output())).isZero();
    Path junit = folder.resolve("junit.xml");
    String[] gate = {"--fail-under", "accuracy=0.5", "--max-drop", "1"};
    assertThat(run(with(gate, "evaluate", MODEL, output(), "--data", DATA))).isZero();
    String[] strict = {"--fail-under", "accuracy=0.9999", "--junit", junit.toString()};
    assertThat(run(with(strict, "evaluate", MODEL, output(), "--data", DATA)))
        .isEqualTo(Narrow.GATE);
    assertThat(err).contains("failed: accuracy >= 0.9999: accuracy is 0.9");
    assertThat(Files.readString(junit)).contains("tests=\"2\" failures=\"2\"");
    assertThat(run("evaluate", MODEL, "--data", DATA, "--fail-under", "speed=1"))
        .isEqualTo(Narrow.USAGE);
  }

  @Test
  void sweepAdvisesAFileWithTheCommandThatMakesIt() throws IOException {
    String results = folder.resolve("sweep's files").toString();
    assertThat(run("sweep", MODEL, "--data", DATA, "-o", results)).isZero();
    List<String> lines = out.lines().toList();
    int advice = lines.size() - 4;
    assertThat(lines.get(advice)).startsWith("smallest within 0.01 ");
    assertThat(lines.get(advice + 2)).startsWith("fastest within 0.01 ");
    String[] command = words(lines.get(advice + 1));
    Path file = Path.of(command[Arrays.asList(command).indexOf("-o") + 1]);
    byte[] swept = Files.readAllBytes(file);
    Files.delete(file);
    assertThat(run(Arrays.copyOfRange(command, 1, command.length))).isZero();
    assertThat(Files.readAllBytes(file)).isEqualTo(swept);
    Path none = folder.resolve("none");
    String[] sweep = {"sweep", MODEL, "--data", DATA, "-o", none.toString()};
    assertThat(run(with(new String[] {"--max-drop", "-1"}, sweep))).isEqualTo(Narrow.USAGE);
    assertThat(err).contains("largest drop -1.0: is below 0");
    assertThat(none).doesNotExist();
  }

  /** Those that a shell makes of a command. */
  private static String[] words(String command) throws IOException {
    Process shell = new ProcessBuilder("sh", "-c", "printf '%s\\n' " + command.strip()).start();
    try (var lines = shell.inputReader()) {
      return lines.lines().toArray(String[]::new);
    }
  }

  @Test
  void sweepNamesTheKerasModelThatItWasGiven() throws IOException {
    String results = folder.resolve("keras").toString();
    String keras = EXAMPLE.resolve("digits.h5").toString();
    assertThat(run("sweep", keras, "--data", DATA, "-o", results)).isZero();
    String command =
        out.lines().filter(line -> line.startsWith("  narrow quantize")).findFirst().orElseThrow();
    assertThat(words(command)[2]).isEqualTo(keras);
  }

  @Test
  void filesAreNamedByWhatDiffers() {
    assertThat(Names.of(List.of(Path.of("a/b/x.tflite"), Path.of("c/b/y.tflite"))))
        .containsExactly("x.tflite", "y.tflite");
    assertThat(Names.of(List.of(Path.of("a/b/x"), Path.of("c/b/x"), Path.of("c/b/z"))))
        .containsExactly("a/b/x", "c/b/x", "z");
    assertThat(Names.of(List.of(Path.of("x"), Path.of("x")))).containsExactly("x", "x");
  }

  @Test
  void inspectPrintsAProgramThatRunsTheModel() {
    for (Language language : Language.values()) {
      String word = language.name().toLowerCase(Locale.ROOT);
      assertThat(run("inspect", MODEL, "--snippet", word)).isZero();
      assertThat(out.strip()).isEqualTo(Snippet.of(Model.read(Path.of(MODEL)), language).strip());
    }
    assertThat(run("inspect", MODEL, "--snippet", "perl")).isEqualTo(Narrow.USAGE);
    assertThat(err).contains("snippet `perl`: known are java, kotlin, python, c");
  }

  @Test
  void inspectWritesAPageOfTheDocumentThatItPrints() throws IOException {
    Path page = folder.resolve("page.html");
    assertThat(run("inspect", MODEL, "--html", page.toString(), "--json")).as(err).isZero();
    String html = Files.readString(page);
    String begin = "<script id=\"data\" type=\"application/json\">";
    int at = html.indexOf(begin) + begin.length();
    JsonObject printed = JsonParser.parseString(out).getAsJsonObject();
    assertThat(JsonParser.parseString(html.substring(at, html.indexOf("</script>", at))))
        .isEqualTo(printed);
    assertThat(printed.getAsJsonObject("plan").get("mode").getAsString()).isEqualTo("dynamic");
    JsonObject bytes = printed.getAsJsonObject("bytes");
    assertThat(bytes.entrySet().stream().mapToLong(use -> use.getValue().getAsLong()).sum())
        .isEqualTo(Files.size(Path.of(MODEL)));
    assertThat(run("inspect", MODEL, "--html", page.toString())).as(err).isZero();
    assertThat(out).contains("page").contains(page.toString());
  }

  @Test
  void pageOfACalibratedPlanHasHistogramsOfComputedTensors() {
    Path page = folder.resolve("page.html");
    String[] command = {
      "inspect", MODEL, "--html", page.toString(), "--json", "--mode", "int8", "--calibrate", DATA
    };
    assertThat(run(command)).as(err).isZero();
    JsonObject graph =
        JsonParser.parseString(out)
            .getAsJsonObject()
            .getAsJsonArray("subgraphs")
            .get(0)
            .getAsJsonObject();
    for (var step : graph.getAsJsonArray("graph")) {
      int output = step.getAsJsonObject().getAsJsonArray("outputs").get(0).getAsInt();
      JsonObject tensor = graph.getAsJsonArray("tensors").get(output).getAsJsonObject();
      assertThat(tensor.has("histogram")).isTrue();
      assertThat(tensor.get("clipped").getAsDouble()).isBetween(0.0, 0.1);
      assertThat(tensor.getAsJsonArray("reach")).hasSize(2);
    }
  }
}
