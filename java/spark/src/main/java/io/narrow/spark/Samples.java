package io.narrow.spark;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.data.Dataset;
import io.narrow.tflite.runtime.TensorInfo;
import java.io.IOException;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.types.DataTypes;

/** What feeds a model on a cluster: a table of which each row is a sample. */
public final class Samples {
  /** Makes files of the rows of a partition, and says how {@link Dataset#open} finds them. */
  interface Spill extends Serializable {
    Optional<String> write(SampleFiles files, Iterator<InternalRow> rows, List<TensorInfo> inputs);
  }

  private final org.apache.spark.sql.Dataset<?> table;
  private final Spill spill;
  private final Optional<Integer> label;

  private Samples(org.apache.spark.sql.Dataset<?> table, Spill spill, Optional<Integer> label) {
    this.table = table;
    this.spill = spill;
    this.label = label;
  }

  /**
   * With the classes of the samples in a column of {@code int}.
   *
   * @throws NarrowException if there is no such column
   */
  public Samples withLabels(String column) {
    int ordinal = VectorColumn.ordinal(table.schema(), column, DataTypes.IntegerType, "int");
    return new Samples(table, spill, Optional.of(ordinal));
  }

  /** The column of labels. */
  Optional<Integer> label() {
    return label;
  }

  /**
   * Samples in a column: {@code array<float>}, {@code array<double>}, vector or binary of
   * little-endian floats, as many as the model's only input has.
   *
   * @throws NarrowException if there is no such column, or it is of another type
   */
  public static Samples ofColumn(org.apache.spark.sql.Dataset<?> table, String column) {
    VectorColumn values = VectorColumn.of(table.schema(), column);
    return new Samples(
        table, (files, rows, inputs) -> array(files, rows, inputs, values), Optional.empty());
  }

  /**
   * Pictures, by paths in a column that all executors can read.
   *
   * @param options as those of {@code images:} for {@link Dataset#open}, such as {@code
   *     resize=224x224&scale=1/255}; may be empty
   * @throws NarrowException if there is no such column of strings
   */
  public static Samples ofImages(
      org.apache.spark.sql.Dataset<?> table, String column, String options) {
    int ordinal = VectorColumn.ordinal(table.schema(), column, DataTypes.StringType, "strings");
    return new Samples(
        table, (files, rows, inputs) -> links(files, rows, ordinal, options), Optional.empty());
  }

  JavaRDD<InternalRow> rows() {
    return VectorQuantizerModel.rows(table);
  }

  Spill spill() {
    return spill;
  }

  private static Optional<String> array(
      SampleFiles files, Iterator<InternalRow> rows, List<TensorInfo> inputs, VectorColumn column) {
    if (inputs.size() != 1) {
      throw NarrowException.input(
          "the model has %s inputs, a column feeds one".formatted(inputs.size()));
    }
    List<Integer> shape = new ArrayList<>(Arrays.stream(inputs.get(0).shape()).boxed().toList());
    if (!shape.isEmpty() && shape.get(0) == 1) {
      shape.remove(0);
    }
    Path file = files.path("samples.npy");
    int samples = files.write(file, rows, column, shape);
    return samples == 0 ? Optional.empty() : Optional.of("npy:" + file);
  }

  private static Optional<String> links(
      SampleFiles files, Iterator<InternalRow> rows, int ordinal, String options) {
    int count = 0;
    Path folder = files.path("images");
    try {
      Files.createDirectory(folder);
      while (rows.hasNext()) {
        InternalRow row = rows.next();
        if (row.isNullAt(ordinal)) {
          throw NarrowException.input("a path is null");
        }
        Path image = Path.of(row.getUTF8String(ordinal).toString()).toAbsolutePath();
        if (!Files.isReadable(image)) {
          throw NarrowException.input(image + ": cannot be read by an executor");
        }
        String name = "%08d_%s".formatted(count++, image.getFileName());
        Files.createSymbolicLink(folder.resolve(name), image);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    String spec = "images:" + folder + (options.isEmpty() ? "" : "?" + options);
    return count == 0 ? Optional.empty() : Optional.of(spec);
  }
}
