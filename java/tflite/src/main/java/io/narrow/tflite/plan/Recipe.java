package io.narrow.tflite.plan;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.NarrowException.Kind;
import io.narrow.tflite.model.TensorType;
import java.util.Arrays;
import java.util.stream.Collectors;

/**
 * What to make of a model: which tensors get which precision.
 *
 * @param mode how weights are stored and used
 * @param bits bits of a quantized weight: 8 or 4
 * @param minimumElements weights with fewer elements stay float ({@link Mode#DYNAMIC} only)
 * @param saturate whether values beyond the float16 range become its limits; otherwise their tensor
 *     stays float32 ({@link Mode#FLOAT16} only)
 */
public record Recipe(Mode mode, int bits, long minimumElements, boolean saturate) {
  /** The number of elements from which on the TensorFlow Lite converter quantizes a weight. */
  public static final long CONVERTER_MINIMUM_ELEMENTS = 1024;

  /** How weights are stored and used. */
  public enum Mode {
    /** Integer weights; kernels quantize their float inputs as they run. */
    DYNAMIC("dynamic"),
    /** Integer weights that become float again before they are used. */
    WEIGHT_ONLY("weight-only"),
    /** float16 weights that become float32 again before they are used. */
    FLOAT16("float16");

    private final String word;

    Mode(String word) {
      this.word = word;
    }

    /** The mode of this name, as the command line has it. */
    public static Mode of(String name) {
      for (Mode mode : values()) {
        if (mode.word.equals(name)) {
          return mode;
        }
      }
      String known = Arrays.stream(values()).map(Mode::toString).collect(Collectors.joining(", "));
      throw new NarrowException(
          Kind.INPUT, "--mode " + name + ": unknown, known modes are " + known);
    }

    @Override
    public String toString() {
      return word;
    }
  }

  public Recipe {
    if (bits != 8 && bits != 4) {
      throw new NarrowException(Kind.INPUT, "--bits " + bits + ": has to be 8 or 4");
    }
    if (minimumElements < 0) {
      throw new NarrowException(
          Kind.INPUT, "--min-elements " + minimumElements + ": has to be 0 or more");
    }
  }

  /** The recipe of a mode with its defaults. */
  public static Recipe of(Mode mode) {
    return new Recipe(mode, 8, mode == Mode.DYNAMIC ? CONVERTER_MINIMUM_ELEMENTS : 0, false);
  }

  public static Recipe dynamic() {
    return of(Mode.DYNAMIC);
  }

  public static Recipe weightOnly(int bits) {
    return of(Mode.WEIGHT_ONLY).withBits(bits);
  }

  public static Recipe float16() {
    return of(Mode.FLOAT16);
  }

  public Recipe withBits(int newBits) {
    return new Recipe(mode, newBits, minimumElements, saturate);
  }

  public Recipe withMinimumElements(long elements) {
    return new Recipe(mode, bits, elements, saturate);
  }

  public Recipe withSaturation() {
    return new Recipe(mode, bits, minimumElements, true);
  }

  /** Type of the weights where an operator takes it. */
  TensorType weightType() {
    return mode == Mode.FLOAT16
        ? TensorType.FLOAT16
        : bits == 4 ? TensorType.INT4 : TensorType.INT8;
  }

  @Override
  public String toString() {
    return mode
        + (mode == Mode.FLOAT16 ? "" : ", " + bits + " bits")
        + (minimumElements == 0 ? "" : ", from " + minimumElements + " elements on");
  }
}
