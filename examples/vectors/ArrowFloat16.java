import io.narrow.kernels.Kernels;
import io.narrow.kernels.Span;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.Float2Vector;
import org.apache.arrow.vector.Float4Vector;

/** A column of Arrow from float32 to float16, where it lies. */
class ArrowFloat16 {
  public static void main(String[] arguments) {
    int n = 1000;
    try (BufferAllocator allocator = new RootAllocator();
        Float4Vector floats = new Float4Vector("x", allocator);
        Float2Vector halves = new Float2Vector("x", allocator)) {
      floats.allocateNew(n);
      for (int i = 0; i < n; i++) floats.set(i, i / 7f);
      floats.setValueCount(n);
      halves.allocateNew(n);
      for (int i = 0; i < n; i++) halves.set(i, (short) 0); // valid
      halves.setValueCount(n);
      Kernels.active().toFloat16(
          Span.ofAddress(floats.getDataBuffer().memoryAddress(), 4L * n, floats),
          Span.ofAddress(halves.getDataBuffer().memoryAddress(), 2L * n, halves));
      System.out.println(halves.getValueAsFloat(0) + " to " + halves.getValueAsFloat(n - 1));
    }
  }
}
