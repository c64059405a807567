package io.narrow.tflite.plan;

import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * Why something is as it is: a code to decide and to group by, and a text to read.
 *
 * @param code the kind of reason
 * @param text the reason, in words; names of tensors stand between backquotes
 * @param names the tensors that it is about, or the kinds of operators where its code says so
 */
public record Reason(Code code, String text, List<String> names) {
  /** How many of many are named. */
  static final int FEW = 3;

  /** There is nothing to say. */
  public static final Reason NONE = new Reason(Code.NONE, "", List.of());

  /**
   * A kind of reason, with what many of the kind have in common, in words that go on "operators
   * stay float32: ".
   */
  public enum Code {
    NONE(""),

    // Why something stays float32.
    RECIPE("the recipe leaves them so"),
    NO_KERNEL("they have no integer kernel"),
    KERNEL_LIMIT("their kernels do not take what they are given"),
    NO_DATA("their ranges are not known, and there are no calibration data"),
    NOT_SEEN("calibration saw no values of what they read or write"),
    INNER("calibration cannot run them without the operator that calls them"),
    TOO_FAR("values reach so far that integers would lose all others"),
    TOO_NEAR("values reach too little for the scale of an integer"),
    NOT_FINITE("constants hold NaN or infinity"),
    SAW_NOT_FINITE("calibration saw NaN or infinity"),
    NOT_CONSTANT("what their kernels take as a constant is computed"),
    OTHER_TYPE("what they read or write is not float32"),
    NOT_READABLE("constants are sparse, empty or lie in another file"),
    STATE("they keep state that has to stay float32"),
    NEIGHBOUR("what they belong to stays float32"),
    GAINS_NOTHING("integers would gain nothing"),
    TOO_SMALL("constants are too small to gain anything"),
    NO_WEIGHT("constants are read as something else than weights"),
    NO_GRID("weights are no codes yet"),
    NEEDED_AS_FLOAT("constants are needed as float32"),
    BEYOND_FLOAT16("constants reach beyond the range of float16"),

    // Why something is stored or computed smaller, and how.
    QUANTIZED("quantized"),
    AS_ASKED("as asked"),
    FOLDED("folded"),
    SPARSE("stored sparse"),
    COMPUTED("computed from constants"),
    TRAINED("as trained"),
    NO_FAST_KERNEL("the runtime has no fast kernels"),

    // How codes of weights were chosen.
    NEAREST("rounded to the nearest code"),
    SECOND_ORDER("rounded together"),

    // How ranges were chosen.
    HEADROOM("ranges reach beyond what was seen"),
    AS_SEEN("ranges reach as far as what was seen"),

    // What is to be said of a whole plan.
    NOTHING("nothing to quantize"),
    /** Names are kinds of operators. */
    SLOW("slower than float32"),
    /** Slower than float32 because of the weights; names are kinds of operators. */
    SLOW_WEIGHTS("slower than float32"),
    /** Slower than float32 beside operators that are not; names are kinds of operators. */
    SLOW_OPERATORS("slower than float32"),
    /** Values that no code tells apart; names are the few tensors that had to be float32. */
    LOST("values are lost"),
    /** Values that no code tells apart; names are the kinds of operators that had to be float32. */
    LOST_WIDELY("values are lost"),
    /** Names are kinds of operators. */
    NEEDS_XNNPACK("only XNNPACK computes them right"),
    UNCORRECTED("biases are not corrected"),
    /** Names are inputs. */
    CONSTANT_DATA("the data say nothing"),
    /** Names are inputs. */
    SCALED_OTHERWISE("the data are not scaled as the model is published for"),
    INTEGER_ALREADY("computes in integers already");

    private final String phrase;

    Code(String phrase) {
      this.phrase = phrase;
    }

    /** What many reasons of the kind have in common, in words. */
    public String phrase() {
      return phrase;
    }

    /** As documents name it: {@code no_kernel}. */
    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  public Reason {
    names = List.copyOf(names);
  }

  /** A reason that names no tensor; none if there is no text. */
  public static Reason of(Code code, String text) {
    return text.isEmpty() ? NONE : new Reason(code, text, List.of());
  }

  /** A reason that names a tensor, with what stands before and after its name. */
  static Reason of(Code code, String before, String tensor, String after) {
    return new Reason(code, before + "`" + tensor + "`" + after, List.of(tensor));
  }

  /** The same kind of reason in other words. */
  Reason as(String newText) {
    return new Reason(code, newText, names);
  }

  /** The first few of many, and how many more there are. */
  public static String first(List<String> items) {
    return first(items, ", ");
  }

  /** As {@link #first(List)}, with another separator. */
  static String first(List<String> items, String separator) {
    int more = items.size() - FEW;
    return items.stream().limit(FEW).collect(Collectors.joining(separator))
        + (more > 0 ? " and " + more + " more" : "");
  }

  /** This one, or if it is none another. */
  Reason or(Supplier<Reason> other) {
    return isEmpty() ? other.get() : this;
  }

  /** Whether there is nothing to say. */
  public boolean isEmpty() {
    return code == Code.NONE;
  }

  @Override
  public String toString() {
    return text;
  }
}
