import com.github.tjake.jlama.tensor.AbstractTensor;
import com.github.tjake.jlama.tensor.FloatBufferTensor;
import com.github.tjake.jlama.tensor.Q4ByteBufferTensor;
import com.github.tjake.jlama.tensor.Q8ByteBufferTensor;
import io.narrow.kernels.Span;
import io.narrow.kernels.VectorCodec;
import io.narrow.kernels.VectorFormat;
import io.narrow.kernels.VectorQuantizer;
import java.lang.foreign.ValueLayout;
import java.util.Random;

/**
 * Run by JlamaTest on JDK 22 and newer: compares blocks whose scales lie apart with Jlama's own
 * tensors, and prints a line for each format and kind of values. The arguments are the numbers of
 * rows and of dimensions, a multiple of 32.
 */
class JlamaRows {
  private static final String[] KINDS = {"random", "sparse", "equal", "huge", "tiny", "short"};
  private static final int BLOCK = 32;

  public static void main(String[] arguments) {
    int rows = Integer.parseInt(arguments[0]);
    int dimensions = Integer.parseInt(arguments[1]);
    for (String kind : KINDS) {
      float[] x = values(kind, rows * dimensions);
      FloatBufferTensor floats = new FloatBufferTensor(rows, dimensions);
      for (int i = 0; i < x.length; i++) {
        floats.set(x[i], i / dimensions, i % dimensions);
      }
      Q8ByteBufferTensor q8 = new Q8ByteBufferTensor(floats);
      compare(kind, VectorFormat.Q8_0, x, dimensions, q8, q8.getBlockF());
      Q4ByteBufferTensor q4 = new Q4ByteBufferTensor(floats);
      compare(kind, VectorFormat.Q4_0, x, dimensions, q4, q4.getBlockF());
    }
  }

  private static float[] values(String kind, int n) {
    Random random = new Random(kind.hashCode());
    float[] x = new float[n];
    for (int i = 0; i < n; i++) {
      float value = (float) random.nextGaussian();
      x[i] =
          switch (kind) {
            case "sparse" -> random.nextInt(10) == 0 ? value : 0;
            case "equal" -> i / BLOCK % 5;
            case "huge" -> value * 1e37f;
            case "tiny" -> value * 1e-37f;
            case "short" -> Math.round(value * 8) / 8f; // ties
            default -> value * (1 + i / BLOCK % 7) + i % 3;
          };
    }
    return x;
  }

  private static void compare(
      String kind,
      VectorFormat format,
      float[] x,
      int dimensions,
      AbstractTensor<?, ?> tensor,
      FloatBufferTensor theirScales) {
    VectorCodec codec = VectorQuantizer.of(format, dimensions).codec();
    byte[] theirs = tensor.getMemorySegment().toArray(ValueLayout.JAVA_BYTE);
    byte[] codes = new byte[theirs.length];
    float[] scales = codec.applyApart(Span.of(x), Span.of(codes));
    float[] back = new float[x.length];
    codec.restoreApart(Span.of(codes), scales, Span.of(back));
    int blocks = dimensions / BLOCK; // of a row
    int otherCodes = 0;
    int otherScales = 0;
    int otherValues = 0;
    for (int i = 0; i < codes.length; i++) {
      otherCodes += codes[i] == theirs[i] ? 0 : 1;
    }
    for (int i = 0; i < scales.length; i++) {
      otherScales += scales[i] == theirScales.get(i / blocks, i % blocks) ? 0 : 1;
    }
    for (int i = 0; i < x.length; i++) {
      otherValues += back[i] == tensor.get(i / dimensions, i % dimensions) ? 0 : 1;
    }
    System.out.printf(
        "%s, %s: %d of %d bytes, %d of %d scales and %d of %d values differ%n",
        kind, format, otherCodes, codes.length, otherScales, scales.length, otherValues, x.length);
  }
}
