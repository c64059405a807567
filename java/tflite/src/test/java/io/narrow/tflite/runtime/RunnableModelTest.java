package io.narrow.tflite.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.narrow.tflite.Examples;
import io.narrow.tflite.NarrowException;
import io.narrow.tflite.model.Model;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunnableModelTest {
  private static final String FOLDER = "java.io.tmpdir";

  private final Model model = Model.read(Examples.DIGITS);
  private final String before = System.getProperty(FOLDER);

  @TempDir private Path folder;

  @BeforeEach
  void writeHere() {
    System.setProperty(FOLDER, folder.toString());
  }

  @AfterEach
  void writeWhereOthersDo() {
    System.setProperty(FOLDER, before);
  }

  private static float[] run(RunnableModel runnable) {
    try (Interpreter interpreter = runnable.open(Interpreter.Options.DEFAULT)) {
      float[] input = new float[(int) interpreter.inputs().get(0).elements()];
      java.util.Arrays.fill(input, 0.5f);
      interpreter.write(0, FloatBuffer.wrap(input));
      interpreter.run();
      return interpreter.read(0);
    }
  }

  private List<Path> files() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.toList();
    }
  }

  @Test
  void aFileRunsAsMemoryDoesAndIsRemoved() throws IOException {
    float[] expected;
    try (RunnableModel memory = RunnableModel.of(model)) {
      expected = run(memory);
    }
    assertThat(files()).isEmpty();
    try (RunnableModel file = RunnableModel.inFile(model)) {
      assertThat(run(file)).isEqualTo(expected);
      assertThat(run(file)).isEqualTo(expected);
      assertThat(files()).hasSize(1);
      assertThat(file.size()).isEqualTo(Files.size(files().get(0)));
    }
    assertThat(files()).isEmpty();
  }

  @Test
  void aFolderThatIsNotThereIsNamed() {
    System.setProperty(FOLDER, folder.resolve("gone").toString());
    assertThatThrownBy(() -> RunnableModel.inFile(model))
        .isInstanceOf(NarrowException.class)
        .hasMessageContainingAll(model.name(), "gone (-Djava.io.tmpdir): no such file or folder");
  }
}
