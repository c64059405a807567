package io.narrow.tflite.calibration;

import static org.assertj.core.api.Assertions.assertThat;

import io.narrow.tflite.Examples;
import io.narrow.tflite.data.Dataset;
import io.narrow.tflite.data.Sample;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.runtime.Interpreter;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class FoldsTest {
  @TempDir private Path folder;

  private final Model model = Model.read(Examples.DIGITS);
  private final Dataset data = Dataset.open(Examples.DIGITS_CALIBRATION + "?scale=1/16");

  private String text(Calibration calibration) throws IOException {
    Path file = folder.resolve("calibration.json");
    calibration.write(file);
    return Files.readString(file);
  }

  private Calibration calibrate(Dataset some) {
    return Calibrator.calibrate(model, some, Calibrator.Options.DEFAULT);
  }

  @ParameterizedTest
  @ValueSource(ints = {5, 20, 60})
  void aFoldLeftOutIsACalibrationOfTheOthers(int count) throws IOException {
    Calibration calibration = calibrate(data.limit(count));
    Folds folds = calibration.folds();
    assertThat(folds.count()).isBetween(3, Folds.COUNT);
    List<List<Sample>> others = new ArrayList<>();
    for (int fold = 0; fold < folds.count(); fold++) {
      others.add(new ArrayList<>());
    }
    try (Interpreter interpreter = Interpreter.open(Examples.DIGITS, Interpreter.Options.DEFAULT)) {
      List<Sample> samples = data.samples(interpreter.inputs());
      for (int i = 0; i < count; i++) {
        data.inputs(interpreter.inputs()).write(i, interpreter);
        int own = folds.of(Folds.hash(List.of(interpreter.input(0))));
        for (int fold = 0; fold < folds.count(); fold++) {
          if (fold != own) {
            others.get(fold).add(samples.get(i));
          }
        }
      }
    }
    for (int fold = 0; fold < folds.count(); fold++) {
      Calibration without = folds.without(fold);
      assertThat(without.samples()).isEqualTo(others.get(fold).size()).isLessThan(count);
      assertThat(text(without)).isEqualTo(text(calibrate(Dataset.of(others.get(fold)))));
    }
  }

  @Test
  void whatIsReadOrMergedHasNone() {
    Calibration calibration = calibrate(data.limit(20));
    Path file = folder.resolve("saved.json");
    calibration.write(file);
    Calibration read = Calibration.read(file, model);
    Calibration merged = calibration.merge(calibrate(data.skip(20).limit(20)));
    for (Calibration each : List.of(read, merged)) {
      assertThat(each.folds().count()).isZero();
      assertThat(each.withHeadroom()).isSameAs(each);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "4, 20, 32",
    "32, 128, 32",
    "33, 20, 8",
    "4, 1000, 4",
    "4, 1025, 1",
    "64, 20, 8",
    "65, 20, 1"
  })
  void partsAreAsManyAsSamplesNeedAndMemoryAllows(int samples, int activations, int parts) {
    assertThat(Parts.of(samples, activations)).isEqualTo(new Parts(parts));
  }

  @Test
  void aPartIsThatOfTheContents() {
    Parts parts = new Parts(32);
    ByteBuffer one = ByteBuffer.allocateDirect(8).putInt(0, 5);
    ByteBuffer same = ByteBuffer.allocateDirect(8).putInt(0, 5);
    assertThat(parts.of(List.of(one))).isEqualTo(parts.of(List.of(same))).isBetween(0, 31);
    assertThat(one.remaining()).isEqualTo(8);
    assertThat(Parts.hash(List.of(one, same))).isNotEqualTo(Parts.hash(List.of(one)));
  }
}
