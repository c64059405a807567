package io.narrow.kernels;

/** What one value of a vector becomes. */
public enum VectorFormat {
  /** Signed bytes. */
  INT8(QuantizedType.INT8, Element.BITS8),
  /** Unsigned bytes. */
  UINT8(QuantizedType.UINT8, Element.BITS8),
  /** Two values per byte, the first in the low four bits; the number of dimensions is even. */
  INT4(QuantizedType.INT4, Element.BITS4),
  /** IEEE 754 binary16, two bytes in the order of the machine. */
  FLOAT16(null, Element.BITS16),
  /** The upper half of a float32, rounded half to even, two bytes in the order of the machine. */
  BFLOAT16(null, Element.BITS16);

  private final QuantizedType type;
  private final Element element;

  VectorFormat(QuantizedType type, Element element) {
    this.type = type;
    this.element = element;
  }

  /** Whether values become integers, for which a range has to be known. */
  public boolean isInteger() {
    return type != null;
  }

  /**
   * The size of so many values in memory.
   *
   * @param values number of values, not negative
   * @return number of bytes
   */
  public long bytes(long values) {
    return element.bytes(values);
  }

  /** The integer type; only where {@link #isInteger()}. */
  QuantizedType type() {
    return type;
  }

  Element element() {
    return element;
  }
}
