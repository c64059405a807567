package io.narrow.maven;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import org.apache.maven.plugin.MojoFailureException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class QuantizeMojoTest {
  private static final FileTime LONG_AGO = FileTime.fromMillis(1_000_000);

  @TempDir private Path folder;
  private Path model;
  private Path output;
  private Path data;

  @BeforeEach
  void copyExample() throws IOException {
    Path root = Path.of("").toAbsolutePath();
    while (!Files.isDirectory(root.resolve("examples").resolve("digits"))) {
      root = root.getParent();
    }
    Path digits = root.resolve("examples").resolve("digits");
    model = folder.resolve("models").resolve("deep").resolve("digits.tflite");
    output = folder.resolve("classes").resolve("deep").resolve("digits.tflite");
    data = folder.resolve("calibration.npz");
    Files.createDirectories(model.getParent());
    Files.copy(digits.resolve("digits.tflite"), model);
    Files.copy(digits.resolve("calibration.npz"), data);
  }

  private void build(String... options) throws Exception {
    Path stamps = folder.resolve("stamps");
    new QuantizeMojo(folder.resolve("models"), folder.resolve("classes"), stamps, List.of(options))
        .execute();
  }

  /** Whether a build writes the result anew, told by its time. */
  private boolean writes(String... options) throws Exception {
    FileTime before = Files.getLastModifiedTime(output);
    build(options);
    return !Files.getLastModifiedTime(output).equals(before);
  }

  private static void age(Path file) throws IOException {
    Files.setLastModifiedTime(file, LONG_AGO);
  }

  @Test
  void quantizesOnceAndAgainWhereAnythingChanged() throws Exception {
    String mode = "--mode int8";
    String calibrate = "--calibrate " + data + "?scale=1/16";
    build(mode, calibrate);
    assertThat(Files.size(output)).isBetween(10_000L, Files.size(model) / 2);
    assertThat(writes(mode, calibrate)).isFalse();

    age(model);
    assertThat(writes(mode, calibrate)).as("another model").isTrue();
    age(data);
    assertThat(writes(mode, calibrate)).as("other data").isTrue();
    assertThat(writes(mode, calibrate, "--strict")).as("another option").isTrue();
    age(output);
    assertThat(writes(mode, calibrate, "--strict")).as("a result of someone else").isTrue();
    Files.delete(output);
    build(mode, calibrate, "--strict");
    assertThat(output).exists();
    assertThat(writes(mode, calibrate, "--strict")).isFalse();
  }

  @Test
  void failsWithTheLineOfTheCommand() {
    assertThatThrownBy(() -> build("--mode int9"))
        .isInstanceOf(MojoFailureException.class)
        .hasMessageContaining("int9")
        .hasMessageStartingWith("narrow: ");
    assertThat(output).doesNotExist();
    assertThatThrownBy(() -> build("mode int8"))
        .isInstanceOf(MojoFailureException.class)
        .hasMessage("<option>mode int8</option>: does not begin with --");
  }

  @Test
  void refusesModelsThatWouldBecomeOneFile() throws IOException {
    Files.copy(model, model.resolveSibling("digits.h5"));
    assertThatThrownBy(this::build)
        .isInstanceOf(MojoFailureException.class)
        .hasMessageContaining("would both become");
  }

  @Test
  void refusesAFolderWithoutModels() throws IOException {
    Files.delete(model);
    assertThatThrownBy(this::build)
        .isInstanceOf(MojoFailureException.class)
        .hasMessageContaining("no file like **.tflite");
  }
}
