package io.narrow.spark;

import io.narrow.kernels.RangeRule;
import io.narrow.kernels.Span;
import io.narrow.kernels.VectorFormat;
import io.narrow.kernels.VectorQuantizer.Scheme;
import io.narrow.kernels.VectorQuantizer.Scope;
import io.narrow.kernels.VectorRanges;
import io.narrow.tflite.NarrowException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.ml.Estimator;
import org.apache.spark.ml.param.ParamMap;
import org.apache.spark.ml.util.DefaultParamsReader;
import org.apache.spark.ml.util.DefaultParamsWritable;
import org.apache.spark.ml.util.Identifiable$;
import org.apache.spark.ml.util.MLReader;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.types.StructType;

/**
 * Fits the ranges of a column of vectors, as {@link io.narrow.kernels.VectorQuantizer} does: the
 * result is the same however the rows are partitioned. Formats without ranges, and a range per row,
 * are not fitted.
 *
 * <pre>{@code
 * VectorQuantizerModel model =
 *     new VectorQuantizer().setInputCol("embedding").setOutputCol("codes").fit(table);
 * model.transform(table).write().parquet("codes");
 * }</pre>
 */
public final class VectorQuantizer extends Estimator<VectorQuantizerModel>
    implements VectorParams, DefaultParamsWritable {
  private static final long serialVersionUID = 1;

  private final String uid;
  private final transient Held held;

  /** With defaults: INT8, an affine range per dimension from its smallest to its largest value. */
  public VectorQuantizer() {
    this(Identifiable$.MODULE$.randomUID("vectorQuantizer"));
  }

  /** The same, named. */
  public VectorQuantizer(String uid) {
    this.uid = uid;
    held = new Held(this);
    held.setDefaults(this);
  }

  /** Reads what was {@linkplain #write written}. */
  public static MLReader<VectorQuantizer> read() {
    return new DefaultParamsReader<>();
  }

  /** Reads what was {@linkplain #write written}. */
  public static VectorQuantizer load(String path) {
    return read().load(path);
  }

  @Override
  public String uid() {
    return uid;
  }

  @Override
  public Held held() {
    return held;
  }

  /** See {@link #inputCol}. */
  public VectorQuantizer setInputCol(String name) {
    set(inputCol(), name);
    return this;
  }

  /** See {@link #outputCol}. */
  public VectorQuantizer setOutputCol(String name) {
    set(outputCol(), name);
    return this;
  }

  /** See {@link #scaleCol}. */
  public VectorQuantizer setScaleCol(String name) {
    set(scaleCol(), name);
    return this;
  }

  /** See {@link #format}. */
  public VectorQuantizer setFormat(VectorFormat format) {
    set(format(), format.name());
    return this;
  }

  /** See {@link #scope}. */
  public VectorQuantizer setScope(Scope scope) {
    set(scope(), scope.name());
    return this;
  }

  /** See {@link #scheme}. */
  public VectorQuantizer setScheme(Scheme scheme) {
    set(scheme(), scheme.name());
    return this;
  }

  /** See {@link #lowerQuantile} and {@link #upperQuantile}. */
  public VectorQuantizer setRule(RangeRule rule) {
    set(lowerQuantile(), (Object) rule.lower());
    set(upperQuantile(), (Object) rule.upper());
    return this;
  }

  /** See {@link #clip}. */
  public VectorQuantizer setClip(boolean clip) {
    set(clip(), (Object) clip);
    return this;
  }

  /** See {@link #dimensions}. */
  public VectorQuantizer setDimensions(int dimensions) {
    set(dimensions(), (Object) dimensions);
    return this;
  }

  /** See {@link #handleInvalid}. */
  public VectorQuantizer setHandleInvalid(String value) {
    set(handleInvalid(), value);
    return this;
  }

  @Override
  public VectorQuantizer copy(ParamMap extra) {
    return this.<VectorQuantizer>defaultCopy(extra);
  }

  @Override
  public StructType transformSchema(StructType schema) {
    return VectorQuantizerModel.withCodes(this, schema);
  }

  /**
   * Fits the ranges of a column.
   *
   * @throws NarrowException if the column is missing, of another type or empty, or a row does not
   *     fit: the message names column and value
   */
  @Override
  public VectorQuantizerModel fit(Dataset<?> dataset) {
    transformSchema(dataset.schema());
    String name = getOrDefault(inputCol());
    StructType only = new StructType().add(dataset.schema().apply(name));
    VectorColumn column = VectorColumn.of(only, name);
    JavaRDD<InternalRow> rows =
        VectorQuantizerModel.rows(dataset.select(dataset.col("`" + name + "`")));
    int dimensions = Failures.unwrapped(() -> dimensions(rows, column));
    Optional<VectorRanges> ranges = Optional.empty();
    if (VectorFormat.valueOf(getOrDefault(format())).isInteger() && !hasScales()) {
      ranges = Optional.of(Failures.unwrapped(() -> ranges(rows, column, dimensions)));
    }
    VectorQuantizerModel model = new VectorQuantizerModel(uid, dimensions, ranges);
    return copyValues(model, ParamMap.empty()).setDimensions(dimensions);
  }

  private int dimensions(JavaRDD<InternalRow> rows, VectorColumn column) {
    int given = (Integer) getOrDefault((org.apache.spark.ml.param.Param<?>) dimensions());
    if (given > 0) {
      return given;
    }
    List<Integer> first =
        rows.mapPartitions(
                partition -> {
                  List<Integer> found = new ArrayList<>();
                  while (found.isEmpty() && partition.hasNext()) {
                    int length = column.length(partition.next());
                    if (length > 0) {
                      found.add(length);
                    }
                  }
                  return found.iterator();
                })
            .take(1);
    if (first.isEmpty()) {
      throw NarrowException.input("column `%s`: no row has values".formatted(column.name()));
    }
    return first.get(0);
  }

  private VectorRanges ranges(JavaRDD<InternalRow> rows, VectorColumn column, int dimensions) {
    io.narrow.kernels.VectorQuantizer quantizer = kernels(dimensions);
    Rows.Invalid invalid = invalidRows();
    JavaRDD<VectorRanges> parts =
        rows.mapPartitions(partition -> fit(quantizer, column, invalid, partition));
    VectorRanges all;
    try {
      all = parts.treeReduce(VectorRanges::merge, 2);
    } catch (UnsupportedOperationException e) {
      throw NarrowException.input("column `%s`: there are no rows".formatted(column.name()));
    }
    return Rows.naming(column, () -> all.resolve(quantizer.rule()));
  }

  private static Iterator<VectorRanges> fit(
      io.narrow.kernels.VectorQuantizer quantizer,
      VectorColumn column,
      Rows.Invalid invalid,
      Iterator<InternalRow> partition) {
    Rows rows = new Rows(column, quantizer.dimensions(), invalid, partition);
    Optional<VectorRanges> all = Optional.empty();
    while (rows.hasNext()) {
      Rows.Batch batch = rows.next(false);
      Span x = Span.of(batch.x(), 0, batch.count() * quantizer.dimensions());
      VectorRanges ranges = Rows.naming(column, () -> quantizer.fit(x));
      all = Optional.of(all.map(before -> before.merge(ranges)).orElse(ranges));
    }
    return all.stream().iterator();
  }
}
