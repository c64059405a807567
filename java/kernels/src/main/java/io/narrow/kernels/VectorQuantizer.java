package io.narrow.kernels;

import java.io.Serializable;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Set;
import java.util.concurrent.Executor;

/**
 * Makes vectors small: rows of {@code dimensions} floats, as embeddings come in bulk, to integers
 * or 16-bit floats and back.
 *
 * <pre>{@code
 * VectorQuantizer quantizer = VectorQuantizer.of(VectorFormat.INT8, 768);
 * VectorRanges ranges = quantizer.fit(first).merge(quantizer.fit(second));
 * VectorCodec codec = quantizer.codec(ranges);
 * VectorCounts counts = codec.apply(Span.of(floats), Span.of(bytes));
 * }</pre>
 *
 * <p>Fitting depends neither on the order of the rows nor on how they are cut; it can be done on
 * parts, anywhere, and merged. Floats and codes lie in arrays, direct or mapped memory, row after
 * row without gaps.
 *
 * @param format what a value becomes
 * @param dimensions values per row, at least 1
 * @param scope which values share a range
 * @param scheme how a range turns values into integers
 * @param rule which values the range holds
 * @param invalid what is done about values that are not finite
 */
public record VectorQuantizer(
    VectorFormat format,
    int dimensions,
    Scope scope,
    Scheme scheme,
    RangeRule rule,
    Invalid invalid)
    implements Serializable {

  /** Which values share a range. */
  public enum Scope {
    /** All. */
    TENSOR,
    /** Those of a row: what was fitted belongs to these rows, and cannot be merged. */
    ROW,
    /** Those of a dimension. */
    DIMENSION
  }

  /** How a range turns values into integers. */
  public enum Scheme {
    /**
     * {@link Quantization} with the zero point in the middle of the codes: {@code scale =
     * max(|min|, |max|) / limit}, limit 127 for 8 bits and 7 for 4.
     */
    SYMMETRIC(EnumSet.of(VectorFormat.INT8, VectorFormat.UINT8, VectorFormat.INT4)),
    /** {@link Quantization} with a zero point; the range is widened to hold 0. */
    AFFINE(EnumSet.of(VectorFormat.INT8, VectorFormat.UINT8, VectorFormat.INT4)),
    /**
     * The arithmetic of {@code quantize_embeddings} in sentence-transformers 6: {@code floor((x -
     * min) / ((max - min) / 255))} between 0 and 255, less 128 for signed bytes.
     */
    SENTENCE_TRANSFORMERS(EnumSet.of(VectorFormat.INT8, VectorFormat.UINT8)),
    /**
     * The same before version 6, where signed bytes are cut towards zero after 128 is subtracted.
     * Values outside the range get the nearest code, where numpy wrapped them around.
     */
    SENTENCE_TRANSFORMERS_5(EnumSet.of(VectorFormat.INT8, VectorFormat.UINT8)),
    /**
     * The arithmetic of FAISS' QT_8bit and QT_4bit (scope dimension), QT_8bit_uniform and
     * QT_4bit_uniform (scope tensor): {@code (int) (255 * ((x - min) / (max - min)))}, or 15,
     * rounded down; back, the middle of the step.
     */
    FAISS(EnumSet.of(VectorFormat.UINT8, VectorFormat.UINT4)),
    /**
     * The arithmetic of Lucene's scalar quantization to 7 bits, codes 0 to 127 in a byte each, and
     * to 4 bits: {@code round(127 / (max - min) * (x - min))}, or 15, halves up; with scope tensor
     * and {@link RangeRule#confidence}. What Lucene stores beside the codes of a row: {@link
     * VectorCodec#corrections}.
     */
    LUCENE(EnumSet.of(VectorFormat.UINT8, VectorFormat.UINT4_HALVES)),
    /**
     * The arithmetic of Qdrant's scalar quantization: codes 0 to 127, {@code (x - min) / ((max -
     * min) / 127)} rounded, halves away from zero; with scope tensor.
     */
    QDRANT(EnumSet.of(VectorFormat.UINT8));

    private final Set<VectorFormat> formats;

    Scheme(Set<VectorFormat> formats) {
      this.formats = formats;
    }

    boolean hasScales() {
      return this == SYMMETRIC || this == AFFINE;
    }
  }

  /** What is done about NaN and infinities. */
  public enum Invalid {
    /** The first is an {@link IllegalArgumentException} that names row and dimension. */
    FAIL,
    /**
     * NaN becomes what 0 becomes, an infinity the nearest end; both are counted. When fitting they
     * are left out.
     */
    CLIP
  }

  /** Checks that these go together. */
  public VectorQuantizer {
    if (dimensions < 1) {
      throw new IllegalArgumentException("dimensions is " + dimensions + ", at least 1 is needed");
    }
    if (dimensions % format.multiple() != 0) {
      throw new IllegalArgumentException(
          "%s rows of %s dimensions: a multiple of %s is needed"
              .formatted(format, dimensions, format.multiple()));
    }
    if (format.isInteger() && !scheme.formats.contains(format)) {
      throw new IllegalArgumentException(
          "%s gives %s, not %s".formatted(scheme, scheme.formats, format));
    }
  }

  /**
   * A range per dimension from its smallest to its largest value, affine, failing on NaN. Formats
   * that only others have get their scheme: {@link VectorFormat#UINT4} that of FAISS, {@link
   * VectorFormat#UINT4_HALVES} that of Lucene.
   */
  public static VectorQuantizer of(VectorFormat format, int dimensions) {
    Scheme scheme =
        Arrays.stream(Scheme.values())
            .filter(known -> known.formats.contains(format))
            .findFirst()
            .filter(known -> !known.hasScales())
            .orElse(Scheme.AFFINE);
    return new VectorQuantizer(
        format, dimensions, Scope.DIMENSION, scheme, RangeRule.MIN_MAX, Invalid.FAIL);
  }

  /** The same with another scope. */
  public VectorQuantizer withScope(Scope scope) {
    return new VectorQuantizer(format, dimensions, scope, scheme, rule, invalid);
  }

  /** The same with another scheme. */
  public VectorQuantizer withScheme(Scheme scheme) {
    return new VectorQuantizer(format, dimensions, scope, scheme, rule, invalid);
  }

  /** The same with another rule for the range. */
  public VectorQuantizer withRule(RangeRule rule) {
    return new VectorQuantizer(format, dimensions, scope, scheme, rule, invalid);
  }

  /** The same with another policy for values that are not finite. */
  public VectorQuantizer withInvalid(Invalid invalid) {
    return new VectorQuantizer(format, dimensions, scope, scheme, rule, invalid);
  }

  /**
   * The ranges of rows.
   *
   * @param x rows of {@code dimensions} floats, or {@linkplain Span#asFloat16 of 16 bits}
   * @throws IllegalArgumentException if x is not whole rows of floats, or holds a value that is not
   *     finite and the policy is to fail
   */
  public VectorRanges fit(Span x) {
    return fit(x, rows(x), 0);
  }

  /**
   * The same in pieces on other threads; this one takes part.
   *
   * @param executor runs the other pieces; it must not wait for this thread
   * @param pieces how many at most, at least 1
   * @throws IllegalArgumentException as {@link #fit(Span)}
   */
  public VectorRanges fit(Span x, Executor executor, int pieces) {
    return Pieces.of(rows(x), pieces, Pieces.LINES, 0)
        .run(executor, (from, count) -> fit(rows(x, from, count), count, from), VectorFit::join);
  }

  /**
   * As many rows at once as a call of a kernel can take; of 16-bit floats a few, since they are
   * widened, but not too few where histograms are merged after each.
   */
  private VectorRanges fit(Span x, int rows, int row) {
    boolean whole = x.floatElement() == Element.FLOAT32;
    int values = whole ? 1 << 28 : rule.isMinMax() ? NativeCall.CHUNK : 1 << 22;
    int size = Math.max(1, values / dimensions);
    VectorRanges ranges = null;
    for (int from = 0; from < rows || ranges == null; from += size) {
      int count = Math.min(size, rows - from);
      Span some = whole && count == rows ? x : floats(x, from, count);
      VectorRanges next = new VectorFit(this).fit(some, count, row + from);
      ranges = ranges == null ? next : VectorFit.join(ranges, next);
    }
    return ranges;
  }

  /**
   * What turns rows into codes and back.
   *
   * @param ranges what {@link #fit} of a quantizer with this scope and these dimensions gave, or
   *     {@link VectorRanges#of}
   * @throws IllegalArgumentException if the ranges are not for this scope and these dimensions, or
   *     lack the histograms that the rule needs
   */
  public VectorCodec codec(VectorRanges ranges) {
    if (!format.isInteger()) {
      return codec();
    }
    if (ranges.scope() != scope || scope == Scope.DIMENSION && ranges.size() != dimensions) {
      throw new IllegalArgumentException(
          "%s ranges by %s do not fit %s dimensions by %s"
              .formatted(ranges.size(), ranges.scope(), dimensions, scope));
    }
    VectorRanges resolved = ranges.resolve(rule);
    int bits = format.element().bits;
    return switch (scheme) {
      case SYMMETRIC, AFFINE -> new IntegerCodec(this, resolved.quantization(this));
      case SENTENCE_TRANSFORMERS -> new BucketCodec(this, resolved, Buckets.FLOOR, 255);
      case SENTENCE_TRANSFORMERS_5 -> new BucketCodec(this, resolved, Buckets.TOWARDS_ZERO, 255);
      case FAISS -> new BucketCodec(this, resolved, Buckets.FAISS, bits == 4 ? 15 : 255);
      case LUCENE -> new BucketCodec(this, resolved, Buckets.LUCENE, bits == 4 ? 15 : 127);
      case QDRANT -> new BucketCodec(this, resolved, Buckets.QDRANT, 127);
    };
  }

  /**
   * The codec of a format that needs no ranges.
   *
   * @throws IllegalArgumentException if the format is an integer
   */
  public VectorCodec codec() {
    if (format.isInteger()) {
      throw new IllegalArgumentException(format + " needs ranges: codec(fit(x))");
    }
    return switch (format) {
      case FLOAT16, BFLOAT16, Q8_0, Q4_0 -> new HalfCodec(this);
      default -> new BinaryCodec(this);
    };
  }

  /** The number of whole rows. */
  int rows(Span x) {
    long row = x.floatElement().bytes(dimensions);
    if (!x.canHold(x.floatElement()) || x.byteLength() % row != 0) {
      throw new IllegalArgumentException(
          "x is a %s, not rows of %s floats".formatted(x.describe(), dimensions));
    }
    return Math.toIntExact(x.byteLength() / row);
  }

  /** The same, where y has room for their codes. */
  int rows(Span x, Span y) {
    int rows = rows(x);
    if (!y.canHold(format.element())) {
      throw new IllegalArgumentException(
          "y is a %s, which cannot hold %s".formatted(y.describe(), format));
    }
    long needed = rows * format.bytes(dimensions);
    if (y.byteLength() < needed) {
      throw new IllegalArgumentException(
          "y has %s bytes, %s rows need %s".formatted(y.byteLength(), rows, needed));
    }
    return rows;
  }

  /** The same, where codes may be written to y. */
  int rowsToWrite(Span x, Span y) {
    int rows = rows(x, y);
    if (y.isReadOnly()) {
      throw new IllegalArgumentException("y is read-only");
    }
    if (x.overlaps(y)) {
      throw new IllegalArgumentException("x and y overlap in one array");
    }
    return rows;
  }

  /** The number of ranges of so many rows. */
  int groups(int rows) {
    return switch (scope) {
      case TENSOR -> 1;
      case ROW -> rows;
      case DIMENSION -> dimensions;
    };
  }

  /**
   * Extends the ranges of some rows, the first of which is number row; returns the numbers of NaNs
   * and of infinities, or fails at the first.
   */
  long[] ranges(Span x, int rows, int row, float[] min, float[] max) {
    int n = rows * dimensions;
    int inner = scope == Scope.ROW ? dimensions : 1;
    long[] unusual =
        Kernels.active().forSize(n).rangePerChannel(x, n, 0, min.length, inner, min, max);
    check(x, row, unusual[0] + unusual[1]);
    return unusual;
  }

  /** The range of all values of some rows, or fails at the first that is not finite. */
  FloatRange range(Span x, int row) {
    FloatRange range = Kernels.active().range(x);
    check(x, row, range.nans() + range.infinities());
    return range;
  }

  private void check(Span x, int row, long unusual) {
    if (unusual > 0 && invalid == Invalid.FAIL) {
      FloatBuffer values = x.floats();
      int i = 0;
      while (Float.isFinite(values.get(i))) {
        i++;
      }
      throw new IllegalArgumentException(
          describe(values.get(i), row, i)
              + ": only finite values can be quantized, unless they are clipped");
    }
  }

  /** Value number i of rows that start with number row. */
  String describe(float value, int row, int i) {
    return "row %s, dimension %s is %s".formatted(row + i / dimensions, i % dimensions, value);
  }

  /** Some rows. */
  private Span rows(Span x, int from, int count) {
    long row = x.floatElement().bytes(dimensions);
    return x.part(from * row, count * row);
  }

  /** The floats of some rows, as float32. */
  Span floats(Span x, int from, int count) {
    Span some = rows(x, from, count);
    if (x.floatElement() == Element.FLOAT32) {
      return some;
    }
    Span wide = Span.of(new float[count * dimensions]);
    if (x.floatElement() == Element.FLOAT16) {
      Kernels.active().toFloat32(some, wide);
    } else {
      Kernels.active().fromBFloat16(some, wide);
    }
    return wide;
  }

  /** The codes of some rows. */
  Span codes(Span y, int from, int count) {
    long row = format.bytes(dimensions);
    return y.part(from * row, count * row);
  }
}
