package io.narrow.kernels;

/** How an element lies in memory, and which Java array holds it without conversion. */
enum Element {
  FLOAT32(32, float[].class, "float32"),
  FLOAT16(16, short[].class, "float16"),
  BFLOAT16(16, short[].class, "bfloat16"),
  BITS16(16, short[].class, "16-bit"),
  BITS8(8, byte[].class, "8-bit"),
  BITS4(4, byte[].class, "4-bit");

  final int bits;
  final Class<?> array;
  final String title;

  Element(int bits, Class<?> array, String title) {
    this.bits = bits;
    this.array = array;
    this.title = title;
  }

  long bytes(long elements) {
    return (elements * bits + 7) / 8;
  }

  /** Array slots of so many elements: half as many as elements for 4 bits, as many otherwise. */
  int slots(int elements) {
    return this == BITS4 ? (elements >>> 1) + (elements & 1) : elements;
  }

  /** Elements in so many array slots, for the offsets of the native functions. */
  long elements(int slots) {
    return this == BITS4 ? 2L * slots : slots;
  }
}
