package io.narrow.spark;

import io.narrow.spark.DistributedEvaluation.File;
import io.narrow.tflite.NarrowException;
import io.narrow.tflite.Quantizer;
import io.narrow.tflite.calibration.Calibration;
import io.narrow.tflite.calibration.Calibrator;
import io.narrow.tflite.calibration.RangeMethod;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.runtime.Interpreter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.catalyst.InternalRow;

/**
 * Calibrates a model on the samples of a table: {@link Calibrator} on every partition, and what it
 * finds merged. The result is that of {@code narrow calibrate} on all samples, to the byte of its
 * file, whatever the partitions and whichever of them had to be computed again.
 */
public final class DistributedCalibration {
  private DistributedCalibration() {}

  /**
   * Runs a float model on samples.
   *
   * @param file a float model of one signature and input
   * @param method how the result chooses ranges; not moving averages, which depend on an order
   * @throws NarrowException as {@link Calibrator#calibrate}, of any executor
   */
  public static Calibration calibrate(
      SparkSession session, Path file, Samples samples, RangeMethod method) {
    if (method.kind() == RangeMethod.Kind.MOVING_AVERAGE) {
      throw NarrowException.unsupported("moving averages depend on an order, a cluster has none");
    }
    Model model = Quantizer.DEFAULT.prepare(Model.read(file)).model();
    JavaSparkContext context = JavaSparkContext.fromSparkContext(session.sparkContext());
    Broadcast<File> broadcast = context.broadcast(File.read(file));
    try {
      Samples.Spill spill = samples.spill();
      List<String> parts =
          Failures.unwrapped(
              () ->
                  samples
                      .rows()
                      .mapPartitions(rows -> part(broadcast.value(), spill, rows))
                      .collect());
      return merged(parts, model, method);
    } finally {
      broadcast.destroy();
    }
  }

  /** The file of the calibration of a partition, if it has samples. */
  private static Iterator<String> part(
      File model, Samples.Spill spill, Iterator<InternalRow> rows) {
    try (SampleFiles files = new SampleFiles()) {
      return files.naming(() -> part(model, spill, rows, files)).stream().iterator();
    }
  }

  private static Optional<String> part(
      File model, Samples.Spill spill, Iterator<InternalRow> rows, SampleFiles files) {
    Path file = files.file(model.name(), model.bytes());
    Optional<String> spec;
    try (Interpreter interpreter = Interpreter.open(file, Interpreter.Options.DEFAULT)) {
      spec = spill.write(files, rows, interpreter.inputs());
    }
    return spec.map(
        samples -> {
          Path json = files.path("calibration.json");
          Quantizer.DEFAULT
              .withSources(List.of(samples))
              .prepare(Model.read(file))
              .calibration()
              .write(json);
          return SampleFiles.text(json);
        });
  }

  private static Calibration merged(List<String> parts, Model model, RangeMethod method) {
    Calibration all = Calibration.EMPTY.withMethod(method);
    try (SampleFiles files = new SampleFiles()) {
      for (String part : parts) {
        Path json = files.file("part.json", part.getBytes(StandardCharsets.UTF_8));
        all = all.merge(Calibration.read(json, model));
      }
    }
    if (all.samples() == 0) {
      throw NarrowException.input("there are no samples");
    }
    return all.withMethod(method);
  }
}
