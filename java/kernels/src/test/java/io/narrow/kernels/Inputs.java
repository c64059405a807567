package io.narrow.kernels;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;

/** Bytes to feed to kernels; the same seed gives the same bytes. */
final class Inputs {
  private static final float[] SPECIAL = {
    0.0f,
    -0.0f,
    Float.NaN,
    Float.intBitsToFloat(0x7f812345), // signalling
    Float.intBitsToFloat(0xffc12345),
    Float.intBitsToFloat(0x7f800001),
    Float.POSITIVE_INFINITY,
    Float.NEGATIVE_INFINITY,
    Float.MIN_VALUE,
    -Float.MIN_VALUE,
    Float.MIN_NORMAL,
    Float.MAX_VALUE,
    -Float.MAX_VALUE,
    65504,
    65519.996f,
    65520,
    -65520,
    0x1p-14f,
    0x1p-24f,
    0x1p-25f,
    Math.nextUp(0x1p-25f),
    -0x1.8p-24f,
    1.0009765f,
    2147483648f,
    -2147483904f,
    8388609,
    0.49999997f,
    -127.5f,
    128.5f
  };

  private Inputs() {}

  /**
   * Floats of which a tenth are special, a tenth any bits at all, and many halves of small numbers.
   */
  static byte[] floats(int n, long seed) {
    Random random = new Random(seed);
    ByteBuffer bytes = ByteBuffer.allocate(4 * n).order(ByteOrder.nativeOrder());
    for (int i = 0; i < n; i++) {
      int kind = random.nextInt(10);
      switch (kind) {
        case 0 -> bytes.putFloat(SPECIAL[random.nextInt(SPECIAL.length)]);
        case 1 -> bytes.putInt(random.nextInt());
        case 2, 3, 4, 5 -> bytes.putFloat((random.nextInt(1200) - 600) * 0.125f);
        default -> bytes.putFloat((float) random.nextGaussian() * 20);
      }
    }
    return bytes.array();
  }

  /** Floats without NaN or infinity, for sums. */
  static byte[] finite(int n, long seed) {
    Random random = new Random(seed);
    ByteBuffer bytes = ByteBuffer.allocate(4 * n).order(ByteOrder.nativeOrder());
    for (int i = 0; i < n; i++) {
      bytes.putFloat((float) random.nextGaussian());
    }
    return bytes.array();
  }

  /** Elements of any other kind: every bit pattern is one. */
  static byte[] of(Element element, int n, long seed) {
    if (element == Element.FLOAT32) {
      return floats(n, seed);
    }
    byte[] bytes = new byte[(int) element.bytes(n)];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }
}
