package io.narrow.tflite.calibration;

import io.narrow.kernels.FloatRange;
import io.narrow.tflite.NarrowException;
import java.util.Comparator;
import java.util.Optional;

/**
 * What is known of the values of a tensor.
 *
 * @param place which tensor
 * @param name its name in the model
 * @param range smallest and largest value, not empty
 * @param histogram absent if the statistics come from a file that has none
 * @param average present if it was asked for, and all samples were seen in one order
 */
record TensorStatistics(
    Place place,
    String name,
    FloatRange range,
    Optional<Histogram> histogram,
    Optional<MovingAverage> average) {

  /**
   * A tensor of a model, or a value inside the operator that writes it.
   *
   * @param intermediate as that of {@link Activation}
   */
  record Place(int subgraph, int tensor, int intermediate) implements Comparable<Place> {
    private static final Comparator<Place> ORDER =
        Comparator.comparingInt(Place::subgraph)
            .thenComparingInt(Place::tensor)
            .thenComparingInt(Place::intermediate);

    Place(int subgraph, int tensor) {
      this(subgraph, tensor, Activation.ITSELF);
    }

    boolean isTensor() {
      return intermediate == Activation.ITSELF;
    }

    @Override
    public int compareTo(Place other) {
      return ORDER.compare(this, other);
    }
  }

  /** Of the samples of both; an average over two sequences is none. */
  TensorStatistics merge(TensorStatistics other) {
    if (!name.equals(other.name)) {
      throw NarrowException.input(
          "calibrations of different models cannot be merged: tensor "
              + place.tensor()
              + " is `"
              + name
              + "` in one, `"
              + other.name
              + "` in the other");
    }
    FloatRange both = range.merge(other.range);
    int exponent = Histogram.exponent(both.min(), both.max());
    Optional<Histogram> merged =
        histogram.flatMap(mine -> other.histogram.map(theirs -> mine.merge(theirs, exponent)));
    return new TensorStatistics(place, name, both, merged, Optional.empty());
  }

  /** As those at the same place of another subgraph. */
  TensorStatistics in(int subgraph) {
    return new TensorStatistics(
        new Place(subgraph, place.tensor(), place.intermediate()), name, range, histogram, average);
  }

  TensorStatistics withoutAverage() {
    return new TensorStatistics(place, name, range, histogram, Optional.empty());
  }

  FloatRange choose(RangeMethod method, boolean whole) {
    boolean search = method.equals(RangeMethod.AUTO) && !whole && histogram.isPresent();
    return choose(search ? RangeMethod.MSE : method);
  }

  FloatRange choose(RangeMethod method) {
    return switch (method.kind()) {
      case AUTO, MINMAX -> range;
      case MOVING_AVERAGE -> average(method).range();
      case PERCENTILE -> chooser(method).percentile(method.parameter());
      case ENTROPY -> chooser(method).entropy();
      case MSE -> chooser(method).leastSquares();
    };
  }

  private MovingAverage average(RangeMethod method) {
    return average
        .filter(a -> a.factor() == method.parameter())
        .orElseThrow(() -> missing(method, "no such average: calibrate with this method"));
  }

  private RangeChooser chooser(RangeMethod method) {
    return new RangeChooser(
        range, histogram.orElseThrow(() -> missing(method, "no histogram: calibrate again")));
  }

  private NarrowException missing(RangeMethod method, String what) {
    return NarrowException.input(
        "range method " + method + ": of tensor `" + name + "` there is " + what);
  }
}
