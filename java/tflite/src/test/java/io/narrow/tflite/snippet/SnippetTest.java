package io.narrow.tflite.snippet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.narrow.tflite.Examples;
import io.narrow.tflite.NarrowException;
import io.narrow.tflite.Quantizer;
import io.narrow.tflite.data.Dataset;
import io.narrow.tflite.data.Datasets;
import io.narrow.tflite.data.NpyFile;
import io.narrow.tflite.evaluation.Inference;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.plan.Recipe;
import io.narrow.tflite.runtime.Interpreter;
import io.narrow.tflite.snippet.Snippet.Language;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URISyntaxException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import javax.tools.ToolProvider;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.tensorflowlite.global.tensorflowlite;
import org.jetbrains.kotlin.cli.common.ExitCode;
import org.jetbrains.kotlin.cli.jvm.K2JVMCompiler;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class SnippetTest {
  /** A Python that has ai-edge-litert or TensorFlow; those tests are skipped without. */
  private static final Optional<String> PYTHON =
      Optional.ofNullable(System.getProperty("NARROW_PYTHON", System.getenv("NARROW_PYTHON")));

  /** What the C snippet uses of TensorFlow Lite's c_api.h, which the jar of the runtime lacks. */
  private static final String HEADER =
      """
      #pragma once
      #include <stddef.h>
      #include <stdint.h>
      typedef struct TfLiteModel TfLiteModel;
      typedef struct TfLiteTensor TfLiteTensor;
      typedef struct TfLiteInterpreter TfLiteInterpreter;
      typedef struct TfLiteInterpreterOptions TfLiteInterpreterOptions;
      typedef enum TfLiteStatus { kTfLiteOk = 0, kTfLiteError = 1 } TfLiteStatus;
      TfLiteModel* TfLiteModelCreateFromFile(const char* model_path);
      void TfLiteModelDelete(TfLiteModel* model);
      TfLiteInterpreter* TfLiteInterpreterCreate(
          const TfLiteModel* model, const TfLiteInterpreterOptions* optional_options);
      void TfLiteInterpreterDelete(TfLiteInterpreter* interpreter);
      TfLiteStatus TfLiteInterpreterAllocateTensors(TfLiteInterpreter* interpreter);
      TfLiteStatus TfLiteInterpreterInvoke(TfLiteInterpreter* interpreter);
      TfLiteTensor* TfLiteInterpreterGetInputTensor(
          const TfLiteInterpreter* interpreter, int32_t input_index);
      const TfLiteTensor* TfLiteInterpreterGetOutputTensor(
          const TfLiteInterpreter* interpreter, int32_t output_index);
      void* TfLiteTensorData(const TfLiteTensor* tensor);
      """;

  @TempDir private Path folder;

  static Stream<Recipe> recipes() {
    return Stream.of(
        Recipe.dynamic(),
        Recipe.int8(),
        Recipe.int8().withBoundary(TensorType.INT8, TensorType.INT8),
        Recipe.int8().withBoundary(TensorType.UINT8, TensorType.UINT8),
        Recipe.int16x8().withBoundary(TensorType.INT16, TensorType.INT16));
  }

  private Path model(Recipe recipe) {
    Path file = folder.resolve("model.tflite");
    Quantizer.DEFAULT
        .withData(Datasets.of(Dataset.open(Examples.DIGITS_CALIBRATION + "?scale=1/16").limit(20)))
        .quantize(Model.read(Examples.DIGITS), recipe)
        .write(file);
    return file;
  }

  /** A picture as the array that `narrow run` takes, and as the file that snippets take. */
  private Path picture(int which) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(4 * 64).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < 64; i++) {
      bytes.putFloat(4 * i, i * (7 + which) % 17 / 16f);
    }
    NpyFile.write(array(which), TensorType.FLOAT32, new int[] {1, 8, 8, 1}, bytes.duplicate());
    Path file = folder.resolve(which + ".f32");
    Files.write(file, bytes.array());
    return file;
  }

  private Path array(int which) {
    return folder.resolve(which + ".npy");
  }

  private static List<String> lines(Process process) throws IOException, InterruptedException {
    try (var reader = process.inputReader()) {
      List<String> lines = reader.lines().toList();
      assertThat(process.waitFor()).as(String.join("\n", lines)).isZero();
      return lines;
    }
  }

  private List<String> run(Path program, String... command)
      throws IOException, InterruptedException {
    return lines(
        new ProcessBuilder(command)
            .directory(program.getParent().toFile())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start());
  }

  private Path written(Language language, Path model) throws IOException {
    Path program = folder.resolve(language.fileName());
    Files.writeString(program, Snippet.of(Model.read(model), language));
    return program;
  }

  /** A program that is ready to be run: a command, to which the arguments are added. */
  private interface Program {
    List<String> run(String... arguments) throws Exception;
  }

  private void sameNumbersAsRun(Path model, Program program, double tolerance) throws Exception {
    for (int which = 0; which < 2; which++) {
      Path picture = picture(which);
      List<String> lines = program.run(model.toString(), picture.toString());
      List<Inference.Output> outputs =
          Inference.run(
              model, List.of(array(which).toString()), Interpreter.Options.DEFAULT, false);
      assertThat(lines).hasSameSizeAs(outputs);
      for (int i = 0; i < lines.size(); i++) {
        double[] values =
            Arrays.stream(lines.get(i).strip().split(" ")).mapToDouble(Float::parseFloat).toArray();
        assertThat(values).hasSameSizeAs(outputs.get(i).values());
        for (int k = 0; k < values.length; k++) {
          assertThat(values[k]).isCloseTo(outputs.get(i).values()[k], within(tolerance));
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("recipes")
  void javaPrintsTheNumbersOfRun(Recipe recipe) throws Exception {
    Path model = model(recipe);
    Path program = written(Language.JAVA, model);
    String classes = place(Interpreter.class);
    ByteArrayOutputStream errors = new ByteArrayOutputStream();
    int code =
        ToolProvider.getSystemJavaCompiler()
            .run(null, null, errors, "-cp", classes, "-d", folder.toString(), program.toString());
    assertThat(code).as(errors.toString(StandardCharsets.UTF_8)).isZero();
    sameNumbersAsRun(model, arguments -> inThisProcess("RunModel", arguments), 0);
  }

  @ParameterizedTest
  @MethodSource("recipes")
  void kotlinPrintsTheNumbersOfRun(Recipe recipe) throws Exception {
    Path model = model(recipe);
    Path program = written(Language.KOTLIN, model);
    ByteArrayOutputStream errors = new ByteArrayOutputStream();
    ExitCode code =
        new K2JVMCompiler()
            .exec(
                new PrintStream(errors, true, StandardCharsets.UTF_8),
                "-no-stdlib",
                "-no-reflect",
                "-cp",
                place(Interpreter.class) + File.pathSeparator + place(kotlin.Unit.class),
                "-d",
                folder.toString(),
                program.toString());
    assertThat(code).as(errors.toString(StandardCharsets.UTF_8)).isEqualTo(ExitCode.OK);
    sameNumbersAsRun(model, arguments -> inThisProcess("RunModelKt", arguments), 0);
  }

  /** The folder or archive that a class comes from. */
  private static String place(Class<?> type) throws URISyntaxException {
    return Path.of(type.getProtectionDomain().getCodeSource().getLocation().toURI()).toString();
  }

  /** What the main method of a compiled class prints. */
  private List<String> inThisProcess(String main, String... arguments) throws Exception {
    PrintStream before = System.out;
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (URLClassLoader loader =
            new URLClassLoader(
                new URL[] {folder.toUri().toURL()}, Interpreter.class.getClassLoader());
        PrintStream captured = new PrintStream(out, true, StandardCharsets.UTF_8)) {
      System.setOut(captured);
      loader.loadClass(main).getMethod("main", String[].class).invoke(null, (Object) arguments);
    } finally {
      System.setOut(before);
    }
    return out.toString(StandardCharsets.UTF_8).lines().toList();
  }

  @ParameterizedTest
  @MethodSource("recipes")
  void pythonPrintsTheNumbersOfRun(Recipe recipe) throws Exception {
    assumeTrue(
        PYTHON.isPresent(), "skipped: NARROW_PYTHON does not name a Python with ai-edge-litert");
    Path model = model(recipe);
    Path program = written(Language.PYTHON, model);
    sameNumbersAsRun(
        model,
        arguments ->
            run(program, PYTHON.orElseThrow(), program.toString(), arguments[0], arguments[1]),
        1e-5);
  }

  /** Linked with the library in the runtime's jar, which has the C API, too. */
  @ParameterizedTest
  @MethodSource("recipes")
  void cPrintsTheNumbersOfRun(Recipe recipe) throws Exception {
    Optional<String> compiler =
        Stream.of("cc", "gcc", "clang")
            .filter(
                name ->
                    Arrays.stream(System.getenv("PATH").split(":"))
                        .anyMatch(path -> Files.isExecutable(Path.of(path, name))))
            .findFirst();
    assumeTrue(compiler.isPresent(), "skipped: there is no C compiler");
    Path model = model(recipe);
    Path program = written(Language.C, model);
    Path header = folder.resolve("tensorflow/lite/c/c_api.h");
    Files.createDirectories(header.getParent());
    Files.writeString(header, HEADER);
    Path library = Path.of(Loader.load(tensorflowlite.class));
    Path binary = folder.resolve("run_model");
    List<String> command =
        new ArrayList<>(List.of(compiler.get(), "-std=c11", "-Wall", "-Wextra", "-Werror", "-O1"));
    command.addAll(List.of("-I" + folder, program.toString(), "-o", binary.toString()));
    command.addAll(List.of(library.toString(), "-Wl,--unresolved-symbols=ignore-in-shared-libs"));
    command.addAll(List.of("-Wl,-rpath," + library.getParent(), "-lm"));
    run(program, command.toArray(String[]::new));
    sameNumbersAsRun(
        model, arguments -> run(program, binary.toString(), arguments[0], arguments[1]), 1e-5);
  }

  @ParameterizedTest
  @EnumSource(Language.class)
  void noNameEndsAComment(Language language) {
    Model model = Model.read(Examples.DIGITS);
    String text = Snippet.of(model, language);
    assertThat(text).doesNotContain("$").contains("serving_default_image:0");
    assertThat(Snippet.of(model, language)).isEqualTo(text);
  }

  @Test
  void unknownLanguagesAreNamed() {
    assertThatThrownBy(() -> Language.of("perl"))
        .isInstanceOf(NarrowException.class)
        .hasMessage("snippet `perl`: known are java, kotlin, python, c");
  }
}
