package io.narrow.benchmarks;

import io.narrow.kernels.OptimizedVectorQuantizer;
import io.narrow.kernels.Span;
import org.apache.lucene.index.VectorSimilarityFunction;
import org.apache.lucene.util.quantization.OptimizedScalarQuantizer;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;

/** Rows of 256 values by the optimized scalar quantizer, and by Lucene's own. */
@Fork(value = 1, jvmArgsAppend = "--add-modules=jdk.incubator.vector")
public class LuceneBenchmark extends Settings {
  private static final int DIMENSIONS = 256;

  /** Of a code. */
  @Param({"1", "4", "7"})
  public int bits;

  private float[] x;
  private float[] centroid;
  private byte[] codes;
  private OptimizedVectorQuantizer quantizer;
  private OptimizedScalarQuantizer lucene;
  private float[] row;
  private byte[] codesOfRow;

  /** Fills the input with normally distributed values. */
  @Setup
  public void setup() {
    x = values(size);
    centroid = values(DIMENSIONS);
    codes = new byte[size];
    row = new float[DIMENSIONS];
    codesOfRow = new byte[DIMENSIONS];
    quantizer =
        OptimizedVectorQuantizer.of(bits, centroid, OptimizedVectorQuantizer.Similarity.EUCLIDEAN);
    lucene = new OptimizedScalarQuantizer(VectorSimilarityFunction.EUCLIDEAN);
  }

  /** This library's, by the kernels that are in use. */
  @Benchmark
  public Object optimized() {
    return quantizer.apply(Span.of(x), Span.of(codes));
  }

  /** Lucene's, which takes the centroid off the row it is given. */
  @Benchmark
  public byte[] luceneOptimized() {
    for (int at = 0; at < size; at += DIMENSIONS) {
      System.arraycopy(x, at, row, 0, DIMENSIONS);
      lucene.scalarQuantize(row, codesOfRow, (byte) bits, centroid);
      System.arraycopy(codesOfRow, 0, codes, at, DIMENSIONS);
    }
    return codes;
  }
}
