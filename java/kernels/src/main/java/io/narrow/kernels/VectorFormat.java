package io.narrow.kernels;

/** What one value of a vector becomes. */
public enum VectorFormat {
  /** Signed bytes. */
  INT8(QuantizedType.INT8, 8, Element.BITS8),
  /** Unsigned bytes. */
  UINT8(QuantizedType.UINT8, 8, Element.BITS8),
  /** Two values per byte, the first in the low four bits; the number of dimensions is even. */
  INT4(QuantizedType.INT4, 4, Element.BITS4),
  /** IEEE 754 binary16, two bytes in the order of the machine. */
  FLOAT16(null, 16, Element.BITS16),
  /** The upper half of a float32, rounded half to even, two bytes in the order of the machine. */
  BFLOAT16(null, 16, Element.BITS16),
  /**
   * Whether a value is above 0, eight of them per byte, the first in the highest bit, rows filled
   * up with 0 bits: {@code ubinary} of sentence-transformers.
   */
  UBINARY(null, 1, Element.BITS8),
  /** The same less 128, as a signed byte: {@code binary} of sentence-transformers. */
  BINARY(null, 1, Element.BITS8);

  private final QuantizedType type;
  private final int bits;
  private final Element element;

  VectorFormat(QuantizedType type, int bits, Element element) {
    this.type = type;
    this.bits = bits;
    this.element = element;
  }

  /** Whether values become integers, for which a range has to be known. */
  public boolean isInteger() {
    return type != null;
  }

  /**
   * The size of a row in memory.
   *
   * @param dimensions number of values, not negative
   * @return number of bytes
   */
  public long bytes(long dimensions) {
    return (dimensions * bits + 7) / 8;
  }

  /** The integer type; only where {@link #isInteger()}. */
  QuantizedType type() {
    return type;
  }

  /** What an array of such values can be besides one of bytes. */
  Element element() {
    return element;
  }
}
