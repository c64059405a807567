package io.narrow.tflite.data;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.files.WholeFile;
import io.narrow.tflite.model.TensorType;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/** Writes numpy's .npy format, version 1. */
public final class NpyFile {
  private static final int PREFIX = 10;
  private static final int ALIGNMENT = 64;

  private NpyFile() {}

  /**
   * Writes an array.
   *
   * @param values little-endian numbers in row-major order, from position to limit
   * @throws NarrowException if numpy has no such type, or the file cannot be written
   */
  public static void write(Path file, TensorType type, int[] shape, ByteBuffer values) {
    ByteBuffer head;
    try {
      head = header(type, shape, 0);
    } catch (NarrowException e) {
      throw NarrowException.unsupported(file + ": " + e.getMessage());
    }
    WholeFile.write(
        file,
        sink -> {
          sink.write(head);
          sink.write(values.duplicate());
        });
  }

  /**
   * What comes before the values.
   *
   * @param least so many bytes at least: room for one of a shape that is not known yet
   * @return a multiple of 64 bytes
   * @throws NarrowException if numpy has no such type
   */
  public static ByteBuffer header(TensorType type, int[] shape, int least) {
    NumberType number =
        Arrays.stream(NumberType.values())
            .filter(known -> known.tensorType() == type)
            .findFirst()
            .orElseThrow(() -> NarrowException.unsupported("numpy has no numbers of type " + type));
    String extents =
        Arrays.stream(shape).mapToObj(extent -> extent + ",").collect(Collectors.joining(" "));
    String header =
        String.format(
            Locale.ROOT,
            "{'descr': '%s%s', 'fortran_order': False, 'shape': (%s), }",
            number.bytes() == 1 ? "|" : "<",
            number.numpyName(),
            extents);
    int whole = Math.max(least, PREFIX + header.length() + 1); // with the end of the line
    int length = (whole + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT - PREFIX;
    String padded = header + " ".repeat(length - header.length() - 1) + "\n";
    ByteBuffer head = ByteBuffer.allocate(PREFIX + length);
    head.put(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0});
    head.put((byte) length).put((byte) (length >> 8));
    return head.put(padded.getBytes(StandardCharsets.US_ASCII)).flip();
  }
}
