package io.narrow.spark;

import io.narrow.kernels.RangeRule;
import io.narrow.kernels.VectorQuantizer.Scope;
import io.narrow.kernels.VectorRanges;
import io.narrow.tflite.NarrowException;
import java.util.Arrays;
import java.util.Optional;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.ml.Model;
import org.apache.spark.ml.param.DoubleArrayParam;
import org.apache.spark.ml.param.Param;
import org.apache.spark.ml.param.ParamMap;
import org.apache.spark.ml.util.DefaultParamsReader;
import org.apache.spark.ml.util.DefaultParamsWritable;
import org.apache.spark.ml.util.MLReader;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/**
 * Turns a column of vectors into codes, and back, with the bytes of {@link
 * io.narrow.kernels.VectorCodec}. Rows go to the kernels in batches.
 */
public final class VectorQuantizerModel extends Model<VectorQuantizerModel>
    implements VectorParams, DefaultParamsWritable {
  private static final long serialVersionUID = 1;

  /** The type of the column of scales. */
  static final StructType SCALE =
      new StructType()
          .add("scale", DataTypes.FloatType, false)
          .add("zeroPoint", DataTypes.IntegerType, false);

  private final String uid;
  private final transient Held held;
  private final transient DoubleArrayParam min;
  private final transient DoubleArrayParam max;

  /** For readers; nothing is known yet. */
  public VectorQuantizerModel(String uid) {
    this.uid = uid;
    held = new Held(this);
    held.setDefaults(this);
    min = new DoubleArrayParam(this, "min", "smallest value of each range");
    max = new DoubleArrayParam(this, "max", "largest value of each range");
    setDefault(min, new double[0]);
    setDefault(max, new double[0]);
  }

  VectorQuantizerModel(String uid, int dimensions, Optional<VectorRanges> ranges) {
    this(uid);
    setDimensions(dimensions);
    ranges.ifPresent(
        known -> {
          double[] low = new double[known.size()];
          double[] high = new double[known.size()];
          Arrays.setAll(low, known::min);
          Arrays.setAll(high, known::max);
          set(min, low);
          set(max, high);
        });
  }

  /** Reads what was {@linkplain #write written}. */
  public static MLReader<VectorQuantizerModel> read() {
    return new DefaultParamsReader<>();
  }

  /** Reads what was {@linkplain #write written}. */
  public static VectorQuantizerModel load(String path) {
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

  /** The smallest value of each range, exactly; empty where there are none. */
  public DoubleArrayParam min() {
    return min;
  }

  /** The largest value of each range, exactly; empty where there are none. */
  public DoubleArrayParam max() {
    return max;
  }

  VectorQuantizerModel setDimensions(int dimensions) {
    set(dimensions(), (Object) dimensions);
    return this;
  }

  /** See {@link #inputCol}. */
  public VectorQuantizerModel setInputCol(String name) {
    set(inputCol(), name);
    return this;
  }

  /** See {@link #outputCol}. */
  public VectorQuantizerModel setOutputCol(String name) {
    set(outputCol(), name);
    return this;
  }

  /** See {@link #handleInvalid}. */
  public VectorQuantizerModel setHandleInvalid(String value) {
    set(handleInvalid(), value);
    return this;
  }

  @Override
  public VectorQuantizerModel copy(ParamMap extra) {
    VectorQuantizerModel copy = copyValues(new VectorQuantizerModel(uid), extra);
    return copy.setParent(parent());
  }

  @Override
  public StructType transformSchema(StructType schema) {
    return withCodes(this, schema);
  }

  /** A schema with the columns that this stage adds, or what is wrong. */
  static StructType withCodes(VectorParams stage, StructType schema) {
    for (Param<String> needed : Arrays.asList(stage.inputCol(), stage.outputCol())) {
      if (!stage.isDefined(needed)) {
        throw NarrowException.input("%s is not set".formatted(needed.name()));
      }
    }
    VectorColumn.of(schema, stage.getOrDefault(stage.inputCol()));
    StructType with =
        added(schema, stage.getOrDefault(stage.outputCol()))
            .add(stage.getOrDefault(stage.outputCol()), DataTypes.BinaryType);
    return stage.hasScales() ? added(with, stage.scales()).add(stage.scales(), SCALE) : with;
  }

  private static StructType added(StructType schema, String name) {
    if (Arrays.asList(schema.fieldNames()).contains(name)) {
      throw NarrowException.input("column `%s` is there already".formatted(name));
    }
    return schema;
  }

  /**
   * Adds the codes, {@code binary}, and where ranges are by row a column of {@code struct<scale:
   * float, zeroPoint: int>}.
   *
   * @throws NarrowException if a column is missing, of another type, or there already; rows that do
   *     not fit are errors of the job that reads the result
   */
  @Override
  public Dataset<Row> transform(Dataset<?> dataset) {
    StructType schema = transformSchema(dataset.schema());
    VectorColumn column = VectorColumn.of(dataset.schema(), getOrDefault(inputCol()));
    Codes codes = codes();
    Rows.Invalid invalid = invalidRows();
    boolean scales = hasScales();
    return table(
        dataset,
        rows(dataset)
            .mapPartitions(partition -> codes.encode(partition, column, invalid, scales), true),
        schema);
  }

  /**
   * Turns codes back into floats.
   *
   * @param dataset with the column of codes, and of scales where there is one
   * @param name of the column of {@code array<float>} to add
   * @throws NarrowException as {@link #transform}
   */
  public Dataset<Row> restore(Dataset<?> dataset, String name) {
    StructType schema = dataset.schema();
    int ordinal = ordinal(schema, getOrDefault(outputCol()), DataTypes.BinaryType);
    int scale = hasScales() ? ordinal(schema, scales(), SCALE) : -1;
    StructType with =
        added(schema, name).add(name, DataTypes.createArrayType(DataTypes.FloatType, false));
    Codes codes = codes();
    String column = getOrDefault(outputCol());
    return table(
        dataset,
        rows(dataset)
            .mapPartitions(partition -> codes.decode(partition, column, ordinal, scale), true),
        with);
  }

  private static int ordinal(StructType schema, String name, DataType type) {
    return VectorColumn.ordinal(schema, name, type, "type " + type.simpleString());
  }

  /**
   * Makes this a function of SQL, of one argument: an {@code array<float>} in, codes out, row by
   * row. Not where ranges are by row, or clipped values have to be counted.
   *
   * @param name of the function
   */
  public void register(SparkSession session, String name) {
    SqlFunctions.register(session, name, codes());
  }

  Codes codes() {
    return new Codes(quantizer(), ranges());
  }

  /** Ranges are between quantiles already, but those of rows. */
  private io.narrow.kernels.VectorQuantizer quantizer() {
    io.narrow.kernels.VectorQuantizer quantizer =
        kernels((Integer) getOrDefault((Param<?>) dimensions()));
    return hasScales() ? quantizer : quantizer.withRule(RangeRule.MIN_MAX);
  }

  private Optional<VectorRanges> ranges() {
    double[] low = getOrDefault(min);
    if (low.length == 0) {
      return Optional.empty();
    }
    Scope scope = Scope.valueOf(getOrDefault(scope()));
    return Optional.of(VectorRanges.of(scope, floats(low), floats(getOrDefault(max))));
  }

  private static float[] floats(double[] values) {
    float[] x = new float[values.length];
    for (int i = 0; i < x.length; i++) {
      x[i] = (float) values[i];
    }
    return x;
  }

  /** Rows as Spark has them: no value is boxed. */
  static JavaRDD<InternalRow> rows(Dataset<?> dataset) {
    if (!(dataset instanceof org.apache.spark.sql.classic.Dataset<?> here)) {
      throw NarrowException.unsupported(
          "Spark Connect has no stages on this side: use the SQL functions");
    }
    if (dataset.isStreaming()) {
      throw NarrowException.unsupported("streams: use the SQL functions, or foreachBatch");
    }
    return here.queryExecution().toRdd().toJavaRDD();
  }

  private static Dataset<Row> table(Dataset<?> like, JavaRDD<InternalRow> rows, StructType schema) {
    return ((org.apache.spark.sql.classic.Dataset<?>) like)
        .sparkSession()
        .internalCreateDataFrame(rows.rdd(), schema, false);
  }
}
