package io.narrow.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.within;

import io.narrow.kernels.Kernels;
import io.narrow.kernels.Quantization;
import io.narrow.kernels.QuantizedType;
import io.narrow.kernels.RangeRule;
import io.narrow.kernels.Span;
import io.narrow.kernels.VectorCodec;
import io.narrow.kernels.VectorFormat;
import io.narrow.kernels.VectorQuantizer.Scheme;
import io.narrow.kernels.VectorQuantizer.Scope;
import io.narrow.tflite.NarrowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.apache.spark.ml.Pipeline;
import org.apache.spark.ml.PipelineModel;
import org.apache.spark.ml.PipelineStage;
import org.apache.spark.ml.linalg.SQLDataTypes;
import org.apache.spark.ml.linalg.Vectors;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class VectorQuantizerTest {
  private static final int ROWS = 700;
  private static final int DIMENSIONS = 160;
  private static final StructType SCHEMA =
      new StructType()
          .add("id", DataTypes.IntegerType)
          .add("floats", DataTypes.createArrayType(DataTypes.FloatType))
          .add("doubles", DataTypes.createArrayType(DataTypes.DoubleType, false))
          .add("vector", SQLDataTypes.VectorType())
          .add("binary", DataTypes.BinaryType)
          .add("text", DataTypes.StringType);

  private static SparkSession spark;
  private static float[] all;
  private static Dataset<Row> table;

  @BeforeAll
  static void start() {
    spark = Sessions.local();
    all = new float[ROWS * DIMENSIONS];
    Random random = new Random(8);
    for (int i = 0; i < all.length; i++) {
      all[i] = i % 11 == 0 ? 0 : (float) random.nextGaussian() * (1 + i % DIMENSIONS);
    }
    table = table(all, 5);
  }

  @AfterAll
  static void stop() {
    if (spark != null) {
      spark.stop();
    }
  }

  private static Dataset<Row> table(float[] values, int partitions) {
    List<Row> rows = new ArrayList<>();
    for (int r = 0; r < values.length / DIMENSIONS; r++) {
      rows.add(row(r, Arrays.copyOfRange(values, r * DIMENSIONS, (r + 1) * DIMENSIONS)));
    }
    return spark.createDataFrame(rows, SCHEMA).repartition(partitions);
  }

  private static Row row(int id, float[] x) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * x.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(x);
    List<Float> floats = new ArrayList<>();
    double[] doubles = new double[x.length];
    for (int i = 0; i < x.length; i++) {
      floats.add(x[i]);
      doubles[i] = x[i];
    }
    return RowFactory.create(
        id,
        floats,
        Arrays.stream(doubles).boxed().toList(),
        id % 2 == 0 ? Vectors.dense(doubles) : Vectors.dense(doubles).toSparse(),
        bytes.array(),
        "row " + id);
  }

  private static VectorQuantizer quantizer(VectorFormat format) {
    return new VectorQuantizer().setFormat(format).setInputCol("floats").setOutputCol("codes");
  }

  private static byte[] codes(Dataset<Row> table) {
    List<Row> rows = table.orderBy("id").select("codes").collectAsList();
    ByteBuffer all = ByteBuffer.allocate(rows.size() * ((byte[]) rows.get(0).get(0)).length);
    rows.forEach(row -> all.put((byte[]) row.get(0)));
    return all.array();
  }

  /** What the kernels make of all rows at once. */
  private static byte[] expected(io.narrow.kernels.VectorQuantizer quantizer) {
    VectorCodec codec =
        quantizer.format().isInteger()
            ? quantizer.codec(quantizer.fit(Span.of(all)))
            : quantizer.codec();
    byte[] codes = new byte[(int) (ROWS * quantizer.format().bytes(DIMENSIONS))];
    codec.apply(Span.of(all), Span.of(codes));
    return codes;
  }

  @Test
  void everyFormatAndColumnGivesTheBytesOfTheKernels() {
    for (VectorFormat format : VectorFormat.values()) {
      byte[] expected = expected(io.narrow.kernels.VectorQuantizer.of(format, DIMENSIONS));
      for (String column : List.of("floats", "doubles", "vector", "binary")) {
        VectorQuantizerModel model = quantizer(format).setInputCol(column).fit(table);
        Dataset<Row> coded = model.transform(table);
        assertThat(coded.schema().fieldNames()).endsWith("text", "codes");
        assertThat(codes(coded)).as("%s of %s", format, column).isEqualTo(expected);
      }
    }
  }

  @Test
  void schemesScopesAndRules() {
    for (int partitions : new int[] {1, 13}) {
      Dataset<Row> cut = table(all, partitions);
      for (Scheme scheme : List.of(Scheme.FAISS, Scheme.LUCENE)) {
        RangeRule rule = RangeRule.confidence(0.95);
        VectorQuantizer quantizer =
            quantizer(VectorFormat.UINT8).setScheme(scheme).setScope(Scope.TENSOR).setRule(rule);
        assertThat(codes(quantizer.fit(cut).transform(cut)))
            .as("%s in %s", scheme, partitions)
            .isEqualTo(
                expected(
                    io.narrow.kernels.VectorQuantizer.of(VectorFormat.UINT8, DIMENSIONS)
                        .withScope(Scope.TENSOR)
                        .withRule(rule)
                        .withScheme(scheme)));
      }
    }
  }

  @Test
  void scalesOfRowsAndBack() {
    for (Scheme scheme : List.of(Scheme.SYMMETRIC, Scheme.AFFINE)) {
      VectorQuantizerModel model =
          quantizer(VectorFormat.INT4).setScope(Scope.ROW).setScheme(scheme).fit(table);
      Dataset<Row> coded = model.transform(table);
      assertThat(coded.schema().fieldNames()).endsWith("codes", "codes_scale");
      assertThat(codes(coded))
          .isEqualTo(
              expected(
                  io.narrow.kernels.VectorQuantizer.of(VectorFormat.INT4, DIMENSIONS)
                      .withScope(Scope.ROW)
                      .withScheme(scheme)));
      for (Row row : model.restore(coded, "back").orderBy("id").takeAsList(20)) {
        Row scale = row.getStruct(row.fieldIndex("codes_scale"));
        Quantization q =
            Quantization.perTensor(QuantizedType.INT4, scale.getFloat(0), scale.getInt(1));
        float[] x = new float[DIMENSIONS];
        Kernels.active().dequantize(Span.of((byte[]) row.getAs("codes")), q, Span.of(x));
        assertThat(row.<Float>getList(row.fieldIndex("back")))
            .containsExactlyElementsOf(IntStream.range(0, DIMENSIONS).mapToObj(i -> x[i]).toList());
        int id = row.getAs("id");
        for (int i = 0; i < DIMENSIONS; i++) {
          assertThat(Math.abs(x[i] - all[id * DIMENSIONS + i]))
              .isLessThanOrEqualTo(scale.getFloat(0) * 1.01f);
        }
      }
    }
  }

  @Test
  void codesComeBack() {
    VectorQuantizerModel model = quantizer(VectorFormat.Q8_0).fit(table);
    for (Row row : model.restore(model.transform(table), "back").takeAsList(30)) {
      List<Float> x = row.getList(row.fieldIndex("floats"));
      List<Float> back = row.getList(row.fieldIndex("back"));
      for (int i = 0; i < DIMENSIONS; i++) {
        assertThat(back.get(i)).isCloseTo(x.get(i), within(4f));
      }
    }
  }

  @Test
  void inAPipelineWrittenAndRead(@TempDir Path directory) throws Exception {
    Pipeline pipeline =
        new Pipeline()
            .setStages(
                new PipelineStage[] {
                  quantizer(VectorFormat.INT8), quantizer(VectorFormat.Q4_0).setOutputCol("blocks")
                });
    PipelineModel model = pipeline.fit(table);
    Path file = directory.resolve("model");
    model.save(file.toString());
    PipelineModel read = PipelineModel.load(file.toString());
    assertThat(codes(read.transform(table))).isEqualTo(codes(model.transform(table)));
    VectorQuantizerModel first = (VectorQuantizerModel) read.stages()[0];
    VectorQuantizerModel before = (VectorQuantizerModel) model.stages()[0];
    assertThat(first.getOrDefault(first.min())).isEqualTo(before.getOrDefault(before.min()));
    VectorQuantizer estimator = quantizer(VectorFormat.UINT8).setClip(true);
    estimator.save(directory.resolve("estimator").toString());
    VectorQuantizer again = VectorQuantizer.load(directory.resolve("estimator").toString());
    assertThat(again.explainParams()).isEqualTo(estimator.explainParams());
    assertThat(codes(again.copy(again.extractParamMap()).fit(table).transform(table)))
        .isEqualTo(codes(estimator.fit(table).transform(table)));
  }

  @Test
  void functionsOfSql(@TempDir Path directory) throws Exception {
    table.createOrReplaceTempView("vectors");
    byte[] expected =
        expected(io.narrow.kernels.VectorQuantizer.of(VectorFormat.FLOAT16, DIMENSIONS));
    assertThat(codes(spark.sql("SELECT id, narrow_pack(floats, 'float16') AS codes FROM vectors")))
        .isEqualTo(expected);
    assertThat(codes(spark.sql("SELECT id, narrow_pack(doubles, 'float16') AS codes FROM vectors")))
        .isEqualTo(expected);
    assertThat(
            spark
                .sql(
                    "SELECT narrow_unpack(narrow_pack(array(1.5D, -2D), 'FLOAT16'), 'FLOAT16', 2),"
                        + " narrow_pack(CAST(NULL AS ARRAY<FLOAT>), 'UBINARY')")
                .head()
                .toString())
        .isEqualTo("[ArraySeq(1.5, -2.0),null]");
    assertThat(spark.sql("SELECT narrow_pack(floats, 'FLOAT16') FROM vectors").columns())
        .containsExactly("invoke(FLOAT16.encode(floats))");
    VectorQuantizerModel model = quantizer(VectorFormat.INT8).fit(table);
    model.register(spark, "to_int8");
    assertThat(codes(spark.sql("SELECT id, to_int8(floats) AS codes FROM vectors")))
        .isEqualTo(codes(model.transform(table)));
    String path = directory.resolve("written").toString();
    model.save(path);
    assertThat(
            codes(
                spark.sql(
                    "SELECT id, narrow_quantize(floats, '%s') AS codes FROM vectors"
                        .formatted(path))))
        .isEqualTo(codes(model.transform(table)));
    model.transform(table).createOrReplaceTempView("coded");
    assertThat(
            spark.sql("SELECT id, narrow_dequantize(codes, '%s') AS x FROM coded".formatted(path)))
        .satisfies(
            restored ->
                assertThat(restored.orderBy("id").collectAsList())
                    .isEqualTo(
                        model
                            .restore(model.transform(table), "x")
                            .select("id", "x")
                            .orderBy("id")
                            .collectAsList()));
    assertThatExceptionOfType(NarrowException.class)
        .isThrownBy(() -> spark.sql("SELECT narrow_quantize(floats, '/nowhere') FROM vectors"))
        .withMessageStartingWith("narrow_quantize: /nowhere is no model that was written: ");
    VectorQuantizerModel rows = quantizer(VectorFormat.INT8).setScope(Scope.ROW).fit(table);
    assertThatExceptionOfType(NarrowException.class)
        .isThrownBy(() -> rows.register(spark, "by_row"))
        .withMessage("a function has no column of scales: use transform");
    assertThatExceptionOfType(Exception.class)
        .isThrownBy(() -> spark.sql("SELECT narrow_pack(floats, 'INT8') FROM vectors").count())
        .withMessageContaining("format INT8: one without ranges is needed, of FLOAT16");
  }

  private static void fails(Dataset<Row> rows, String message) {
    assertThatExceptionOfType(NarrowException.class)
        .isThrownBy(() -> quantizer(VectorFormat.INT8).setDimensions(3).fit(rows))
        .withMessage(message);
    VectorQuantizerModel model = quantizer(VectorFormat.FLOAT16).setDimensions(3).fit(rows);
    assertThatExceptionOfType(Exception.class)
        .isThrownBy(() -> model.transform(rows).collectAsList())
        .withMessageContaining(message);
  }

  private static Dataset<Row> rows(Object... vectors) {
    List<Row> rows = new ArrayList<>();
    for (Object vector : vectors) {
      rows.add(RowFactory.create(rows.size(), vector));
    }
    StructType schema =
        new StructType()
            .add("id", DataTypes.IntegerType)
            .add("floats", DataTypes.createArrayType(DataTypes.FloatType));
    return spark.createDataFrame(rows, schema);
  }

  @Test
  void whatDoesNotFitIsALineWithColumnAndValue() {
    List<Float> good = List.of(1f, 2f, 3f);
    fails(rows(good, null), "column `floats`: a row is null");
    fails(rows(good, List.of(1f, 2f)), "column `floats`: [1.0, 2.0] has 2 values, 3 are needed");
    fails(
        rows(good, List.of(1f, 2f, 3f, 4f, 5f)),
        "column `floats`: [1.0, 2.0, 3.0, 4.0, ...] has 5 values, 3 are needed");
    fails(rows(good, Arrays.asList(1f, null, 2f)), "column `floats`: value 1 of a row is null");
    fails(
        rows(good, List.of(1f, 2f, Float.NaN)),
        "column `floats`: dimension 2 is NaN: only finite values can be quantized, unless they are"
            + " clipped");
    assertThatExceptionOfType(NarrowException.class)
        .isThrownBy(() -> quantizer(VectorFormat.INT8).fit(rows(null, null)))
        .withMessage("column `floats`: no row has values");
    assertThatExceptionOfType(NarrowException.class)
        .isThrownBy(() -> quantizer(VectorFormat.INT8).setInputCol("text").fit(table))
        .withMessage(
            "column `text` is string: array<float>, array<double>, vector or binary is needed");
    assertThatExceptionOfType(NarrowException.class)
        .isThrownBy(() -> quantizer(VectorFormat.INT8).setInputCol("none").fit(rows(good)))
        .withMessage("no column `none`; there are [id, floats]");
    assertThatExceptionOfType(NarrowException.class)
        .isThrownBy(() -> quantizer(VectorFormat.INT8).setOutputCol("id").fit(rows(good)))
        .withMessage("column `id` is there already");
  }

  @Test
  void rowsThatDoNotFitAreKeptOrSkipped() {
    Dataset<Row> rows = rows(List.of(1f, 2f, 3f), null, List.of(4f), List.of(-1f, 0f, 5f));
    VectorQuantizerModel keep = quantizer(VectorFormat.INT8).setHandleInvalid("keep").fit(rows);
    List<Row> kept = keep.transform(rows).orderBy("id").collectAsList();
    assertThat(kept.stream().map(row -> row.isNullAt(2))).containsExactly(false, true, true, false);
    assertThat(keep.restore(keep.transform(rows), "back").filter("back IS NULL").count())
        .isEqualTo(2);
    VectorQuantizerModel skip = quantizer(VectorFormat.INT8).setHandleInvalid("skip").fit(rows);
    assertThat(skip.transform(rows).count()).isEqualTo(2);
    assertThat(skip.getOrDefault(skip.max())).containsExactly(1, 2, 5);
  }
}
