package io.narrow.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.narrow.kernels.VectorQuantizer.Invalid;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Blocks as ggml writes them, and bits, by every set of kernels, against the formulas. */
class PackedTest {
  private static final int ROWS = 41;

  @AfterEach
  void reset() {
    KernelSets.reset();
  }

  static Stream<Arguments> layoutsOnKernels() {
    List<Arguments> all = new ArrayList<>();
    for (Packing packing : Packing.values()) {
      for (String kernels : KernelSets.names()) {
        all.add(Arguments.of(packing, kernels));
      }
    }
    return all.stream();
  }

  private static boolean isBlocks(Packing packing) {
    return packing == Packing.Q8_0 || packing == Packing.Q4_0;
  }

  /** Rows of ordinary values, of halves of steps, and some with what is not finite or tiny. */
  private static float[] rows(int dimensions, long seed) {
    Random random = new Random(seed);
    float[] x = new float[ROWS * dimensions];
    for (int i = 0; i < x.length; i++) {
      int row = i / dimensions;
      x[i] =
          switch (row % 6) {
            case 0 -> (random.nextInt(255) - 127) * 0.5f;
            case 1 -> (random.nextInt(17) - 8) * 0.25f;
            case 2 -> random.nextInt(9) == 0 ? -0f : 0;
            case 3 -> Float.intBitsToFloat(random.nextInt(0x00200000));
            default -> (float) random.nextGaussian() * (row + 1);
          };
    }
    x[7 * dimensions] = Float.NaN;
    x[8 * dimensions - 1] = Float.intBitsToFloat(0xffc01234);
    x[9 * dimensions] = Float.NEGATIVE_INFINITY;
    return x;
  }

  @ParameterizedTest
  @MethodSource("layoutsOnKernels")
  void everyKernelInEveryMemory(Packing packing, String name) {
    Kernels kernels = KernelSets.use(name);
    int[] sizes = isBlocks(packing) ? new int[] {32, 96} : new int[] {1, 7, 8, 13, 64, 131};
    for (int dimensions : sizes) {
      float[] x = rows(dimensions, dimensions);
      ByteBuffer bytes = ByteBuffer.allocate(4 * x.length).order(ByteOrder.nativeOrder());
      bytes.asFloatBuffer().put(x);
      byte[] expected = expected(packing, x, dimensions);
      ByteBuffer back = ByteBuffer.allocate(4 * x.length).order(ByteOrder.nativeOrder());
      back.asFloatBuffer().put(restored(packing, expected, dimensions));
      for (Memory first : Memory.values()) {
        for (Memory second : Memory.values()) {
          String what = "%s, %s, %s to %s".formatted(name, dimensions, first, second);
          Memory.Block in = first.holding(Element.FLOAT32, bytes.array());
          Memory.Block out = second.holding(Element.BITS8, new byte[expected.length]);
          if (second != Memory.READ_ONLY) {
            kernels.pack(packing, in.span(), ROWS, dimensions, out.span());
            assertThat(out.contents().get()).as(what).isEqualTo(expected);
          }
          Memory.Block codes = first.holding(Element.BITS8, expected);
          Memory.Block values = second.holding(Element.FLOAT32, new byte[back.capacity()]);
          if (second != Memory.READ_ONLY) {
            kernels.unpack(packing, codes.span(), ROWS, dimensions, values.span());
            assertThat(values.contents().get()).as(what).isEqualTo(back.array());
          }
        }
      }
    }
  }

  private static byte[] expected(Packing packing, float[] x, int dimensions) {
    ByteBuffer y = ByteBuffer.allocate((int) (ROWS * packing.width(dimensions)));
    y.order(ByteOrder.LITTLE_ENDIAN);
    if (isBlocks(packing)) {
      for (int i = 0; i < x.length; i += 32) {
        block(packing, Arrays.copyOfRange(x, i, i + 32), y);
      }
    } else {
      for (int r = 0; r < ROWS; r++) {
        for (int d = 0; d < dimensions; d += 8) {
          StringBuilder bits = new StringBuilder();
          for (int k = d; k < d + 8; k++) {
            bits.append(k < dimensions && x[r * dimensions + k] > 0 ? 1 : 0);
          }
          if (packing == Packing.BITS_LOW_FIRST) {
            bits.reverse();
          }
          y.put((byte) Integer.parseInt(bits.toString(), 2));
        }
      }
    }
    return y.array();
  }

