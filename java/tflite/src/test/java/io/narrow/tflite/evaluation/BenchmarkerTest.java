package io.narrow.tflite.evaluation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.narrow.tflite.Examples;
import io.narrow.tflite.NarrowException;
import io.narrow.tflite.Progress;
import io.narrow.tflite.Quantizer;
import io.narrow.tflite.Shared;
import io.narrow.tflite.data.Dataset;
import io.narrow.tflite.data.Datasets;
import io.narrow.tflite.evaluation.Benchmarker.Options;
import io.narrow.tflite.evaluation.Benchmarker.Phase;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.plan.Preference;
import io.narrow.tflite.plan.Recipe;
import io.narrow.tflite.runtime.Interpreter;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** No test here says how long anything takes. */
class BenchmarkerTest {
  private static final Path DIGITS = Examples.DIGITS;

  @TempDir private Path folder;

  private static Options few(boolean xnnpack, boolean profile) {
    return new Options(
        Dataset.open("random:2"),
        1,
        xnnpack,
        new Phase(2, 0),
        new Phase(5, 0),
        100,
        profile,
        Progress.NONE);
  }

  private Path quantized(String name, Recipe recipe) {
    Path file = folder.resolve(name + ".tflite");
    Quantizer.DEFAULT
        .withData(Datasets.of(Dataset.open("random:4")))
        .quantize(Model.read(DIGITS), recipe)
        .write(file);
    return file;
  }

  private static Benchmark one(Path file, Options options) {
    return Benchmarker.run(List.of(file), options).get(0);
  }

  @Test
  void everyRunIsCountedAndNoneOfTheWarmUp() {
    Benchmark result = one(DIGITS, few(true, false));
    assertThat(result.inference().runs()).isEqualTo(5);
    assertThat(result.runMillis()).hasSize(5);
    assertThat(result.warmUp().runs()).isEqualTo(2);
    assertThat(result.profile()).isEmpty();
  }

  @Test
  void phaseLastsForItsSecondsAndEndsAtTheMaximum() {
    Options seconds =
        new Options(
            Dataset.open("random:1"),
            1,
            true,
            new Phase(1, 0),
            new Phase(1, 0.05),
            100,
            false,
            Progress.NONE);
    Benchmark result = one(DIGITS, seconds);
    assertThat(result.runMillis().stream().mapToDouble(Double::doubleValue).sum())
        .isGreaterThanOrEqualTo(50);
    Options none =
        new Options(
            seconds.data(), 1, true, new Phase(9, 9), new Phase(9, 9), 0, false, Progress.NONE);
    assertThat(one(DIGITS, none).inference().runs()).isEqualTo(1);
  }

  @Test
  void builtInKernelsAreTheOperatorsOfTheFileInItsOrder() {
    Benchmark result = one(DIGITS, few(false, true));
    List<String> names =
        Model.read(DIGITS).subgraphs().get(0).operators().stream().map(o -> o.name()).toList();
    assertThat(result.profile()).extracting(Benchmark.Time::kernel).isEqualTo(names);
    for (int o = 0; o < names.size(); o++) {
      assertThat(result.profile().get(o).operator()).isEqualTo(o);
      assertThat(result.profile().get(o).calls()).isEqualTo(1);
    }
    assertThat(result.left()).hasSize(names.size());
    assertThat(result.left())
        .extracting(Benchmark.Left::reason)
        .containsOnly("XNNPACK is switched off");
  }

  @Test
  void whatXnnpackTakesIsInTheProfileByTheKindsOfTheFile() {
    Path file = quantized("int8", Recipe.int8());
    Benchmark result = one(file, few(true, true));
    try (Interpreter interpreter = Interpreter.open(file, Interpreter.Options.DEFAULT)) {
      assertThat(result.taken())
          .isEqualTo(interpreter.delegated().stream().mapToInt(List::size).sum());
      assertThat(result.parts()).isEqualTo(interpreter.delegated().size());
    }
    List<String> kinds =
        Model.read(file).subgraphs().get(0).operators().stream().map(o -> o.name()).toList();
    assertThat(result.profile()).extracting(Benchmark.Time::kind).allMatch(kinds::contains);
    assertThat(result.profile().stream().filter(t -> !t.xnnpack()).map(t -> t.operator()))
        .isEqualTo(result.left().stream().map(Benchmark.Left::operator).toList());
    // several kernels may compute one operator, or none, but each convolution has its own
    for (String kind : List.of("CONV_2D", "DEPTHWISE_CONV_2D")) {
      assertThat(
              result.profile().stream()
                  .filter(t -> t.kind().equals(kind) && !t.kernel().startsWith("Clamp")))
          .hasSize((int) kinds.stream().filter(kind::equals).count());
    }
  }

  @Test
  void sixteenBitActivationsAndFourBitFiltersAreNamed() {
    Benchmark wide = one(quantized("int16", Recipe.int16x8()), few(true, false));
    assertThat(wide.left())
        .filteredOn(left -> left.name().equals("CONV_2D"))
        .isNotEmpty()
        .allMatch(left -> left.reason().equals("no kernels for int16 activations"));
    Recipe four = Recipe.dynamic().withBits(4).withPreference(Preference.SIZE);
    Benchmark narrow = one(quantized("int4", four), few(true, false));
    assertThat(narrow.left())
        .filteredOn(left -> left.name().equals("CONV_2D"))
        .isNotEmpty()
        .allMatch(left -> left.reason().equals("no kernels for int4 filters"));
  }

