package io.narrow.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import io.narrow.kernels.VectorQuantizer.Scheme;
import io.narrow.kernels.VectorQuantizer.Scope;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Against numbers that numpy made (src/test/python/vectors.py), and formats by their definition.
 */
class VectorCompatibilityTest {
  private static final int DIMENSIONS = 24;
  private static final Map<String, byte[]> NUMPY = new HashMap<>();

  @BeforeAll
  static void read() throws IOException {
    try (InputStream in = VectorCompatibilityTest.class.getResourceAsStream("vectors.txt")) {
      new String(in.readAllBytes(), StandardCharsets.US_ASCII)
          .lines()
          .map(line -> line.split(" "))
          .forEach(line -> NUMPY.put(line[0], HexFormat.of().parseHex(line[1])));
    }
  }

  private static float[] floats(String name) {
    byte[] bytes = NUMPY.get(name);
    float[] values = new float[bytes.length / 4];
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values);
    return values;
  }

  private static byte[] codes(VectorQuantizer quantizer, float[] x) {
    byte[] codes = new byte[x.length];
    quantizer.codec(quantizer.fit(Span.of(x))).apply(Span.of(x), Span.of(codes));
    return codes;
  }

  @Test
  void sentenceTransformersUnsigned() {
    VectorQuantizer quantizer =
        VectorQuantizer.of(VectorFormat.UINT8, DIMENSIONS).withScheme(Scheme.SENTENCE_TRANSFORMERS);
    assertThat(codes(quantizer, floats("x"))).isEqualTo(NUMPY.get("sentence-transformers-uint8"));
  }

  @Test
  void sentenceTransformersSigned() {
    VectorQuantizer quantizer =
        VectorQuantizer.of(VectorFormat.INT8, DIMENSIONS).withScheme(Scheme.SENTENCE_TRANSFORMERS);
    assertThat(codes(quantizer, floats("x"))).isEqualTo(NUMPY.get("sentence-transformers-int8"));
  }

  @Test
  void faissByDimension() {
    VectorQuantizer quantizer =
        VectorQuantizer.of(VectorFormat.UINT8, DIMENSIONS).withScheme(Scheme.FAISS);
    checkFaiss(quantizer, "faiss-8bit");
  }

  @Test
  void faissUniform() {
    VectorQuantizer quantizer =
        VectorQuantizer.of(VectorFormat.UINT8, DIMENSIONS)
            .withScheme(Scheme.FAISS)
            .withScope(Scope.TENSOR);
    checkFaiss(quantizer, "faiss-8bit-uniform");
  }

  private static void checkFaiss(VectorQuantizer quantizer, String name) {
    float[] x = floats("x");
    byte[] codes = codes(quantizer, x);
    assertThat(codes).isEqualTo(NUMPY.get(name));
    float[] back = new float[x.length];
    quantizer.codec(quantizer.fit(Span.of(x))).restore(Span.of(codes), Span.of(back));
    assertThat(back).isEqualTo(floats(name + "-back"));
  }

  /** Every bfloat16 is the float whose lower half is zero; between two, the nearer, or the even. */
  @Test
  void bfloat16RoundsHalfToEven() {
    Random random = new Random(1);
    for (int i = 0; i < 1 << 16; i++) {
      float exact = Float.intBitsToFloat(i << 16);
      if (Float.isNaN(exact)) {
        assertThat(Float.isNaN(BFloat16.toFloat(BFloat16.fromFloat(exact)))).isTrue();
        continue;
      }
      assertThat(BFloat16.fromFloat(exact)).isEqualTo((short) i);
      float next = Float.intBitsToFloat(i + 1 << 16);
      int lower = 1 + random.nextInt(0xffff);
      float between = Float.intBitsToFloat(i << 16 | lower);
      if (!Float.isFinite(exact) || !Float.isFinite(next)) {
        continue;
      }
      double down = Math.abs((double) between - exact);
      double up = Math.abs((double) next - between);
      int expected = down < up || down == up && i % 2 == 0 ? i : i + 1;
      assertThat(BFloat16.fromFloat(between)).isEqualTo((short) expected);
      float half = Float.intBitsToFloat(i << 16 | 0x8000);
      assertThat(BFloat16.fromFloat(half)).isEqualTo((short) (i % 2 == 0 ? i : i + 1));
    }
    assertThat(BFloat16.fromFloat(Float.MAX_VALUE)).isEqualTo((short) 0x7f80);
    assertThat(BFloat16.fromFloat(Float.intBitsToFloat(0x7f800001))).isEqualTo((short) 0x7fc0);
  }
}
