package io.narrow.tflite.micro;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.narrow.tflite.Examples;
import io.narrow.tflite.NarrowException;
import io.narrow.tflite.Quantizer;
import io.narrow.tflite.Shared;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.ModelBuilder;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.plan.Recipe;
import io.narrow.tflite.rewrite.Rewriter;
import io.narrow.tflite.targets.Target;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MicroSourceTest {
  @TempDir private Path folder;

  private static Model digits(Recipe recipe) {
    return Rewriter.rewrite(Quantizer.DEFAULT.prepare(Model.read(Examples.DIGITS)).outline(recipe));
  }

  private static Model integer() {
    return digits(Recipe.int8().withBoundary(TensorType.INT8, TensorType.INT8));
  }

  private static String compiler() {
    List<String> path = Arrays.asList(System.getenv("PATH").split(":"));
    List<String> found =
        List.of("c++", "g++", "clang++").stream()
            .filter(name -> path.stream().anyMatch(p -> Files.isExecutable(Path.of(p, name))))
            .toList();
    assumeTrue(!found.isEmpty(), "skipped: there is no C++ compiler");
    return found.get(0);
  }

  /** Puts the stand-in for TensorFlow Lite Micro's header where its own lies. */
  private void writeHeader() throws IOException {
    Path header = folder.resolve("tensorflow/lite/micro/micro_mutable_op_resolver.h");
    Files.createDirectories(header.getParent());
    Files.write(
        header,
        MicroSourceTest.class.getResourceAsStream("micro_mutable_op_resolver.h").readAllBytes());
  }

  private List<String> run(List<String> command) throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true).start();
    try (var reader = process.inputReader()) {
      List<String> lines = reader.lines().toList();
      assertThat(process.waitFor()).as(String.join("\n", lines)).isZero();
      return lines;
    }
  }

  /** Compiles the files with a program; returns what that prints. */
  private List<String> compiled(MicroSource source, String program)
      throws IOException, InterruptedException {
    String compiler = compiler();
    writeHeader();
    Files.writeString(folder.resolve("main.cc"), program);
    List<String> command = new ArrayList<>(List.of(compiler, "-std=c++17", "-Wall", "-Wextra"));
    command.addAll(List.of("-Wpedantic", "-Werror", "-I.", "main.cc"));
    source.write(folder).stream()
        .filter(file -> file.toString().endsWith(".cc"))
        .forEach(file -> command.add(file.toString()));
    command.addAll(List.of("-o", "main"));
    run(command);
    return run(List.of(folder.resolve("main").toString()));
  }

  @Test
  void compilesAndSaysWhatTheModelSays() throws Exception {
    Model model = integer();
    MicroSource source = MicroSource.of(model, "digits int8");
    assertThat(source.name()).isEqualTo("digits_int8");
    List<String> lines =
        compiled(
            source,
            """
            #include <cstdint>
            #include <cstdio>
            #include <type_traits>
            #include "digits_int8_model.h"
            #include "digits_int8_model.h"
            int main() {
              namespace m = digits_int8;
              static_assert(std::is_same<m::Input0Type, int8_t>::value, "");
              static_assert(m::kInput0Rank == 4 && m::kInput0Shape[1] == 8, "");
              static_assert(m::kArenaSize % 16 == 0, "");
              tflite::MicroMutableOpResolver<m::kOperators> resolver;
              bool registered = m::RegisterOperators(resolver) == kTfLiteOk;
              std::printf("%d %u\\n", registered, m::kOperators - resolver.GetRegistrationLength());
              std::printf("%d\\n", int(reinterpret_cast<uintptr_t>(g_digits_int8_model_data) % 16));
              std::printf("%.9g %d\\n", m::kInput0Scale, m::kInput0ZeroPoint);
              std::printf("%.9g %d\\n", m::kOutput0Scale, m::kOutput0ZeroPoint);
              std::printf("%zu\\n", m::kArenaSize);
              for (unsigned i = 0; i < g_digits_int8_model_data_size; ++i) {
                std::printf("%02x", g_digits_int8_model_data[i]);
              }
              std::printf("\\n");
            }
            """);
    assertThat(lines.subList(0, 2)).containsExactly("1 0", "0");
    var graph = model.subgraphs().get(0);
    var input = graph.tensor(graph.inputs()[0]);
    var output = graph.tensor(graph.outputs()[0]);
    assertThat(Float.parseFloat(lines.get(2).split(" ")[0])).isEqualTo(input.scales()[0]);
    assertThat(lines.get(2)).endsWith(" " + input.zeroPoints()[0]);
    assertThat(Float.parseFloat(lines.get(3).split(" ")[0])).isEqualTo(output.scales()[0]);
    assertThat(lines.get(4)).isEqualTo(String.valueOf(source.arena().bytes()));
    StringBuilder hex = new StringBuilder();
    for (ByteBuffer bytes = model.bytes(); bytes.hasRemaining(); ) {
      hex.append("%02x".formatted(bytes.get()));
    }
    assertThat(lines.get(5)).isEqualTo(hex.toString());
  }

  /** The resolver has a method for every operator that the tables say TensorFlow Lite Micro has. */
  @Test
  void everyOperatorHasAMethod() throws Exception {
    TreeSet<String> names = new TreeSet<>(Target.TFLM.operators());
    assertThat(names).hasSizeGreaterThan(90);
    String compiler = compiler();
    writeHeader();
    StringBuilder program =
        new StringBuilder("#include \"tensorflow/lite/micro/micro_mutable_op_resolver.h\"\n");
    program.append("tflite::MicroMutableOpResolver<200> r;\nint main() {\n  int bad = 0;\n");
    names.forEach(name -> program.append("  bad += r.Add" + Resolver.name(name) + "();\n"));
    program.append("  return bad;\n}\n");
    Files.writeString(folder.resolve("all.cc"), program.toString());
    run(List.of(compiler, "-std=c++17", "-I.", "all.cc", "-o", "all"));
    run(List.of(folder.resolve("all").toString()));
  }

  @Test
  void whatDoesNotRunThereIsRefusedWithAllReasons() {
    assertThatThrownBy(() -> MicroSource.of(digits(Recipe.dynamic()), "digits"))
        .isInstanceOf(NarrowException.class)
        .hasMessageContaining("does not run on TensorFlow Lite Micro: ")
        .hasMessageContaining("CONV_2D: no kernel for float32 activations and int8 weights")
        .extracting(e -> ((NarrowException) e).kind())
        .isEqualTo(NarrowException.Kind.UNSUPPORTED);
  }

  @Test
  void namesOfTensorsEndNoComment() {
    ModelBuilder b = new ModelBuilder(1);
    int x = b.floats("x\nint bad;\\", 1, 4);
    int y = b.floats("y*/ \u00e9", 1, 4);
    Model model = b.operator("RELU", new int[] {x}, y).inputs(x).outputs(y).build();
    MicroSource source = MicroSource.of(model, "1 caf\u00e9");
    assertThat(source.name()).isEqualTo("model_1_caf_");
    source
        .files()
        .values()
        .forEach(text -> assertThat(text.lines()).noneMatch("int bad;?"::equals));
    source.files().values().forEach(text -> assertThat(text).matches("[\\n -~]*"));
  }

  @Test
  void writesTheSameBytesEachTime() throws IOException {
    Path first = folder.resolve("a");
    Path second = folder.resolve("b/c");
    for (Path file : MicroSource.of(integer(), "m").write(first)) {
      MicroSource.of(integer(), "m").write(second);
      assertThat(second.resolve(file.getFileName())).hasSameBinaryContentAs(file);
    }
  }

  /** As TensorFlow Lite Micro's planner puts four buffers of 16, 64, 64 and 16 bytes. */
  @Test
  void theLargestIsPlacedFirst() {
    List<Allocation> hello =
        List.of(
            new Allocation(16, 0, 1),
            new Allocation(64, 1, 2),
            new Allocation(64, 2, 3),
            new Allocation(16, 3, 3));
    assertThat(GreedyPlan.bytes(hello)).isEqualTo(128);
    assertThat(GreedyPlan.bytes(List.of())).isZero();
    List<Allocation> gap =
        List.of(
            new Allocation(32, 0, 0),
            new Allocation(96, 0, 1),
            new Allocation(64, 1, 2),
            new Allocation(160, 2, 2));
    assertThat(GreedyPlan.bytes(gap)).isEqualTo(224);
  }

  /** What tflite-micro's recording allocator says of public models: its head. */
  @Test
  void publicModelsArePlannedAsThere() {
    record Known(String file, long planned) {}
    for (Known known :
        List.of(new Known("tiny_ic_resnet8_i8", 49152), new Known("adi_dtln1_f32", 8192))) {
      Model model = Model.read(Shared.file("models/zoo/" + known.file() + ".tflite"));
      assertThat(MicroSource.of(model, "m").arena().planned())
          .as(known.file())
          .isEqualTo(known.planned());
    }
  }
}
