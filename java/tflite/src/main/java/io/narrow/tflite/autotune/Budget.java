package io.narrow.tflite.autotune;

import io.narrow.tflite.NarrowException;
import java.util.Locale;

/**
 * What a file may cost, or has to reach; of all files that keep to it the best in every other
 * respect is looked for.
 *
 * @param measure what is limited
 * @param limit in the unit of the measure
 */
public record Budget(Measure measure, double limit) {
  /** What can be limited. */
  public enum Measure {
    /** Largest file, in bytes; the most accurate one is looked for. */
    BYTES,
    /**
     * Largest drop of accuracy, a share of the labelled samples; without labels the share of the
     * samples with another class. The smallest file is looked for.
     */
    DROP,
    /** Least ratio of signal to quantization noise, in dB; the smallest file is looked for. */
    SQNR,
    /** Longest run, as median of all, in milliseconds; the most accurate file is looked for. */
    LATENCY
  }

  public Budget {
    boolean positive = measure == Measure.DROP ? limit >= 0 : limit > 0;
    if (measure == Measure.SQNR ? !Double.isFinite(limit) : !positive) {
      throw NarrowException.input(
          "budget: "
              + limit
              + (measure == Measure.SQNR
                  ? " dB is not finite"
                  : measure == Measure.DROP ? " is below 0" : " is not above 0"));
    }
  }

  /** Files of at most so many bytes. */
  public static Budget bytes(long most) {
    return new Budget(Measure.BYTES, most);
  }

  /** Files whose accuracy is at most so much below the model's. */
  public static Budget drop(double most) {
    return new Budget(Measure.DROP, most);
  }

  /** Files with at least so many decibels. */
  public static Budget sqnr(double least) {
    return new Budget(Measure.SQNR, least);
  }

  /** Files that run in at most so many milliseconds, on the machine that looks for them. */
  public static Budget latency(double most) {
    return new Budget(Measure.LATENCY, most);
  }

  /** Whether a file keeps to it. */
  public boolean met(Trial trial) {
    return measure == Measure.SQNR ? value(trial) >= limit : value(trial) <= limit;
  }

  /** What is limited, of a file. */
  double value(Trial trial) {
    return switch (measure) {
      case BYTES -> trial.bytes();
      case DROP -> trial.drop();
      case SQNR -> trial.sqnrDb();
      case LATENCY -> trial.latencyMillis();
    };
  }

  /** Whether files are to be small where they keep to it, and not as accurate as possible. */
  boolean wantsSmall() {
    return measure == Measure.DROP || measure == Measure.SQNR;
  }

  /** Whether the first of two files is the better one; one that keeps to it always is. */
  boolean prefers(Trial first, Trial second) {
    if (met(first) != met(second)) {
      return met(first);
    }
    if (!met(first)) {
      return measure == Measure.SQNR ? value(first) > value(second) : value(first) < value(second);
    }
    if (wantsSmall() && first.bytes() != second.bytes()) {
      return first.bytes() < second.bytes();
    }
    return first.sqnrDb() > second.sqnrDb()
        || first.sqnrDb() == second.sqnrDb() && first.bytes() < second.bytes();
  }

  /** What a file has of what is limited, in words. */
  String words(Trial trial) {
    return words(value(trial));
  }

  private String words(double value) {
    return switch (measure) {
      case BYTES -> String.format(Locale.ROOT, "%,d bytes", (long) value);
      case DROP -> String.format(Locale.ROOT, "a drop of %.4f", value);
      case SQNR -> String.format(Locale.ROOT, "%.2f dB", value);
      case LATENCY -> String.format(Locale.ROOT, "%.3f ms", value);
    };
  }

  /** That nothing keeps to it, and what comes nearest. */
  NarrowException unreachable(String model, Trial nearest) {
    String least = measure == Measure.SQNR ? "most" : "least";
    return NarrowException.unsupported(
        model
            + ": no mix keeps to "
            + this
            + "; the "
            + least
            + " that was reached is "
            + words(nearest)
            + " ("
            + nearest.name()
            + ")");
  }

  @Override
  public String toString() {
    return (measure == Measure.SQNR ? "at least " : "at most ") + words(limit);
  }
}
