package io.narrow.tflite.calibration;

import io.narrow.tflite.NarrowException;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * How a range for 8-bit codes is chosen from what was seen of a tensor. All but the first two are
 * computed from its {@link Histogram}, so that their bounds are exact to one bin, a 1024th of the
 * range or less. None gives a range beyond the smallest and largest value.
 *
 * @param kind the method
 * @param parameter its parameter, {@link Kind#usual} for methods that have none
 */
public record RangeMethod(Kind kind, double parameter) {
  /** The methods. */
  public enum Kind {
    /**
     * {@link #MSE} for 8-bit codes where there are histograms, but {@link #MINMAX} for what a
     * softmax or a choice of the largest reads, where large values count most, and for 16 bits,
     * which leave nothing to gain by cutting values off.
     */
    AUTO("auto", Double.NaN, Double.NaN, Double.NaN),
    /** The smallest and the largest value. */
    MINMAX("minmax", Double.NaN, Double.NaN, Double.NaN),
    /**
     * The exponential moving average of each sample's smallest and largest value, {@code factor *
     * old + (1 - factor) * new} in float32, as ai-edge-quantizer has it by default. The only method
     * that depends on the order of the samples, and one for which statistics have to be collected:
     * {@link Calibrator.Options#withMethod}.
     */
    MOVING_AVERAGE("moving-average", 0.95, 0, 1),
    /**
     * The range that so many percent of all values lie in, the rest cut off in equal parts below
     * and above.
     */
    PERCENTILE("percentile", 99.99, 50, 100),
    /**
     * Cut off at the distance from zero at which the distribution of the values and that of their
     * 256 codes have the least divergence of Kullback and Leibler, values next to zero excepted,
     * which have a code of their own (Migacz, "8-bit inference with TensorRT", 2017).
     */
    ENTROPY("entropy", Double.NaN, Double.NaN, Double.NaN),
    /**
     * The range of the least mean squared error: that of the values cut off plus a twelfth of the
     * squared step for the others, those next to zero excepted, which have a code of their own.
     */
    MSE("mse", Double.NaN, Double.NaN, Double.NaN);

    private final String title;
    private final double usual;
    private final double least;
    private final double most;

    Kind(String title, double usual, double least, double most) {
      this.title = title;
      this.usual = usual;
      this.least = least;
      this.most = most;
    }

    /** The parameter where none is given; NaN if the method has none. */
    public double usual() {
      return usual;
    }

    private boolean hasParameter() {
      return !Double.isNaN(usual);
    }

    private boolean allows(double parameter) {
      return hasParameter() ? parameter >= least && parameter <= most : Double.isNaN(parameter);
    }
  }

  public static final RangeMethod AUTO = of(Kind.AUTO);
  public static final RangeMethod MINMAX = of(Kind.MINMAX);
  public static final RangeMethod MOVING_AVERAGE = of(Kind.MOVING_AVERAGE);
  public static final RangeMethod PERCENTILE = of(Kind.PERCENTILE);
  public static final RangeMethod ENTROPY = of(Kind.ENTROPY);
  public static final RangeMethod MSE = of(Kind.MSE);

  public RangeMethod {
    if (!kind.allows(parameter)) {
      throw NarrowException.input(
          "range method "
              + kind.title
              + (kind.hasParameter()
                  ? ": " + parameter + " is not within " + kind.least + " and " + kind.most
                  : " has no parameter"));
    }
  }

  private static RangeMethod of(Kind kind) {
    return new RangeMethod(kind, kind.usual);
  }

  /**
   * @param percent how many percent of the values are to lie in the range, 50 to 100
   */
  public static RangeMethod percentile(double percent) {
    return new RangeMethod(Kind.PERCENTILE, percent);
  }

  /**
   * @param factor weight of the samples before, 0 to 1
   */
  public static RangeMethod movingAverage(double factor) {
    return new RangeMethod(Kind.MOVING_AVERAGE, factor);
  }

  /**
   * A method by its name: {@code auto}, {@code minmax}, {@code moving-average}, {@code percentile},
   * {@code entropy}, {@code mse}; two also with a parameter, {@code percentile:99.9}.
   *
   * @throws NarrowException if it is none of these
   */
  public static RangeMethod parse(String text) {
    String[] parts = text.toLowerCase(Locale.ROOT).split(":", 2);
    for (Kind kind : Kind.values()) {
      if (kind.title.equals(parts[0])) {
        return parts.length == 1 ? of(kind) : new RangeMethod(kind, number(text, parts[1]));
      }
    }
    throw NarrowException.input(
        "range method `"
            + text
            + "`: there are "
            + Arrays.stream(Kind.values()).map(k -> k.title).collect(Collectors.joining(", ")));
  }

  private static double number(String text, String parameter) {
    try {
      return Double.parseDouble(parameter);
    } catch (NumberFormatException e) {
      throw NarrowException.input("range method `" + text + "`: not a number: " + parameter);
    }
  }

  /** The name as {@link #parse} takes it. */
  @Override
  public String toString() {
    return parameter == kind.usual || !kind.hasParameter()
        ? kind.title
        : kind.title + ":" + parameter;
  }
}
