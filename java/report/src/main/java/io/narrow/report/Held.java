package io.narrow.report;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.narrow.tflite.calibration.Histogram;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.plan.Encoding;
import java.util.Arrays;

/**
 * What the codes of a tensor reach.
 *
 * @param type of the codes
 * @param scales one, one per channel or block, or none for a tensor that is not quantized
 * @param zeroPoints as many
 * @param inner neighbouring elements of one scale
 * @param chosen whether a plan chose it for other numbers, so that it may clip them
 */
record Held(TensorType type, float[] scales, long[] zeroPoints, long inner, boolean chosen) {
  private static final Held ALL = new Held(TensorType.FLOAT32, new float[0], new long[0], 1, false);

  static Held of(Tensor tensor, Encoding planned) {
    float[] scales = planned.scales();
    if (scales.length > 0) {
      long[] zeroPoints = new long[scales.length];
      Arrays.fill(zeroPoints, planned.zeroPoint());
      boolean stored = tensor.type() == planned.type(); // codes that are there already
      long inner = planned.axis() < 0 ? 1 : Math.max(1, planned.inner(tensor));
      return new Held(planned.type(), scales, zeroPoints, inner, !stored);
    }
    return tensor.isAffine() && tensor.type().bits() <= Short.SIZE
        ? new Held(
            tensor.type(),
            tensor.scales(),
            tensor.zeroPoints(),
            tensor.scales().length == 1 ? 1 : inner(tensor, tensor.quantizedDimension()),
            false)
        : ALL;
  }

  private static long inner(Tensor tensor, int axis) {
    return axis < 0 ? 1 : Math.max(1, tensor.inner(axis));
  }

  boolean isQuantized() {
    return scales.length > 0;
  }

  private double low(int channel) {
    return scales[channel] * (double) (type.smallest() - zeroPoints[channel]);
  }

  private double high(int channel) {
    return scales[channel] * (double) (type.largest() - zeroPoints[channel]);
  }

  /** Whether an element is further than half a step beyond what its channel reaches. */
  boolean clips(double value, long element) {
    int channel = (int) (element / inner % scales.length);
    double half = scales[channel] / 2.0;
    return value < low(channel) - half || value > high(channel) + half;
  }

  /** Share of values whose bin lies beyond what one scale reaches. */
  double clipped(Histogram histogram) {
    if (scales.length != 1) {
      return 0;
    }
    long beyond = 0;
    long all = 0;
    long[] counts = histogram.counts();
    for (int i = 0; i < counts.length; i++) {
      double middle = (histogram.first() + i + 0.5) * histogram.width();
      beyond += clips(middle, 0) ? counts[i] : 0;
      all += counts[i];
    }
    return all == 0 ? 0 : (double) beyond / all;
  }

  /** The widest of all channels, and the zero point where there is one. */
  void addTo(JsonObject entry) {
    if (!isQuantized()) {
      return;
    }
    double low = Double.POSITIVE_INFINITY;
    double high = Double.NEGATIVE_INFINITY;
    for (int channel = 0; channel < scales.length; channel++) {
      low = Math.min(low, low(channel));
      high = Math.max(high, high(channel));
    }
    if (!Double.isFinite(low) || !Double.isFinite(high)) {
      return;
    }
    JsonArray ends = new JsonArray();
    ends.add((float) low);
    ends.add((float) high);
    entry.add("reach", ends);
    entry.addProperty("zero_point", zeroPoints[0]);
  }
}
