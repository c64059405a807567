package io.narrow.spark;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.data.NpyFile;
import io.narrow.tflite.model.TensorType;
import java.io.Closeable;
import java.io.File;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.spark.sql.catalyst.InternalRow;

/**
 * The samples of a partition in a file of the executor, from where the model is fed as on one
 * machine: they need not fit into memory.
 */
final class SampleFiles implements Closeable {
  private final Path directory;

  SampleFiles() {
    try {
      directory = Files.createTempDirectory("narrow-samples");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Names the files here as the driver knows them: by their names alone. */
  <T> T naming(Supplier<T> work) {
    try {
      return work.get();
    } catch (NarrowException e) {
      String message = e.getMessage().replace(directory + File.separator, "");
      throw new NarrowException(e.kind(), message, e);
    }
  }

  /** A new file of this name, with contents. */
  Path file(String name, byte[] contents) {
    try {
      return Files.write(directory.resolve(name), contents);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** What a file of text holds. */
  static String text(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  Path path(String name) {
    return directory.resolve(name);
  }

  /**
   * An array of NumPy's format, of a sample per row.
   *
   * @param shape of a sample
   * @return how many samples there are
   */
  int write(Path npy, Iterator<InternalRow> rows, VectorColumn column, List<Integer> shape) {
    int elements = shape.stream().reduce(1, Math::multiplyExact);
    int header = header(Integer.MAX_VALUE, shape, 0).remaining();
    float[] x = new float[elements];
    ByteBuffer bytes = ByteBuffer.allocate(4 * elements).order(ByteOrder.LITTLE_ENDIAN);
    int samples = 0;
    try (RandomAccessFile file = new RandomAccessFile(npy.toFile(), "rw")) {
      file.seek(header);
      while (rows.hasNext()) {
        column
            .read(rows.next(), x, 0, elements)
            .ifPresent(
                problem -> {
                  throw NarrowException.input(problem);
                });
        bytes.clear().asFloatBuffer().put(x);
        file.write(bytes.array());
        samples++;
      }
      file.seek(0);
      file.write(header(samples, shape, header).array());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return samples;
  }

  private static ByteBuffer header(int samples, List<Integer> shape, int least) {
    int[] all = IntStream.concat(IntStream.of(samples), shape.stream().mapToInt(i -> i)).toArray();
    return NpyFile.header(TensorType.FLOAT32, all, least);
  }

  @Override
  public void close() {
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path path : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(path);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
