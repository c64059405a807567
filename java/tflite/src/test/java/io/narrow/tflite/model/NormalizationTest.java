package io.narrow.tflite.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.narrow.tflite.Shared;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NormalizationTest {
  private static final String PICTURE = PublishedModel.PICTURE;

  private static Optional<Normalization> of(Model model, int input) {
    return Optional.ofNullable(model.normalizations().get(input));
  }

  @Test
  void isThatOfTheInput() {
    Model model =
        PublishedModel.of(
            PICTURE, new float[] {123.675f, 116.28f, 103.53f}, new float[] {58.395f, 57.12f, 57});
    assertThat(of(model, 0)).isEmpty();
    assertThat(of(model, 2)).isEmpty();
    Normalization found = of(model, 1).orElseThrow();
    assertThat(found.options()).isEqualTo("mean=123.675,116.28,103.53&std=58.395,57.12,57");
    assertThat(found.lowest()).isEqualTo(-123.675f / 58.395f);
    assertThat(found.highest()).isEqualTo((255 - 103.53f) / 57);
  }

  @ParameterizedTest
  @CsvSource({
    "-1, 1, true",
    "-1.1, 1.1, true", // of bicubic resampling
    "-.9, .6, true", // dull pictures
    "0, 255, false",
    "0, 1, false",
    "-.004, .004, false", // scaled twice
    "-2.1, 2.6, false", // with the numbers of another model
  })
  void tellsPicturesThatAreScaledOtherwise(double min, double max, boolean admitted) {
    Normalization bytes = new Normalization(List.of(127.5f), List.of(127.5f));
    assertThat(bytes.admits(min, max)).isEqualTo(admitted);
  }

  @Test
  void whatIsNoPictureOrDamagedIsPassedOver() {
    float[] one = {1};
    assertThat(of(PublishedModel.of("FeatureProperties", one, one), 1)).isEmpty();
    assertThat(of(PublishedModel.of(PICTURE, new float[0], one), 1)).isEmpty();
    assertThat(of(PublishedModel.of(PICTURE, new float[2], new float[] {1, 1, 1}), 1)).isEmpty();
    assertThat(of(PublishedModel.of(PICTURE, one, new float[1]), 1)).isEmpty(); // 0
    assertThat(of(PublishedModel.of(PICTURE, new float[] {Float.NaN}, one), 1)).isEmpty();
    Model model = PublishedModel.of(PICTURE, one, one);
    assertThat(of(model, 1)).isPresent();
    ByteBuffer whole = model.buffer(model.metadata().get("TFLITE_METADATA"));
    for (int size = 0; size < whole.remaining(); size += 7) {
      ByteBuffer cut = ByteBuffer.allocate(size).put(whole.slice(0, size)).flip();
      model.withMetadata("TFLITE_METADATA", cut).normalizations();
    }
  }

  @ParameterizedTest
  @CsvSource({"mobilenet_v1_025_224_f32_metadata", "deeplabv3_metadata"})
  void publishedModelsHaveIt(String name) {
    Model model = Model.read(Shared.file("models/zoo/" + name + ".tflite"));
    int input = model.subgraphs().get(0).inputs()[0];
    assertThat(of(model, input).orElseThrow().options()).isEqualTo("mean=127.5&std=127.5");
  }
}
