package io.narrow.tflite.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.narrow.tflite.Examples;
import io.narrow.tflite.NarrowException;
import io.narrow.tflite.Quantizer;
import io.narrow.tflite.evaluation.Evaluation;
import io.narrow.tflite.evaluation.Evaluator;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.plan.Recipe;
import io.narrow.tflite.runtime.TensorInfo;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class SamplesInMemoryTest extends DataTest {
  private static final TensorInfo INPUT = floats(1, 2);

  private static Sample sample(float first, int label) {
    return new Sample(List.of(NdArray.of(new float[] {first, 2}, 1, 2)), label);
  }

  private static Dataset copied(Dataset file) {
    List<Sample> samples = new ArrayList<>();
    file.feed(List.of(floats(1, 8, 8, 1))).forEach(samples::add);
    return Dataset.of(samples.stream());
  }

  /** The bytes and the figures that the file gives whose samples they are. */
  @Test
  void areAsGoodAsAFile() {
    Model model = Model.read(Examples.DIGITS);
    Dataset file = Dataset.open(Examples.DIGITS_CALIBRATION + "?scale=1/16").limit(20);
    Quantizer quantizer = Quantizer.DEFAULT;
    assertThat(quantizer.withData(Datasets.of(copied(file))).quantize(model, Recipe.int8()).bytes())
        .isEqualTo(quantizer.withData(Datasets.of(file)).quantize(model, Recipe.int8()).bytes());
    Dataset test = Dataset.open(Examples.DIGITS_TEST + "?scale=1/16").limit(40);
    Evaluation inMemory = evaluate(copied(test));
    assertThat(inMemory.samples()).isEqualTo(40);
    assertThat(inMemory.accuracy()).isEqualTo(evaluate(test).accuracy());
  }

  private static Evaluation evaluate(Dataset data) {
    return Evaluator.evaluate(List.of(Examples.DIGITS), data, Evaluator.Options.DEFAULT).get(0);
  }

  @Test
  void areReadAgainAndInParts() {
    Dataset data = Dataset.of(Stream.of(sample(1, 0), sample(3, 7), sample(5, Sample.NO_LABEL)));
    for (int i = 0; i < 2; i++) {
      Feed feed = data.skip(1).limit(1).feed(List.of(INPUT));
      assertThat(values(feed, 0)).containsExactly(3, 2);
      assertThat(feed.get(0).label()).isEqualTo(7);
    }
    assertThat(data.feed(List.of(INPUT)).get(2).label()).isEqualTo(Sample.NO_LABEL);
  }

  /** Two inputs of one shape are told by their place. */
  @Test
  void feedInputsInTheirOrder() {
    NdArray first = NdArray.of(new float[] {1, 2}, 1, 2);
    NdArray second = NdArray.of(new long[] {3, 4}, 1, 2);
    Feed feed =
        Dataset.of(List.of(new Sample(List.of(first, second), Sample.NO_LABEL)))
            .feed(List.of(INPUT, input(TensorType.INT32, 1, 2)));
    assertThat(feed.get(0).inputs().get(0).get(1)).isEqualTo(2);
    assertThat(feed.get(0).inputs().get(1).get(1)).isEqualTo(4);
  }

  @Test
  void areRefusedInALine() {
    assertThatThrownBy(() -> Dataset.of(List.of()))
        .isInstanceOf(NarrowException.class)
        .hasMessageContaining("samples in memory")
        .hasMessageContaining("no samples");
    Sample longer = new Sample(List.of(NdArray.of(new float[3], 1, 3)), 0);
    assertThatThrownBy(() -> Dataset.of(List.of(sample(1, 0), longer)))
        .isInstanceOf(NarrowException.class)
        .hasMessageContaining("sample 1");
    assertThatThrownBy(() -> Dataset.of(List.of(longer)).feed(List.of(INPUT)))
        .isInstanceOf(NarrowException.class)
        .hasMessageContaining("input `x`");
  }
}
