package io.narrow.tflite.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.narrow.tflite.Examples;
import io.narrow.tflite.NarrowException;
import io.narrow.tflite.model.ModelBuilder;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.runtime.Interpreter.Options;
import io.narrow.tflite.schema.Table;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

class IsolatedInterpreterTest {
  private static final Duration LONG = Duration.ofMinutes(2);

  @TempDir private Path folder;

  private final ModelBuilder builder = new ModelBuilder(1);

  @AfterEach
  void noProcessIsLeft() {
    assertThat(ProcessHandle.current().children().filter(ProcessHandle::isAlive))
        .as("processes that close() did not end")
        .allSatisfy(child -> child.onExit().orTimeout(1, TimeUnit.MINUTES).join());
  }

  private Path written() {
    Path file = folder.resolve("model.tflite");
    builder.build().write(file);
    return file;
  }

  @Test
  void resultsAreThoseOfThisProcess() {
    Random random = new Random(2);
    try (Interpreter here = Interpreter.open(Examples.DIGITS, Options.DEFAULT);
        IsolatedInterpreter there =
            IsolatedInterpreter.open(Examples.DIGITS, Options.DEFAULT, LONG)) {
      assertThat(there.inputs()).hasToString(here.inputs().toString());
      assertThat(there.outputs()).hasToString(here.outputs().toString());
      for (int run = 0; run < 3; run++) {
        float[] values = new float[(int) here.inputs().get(0).elements()];
        for (int i = 0; i < values.length; i++) {
          values[i] = random.nextFloat();
        }
        here.write(0, FloatBuffer.wrap(values));
        there.write(0, FloatBuffer.wrap(values));
        here.run();
        there.run();
        assertThat(there.read(0)).containsExactly(here.read(0));
        assertThat(there.output(0)).isEqualTo(here.output(0));
        there.resetVariableTensors();
      }
    }
  }

  @Test
  void optionsCross() {
    Options options = Options.DEFAULT.withXnnpack(false).withThreads(2);
    try (Interpreter here = Interpreter.open(Examples.DIGITS, options)) {
      int first = here.tensorCount() - 2;
      Options other = options.withOutputs(List.of(first));
      try (IsolatedInterpreter there = IsolatedInterpreter.open(Examples.DIGITS, other, LONG)) {
        assertThat(there.outputs().get(0)).hasToString(here.tensor(first).toString());
        there.run();
        assertThat(there.output(0).remaining())
            .isEqualTo((int) (4 * here.tensor(first).elements()));
      }
    }
    assertThatThrownBy(
            () ->
                IsolatedInterpreter.open(Examples.DIGITS, Options.DEFAULT.withProfile(true), LONG))
        .isInstanceOf(IllegalArgumentException.class);
  }

  /** The smallest integer by -1 is more than the processor can tell. */
  @Test
  @EnabledIfSystemProperty(named = "os.arch", matches = "amd64|x86_64")
  void crashIsAnExceptionAndOthersGoOn() {
    int a = builder.tensor("a", TensorType.INT32, 1);
    int b = builder.tensor("b", TensorType.INT32, 1);
    int y = builder.tensor("y", TensorType.INT32, 1);
    builder.operator("DIV", new int[] {a, b}, y).inputs(a, b).outputs(y);
    Path file = written();
    try (IsolatedInterpreter good = IsolatedInterpreter.open(file, Options.DEFAULT, LONG)) {
      try (IsolatedInterpreter bad = IsolatedInterpreter.open(file, Options.DEFAULT, LONG)) {
        bad.write(0, LongBuffer.wrap(new long[] {Integer.MIN_VALUE}));
        bad.write(1, LongBuffer.wrap(new long[] {-1}));
        assertThatThrownBy(bad::run)
            .isInstanceOf(NarrowException.class)
            .hasMessage(file + ": " + OwnProcess.CRASHED);
        assertThatThrownBy(bad::run).isInstanceOf(IllegalStateException.class);
      }
      good.write(0, LongBuffer.wrap(new long[] {12}));
      good.write(1, LongBuffer.wrap(new long[] {-4}));
      good.run();
      assertThat(good.read(0)).containsExactly(-3);
      assertThat(good.output(0).getInt()).isEqualTo(-3);
    }
    assertThat(Path.of("hs_err_pid" + ProcessHandle.current().pid() + ".log")).doesNotExist();
  }

  /** A loop whose condition always holds. */
  @Test
  void whatNeverEndsIsEnded() {
    int x = builder.tensor("x", TensorType.INT32, 1);
    int y = builder.tensor("y", TensorType.INT32, 1);
    Table loop =
        Table.of("WhileOptions").with("cond_subgraph_index", 1).with("body_subgraph_index", 2);
    builder.operator("WHILE", loop, new int[] {x}, y).inputs(x).outputs(y);
    builder.subgraph();
    int value = builder.tensor("value", TensorType.INT32, 1);
    int goesOn = builder.tensor("goesOn", TensorType.BOOL, 1);
    builder.operator("EQUAL", new int[] {value, value}, goesOn).inputs(value).outputs(goesOn);
    builder.subgraph();
    int before = builder.tensor("before", TensorType.INT32, 1);
    int after = builder.tensor("after", TensorType.INT32, 1);
    builder.operator("ABS", new int[] {before}, after).inputs(before).outputs(after);
    Path file = written();
    // Loading is not to be what takes long, on a machine with other work.
    try (IsolatedInterpreter model =
        IsolatedInterpreter.open(file, Options.DEFAULT, Duration.ofSeconds(20))) {
      assertThatThrownBy(model::run)
          .isInstanceOf(NarrowException.class)
          .hasMessage(file + ": took longer than 20000 ms, and was ended");
    }
  }

  @Test
  void whatCannotBeLoadedIsSaidAsInThisProcess() throws IOException {
    Path none = folder.resolve("none.tflite");
    Path noModel = Files.writeString(folder.resolve("no-model.tflite"), "no model at all");
    for (Path file : new Path[] {none, noModel}) {
      NarrowException here = null;
      try {
        Interpreter.open(file, Options.DEFAULT).close();
      } catch (NarrowException e) {
        here = e;
      }
      assertThat(here).isNotNull();
      assertThatThrownBy(() -> IsolatedInterpreter.open(file, Options.DEFAULT, LONG))
          .isInstanceOf(NarrowException.class)
          .hasMessage(here.getMessage())
          .extracting(e -> ((NarrowException) e).kind())
          .isEqualTo(here.kind());
    }
  }

  @Test
  void classPathWithoutNarrowIsNamed() {
    System.setProperty(IsolatedInterpreter.CLASS_PATH, folder.toString());
    try {
      assertThatThrownBy(() -> IsolatedInterpreter.open(Examples.DIGITS, Options.DEFAULT, LONG))
          .hasMessage(
              Examples.DIGITS
                  + ": no process for it can be started from this class path"
                  + " (-Dnarrow.worker.classpath)");
    } finally {
      System.clearProperty(IsolatedInterpreter.CLASS_PATH);
    }
  }

  @Test
  void closedOrNotRunIsRefused() {
    IsolatedInterpreter model = IsolatedInterpreter.open(Examples.DIGITS, Options.DEFAULT, LONG);
    assertThatThrownBy(() -> model.read(0)).hasMessageContaining("was not run yet");
    model.close();
    model.close();
    assertThatThrownBy(model::run).hasMessageContaining("is closed");
    assertThatThrownBy(model::inputs).isInstanceOf(IllegalStateException.class);
  }
}