  @Test
  void weightsMadeFloatOutsideXnnpackAreNamed() {
    Recipe stored = Recipe.weightOnly(4);
    Benchmark result = one(quantized("stored", stored), few(true, false));
    assertThat(result.left())
        .filteredOn(left -> left.name().equals("CONV_2D"))
        .isNotEmpty()
        .allMatch(left -> left.reason().startsWith("its weights are made float32 by a DEQUANTIZE"));
    assertThat(result.left())
        .filteredOn(left -> left.name().equals("DEQUANTIZE"))
        .isNotEmpty()
        .allMatch(left -> left.reason().equals("no kernels for int4 constants"));
  }

  @Test
  void differenceNamesWhatRunsOutsideXnnpackAndHowMany() {
    Path wide = quantized("wide", Recipe.int16x8());
    List<Benchmark> results = Benchmarker.run(List.of(DIGITS, wide), few(true, true));
    SpeedDifference difference = SpeedDifference.of(results.get(0), results.get(1));
    assertThat(difference.kinds()).extracting(k -> k.kind()).contains("CONV_2D");
    long convolutions =
        results.get(1).left().stream().filter(left -> left.name().equals("CONV_2D")).count();
    assertThat(difference.causes().get(0))
        .contains(convolutions + " CONV_2D")
        .contains("run outside XNNPACK: no kernels for int16 activations");
    // what is different is the same, whichever comes first
    SpeedDifference reversed = SpeedDifference.of(results.get(1), results.get(0));
    assertThat(reversed.causes()).isEqualTo(difference.causes());
    for (SpeedDifference.Kind kind : difference.kinds()) {
      assertThat(reversed.kinds())
          .contains(new SpeedDifference.Kind(kind.kind(), kind.secondMillis(), kind.firstMillis()));
    }
  }

  @Test
  void operatorsInTheBodyOfALoopRunOncePerTurn() {
    Benchmark result = one(Shared.file("models/zoo/gen_gru_kws_while.tflite"), few(false, true));
    assertThat(result.profile())
        .filteredOn(time -> time.kernel().equals("WHILE"))
        .hasSize(2)
        .allMatch(loop -> loop.calls() == 1);
    assertThat(result.profile())
        .filteredOn(time -> time.operator() < 0)
        .isNotEmpty()
        .allMatch(time -> time.calls() > 1);
  }

  @Test
  void percentilesAreThoseOfTheSortedTimes() {
    for (int n = 1; n < 130; n++) {
      long[] nanos = new Random(n).longs(n, 0, 50_000_000).toArray();
      Latency latency = Latency.of(nanos);
      List<Double> sorted =
          Arrays.stream(nanos).sorted().mapToObj(x -> x / 1e6).collect(Collectors.toList());
      for (double[] each :
          new double[][] {
            {5, latency.p5Millis()}, {50, latency.p50Millis()}, {95, latency.p95Millis()}
          }) {
        double value = each[1];
        long atMost = sorted.stream().filter(x -> x <= value).count();
        long below = sorted.stream().filter(x -> x < value).count();
        assertThat(100.0 * atMost / n).isGreaterThanOrEqualTo(each[0]);
        assertThat(100.0 * below / n).isLessThan(each[0]);
      }
      double mean = sorted.stream().mapToDouble(x -> x).sum() / n;
      double squares = sorted.stream().mapToDouble(x -> x * x).sum() / n;
      assertThat(latency.meanMillis()).isCloseTo(mean, within(1e-9));
      assertThat(latency.deviationMillis())
          .isCloseTo(Math.sqrt(Math.max(0, squares - mean * mean)), within(1e-5));
      assertThat(latency.minMillis()).isEqualTo(sorted.get(0));
      assertThat(latency.maxMillis()).isEqualTo(sorted.get(n - 1));
    }
  }

  @Test
  void kernelsComeInTheOrderOfTheirOperators() {
    KernelKinds kinds =
        new KernelKinds(
            List.of("CONV_2D", "DEPTHWISE_CONV_2D", "CONV_2D", "RESHAPE", "FULLY_CONNECTED"));
    assertThat(
            List.of(
                kinds.next("Fully Connected (NC, F32) GEMM"),
                kinds.next("Convolution (NHWC, F32) DWConv"),
                kinds.next("Convolution (NHWC, QC8) IGEMM"),
                kinds.next("Clamp (NC)"),
                kinds.next("Fully Connected (NC, F32) GEMM"),
                kinds.next("Nobody Knows (ND)")))
        .containsExactly(
            "CONV_2D",
            "DEPTHWISE_CONV_2D",
            "CONV_2D",
            "CONV_2D",
            "FULLY_CONNECTED",
            "Nobody Knows (ND)");
  }

  @Test
  void badOptionsAndModelsAreNamed() {
    assertThatThrownBy(() -> new Phase(0, 1)).isInstanceOf(NarrowException.class);
    assertThatThrownBy(() -> new Phase(1, Double.NaN)).hasMessageContaining("NaN");
    Path missing = folder.resolve("missing.tflite");
    assertThatThrownBy(() -> one(missing, Options.DEFAULT))
        .isInstanceOf(NarrowException.class)
        .hasMessageContaining("missing.tflite");
  }
}