  /** ggml's quantize_row_q8_0_ref and quantize_row_q4_0_ref, where those are defined. */
  private static void block(Packing packing, float[] x, ByteBuffer y) {
    float amax = 0;
    float max = 0;
    boolean nan = false;
    for (float v : x) {
      nan |= Float.isNaN(v);
      if (amax < Math.abs(v)) {
        amax = Math.abs(v);
        max = v;
      }
    }
    float d = packing == Packing.Q8_0 ? amax / 127 : max / -8;
    float id = nan || Float.isInfinite(d) || Float.isInfinite(1 / d) ? 0 : 1 / d;
    y.putShort(nan ? 0x7e00 : Slow.toFloat16(d));
    int[] q = new int[32];
    for (int j = 0; j < 32; j++) {
      double p = id == 0 ? 0 : x[j] * id;
      q[j] =
          packing == Packing.Q8_0
              ? (int) (Math.signum(p) * Math.floor(Math.abs(p) + 0.5))
              : Math.min(15, (int) ((float) p + 8.5f));
    }
    for (int j = 0; j < (packing == Packing.Q8_0 ? 32 : 16); j++) {
      y.put((byte) (packing == Packing.Q8_0 ? q[j] : q[j] + 16 * q[j + 16]));
    }
  }

  private static float[] restored(Packing packing, byte[] codes, int dimensions) {
    float[] x = new float[ROWS * dimensions];
    ByteBuffer y = ByteBuffer.wrap(codes).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < x.length; i++) {
      int block = i / 32 * (packing == Packing.Q8_0 ? 34 : 18);
      int d = i % dimensions;
      int at = i / dimensions * ((dimensions + 7) / 8) + d / 8;
      x[i] =
          switch (packing) {
            case Q8_0 -> codes[block + 2 + i % 32] * scale(y, block);
            case Q4_0 ->
                (i % 32 < 16
                        ? Math.floorMod(codes[block + 2 + i % 16], 16) - 8
                        : Math.floorMod(codes[block + 2 + i % 16] >> 4, 16) - 8)
                    * scale(y, block);
            case BITS_LOW_FIRST -> (codes[at] & 1 << d % 8) != 0 ? 1 : -1;
            case BITS_HIGH_FIRST -> (codes[at] & 128 >> d % 8) != 0 ? 1 : -1;
          };
      x[i] = Float.isNaN(x[i]) ? Float.NaN : x[i];
    }
    return x;
  }

  private static float scale(ByteBuffer y, int block) {
    return Float.intBitsToFloat(Slow.toFloat32Bits(y.getShort(block)));
  }

  /** Worked out by hand from ggml's formulas. */
  @Test
  void blocksByHand() {
    float[] x = new float[32];
    x[0] = 127;
    x[1] = 0.5f;
    x[2] = -2.5f;
    x[31] = -127;
    byte[] q8 = new byte[34];
    VectorQuantizer.of(VectorFormat.Q8_0, 32).codec().apply(Span.of(x), Span.of(q8));
    assertThat(Arrays.copyOf(q8, 5)).containsExactly(0, 0x3c, 127, 1, -3);
    assertThat(q8[33]).isEqualTo((byte) -127);
    x[0] = 8; // the first of the largest decides: the scale is -1
    x[31] = -8;
    byte[] q4 = new byte[18];
    VectorQuantizer.of(VectorFormat.Q4_0, 32).codec().apply(Span.of(x), Span.of(q4));
    assertThat(Arrays.copyOf(q4, 5)).containsExactly(0, 0xbc, 0x80, 0x88, 0x8b);
    assertThat(q4[17]).isEqualTo((byte) 0xf8);
    float[] back = new float[32];
    VectorQuantizer.of(VectorFormat.Q4_0, 32).codec().restore(Span.of(q4), Span.of(back));
    assertThat(back[0]).isEqualTo(8);
    assertThat(back[31]).isEqualTo(-7);
  }

  /** Jlama's Q8ByteBufferTensor and Q4ByteBufferTensor, value by value. */
  @ParameterizedTest
  @EnumSource(
      value = VectorFormat.class,
      names = {"Q8_0", "Q4_0"})
  void scalesApartAreJlamas(VectorFormat format) {
    float[] x = rows(96, 4);
    for (int i = 0; i < x.length; i++) {
      x[i] = Float.isFinite(x[i]) ? x[i] : -3;
    }
    boolean bytes = format == VectorFormat.Q8_0;
    byte[] expected = new byte[bytes ? x.length : x.length / 2];
    float[] expectedScales = new float[x.length / 32];
    for (int block = 0; block < expectedScales.length; block++) {
      float max = Float.MIN_VALUE;
      float amax = Float.MIN_VALUE;
      for (int i = 32 * block; i < 32 * block + 32; i++) {
        if (Math.abs(x[i]) > amax) {
          max = x[i];
          amax = Math.abs(x[i]);
        }
      }
      float inverse = bytes ? 127f / amax : max / -8f == 0 ? 0 : 1 / (max / -8f);
      expectedScales[block] = bytes ? 1 / inverse : max / -8f;
      for (int j = 0; j < (bytes ? 32 : 16); j++) {
        if (bytes) {
          expected[32 * block + j] = (byte) Math.round(x[32 * block + j] * inverse);
        } else {
          byte low = (byte) Math.min(15, (byte) (x[32 * block + j] * inverse + 8.5f));
          byte high = (byte) Math.min(15, (byte) (x[32 * block + 16 + j] * inverse + 8.5f));
          expected[16 * block + j] = (byte) (low | high << 4);
        }
      }
    }
    VectorCodec codec = VectorQuantizer.of(format, 96).codec();
    ByteBuffer direct = ByteBuffer.allocateDirect(expected.length);
    byte[] codes = new byte[expected.length];
    assertThat(codec.applyApart(Span.of(x), Span.of(codes))).isEqualTo(expectedScales);
    assertThat(codes).isEqualTo(expected);
    assertThat(codec.applyApart(Span.of(x), Span.of(direct))).isEqualTo(expectedScales);
    float[] back = new float[x.length];
    codec.restoreApart(Span.of(direct), expectedScales, Span.of(back));
    for (int i = 0; i < x.length; i++) {
      float scale = Math.abs(expectedScales[i / 32]);
      // The scale of four bits is that of the extreme's side: the other ends a step earlier.
      if (scale > Float.MIN_NORMAL) {
        assertThat(back[i]).isCloseTo(x[i], within(scale * (bytes ? 0.501f : 1.001f)));
      }
    }
    x[100] = Float.NaN;
    assertThatIllegalArgumentException()
        .isThrownBy(() -> codec.applyApart(Span.of(x), Span.of(codes)))
        .withMessageStartingWith("row 1, dimension 4 is NaN: ");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> codec.applyApart(Span.of(x), Span.of(new byte[7])))
        .withMessage("y is a byte[] of 7, 41 rows need " + expected.length + " bytes");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                VectorQuantizer.of(VectorFormat.FLOAT16, 96)
                    .codec()
                    .applyApart(Span.of(x), Span.of(codes)))
        .withMessage("scales apart are those of Q8_0 and Q4_0, not of FLOAT16");
  }

  @ParameterizedTest
  @EnumSource(
      value = VectorFormat.class,
      names = {"Q8_0", "Q4_0"})
  void blocksThroughTheQuantizer(VectorFormat format) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> VectorQuantizer.of(format, 48))
        .withMessage(format + " rows of 48 dimensions: a multiple of 32 is needed");
    float[] x = new float[5000 * 32];
    Random random = new Random(3);
    for (int i = 0; i < x.length; i++) {
      x[i] = (float) random.nextGaussian();
    }
    VectorQuantizer quantizer = VectorQuantizer.of(format, 32);
    byte[] whole = new byte[(int) (5000 * format.bytes(32))];
    quantizer.codec().apply(Span.of(x), Span.of(whole));
    byte[] cut = new byte[whole.length];
    quantizer.codec().apply(Span.of(x), Span.of(cut), task -> new Thread(task).start(), 5);
    assertThat(cut).isEqualTo(whole);
    ErrorSums error = quantizer.codec().error(Span.of(x), Span.of(whole));
    assertThat(error.sqnr()).isBetween(format == VectorFormat.Q8_0 ? 40.0 : 15.0, 60.0);

    // A scale ends where a float16 does.
    x[40] = -1e8f;
    assertThatIllegalArgumentException()
        .isThrownBy(() -> quantizer.codec().apply(Span.of(x), Span.of(whole)))
        .withMessageStartingWith("row 1, dimension 8 is -1.0E8: " + format + " ends at ");
    VectorCounts counts =
        quantizer.withInvalid(Invalid.CLIP).codec().apply(Span.of(x), Span.of(whole));
    assertThat(counts.clipped()).isEqualTo(1);
    float[] back = new float[x.length];
    quantizer.codec().restore(Span.of(whole), Span.of(back));
    assertThat(back[40]).isEqualTo(format == VectorFormat.Q8_0 ? -65504f * 127 : -65504f * 8);
  }
}
