package io.narrow.kernels;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/** What a JVM is asked to do: print its kernels, a checksum of their results, and the trail. */
public final class Probe {
  private Probe() {}

  /** Runs the kernels that are active, as an application would. */
  public static void main(String[] args) {
    try {
      Kernels kernels = Kernels.active();
      kernels = Kernels.active();
      System.out.println("kernels=" + kernels.name());
      System.out.println("checksum=" + checksum(kernels));
    } catch (IllegalArgumentException | IllegalStateException e) {
      System.out.println("error=" + e);
    }
    System.out.println("loading=" + Kernels.loading().replace("\n", " | "));
  }

  private static int checksum(Kernels kernels) {
    float[] x = new float[1000];
    ByteBuffer direct = ByteBuffer.allocateDirect(4 * x.length).order(ByteOrder.nativeOrder());
    for (int i = 0; i < x.length; i++) {
      x[i] = Float.intBitsToFloat(i * 0x01234567);
      direct.putFloat(4 * i, x[i]);
    }
    byte[] y = new byte[x.length];
    short[] halves = new short[x.length];
    kernels.quantize(Span.of(x), Quantization.perTensor(QuantizedType.INT8, 0.1f, 3), Span.of(y));
    kernels.toFloat16(Span.of(direct), Span.of(halves));
    return 31 * Arrays.hashCode(y) + Arrays.hashCode(halves) + kernels.range(Span.of(x)).hashCode();
  }
}
