package io.narrow.tflite.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.runtime.TensorInfo;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The specification of data, preprocessing, and matching with a model's inputs. */
class SpecificationTest extends DataTest {
  private Path file;

  @BeforeEach
  void threeSamplesOfTwoByTwo() throws IOException {
    byte[] numbers = f4(0, 51, 102, 153, 204, 255, 1, 2, 3, 4, 5, 6);
    file = Files.write(folder.resolve("x.npy"), npy("<f4", false, "(3, 2, 2)", numbers));
  }

  @Test
  void preprocessingIsScaleThenOffsetThenMeanAndStd() {
    Feed feed = feed(file + "?scale=1/255&offset=0.5&mean=0.25,-1&std=2,1/4", floats(1, 2, 2));
    double[] got = values(feed, 0);
    double[] x = {0, 51, 102, 153};
    for (int i = 0; i < 4; i++) {
      double y = x[i] * (1.0 / 255) + 0.5;
      double expected = i % 2 == 0 ? (y - 0.25) / 2 : (y + 1) / 0.25;
      assertThat(got[i]).isCloseTo(expected, within(1e-6));
    }
    assertThat(values(feed(file + "?offset=-1", floats(2, 2)), 2)).containsExactly(2, 3, 4, 5);
    assertThat(values(feed(file + "?std=3e-1&mean=1e0", floats(2, 2)), 2)[0])
        .isCloseTo(2 / 0.3, within(1e-6));
  }

  @Test
  void badOptionsAreNamed() {
    String[][] cases = {
      {"?sclae=1", "unknown option `sclae`", "scale"},
      {"?resize=2x2", "unknown option `resize`", "format npy"},
      {"?scale", "`scale` is not of the form KEY=VALUE"},
      {"?scale=1&scale=2", "`scale` is given twice"},
      {"?scale=abc", "option `scale`", "`abc`"},
      {"?scale=1/0", "option `scale`", "`1/0`"},
      {"?scale=NaN", "option `scale`"},
      {"?std=1,0", "option `std`: 0"},
      {"?mean=1,,2", "option `mean`: ``"},
      {"?mean=1,2,3&std=1,2", "`mean` has 3 numbers, option `std` has 2"},
      {"?label-offset=1.5", "option `label-offset`", "`1.5`"},
      {"?labels=none.txt", "option `labels`", "none.txt", "no such file"},
    };
    for (String[] row : cases) {
      refused(file + row[0], row);
    }
    refused(file + "?mean=1,2,3", List.of(floats(2, 2)), "`x`", "has 2 channels, mean or std 3");
  }

  @Test
  void badPathsAndFormatsAreNamed() throws IOException {
    refused(folder + "/none.npy", "none.npy: no such file");
    refused("npy:" + folder, folder + ": a folder, not a file");
    refused("images:" + file, file + ": a file, not a folder");
    refused("images:" + folder + "/gone", "gone: no such folder");
    refused("images:" + folder, "no pictures");
    refused("mnist:" + file, "unknown format `mnist`", "cifar10, csv, idx");
    refused("npy:", "no file given");
    Path plain = Files.write(folder.resolve("plain.dat"), new byte[4]);
    refused(plain.toString(), "not plain from the name", "FORMAT:PATH");
  }

  @Test
  void shapesMayDifferInOuterOnes() {
    int[][] fitting = {{2, 2}, {1, 2, 2}, {2, 2, 1}, {1, 1, 2, 2, 1}};
    for (int[] shape : fitting) {
      assertThat(feed(file.toString(), floats(shape)).get(0).inputs().get(0).shape())
          .containsExactly(shape);
    }
    int[][] others = {{4}, {1, 4}, {2, 1, 2}, {2, 3}, {2, 2, 2}, {}};
    for (int[] shape : others) {
      refused(
          file.toString(),
          List.of(floats(shape)),
          "input `x`: got float32[2,2], want float32" + TensorInfo.shapeText(shape));
    }
  }

  @Test
  void typesAreCheckedBeforeTheFirstRun() {
    refused(
        file.toString(),
        List.of(input(TensorType.INT32, 2, 2)),
        "input `x`: got float32[2,2], want int32[2,2]");
    TensorInfo quantized = new TensorInfo("x", TensorType.INT8, new int[] {2, 2}, 0.5f, 3);
    assertThat(values(feed(file.toString(), quantized), 0)).containsExactly(0, 51, 102, 153);
    refused(file.toString(), List.of(floats(2, 2), floats(1)), "do not match the inputs");
  }

  @Test
  void notANumberIsAnErrorOfItsSample() throws IOException {
    byte[] numbers = f4(1, 2, 3, Float.NaN);
    Path bad = Files.write(folder.resolve("nan.npy"), npy("<f4", false, "(2, 2)", numbers));
    Feed feed = feed(bad.toString(), floats(1, 2));
    feed.get(0);
    assertThatThrownBy(() -> feed.get(1))
        .isInstanceOf(NarrowException.class)
        .hasMessageContainingAll("nan.npy", "sample 1, input `x`: NaN at element 1");
    refused(file + "?scale=1e308", List.of(floats(2, 2)), "sample 0", "Infinity at element 1");
  }

  @Test
  void dataCanBeLimitedAndGoneThroughTwice() {
    Dataset data = Dataset.open(file.toString());
    Feed feed = data.limit(2).feed(List.of(floats(2, 2)));
    for (int round = 0; round < 2; round++) {
      List<Sample> samples = new ArrayList<>();
      feed.forEach(samples::add);
      assertThat(samples).hasSize(2);
      assertThat(samples.get(1).inputs().get(0).get(0)).isEqualTo(204);
    }
    assertThat(data.limit(99).feed(List.of(floats(2, 2))).size()).isEqualTo(3);
    assertThatThrownBy(() -> feed.get(2)).isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> data.limit(0)).isInstanceOf(NarrowException.class);
  }

  @Test
  void aFileThatShrinksIsAnErrorAndNothingElse() throws IOException {
    Feed feed = feed(file.toString(), floats(2, 2));
    Files.write(file, new byte[10]);
    assertThatThrownBy(() -> feed.get(2))
        .isInstanceOf(NarrowException.class)
        .hasMessageContaining("x.npy: ends before byte");
  }
}
