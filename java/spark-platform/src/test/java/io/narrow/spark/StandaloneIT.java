package io.narrow.spark;

import static org.assertj.core.api.Assertions.assertThat;

import io.narrow.kernels.Kernels;
import io.narrow.kernels.Span;
import io.narrow.kernels.VectorFormat;
import io.narrow.tflite.Quantizer;
import io.narrow.tflite.model.Model;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A master and two workers, each a process, and a job that brings this project by --jars alone. */
class StandaloneIT {
  @TempDir Path directory;

  @Test
  void sameBytesWhileExecutorsAndAWorkerDie() throws Exception {
    Path results = Files.createDirectory(directory.resolve("results"));
    Path model = Installation.DIGITS.resolve("digits.tflite");
    String data = Installation.DIGITS.resolve("calibration.npz").toString();
    try (Installation spark = new Installation(directory)) {
      String master =
          spark
              .start(
                  "org.apache.spark.deploy.master.Master",
                  "--host",
                  "127.0.0.1",
                  "--port",
                  "0",
                  "--webui-port",
                  "0")
              .waitFor("spark://127.0.0.1:");
      List<Installation.Running> workers = new ArrayList<>();
      for (int i = 0; i < 2; i++) {
        workers.add(
            spark.start(
                "org.apache.spark.deploy.worker.Worker",
                "--host",
                "127.0.0.1",
                "--webui-port",
                "0",
                "--cores",
                "1",
                "--memory",
                "600m",
                "--work-dir",
                directory.resolve("worker" + i).toString(),
                master));
      }
      for (Installation.Running worker : workers) {
        worker.waitFor("Successfully registered with master");
      }
      Installation.Running job =
          spark.submit(
              master,
              List.of(
                  "--jars",
                  Installation.JAR.toString(),
                  "--executor-memory",
                  "512m",
                  "--conf",
                  "spark.executor.extraJavaOptions=-XX:TieredStopAtLevel=1",
                  "--conf",
                  "spark.locality.wait=0"),
              StandaloneJob.class,
              results.toString(),
              model.toString(),
              data);
      Path doomed = results.resolve("doomed");
      Installation.await(
          () -> Files.exists(doomed) || !job.process().isAlive() ? true : null, job::printed);
      long pid = Long.parseLong(Files.readString(doomed));
      assertThat(workers).as(job.printed()).anyMatch(worker -> worker.process().pid() == pid);
      for (Installation.Running worker : workers) {
        if (worker.process().pid() == pid) {
          worker.process().destroyForcibly().waitFor();
        }
      }
      job.finished();
    }
    Path expected = directory.resolve("expected.json");
    Quantizer.DEFAULT
        .withSources(List.of(data))
        .prepare(Model.read(model))
        .calibration()
        .write(expected);
    assertThat(results.resolve("ranges.json")).hasSameBinaryContentAs(expected);
    assertThat(results.resolve("codes")).hasBinaryContent(codes());
    List<String> executors = Files.readAllLines(results.resolve("executors"));
    assertThat(executors)
        .anyMatch(line -> line.matches("\\d+ " + Kernels.active().name() + ": .*"))
        .anyMatch(line -> line.endsWith(" loader org.apache.spark.util.MutableURLClassLoader"))
        .allMatch(line -> line.matches("([2-9]|\\d\\d+) .*"), "the first two have died");
  }

  /** What the kernels of this process make of the vectors. */
  static byte[] codes() {
    int rows = StandaloneJob.ROWS;
    int dimensions = StandaloneJob.DIMENSIONS;
    float[] all = new float[rows * dimensions];
    for (int row = 0; row < rows; row++) {
      ByteBuffer.wrap(StandaloneJob.bytes(row))
          .order(ByteOrder.LITTLE_ENDIAN)
          .asFloatBuffer()
          .get(all, row * dimensions, dimensions);
    }
    io.narrow.kernels.VectorQuantizer quantizer =
        io.narrow.kernels.VectorQuantizer.of(VectorFormat.UINT8, dimensions);
    byte[] codes = new byte[all.length];
    quantizer.codec(quantizer.fit(Span.of(all))).apply(Span.of(all), Span.of(codes));
    return codes;
  }
}
