package io.narrow.tflite.plan;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.model.TensorType;

/**
 * What a rule of a recipe does to an operator.
 *
 * <p>Two that do the same are equal: what says nothing of a mode has its usual value there.
 *
 * @param mode how it computes, and how its weights are stored
 * @param bits bits of an integer weight: 8 or 4
 * @param minimumElements weights with fewer elements stay float32 ({@link Mode#DYNAMIC} and {@link
 *     Mode#WEIGHT_ONLY} only)
 * @param scales how the scales of integer weights are chosen
 * @param saturate whether values beyond the float16 range become its limits; otherwise their tensor
 *     stays float32 ({@link Mode#FLOAT16} only)
 * @param preference what counts where kernels for such weights are slower than those for float32
 * @param block elements of a row of weights that share a scale: 32, 64, 128 or 256, with 4 bits and
 *     {@link Mode#DYNAMIC}; 0 for a scale per channel
 * @param together whether codes are chosen together with the help of data, however long that takes
 */
public record OperatorConfiguration(
    Mode mode,
    int bits,
    long minimumElements,
    WeightScaling scales,
    boolean saturate,
    Preference preference,
    int block,
    boolean together) {
  /** The number of elements from which on the TensorFlow Lite converter quantizes a weight. */
  public static final long CONVERTER_MINIMUM_ELEMENTS = 1024;

  /** All stays float32. */
  public static final OperatorConfiguration FLOAT32 = of(Mode.FLOAT32);

  public OperatorConfiguration {
    if (bits != 8 && bits != 4) {
      throw NarrowException.input("bits " + bits + ": has to be 8 or 4");
    }
    if (minimumElements < 0) {
      throw NarrowException.input("minimum elements " + minimumElements + ": has to be 0 or more");
    }
    if (block != 0) {
      BlockScales.check(block, hasBlocks(mode, bits));
    }
    boolean storesIntegers = mode != Mode.FLOAT32 && mode != Mode.FLOAT16;
    bits = storesIntegers ? bits : 8;
    scales = storesIntegers ? scales : usual(mode, bits);
    minimumElements = storesIntegers && !mode.integer() ? minimumElements : 0;
    saturate &= mode == Mode.FLOAT16;
    preference = storesIntegers ? preference : Preference.USUAL;
    together &= storesIntegers;
  }

  private static boolean hasBlocks(Mode mode, int bits) {
    return mode == Mode.DYNAMIC && bits == 4;
  }

  /** Whether there are kernels for its weights with a scale per block. */
  boolean takesBlocks() {
    return hasBlocks(mode, bits);
  }

  /** The configuration of a mode with its defaults. */
  public static OperatorConfiguration of(Mode mode) {
    return new OperatorConfiguration(
        mode,
        8,
        mode == Mode.DYNAMIC ? CONVERTER_MINIMUM_ELEMENTS : 0,
        usual(mode, 8),
        false,
        Preference.USUAL,
        0,
        false);
  }

  /** How scales are chosen where nothing is said of it. */
  private static WeightScaling usual(Mode mode, int bits) {
    return mode.integer() || bits == 4 ? WeightScaling.LEAST_ERROR : WeightScaling.LARGEST;
  }

  /** With so many bits for a weight, and the scales that are usual then if they were before. */
  public OperatorConfiguration withBits(int newBits) {
    WeightScaling scaling = scales == usual(mode, bits) ? usual(mode, newBits) : scales;
    return new OperatorConfiguration(
        mode,
        newBits,
        minimumElements,
        scaling,
        saturate,
        preference,
        newBits == bits ? block : 0,
        together);
  }

  public OperatorConfiguration withMinimumElements(long elements) {
    return new OperatorConfiguration(
        mode, bits, elements, scales, saturate, preference, block, together);
  }

  public OperatorConfiguration withScales(WeightScaling scaling) {
    return new OperatorConfiguration(
        mode, bits, minimumElements, scaling, saturate, preference, block, together);
  }

  public OperatorConfiguration withSaturation() {
    return new OperatorConfiguration(
        mode, bits, minimumElements, scales, true, preference, block, together);
  }

  public OperatorConfiguration withPreference(Preference preferred) {
    return new OperatorConfiguration(
        mode, bits, minimumElements, scales, saturate, preferred, block, together);
  }

  /** With a scale for so many elements of a row, 0 for a scale per channel. */
  public OperatorConfiguration withBlock(int size) {
    return new OperatorConfiguration(
        mode, bits, minimumElements, scales, saturate, preference, size, together);
  }

  /** With codes that are chosen together, for which there have to be data. */
  public OperatorConfiguration withCodesTogether() {
    return new OperatorConfiguration(
        mode, bits, minimumElements, scales, saturate, preference, block, true);
  }

  /** With weights that become float32 before they are used. */
  OperatorConfiguration stored() {
    return new OperatorConfiguration(
        Mode.WEIGHT_ONLY, bits, minimumElements, scales, saturate, preference, 0, together);
  }

  /** Type of the weights. */
  TensorType weightType() {
    return mode == Mode.FLOAT16
        ? TensorType.FLOAT16
        : bits == 4 ? TensorType.INT4 : TensorType.INT8;
  }

  @Override
  public String toString() {
    return mode
        + (mode == Mode.FLOAT16 || mode == Mode.FLOAT32 || mode.integer() && bits == 8
            ? ""
            : ", " + bits + " bits")
        + (block == 0 ? "" : ", blocks of " + block)
        + (together ? ", rounded together" : "")
        + (scales == WeightScaling.RECOVERED ? ", recovered" : "")
        + (minimumElements == 0 ? "" : ", from " + minimumElements + " elements on")
        + (preference == Preference.USUAL ? "" : ", preferring " + preference);
  }
}
