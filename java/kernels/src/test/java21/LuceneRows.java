import io.narrow.kernels.OptimizedVectorQuantizer;
import io.narrow.kernels.OptimizedVectorQuantizer.Similarity;
import io.narrow.kernels.RangeRule;
import io.narrow.kernels.Span;
import io.narrow.kernels.VectorCodec;
import io.narrow.kernels.VectorFormat;
import io.narrow.kernels.VectorQuantizer;
import io.narrow.kernels.VectorQuantizer.Scheme;
import io.narrow.kernels.VectorQuantizer.Scope;
import io.narrow.kernels.VectorRanges;
import java.util.Random;
import org.apache.lucene.index.VectorSimilarityFunction;
import org.apache.lucene.util.quantization.OptimizedScalarQuantizer;
import org.apache.lucene.util.quantization.ScalarQuantizer;

/**
 * Run by LuceneTest on JDK 21 and newer, as Lucene 10 needs it: compares codes and corrections with
 * Lucene's own, and prints a line for each quantizer and kind of vectors. The arguments are the
 * numbers of rows and of dimensions.
 *
 * <p>By hand, for more rows, from the folder of narrow-kernels: {@code java -cp
 * target/classes:LUCENE_CORE_JAR:JAVACPP_JAR src/test/java21/LuceneRows.java 10000 100}.
 */
class LuceneRows {
  private static final String[] KINDS = {"random", "sparse", "unit", "equal", "huge"};

  private final int rows;
  private final int dimensions;

  private LuceneRows(int rows, int dimensions) {
    this.rows = rows;
    this.dimensions = dimensions;
  }

  public static void main(String[] arguments) {
    LuceneRows of = new LuceneRows(Integer.parseInt(arguments[0]), Integer.parseInt(arguments[1]));
    for (String kind : KINDS) {
      float[] x = of.vectors(kind);
      of.scalar(kind, x, VectorFormat.UINT8, 7);
      of.scalar(kind, x, VectorFormat.UINT4_HALVES, 4);
      float[] centroid = of.centroid(x);
      for (int bits = 1; bits <= 8; bits++) {
        for (Similarity similarity : Similarity.values()) {
          of.optimized(kind, x, bits, centroid, similarity);
        }
      }
    }
  }

  private float[] vectors(String kind) {
    Random random = new Random(kind.hashCode());
    float[] x = new float[rows * dimensions];
    for (int row = 0; row < rows; row++) {
      double square = 0;
      for (int i = row * dimensions; i < (row + 1) * dimensions; i++) {
        double value = random.nextGaussian();
        x[i] =
            switch (kind) {
              case "random" -> (float) (value * (1 + row % 7) + row % 3);
              case "sparse" -> random.nextInt(10) == 0 ? (float) value : 0;
              case "equal" -> row % 5;
              case "huge" -> (float) value * 1e18f;
              default -> (float) value;
            };
        square += (double) x[i] * x[i];
      }
      for (int i = row * dimensions; kind.equals("unit") && i < (row + 1) * dimensions; i++) {
        x[i] /= (float) Math.sqrt(square);
      }
    }
    return x;
  }

  private float[] centroid(float[] x) {
    float[] mean = new float[dimensions];
    for (int i = 0; i < x.length; i++) {
      mean[i % dimensions] += x[i] / rows;
    }
    return mean;
  }

  private float[] row(float[] x, int row) {
    return java.util.Arrays.copyOfRange(x, row * dimensions, (row + 1) * dimensions);
  }

  /** Between quantiles, so that there are values beyond. */
  private void scalar(String kind, float[] x, VectorFormat format, int bits) {
    VectorQuantizer quantizer =
        VectorQuantizer.of(format, dimensions)
            .withScheme(Scheme.LUCENE)
            .withScope(Scope.TENSOR)
            .withRule(RangeRule.confidence(0.95));
    VectorRanges ranges = quantizer.fit(Span.of(x)).resolve(quantizer.rule());
    if (ranges.min(0) == ranges.max(0)) {
      return; // Lucene divides by 0
    }
    VectorCodec codec = quantizer.withRule(RangeRule.MIN_MAX).codec(ranges);
    int width = (int) format.bytes(dimensions);
    byte[] codes = new byte[rows * width];
    codec.apply(Span.of(x), Span.of(codes));
    float[] corrections = codec.corrections(Span.of(x));
    ScalarQuantizer lucene = new ScalarQuantizer(ranges.min(0), ranges.max(0), (byte) bits);
    Differences found = new Differences();
    byte[] theirs = new byte[dimensions];
    for (int row = 0; row < rows; row++) {
      float correction = lucene.quantize(row(x, row), theirs, VectorSimilarityFunction.DOT_PRODUCT);
      for (int i = 0; i < dimensions; i++) {
        int half = dimensions / 2;
        int code =
            bits == 7
                ? codes[row * width + i]
                : i < half ? codes[row * width + i] >> 4 & 15 : codes[row * width + i - half] & 15;
        found.code(code, theirs[i]);
      }
      found.correction(corrections[row], correction);
    }
    found.print(kind + ", " + bits + " bits");
  }

  private void optimized(
      String kind, float[] x, int bits, float[] centroid, Similarity similarity) {
    byte[] codes = new byte[x.length];
    OptimizedVectorQuantizer.Intervals intervals =
        OptimizedVectorQuantizer.of(bits, centroid, similarity).apply(Span.of(x), Span.of(codes));
    OptimizedScalarQuantizer lucene =
        new OptimizedScalarQuantizer(
            similarity == Similarity.EUCLIDEAN
                ? VectorSimilarityFunction.EUCLIDEAN
                : VectorSimilarityFunction.MAXIMUM_INNER_PRODUCT);
    Differences found = new Differences();
    byte[] theirs = new byte[dimensions];
    for (int row = 0; row < rows; row++) {
      OptimizedScalarQuantizer.QuantizationResult result =
          lucene.scalarQuantize(row(x, row), theirs, (byte) bits, centroid);
      for (int i = 0; i < dimensions; i++) {
        found.code(codes[row * dimensions + i], theirs[i]);
      }
      found.correction(intervals.lower()[row], result.lowerInterval());
      found.correction(intervals.upper()[row], result.upperInterval());
      found.correction(intervals.additional()[row], result.additionalCorrection());
      found.code(intervals.sums()[row], result.quantizedComponentSum());
    }
    found.print(kind + ", optimized, " + bits + " bits, " + similarity);
  }

  private static final class Differences {
    private long codes;
    private long otherCodes;
    private long corrections;
    private long otherCorrections;
    private double largest;

    void code(int ours, int theirs) {
      codes++;
      otherCodes += ours == theirs ? 0 : 1;
    }

    void correction(float ours, float theirs) {
      corrections++;
      if (Float.floatToIntBits(ours) != Float.floatToIntBits(theirs)) {
        otherCorrections++;
        double difference = Math.abs((double) ours - theirs) / Math.abs((double) theirs);
        largest = Math.max(largest, difference);
      }
    }

    void print(String what) {
      System.out.printf(
          java.util.Locale.ROOT,
          "%s: %d of %d codes and %d of %d corrections differ%s%n",
          what,
          otherCodes,
          codes,
          otherCorrections,
          corrections,
          otherCorrections == 0 ? "" : String.format(", by up to %.2g of them", largest));
    }
  }
}
