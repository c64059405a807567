package io.narrow.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.narrow.kernels.Kernels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One model, one recipe, one file: with any kernels and any number of threads. */
class SameBytesTest {
  @TempDir private Path folder;

  private Path quantize(String kernels, String threads) throws IOException, InterruptedException {
    Path output = folder.resolve(kernels + threads + ".tflite");
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-Dnarrow.kernels=" + kernels);
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), Narrow.class.getName()));
    command.addAll(List.of("quantize", NarrowTest.EXAMPLE.resolve("digits.tflite").toString()));
    command.addAll(List.of("--mode", "int8", "-o", output.toString()));
    command.add("--calibrate");
    command.add(NarrowTest.EXAMPLE.resolve("calibration.npz") + "?scale=1/16");
    command.addAll(List.of("--calibration-threads", threads));
    Path errors = folder.resolve("errors");
    Process process =
        new ProcessBuilder(command)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .redirectError(errors.toFile())
            .start();
    assertThat(process.waitFor()).as(Files.readString(errors)).isZero();
    return output;
  }

  @Test
  void ofEveryInstructionSetAndNumberOfThreads() throws IOException, InterruptedException {
    Path first = quantize("java", "1");
    for (String kernels : Kernels.available()) {
      Path other = quantize(kernels, "2");
      assertThat(Files.mismatch(first, other)).as(kernels).isEqualTo(-1);
    }
  }
}
