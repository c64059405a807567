package io.narrow.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.narrow.kernels.VectorQuantizer.Scheme;
import io.narrow.kernels.VectorQuantizer.Scope;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import org.apache.lucene.index.VectorSimilarityFunction;
import org.apache.lucene.util.quantization.ScalarQuantizer;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Against what other libraries made of the same vectors (src/test/python/vectors.py), and formats
 * by their definition.
 */
class VectorCompatibilityTest {
  private static final int DIMENSIONS = 24;
  private static final Map<String, byte[]> PUBLISHED = new HashMap<>();

  @BeforeAll
  static void read() throws IOException {
    try (InputStream in = VectorCompatibilityTest.class.getResourceAsStream("vectors.txt")) {
      new String(in.readAllBytes(), StandardCharsets.US_ASCII)
          .lines()
          .map(line -> line.split(" "))
          .forEach(line -> PUBLISHED.put(line[0], HexFormat.of().parseHex(line[1])));
    }
  }

  private static float[] floats(String name) {
    byte[] bytes = PUBLISHED.get(name);
    float[] values = new float[bytes.length / 4];
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values);
    return values;
  }

  private static VectorQuantizer quantizer(VectorFormat format, int dimensions, Scheme scheme) {
    return VectorQuantizer.of(format, dimensions).withScheme(scheme);
  }

  private static byte[] codes(VectorCodec codec, float[] x) {
    VectorQuantizer quantizer = codec.quantizer();
    int rows = x.length / quantizer.dimensions();
    byte[] codes = new byte[(int) (rows * quantizer.format().bytes(quantizer.dimensions()))];
    codec.apply(Span.of(x), Span.of(codes));
    return codes;
  }

  private static byte[] fittedCodes(VectorQuantizer quantizer, float[] x) {
    return codes(quantizer.codec(quantizer.fit(Span.of(x))), x);
  }

  @ParameterizedTest
  @EnumSource(names = {"INT8", "UINT8"})
  void sentenceTransformers(VectorFormat format) {
    String precision = format.name().toLowerCase(Locale.ROOT);
    VectorQuantizer six = quantizer(format, DIMENSIONS, Scheme.SENTENCE_TRANSFORMERS);
    assertThat(fittedCodes(six, floats("x")))
        .isEqualTo(PUBLISHED.get("sentence-transformers-6-" + precision));
    VectorQuantizer five = quantizer(format, DIMENSIONS, Scheme.SENTENCE_TRANSFORMERS_5);
    assertThat(fittedCodes(five, floats("x")))
        .isEqualTo(PUBLISHED.get("sentence-transformers-5-" + precision));
  }

  @ParameterizedTest
  @EnumSource(names = {"INT8", "UINT8"})
  void sentenceTransformersBeyondGivenRanges(VectorFormat format) {
    float[] both = floats("narrow");
    VectorRanges ranges =
        VectorRanges.of(
            Arrays.copyOf(both, DIMENSIONS), Arrays.copyOfRange(both, DIMENSIONS, 2 * DIMENSIONS));
    VectorQuantizer six = quantizer(format, DIMENSIONS, Scheme.SENTENCE_TRANSFORMERS);
    String name = "sentence-transformers-6-" + format.name().toLowerCase(Locale.ROOT) + "-narrow";
    assertThat(codes(six.codec(ranges), floats("x"))).isEqualTo(PUBLISHED.get(name));
  }

  @ParameterizedTest
  @EnumSource(names = {"BINARY", "UBINARY"})
  void sentenceTransformersBits(VectorFormat format) {
    float[] all = floats("centered");
    float[] x = new float[all.length / DIMENSIONS * 21];
    for (int i = 0; i < x.length; i++) {
      x[i] = all[i / 21 * DIMENSIONS + i % 21];
    }
    VectorCodec codec = VectorQuantizer.of(format, 21).codec();
    byte[] codes = codes(codec, x);
    assertThat(codes)
        .isEqualTo(
            PUBLISHED.get("sentence-transformers-" + format.name().toLowerCase(Locale.ROOT)));
    float[] back = new float[x.length];
    codec.restore(Span.of(codes), Span.of(back));
    for (int i = 0; i < x.length; i++) {
      assertThat(back[i]).isEqualTo(x[i] > 0 ? 1 : -1);
    }
  }

  @Test
  void faissByDimension() {
    checkFaiss(quantizer(VectorFormat.UINT8, 19, Scheme.FAISS), "faiss-QT_8bit");
  }

  @Test
  void faissUniform() {
    VectorQuantizer quantizer =
        quantizer(VectorFormat.UINT8, 19, Scheme.FAISS).withScope(Scope.TENSOR);
    checkFaiss(quantizer, "faiss-QT_8bit_uniform");
  }

  /** Of an odd number of values. */
  @ParameterizedTest
  @EnumSource(names = {"DIMENSION", "TENSOR"})
  void faissFourBits(Scope scope) {
    VectorQuantizer quantizer = quantizer(VectorFormat.UINT4, 19, Scheme.FAISS).withScope(scope);
    checkFaiss(quantizer, scope == Scope.TENSOR ? "faiss-QT_4bit_uniform" : "faiss-QT_4bit");
  }

  @Test
  void correctionsAreThoseOfOneScheme() {
    VectorQuantizer quantizer = quantizer(VectorFormat.UINT8, 1, Scheme.LUCENE);
    VectorCodec codec = quantizer.codec(VectorRanges.of(new float[] {0}, new float[] {1}));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> codec.corrections(Span.of(new float[1])))
        .withMessage("corrections are of LUCENE by TENSOR, not LUCENE by DIMENSION");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                VectorQuantizer.of(VectorFormat.Q8_0, 32)
                    .codec()
                    .corrections(Span.of(new float[0])))
        .withMessage("corrections are of LUCENE by TENSOR, not AFFINE by DIMENSION");
  }

  /** As EncodedVectorsU8 of Qdrant computes them. */
  @Test
  void qdrant() {
    float[] x = floats("x");
    x[0] = 0; // from 0 on there are ties
    VectorQuantizer quantizer =
        quantizer(VectorFormat.UINT8, DIMENSIONS, Scheme.QDRANT).withScope(Scope.TENSOR);
    VectorRanges ranges = VectorRanges.of(Scope.TENSOR, new float[] {-127}, new float[] {127});
    byte[] codes = codes(quantizer.codec(ranges), x);
    int ties = 0;
    for (int i = 0; i < x.length; i++) {
      float place = Math.max(0, Math.min(127, (x[i] + 127) / 2));
      ties += place % 1 == 0.5 ? 1 : 0;
      assertThat(codes[i]).as("%s", x[i]).isEqualTo((byte) Math.floor((double) place + 0.5));
    }
    assertThat(ties).isPositive();
  }

  @Test
  void faissBFloat16() {
    checkFaiss(VectorQuantizer.of(VectorFormat.BFLOAT16, 19), "faiss-QT_bf16");
  }

  private static void checkFaiss(VectorQuantizer quantizer, String name) {
    float[] x = floats("x19");
    VectorCodec codec =
        quantizer.format().isInteger()
            ? quantizer.codec(quantizer.fit(Span.of(x)))
            : quantizer.codec();
    byte[] codes = codes(codec, x);
    assertThat(codes).isEqualTo(PUBLISHED.get(name));
    float[] back = new float[x.length];
    codec.restore(Span.of(codes), Span.of(back));
    assertThat(back).isEqualTo(floats(name + "-back"));
  }

  /** Against Lucene itself. */
  @Test
  void luceneSevenBits() {
    float[] x = floats("x");
    VectorQuantizer quantizer =
        quantizer(VectorFormat.UINT8, DIMENSIONS, Scheme.LUCENE)
            .withScope(Scope.TENSOR)
            .withRule(RangeRule.confidence(0.9));
    VectorRanges ranges = quantizer.fit(Span.of(x)).resolve(quantizer.rule());
    VectorCodec codec = quantizer.withRule(RangeRule.MIN_MAX).codec(ranges);
    byte[] codes = codes(codec, x);
    ScalarQuantizer lucene = new ScalarQuantizer(ranges.min(0), ranges.max(0), (byte) 7);
    float[] corrections = codec.corrections(Span.of(x));
    byte[] expected = new byte[DIMENSIONS];
    for (int row = 0; row < x.length / DIMENSIONS; row++) {
      int from = row * DIMENSIONS;
      float[] vector = Arrays.copyOfRange(x, from, from + DIMENSIONS);
      float correction = lucene.quantize(vector, expected, VectorSimilarityFunction.DOT_PRODUCT);
      assertThat(corrections[row]).isEqualTo(correction);
      assertThat(Arrays.copyOfRange(codes, from, from + DIMENSIONS)).isEqualTo(expected);
    }
    assertThat(codes).contains((byte) 0, (byte) 127);
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
