package io.narrow.tflite.data;

import io.narrow.tflite.NarrowException;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.zip.GZIPInputStream;

/**
 * MNIST's idx format, plain or gzipped (then held in memory): two zero bytes, the type, the number
 * of dimensions, their extents, the numbers, all big-endian. The first dimension is that of the
 * samples.
 */
final class IdxSource implements Source {
  private static final String GZ = ".gz";

  private final Bytes bytes;
  private final NumberType type;
  private final int[] shape;

  private IdxSource(Path file) {
    Bytes packed = Bytes.of(file);
    boolean gzipped = packed.size() >= 2 && packed.read(0, 2).getShort() == 0x1F8B;
    this.bytes = gzipped ? Bytes.of(unpacked(file)) : packed;
    ByteBuffer head = bytes.read(0, (int) Math.min(bytes.size(), 4 + 4 * 255));
    if (head.remaining() < 4 || head.getShort() != 0) {
      throw NarrowException.input(file + ": not an idx file");
    }
    int code = Byte.toUnsignedInt(head.get());
    this.type =
        NumberType.ofIdx(code)
            .orElseThrow(() -> NarrowException.input(file + ": unknown idx type " + code));
    int rank = Byte.toUnsignedInt(head.get());
    if (rank == 0 || head.remaining() < 4 * rank) {
      throw NarrowException.input(file + ": idx header is cut short, or has no dimensions");
    }
    this.shape = new int[rank];
    head.asIntBuffer().get(shape);
    checkSize(file);
  }

  /** Images and, from option {@code labels} or the file named as MNIST names it, their labels. */
  static Source open(Spec spec) {
    Path file = spec.file();
    IdxSource images = new IdxSource(file);
    Optional<Path> labels = spec.file("labels").or(() -> beside(file));
    return labels.isPresent() && isIdx(labels.get())
        ? images.withLabels(new IdxSource(labels.get()).labels(labels.get(), images.size()))
        : images;
  }

  @Override
  public List<Array> arrays() {
    return List.of(new Array("", type.tensorType(), rowShape()));
  }

  @Override
  public int size() {
    return shape[0];
  }

  @Override
  public List<NdArray> read(int index) {
    int row = Arrays.stream(rowShape()).reduce(type.bytes(), (a, b) -> a * b);
    return List.of(type.read(bytes.read(start() + (long) index * row, row), rowShape()));
  }

  private int[] labels(Path file, int size) {
    if (shape.length != 1 || shape[0] != size) {
      throw NarrowException.input(
          file + ": " + Arrays.toString(shape) + " labels for " + size + " samples");
    }
    NdArray all = type.read(bytes.read(start(), Math.multiplyExact(size, type.bytes())), shape);
    int[] labels = new int[size];
    for (int i = 0; i < size; i++) {
      labels[i] = (int) all.get(i);
    }
    return labels;
  }

  private int[] rowShape() {
    return Arrays.copyOfRange(shape, 1, shape.length);
  }

  private long start() {
    return 4 + 4L * shape.length;
  }

  private void checkSize(Path file) {
    try {
      long row = type.bytes();
      for (int extent : rowShape()) {
        row = Math.multiplyExact(row, (long) extent);
      }
      long announced = Math.addExact(start(), Math.multiplyExact(row, (long) shape[0]));
      if (row >= 0 && row <= Bytes.MAX_BLOCK && shape[0] >= 0 && announced == bytes.size()) {
        return;
      }
    } catch (ArithmeticException e) {
      // falls through to the message
    }
    throw NarrowException.input(
        file
            + ": its header announces "
            + Arrays.toString(shape)
            + ", which does not fit its "
            + bytes.size()
            + " bytes");
  }

  private static byte[] unpacked(Path file) {
    try (InputStream stream =
        new GZIPInputStream(new BufferedInputStream(Files.newInputStream(file)))) {
      byte[] bytes = stream.readNBytes(Bytes.MAX_BLOCK);
      if (stream.read() >= 0) {
        throw NarrowException.unsupported(file + ": larger than 2 GiB; unpack it");
      }
      return bytes;
    } catch (IOException e) {
      throw Bytes.unreadable(file, e);
    }
  }

  /** {@code t10k-labels-idx1-ubyte} for {@code t10k-images-idx3-ubyte}, gzipped or not. */
  private static Optional<Path> beside(Path images) {
    String name = images.getFileName().toString();
    if (!name.contains("images")) {
      return Optional.empty();
    }
    String labels = name.replace("images", "labels").replaceFirst("idx\\d", "idx1");
    String plain = labels.endsWith(GZ) ? labels.substring(0, labels.length() - 3) : labels;
    return List.of(labels, plain, plain + GZ).stream()
        .map(images::resolveSibling)
        .filter(Files::isRegularFile)
        .findFirst();
  }

  /** Whether a label file is binary rather than text. */
  static boolean isIdx(Path file) {
    return file.getFileName().toString().contains("idx");
  }
}
