package io.narrow.tflite.model;

import io.narrow.tflite.schema.Table;
import io.narrow.tflite.schema.TableReader;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * What a model's publisher says of an input that takes pictures: values of 0 to 255 become {@code
 * (x - mean) / std}. From {@code NormalizationOptions} of the model's metadata (entry {@code
 * TFLITE_METADATA}, the format of TensorFlow Lite Support and MediaPipe).
 *
 * @param means one for all channels, or one for each
 * @param deviations as many, or one
 */
public record Normalization(List<Float> means, List<Float> deviations) {
  private static final String ENTRY = "TFLITE_METADATA";
  private static final float WHITE = 255;

  /** Pictures that fill less of their range than this were most likely scaled otherwise. */
  private static final double LITTLE = 0.55; // just over what 0..1 is of -1..1

  /** Resampling may reach a little beyond black and white. */
  private static final double BEYOND = 1.0 / 8;

  public Normalization {
    means = List.copyOf(means);
    deviations = List.copyOf(deviations);
  }

  /**
   * Those of inputs of subgraph 0, by the numbers of their tensors; none where the metadata say
   * nothing, or are damaged.
   */
  static Map<Integer, Normalization> of(Model model) {
    Map<Integer, Normalization> known = new LinkedHashMap<>();
    Integer buffer = model.metadata().get(ENTRY);
    List<Table> inputs = buffer == null ? List.of() : inputs(model.buffer(buffer));
    int[] tensors = model.subgraphs().get(0).inputs();
    for (int place = 0; place < Math.min(tensors.length, inputs.size()); place++) {
      int tensor = tensors[place];
      of(inputs.get(place)).ifPresent(found -> known.put(tensor, found));
    }
    return known;
  }

  private static Optional<Normalization> of(Table input) {
    return Stream.of(input)
        .filter(Normalization::isPicture)
        .flatMap(picture -> picture.tables("process_units").stream())
        .flatMap(unit -> unit.table("options").stream())
        .filter(options -> options.type().name().equals("NormalizationOptions"))
        .map(options -> new Normalization(list(options, "mean"), list(options, "std")))
        .filter(Normalization::isWhole)
        .findFirst();
  }

  private static List<Table> inputs(ByteBuffer metadata) {
    try {
      return new TableReader(metadata)
          .root("ModelMetadata").tables("subgraph_metadata").stream()
              .limit(1)
              .flatMap(graph -> graph.tables("input_tensor_metadata").stream())
              .toList();
    } catch (TableReader.MalformedException e) {
      return List.of(); // of no use to what runs the model either, which does not look at it
    }
  }

  private static boolean isPicture(Table input) {
    return input.table("content").stream()
        .flatMap(content -> content.table("content_properties").stream())
        .anyMatch(properties -> properties.type().name().equals("ImageProperties"));
  }

  private static List<Float> list(Table options, String field) {
    float[] values = options.floats(field);
    return IntStream.range(0, values.length).mapToObj(i -> values[i]).toList();
  }

  private boolean isWhole() {
    boolean fits = means.size() == deviations.size() || means.size() == 1 || deviations.size() == 1;
    return fits
        && !means.isEmpty()
        && !deviations.isEmpty()
        && means.stream().allMatch(mean -> Float.isFinite(mean))
        && deviations.stream().allMatch(std -> std > 0 && Float.isFinite(std));
  }

  /** What black becomes, in the channel where that is least. */
  public float lowest() {
    return extreme(0, -1);
  }

  /** What white becomes, in the channel where that is most. */
  public float highest() {
    return extreme(WHITE, 1);
  }

  private float extreme(float value, int sign) {
    float most = Float.NEGATIVE_INFINITY;
    for (int i = 0; i < Math.max(means.size(), deviations.size()); i++) {
      float mean = means.get(means.size() == 1 ? 0 : i);
      float std = deviations.get(deviations.size() == 1 ? 0 : i);
      most = Math.max(most, sign * (value - mean) / std);
    }
    return sign * most;
  }

  /** Whether pictures scaled as this says may reach from one value to another. */
  public boolean admits(double min, double max) {
    double span = (double) highest() - lowest();
    return min >= lowest() - BEYOND * span
        && max <= highest() + BEYOND * span
        && max - min >= LITTLE * span;
  }

  /** As options of data name it: {@code mean=127.5&std=127.5}. */
  public String options() {
    return "mean=" + text(means) + "&std=" + text(deviations);
  }

  /** What it says, with what becomes of black and white. */
  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "published for pictures of 0 to 255 with %s, which is %.4g to %.4g",
        options(),
        lowest(),
        highest());
  }

  private static String text(List<Float> values) {
    return values.stream()
        .map(v -> new BigDecimal(v.toString()).stripTrailingZeros().toPlainString())
        .collect(Collectors.joining(","));
  }
}
