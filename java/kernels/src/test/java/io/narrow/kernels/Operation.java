package io.narrow.kernels;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * One way to use the kernels: a row of the table that the tests go through.
 *
 * @param in elements read
 * @param second elements written, or a second input where {@code writes} is false
 * @param multiple the number of elements is a multiple of it
 * @param fast runs it and returns what it returns, as text that shows every bit
 * @param slow does the same by {@link Slow}
 */
record Operation(
    String name, Element in, Element second, boolean writes, int multiple, Fast fast, Expect slow) {

  interface Fast {
    String run(Kernels kernels, Span x, Span y, int n);
  }

  interface Expect {
    String run(ByteBuffer x, ByteBuffer y, int n);
  }

  @Override
  public String toString() {
    return name;
  }

  static List<Operation> all() {
    return all(Axis.SMALL);
  }

  static List<Operation> all(List<Axis> axes) {
    List<Operation> all = new ArrayList<>();
    all.add(
        reads(
            "range",
            1,
            (k, x, y, n) -> k.range(x).toString(),
            (x, y, n) -> Slow.range(x, n).toString()));
    for (Axis axis : axes) {
      all.add(
          reads(
              "absMax " + axis,
              axis.multiple(),
              (k, x, y, n) -> bits(k.absMax(x, axis.channels, axis.inner(n))),
              (x, y, n) -> bits(Slow.absMax(x, n, axis.channels, axis.inner(n)))));
    }
    for (Axis axis : axes) {
      all.add(
          reads(
              "rangePerChannel " + axis,
              axis.multiple(),
              (k, x, y, n) -> {
                float[] min = filled(axis.channels, Float.POSITIVE_INFINITY);
                float[] max = filled(axis.channels, Float.NEGATIVE_INFINITY);
                long[] counts =
                    k.forSize(n).rangePerChannel(x, n, 0, axis.channels, axis.inner(n), min, max);
                return bits(min) + bits(max) + Arrays.toString(counts);
              },
              (x, y, n) -> {
                float[] min = filled(axis.channels, Float.POSITIVE_INFINITY);
                float[] max = filled(axis.channels, Float.NEGATIVE_INFINITY);
                long[] counts = Slow.ranges(x, n, axis.channels, axis.inner(n), min, max);
                return bits(min) + bits(max) + Arrays.toString(counts);
              }));
    }
    for (Axis axis : axes) {
      all.add(
          reads(
              "leastErrorScales " + axis,
              axis.multiple(),
              (k, x, y, n) ->
                  bits(k.leastErrorScales(x, axis.scales(), axis.inner(n), 127, 9, 0.01f)),
              (x, y, n) -> bits(Slow.leastErrorScales(x, n, axis.scales(), axis.inner(n)))));
    }
    all.add(
        reads(
            "error",
            1,
            (k, x, y, n) -> bits(k.error(x, y)),
            (x, y, n) -> bits(Slow.error(x, y, n))));
    all.add(
        reads(
            "difference",
            1,
            (k, x, y, n) -> bits(k.difference(x, y)),
            (x, y, n) -> {
              float[] floats = new float[n];
              y.asFloatBuffer().get(floats);
              return bits(Slow.difference(x, floats, n, -1 / 0., 1 / 0.));
            }));
    for (QuantizedType type : QuantizedType.values()) {
      all.add(difference(type));
    }
    for (QuantizedType type : QuantizedType.values()) {
      for (Axis axis : axes) {
        all.add(quantize(type, axis));
        all.add(dequantize(type, axis));
        all.add(quantizeFitted(type, axis, true));
        all.add(quantizeFitted(type, axis, false));
      }
    }
    all.add(
        new Operation(
            "toFloat16",
            Element.FLOAT32,
            Element.BITS16,
            true,
            1,
            (k, x, y, n) -> {
              k.toFloat16(x, y);
              return "";
            },
            (x, y, n) -> {
              for (int i = 0; i < n; i++) {
                y.putShort(2 * i, Slow.toFloat16(x.getFloat(4 * i)));
              }
              return "";
            }));
    all.add(
        new Operation(
            "toFloat16Saturated",
            Element.FLOAT32,
            Element.BITS16,
            true,
            1,
            (k, x, y, n) -> k.toFloat16Saturated(x, y) + " clamped",
            (x, y, n) -> {
              long clamped = 0;
              for (int i = 0; i < n; i++) {
                float v = x.getFloat(4 * i);
                clamped += v > 65504 || v < -65504 ? 1 : 0;
                y.putShort(
                    2 * i,
                    Slow.toFloat16(Float.isNaN(v) ? v : Math.max(-65504, Math.min(65504, v))));
              }
              return clamped + " clamped";
            }));
    all.add(
        new Operation(
            "toFloat32",
            Element.BITS16,
            Element.FLOAT32,
            true,
            1,
            (k, x, y, n) -> {
              k.toFloat32(x, y);
              return "";
            },
            (x, y, n) -> {
              for (int i = 0; i < n; i++) {
                y.putInt(4 * i, Slow.toFloat32Bits(x.getShort(2 * i)));
              }
              return "";
            }));
    all.add(
        new Operation(
            "toBFloat16",
            Element.FLOAT32,
            Element.BITS16,
            true,
            1,
            (k, x, y, n) -> {
              k.toBFloat16(x, y);
              return "";
            },
            (x, y, n) -> {
              for (int i = 0; i < n; i++) {
                y.putShort(2 * i, Slow.toBFloat16(x.getFloat(4 * i)));
              }
              return "";
            }));
    all.add(
        new Operation(
            "fromBFloat16",
            Element.BITS16,
            Element.FLOAT32,
            true,
            1,
            (k, x, y, n) -> {
              k.fromBFloat16(x, y);
              return "";
            },
            (x, y, n) -> {
              for (int i = 0; i < n; i++) {
                y.putInt(4 * i, x.getShort(2 * i) << 16);
              }
              return "";
            }));
    return all;
  }

  /** Where the channels lie, for a tensor of n elements. */
  record Axis(String name, int channels, int fixedInner) { // 0: all that is left
    static final Axis NONE = new Axis("NONE", 1, 1);
    static final Axis MIDDLE = new Axis("MIDDLE", 3, 4);
    private static final Axis LAST = new Axis("LAST", 5, 1);
    static final List<Axis> SMALL =
        List.of(NONE, new Axis("FIRST", 3, 0), MIDDLE, new Axis("MIDDLE_ODD", 2, 3), LAST);

    @Override
    public String toString() {
      return name;
    }

    int multiple() {
      return channels * Math.max(1, fixedInner);
    }

    long inner(int n) {
      return fixedInner > 0 ? fixedInner : Math.max(1, n / channels);
    }

    float[] scales() {
      float[] scales = new float[channels];
      for (int c = 0; c < channels; c++) {
        scales[c] = 0.01f * (c + 1);
      }
      return scales;
    }

    Quantization quantization(QuantizedType type, int n) {
      if (this == NONE) {
        return Quantization.perTensor(type, 0.5f, type.min() / 2 + 3);
      }
      float[] scales = new float[channels];
      int[] zeroPoints = new int[channels];
      for (int c = 0; c < channels; c++) {
        scales[c] = c % 2 == 0 ? 0.25f * (c + 1) : 0.1f * c;
        zeroPoints[c] = Math.max(type.min(), Math.min(type.max(), c * 5 - 6));
      }
      Quantization q = Quantization.perChannel(type, scales, zeroPoints, inner(n));
      // The last axis also has a narrow range.
      return this == LAST ? narrow(q, scales, inner(n)) : q;
    }

    private Quantization narrow(Quantization q, float[] scales, long inner) {
      QuantizedType type = q.type();
      int[] zeroPoints = new int[channels];
      Arrays.fill(zeroPoints, (type.min() + type.max() + 1) / 2);
      return Quantization.perChannel(type, scales, zeroPoints, inner)
          .withRange(type.min() + 1, type.max());
    }
  }

  private static Operation quantize(QuantizedType type, Axis axis) {
    return new Operation(
        "quantize " + type + " " + axis,
        Element.FLOAT32,
        type.element(),
        true,
        axis.multiple(),
        (k, x, y, n) -> {
          k.quantize(x, axis.quantization(type, n), y);
          return "";
        },
        (x, y, n) -> {
          Slow.quantize(x, n, axis.quantization(type, n), y);
          return "";
        });
  }

  private static Operation quantizeFitted(QuantizedType type, Axis axis, boolean symmetric) {
    return new Operation(
        "quantizeFitted " + type + " " + axis + (symmetric ? " symmetric" : " affine"),
        Element.FLOAT32,
        type.element(),
        true,
        axis.multiple(),
        (k, x, y, n) ->
            text(
                k.quantizeFitted(
                    x, type, symmetric, axis.channels, Math.toIntExact(axis.inner(n)), y)),
        (x, y, n) ->
            text(Slow.quantizeFitted(x, n, type, symmetric, axis.channels, axis.inner(n), y)));
  }

  private static String text(FittedQuantization fitted) {
    Quantization q = fitted.quantization();
    return bits(q.scales())
        + Arrays.toString(q.zeroPoints())
        + List.of(q.type(), q.min(), q.max(), fitted.nans(), fitted.infinities());
  }

  private static float[] filled(int n, float value) {
    float[] values = new float[n];
    Arrays.fill(values, value);
    return values;
  }

  private static Operation dequantize(QuantizedType type, Axis axis) {
    return new Operation(
        "dequantize " + type + " " + axis,
        type.element(),
        Element.FLOAT32,
        true,
        axis.multiple(),
        (k, x, y, n) -> {
          k.dequantize(x, axis.quantization(type, n), y);
          return "";
        },
        (x, y, n) -> {
          Slow.dequantize(x, n, axis.quantization(type, n), y);
          return "";
        });
  }

  private static Operation difference(QuantizedType type) {
    Quantization q = Quantization.perTensor(type, 0.25f, 3);
    return new Operation(
        "difference " + type,
        Element.FLOAT32,
        type.element(),
        false,
        type == QuantizedType.INT4 ? 2 : 1,
        (k, x, y, n) -> bits(k.difference(x, y, q)),
        (x, y, n) -> {
          float[] floats = new float[n];
          ByteBuffer back = ByteBuffer.allocate(4 * n).order(y.order());
          Slow.dequantize(y, n, q, back);
          back.asFloatBuffer().get(floats);
          double lowest = 0.25 * (type.min() - 3.5);
          double highest = 0.25 * (type.max() - 2.5);
          return bits(Slow.difference(x, floats, n, lowest, highest));
        });
  }

  private static Operation reads(String name, int multiple, Fast fast, Expect slow) {
    return new Operation(name, Element.FLOAT32, Element.FLOAT32, false, multiple, fast, slow);
  }

  private static String bits(float[] values) {
    StringBuilder text = new StringBuilder();
    for (float value : values) {
      text.append(' ').append(Integer.toHexString(Float.floatToRawIntBits(value)));
    }
    return text.toString();
  }

  private static String bits(ErrorSums sums) {
    return Long.toHexString(Double.doubleToRawLongBits(sums.signal()))
        + " "
        + Long.toHexString(Double.doubleToRawLongBits(sums.noise()));
  }

  private static String bits(Difference found) {
    StringBuilder text = new StringBuilder();
    for (double sum :
        new double[] {
          found.signal(), found.approximation(), found.noise(), found.sum(), found.largest()
        }) {
      text.append(Long.toHexString(Double.doubleToRawLongBits(sum))).append(' ');
    }
    return text + Long.toString(found.clipped());
  }
}
