package io.narrow.report;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.narrow.tflite.fold.Fold;
import io.narrow.tflite.model.Buffer;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import java.nio.ByteBuffer;
import java.util.Optional;

/**
 * How often a constant has which values.
 *
 * @param min smallest finite value
 * @param max largest finite value
 * @param counts in bins of equal width from the smallest to the largest
 * @param notFinite how many values are NaN or infinite
 * @param clipped share of the values that a plan would clip
 */
record ConstantHistogram(
    double min, double max, long[] counts, long notFinite, double clipped, Held held) {
  static final int BINS = 48;

  private static final int FEWEST = 2;

  /** The values of a constant, by number. */
  private interface Values {
    double at(int element);
  }

  /** Empty where there is nothing to see: of single values, and of what is no number. */
  static Optional<ConstantHistogram> of(Model model, Tensor tensor, Held held) {
    if (tensor.elements() < FEWEST || tensor.elements() > Integer.MAX_VALUE) {
      return Optional.empty();
    }
    return values(model, tensor).map(values -> count(values, (int) tensor.elements(), held));
  }

  private static Optional<Values> values(Model model, Tensor tensor) {
    Optional<Buffer> reals = Fold.values(model, tensor);
    if (reals.isPresent()) {
      ByteBuffer floats = reals.get().bytes();
      return floats.remaining() == tensor.elements() * Float.BYTES
          ? Optional.of(element -> floats.getFloat(Float.BYTES * element))
          : Optional.empty();
    }
    ByteBuffer stored = model.contents(tensor);
    if (tensor.isEncoded() || stored.remaining() != tensor.type().bytes(tensor.elements())) {
      return Optional.empty();
    }
    if (tensor.type() == TensorType.INT64) {
      return Optional.of(element -> stored.getLong(Long.BYTES * element));
    }
    if (tensor.type() != TensorType.INT32) {
      return Optional.empty();
    }
    // Biases have a scale as well.
    float[] scales = tensor.isAffine() ? tensor.scales() : new float[] {1};
    long inner = scales.length == 1 ? 1 : Math.max(1, tensor.inner(tensor.quantizedDimension()));
    return Optional.of(
        element ->
            stored.getInt(Integer.BYTES * element)
                * (double) scales[(int) (element / inner % scales.length)]);
  }

  private static ConstantHistogram count(Values values, int elements, Held held) {
    double min = Double.POSITIVE_INFINITY;
    double max = Double.NEGATIVE_INFINITY;
    long notFinite = 0;
    long beyond = 0;
    for (int i = 0; i < elements; i++) {
      double value = values.at(i);
      if (Double.isFinite(value)) {
        min = Math.min(min, value);
        max = Math.max(max, value);
        beyond += held.chosen() && held.clips(value, i) ? 1 : 0;
      } else {
        notFinite++;
      }
    }
    long[] counts = new long[min < max ? BINS : min == max ? 1 : 0];
    for (int i = 0; counts.length > 0 && i < elements; i++) {
      double value = values.at(i);
      if (Double.isFinite(value)) {
        int bin = counts.length == 1 ? 0 : (int) ((value - min) / (max - min) * counts.length);
        counts[Math.min(bin, counts.length - 1)]++;
      }
    }
    return new ConstantHistogram(min, max, counts, notFinite, (double) beyond / elements, held);
  }

  void addTo(JsonObject entry) {
    if (counts.length > 0) {
      JsonArray range = new JsonArray();
      range.add((float) min);
      range.add((float) max);
      entry.add("range", range);
      add(entry, min, max, counts);
    }
    if (notFinite > 0) {
      entry.addProperty("not_finite", notFinite);
    }
    held.addTo(entry);
    if (held.chosen()) {
      entry.addProperty("clipped", clipped);
    }
  }

  static void add(JsonObject entry, double low, double high, long[] counts) {
    JsonObject histogram = new JsonObject();
    histogram.addProperty("low", (float) low);
    histogram.addProperty("high", (float) high);
    JsonArray array = new JsonArray();
    for (long count : counts) {
      array.add(count);
    }
    histogram.add("counts", array);
    entry.add("histogram", histogram);
  }
}
