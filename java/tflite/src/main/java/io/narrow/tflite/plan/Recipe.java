package io.narrow.tflite.plan;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.NarrowException.Kind;
import io.narrow.tflite.model.TensorType;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/**
 * What to make of a model: which tensors get which precision.
 *
 * @param mode how weights are stored and used
 * @param bits bits of a quantized weight: 8 or 4
 * @param minimumElements weights with fewer elements stay float ({@link Mode#DYNAMIC} only)
 * @param saturate whether values beyond the float16 range become its limits; otherwise their tensor
 *     stays float32 ({@link Mode#FLOAT16} only)
 * @param inputType type of the model's float inputs: float32, or an integer type of the mode's
 *     activations (uint8 beside int8)
 * @param outputType type of its float outputs, likewise
 * @param strict whether an operator that would stay float32 is an error ({@link Mode#INT8} and
 *     {@link Mode#INT16X8} only)
 */
public record Recipe(
    Mode mode,
    int bits,
    long minimumElements,
    boolean saturate,
    TensorType inputType,
    TensorType outputType,
    boolean strict) {
  /** The number of elements from which on the TensorFlow Lite converter quantizes a weight. */
  public static final long CONVERTER_MINIMUM_ELEMENTS = 1024;

  /** How weights are stored and used. */
  public enum Mode {
    /** Integer weights; kernels quantize their float inputs as they run. */
    DYNAMIC("dynamic"),
    /** Integer weights that become float again before they are used. */
    WEIGHT_ONLY("weight-only"),
    /** float16 weights that become float32 again before they are used. */
    FLOAT16("float16"),
    /** int8 weights and activations; needs the ranges of activations. */
    INT8("int8", TensorType.FLOAT32, TensorType.INT8, TensorType.UINT8),
    /** int8 weights and int16 activations; needs the ranges of activations. */
    INT16X8("int16x8", TensorType.FLOAT32, TensorType.INT16);

    private final String word;
    private final List<TensorType> boundary;

    Mode(String word) {
      this(word, TensorType.FLOAT32);
    }

    Mode(String word, TensorType... boundary) {
      this.word = word;
      this.boundary = List.of(boundary);
    }

    /** Whether activations are integers, so that their ranges have to be known. */
    public boolean integer() {
      return boundary.size() > 1;
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
    if (mode.integer() && bits != 8) {
      throw new NarrowException(Kind.INPUT, "--bits " + bits + ": mode " + mode + " has 8 only");
    }
    checkBoundary("--input-type", mode, inputType);
    checkBoundary("--output-type", mode, outputType);
    if (strict && !mode.integer()) {
      throw new NarrowException(Kind.INPUT, "--strict: only int8 and int16x8 leave no float32");
    }
  }

  /** The recipe of a mode with its defaults. */
  public static Recipe of(Mode mode) {
    return new Recipe(
        mode,
        8,
        mode == Mode.DYNAMIC ? CONVERTER_MINIMUM_ELEMENTS : 0,
        false,
        TensorType.FLOAT32,
        TensorType.FLOAT32,
        false);
  }

  public static Recipe dynamic() {
    return of(Mode.DYNAMIC);
  }

  public static Recipe weightOnly(int bits) {
    return of(Mode.WEIGHT_ONLY).withBits(bits);
  }

  public static Recipe int8() {
    return of(Mode.INT8);
  }

  public static Recipe int16x8() {
    return of(Mode.INT16X8);
  }

  public static Recipe float16() {
    return of(Mode.FLOAT16);
  }

  public Recipe withBits(int newBits) {
    return new Recipe(mode, newBits, minimumElements, saturate, inputType, outputType, strict);
  }

  public Recipe withMinimumElements(long elements) {
    return new Recipe(mode, bits, elements, saturate, inputType, outputType, strict);
  }

  public Recipe withSaturation() {
    return new Recipe(mode, bits, minimumElements, true, inputType, outputType, strict);
  }

  /** With these types of the model's float inputs and outputs. */
  public Recipe withBoundary(TensorType input, TensorType output) {
    return new Recipe(mode, bits, minimumElements, saturate, input, output, strict);
  }

  /** With an error in place of operators that stay float32. */
  public Recipe withStrict() {
    return new Recipe(mode, bits, minimumElements, saturate, inputType, outputType, true);
  }

  private static void checkBoundary(String option, Mode mode, TensorType type) {
    if (!mode.boundary.contains(type)) {
      throw new NarrowException(
          Kind.INPUT,
          option
              + " "
              + type
              + ": mode "
              + mode
              + " has "
              + mode.boundary.stream().map(TensorType::toString).collect(Collectors.joining(", ")));
    }
  }

  /** Type of the activations of a mode that has integer ones. */
  TensorType activationType() {
    return mode == Mode.INT16X8 ? TensorType.INT16 : TensorType.INT8;
  }

  /** Type of the weights where an operator takes it. */
  TensorType weightType() {
    return mode == Mode.FLOAT16
        ? TensorType.FLOAT16
        : bits == 4 ? TensorType.INT4 : TensorType.INT8;
  }

  @Override
  public String toString() {
    if (mode.integer()) {
      return mode
          + ", inputs "
          + inputType
          + ", outputs "
          + outputType
          + (strict ? ", strict" : "");
    }
    return mode
        + (mode == Mode.FLOAT16 ? "" : ", " + bits + " bits")
        + (minimumElements == 0 ? "" : ", from " + minimumElements + " elements on");
  }
}
