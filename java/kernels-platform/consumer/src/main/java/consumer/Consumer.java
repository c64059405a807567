package consumer;

import io.narrow.kernels.Kernels;
import io.narrow.kernels.Span;

/** Prints which kernels run, and that they do. */
public final class Consumer {
  private Consumer() {}

  /** Without arguments. */
  public static void main(String[] args) {
    Kernels kernels = Kernels.active();
    float max = kernels.range(Span.of(new float[] {1, 3, 2})).max();
    System.out.println("kernels=" + kernels.name() + " max=" + max);
  }
}
