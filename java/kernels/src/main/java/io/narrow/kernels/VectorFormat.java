package io.narrow.kernels;

/** What one value of a vector becomes. */
public enum VectorFormat {
  /** Signed bytes. */
  INT8(QuantizedType.INT8, Element.BITS8),
  /** Unsigned bytes. */
  UINT8(QuantizedType.UINT8, Element.BITS8),
  /** Two values per byte, the first in the low four bits; the number of dimensions is even. */
  INT4(QuantizedType.INT4, Element.BITS4),
  /** Codes from 0 to 15, two per byte, the first in the low four bits: FAISS. */
  UINT4(Nibbles.PAIRS),
  /**
   * Codes from 0 to 15, of which byte number j has that of value j in the high four bits and that
   * of value j + dimensions / 2 in the low ones: Lucene. The number of dimensions is even.
   */
  UINT4_HALVES(Nibbles.HALVES),
  /** IEEE 754 binary16, two bytes in the order of the machine. */
  FLOAT16(null, Element.BITS16),
  /** The upper half of a float32, rounded half to even, two bytes in the order of the machine. */
  BFLOAT16(null, Element.BITS16),
  /**
   * Blocks of 32 values as in GGUF files: a float16 scale, low byte first, and 32 signed bytes.
   * {@code scale = max|x| / 127}; {@code x / scale} is rounded, halves away from zero, as by ggml's
   * reference. The number of dimensions is a multiple of 32.
   */
  Q8_0(Packing.Q8_0),
  /**
   * Blocks of 32 values as in GGUF files: a float16 scale, low byte first, and 16 bytes, of which
   * number j has value j in the low four bits and value j + 16 in the high ones, plus 8. {@code
   * scale = m / -8}, where m is the value with the largest magnitude. The number of dimensions is a
   * multiple of 32.
   */
  Q4_0(Packing.Q4_0),
  /**
   * Whether a value is above 0, eight of them per byte, the first in the highest bit, rows filled
   * up with 0 bits: {@code ubinary} of sentence-transformers.
   */
  UBINARY(Packing.BITS_HIGH_FIRST),
  /** The same less 128, as a signed byte: {@code binary} of sentence-transformers. */
  BINARY(Packing.BITS_HIGH_FIRST),
  /** As {@link #UBINARY} with the first of eight in the lowest bit: FAISS, jvector. */
  UBINARY_LOW_FIRST(Packing.BITS_LOW_FIRST);

  private final QuantizedType type;
  private final Element element;
  private final Packing packing;
  private final Nibbles nibbles;

  VectorFormat(QuantizedType type, Element element) {
    this(type, element, null, null);
  }

  VectorFormat(Packing packing) {
    this(null, Element.BITS8, packing, null);
  }

  VectorFormat(Nibbles nibbles) {
    this(null, Element.BITS4, null, nibbles);
  }

  VectorFormat(QuantizedType type, Element element, Packing packing, Nibbles nibbles) {
    this.type = type;
    this.element = element;
    this.packing = packing;
    this.nibbles = nibbles;
  }

  /** Whether values become integers, for which a range has to be known. */
  public boolean isInteger() {
    return type != null || nibbles != null;
  }

  /**
   * The size of a row in memory.
   *
   * @param dimensions number of values, not negative
   * @return number of bytes
   */
  public long bytes(long dimensions) {
    return packing == null ? element.bytes(dimensions) : packing.width(dimensions);
  }

  /** What the number of dimensions is a multiple of. */
  int multiple() {
    return switch (this) {
      case Q8_0, Q4_0 -> 32;
      case INT4, UINT4_HALVES -> 2;
      default -> 1;
    };
  }

  /** The integer type of kernels; only where there are scales. */
  QuantizedType type() {
    return type;
  }

  /** What an array of such values can be besides one of bytes. */
  Element element() {
    return element;
  }

  /** How values share bytes; only where they do and are no integers. */
  Packing packing() {
    return packing;
  }

  /** How two codes share a byte; null where they do not, or kernels see to it. */
  Nibbles nibbles() {
    return nibbles;
  }
}
