package io.narrow.kernels;

/** The integer types a tensor of floats can be quantized to. */
public enum QuantizedType {
  /**
   * Two values per byte, as TensorFlow Lite packs them: element 0 in the low four bits, rows not
   * padded, the high four bits of the last byte 0 where the count is odd.
   */
  INT4(-8, 7, Element.BITS4),
  /** Signed bytes. */
  INT8(-128, 127, Element.BITS8),
  /** Unsigned bytes. */
  UINT8(0, 255, Element.BITS8),
  /** Signed, two bytes in the order of the machine. */
  INT16(-32768, 32767, Element.BITS16);

  private final int min;
  private final int max;
  private final Element element;

  QuantizedType(int min, int max, Element element) {
    this.min = min;
    this.max = max;
    this.element = element;
  }

  /** The smallest value of the type. */
  public int min() {
    return min;
  }

  /** The largest value of the type. */
  public int max() {
    return max;
  }

  /**
   * The size of so many values in memory.
   *
   * @param elements number of values, not negative
   * @return number of bytes
   */
  public long bytes(long elements) {
    return element.bytes(elements);
  }

  Element element() {
    return element;
  }
}
