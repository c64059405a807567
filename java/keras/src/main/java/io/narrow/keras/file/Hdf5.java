package io.narrow.keras.file;

import io.jhdf.HdfFile;
import io.jhdf.api.Attribute;
import io.jhdf.api.Dataset;
import io.jhdf.api.Group;
import io.jhdf.api.Node;
import io.jhdf.api.dataset.ContiguousDataset;
import io.jhdf.object.datatype.FloatingPoint;
import io.narrow.keras.file.Weights.Array;
import io.narrow.keras.graph.Floats;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * An HDF5 file. The reader below it throws whatever a damaged file leads it to, errors included:
 * all of it comes out as {@link DamagedException}.
 */
public final class Hdf5 implements AutoCloseable {
  /** Deflate makes at most this much out of one byte. */
  private static final long LARGEST_RATIO = 1032;

  /** Bytes of the smallest numbers that weights are stored in. */
  private static final int SMALLEST_ELEMENT = 2;

  private static final int SUPERBLOCK = 52;

  private final HdfFile file;
  private final long size;

  /** The file is not as HDF5 says; the message completes "is damaged: ". */
  public static final class DamagedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    DamagedException(String message, Throwable cause) {
      super(message, cause);
    }
  }

  private Hdf5(HdfFile file, long size) {
    this.file = file;
    this.size = size;
  }

  public static Hdf5 open(Path path, long size) throws IOException {
    try (InputStream stream = Files.newInputStream(path)) {
      whole(stream.readNBytes(SUPERBLOCK), size);
    }
    return new Hdf5(guard("the HDF5 superblock", () -> new HdfFile(path)), size);
  }

  public static Hdf5 of(ByteBuffer bytes) {
    byte[] start = new byte[Math.min(SUPERBLOCK, bytes.remaining())];
    bytes.duplicate().get(start);
    whole(start, bytes.remaining());
    return new Hdf5(
        guard("the HDF5 superblock", () -> HdfFile.fromByteBuffer(bytes)), bytes.remaining());
  }

  /**
   * The superblock says where the file ends. jhdf does not compare, and a file that lost its end
   * might be read with weights that are not its own.
   */
  private static void whole(byte[] start, long size) {
    if (start.length < SUPERBLOCK) {
      throw new DamagedException("it is too short for HDF5", null);
    }
    int version = start[8];
    int offsetBytes = start[version < 2 ? 13 : 9];
    if (offsetBytes != Long.BYTES) {
      return; // written by nobody who writes Keras models
    }
    int place = version == 0 ? 40 : version == 1 ? 44 : 28;
    long end = ByteBuffer.wrap(start).order(ByteOrder.LITTLE_ENDIAN).getLong(place);
    if (end < 0 || end > size) {
      throw new DamagedException(
          "it is cut off: " + size + " bytes of " + Long.toUnsignedString(end), null);
    }
  }

  private static <T> T guard(String what, Supplier<T> read) {
    try {
      return read.get();
    } catch (DamagedException e) {
      throw e;
    } catch (RuntimeException | StackOverflowError | OutOfMemoryError | AssertionError e) {
      String why = e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
      throw new DamagedException(what + " cannot be read: " + why, e);
    }
  }

  /** A string attribute of the root, empty if there is none. */
  public String text(String attribute) {
    return guard(
        "attribute " + attribute,
        () -> {
          Attribute found = file.getAttribute(attribute);
          return found == null ? "" : text(found.getData());
        });
  }

  /**
   * A list of strings, which Keras cuts into pieces named with 0, 1, 2 ... where it is too long for
   * one attribute.
   */
  List<String> strings(String group, String attribute) {
    return guard(
        group + ", attribute " + attribute,
        () -> {
          List<String> result = new ArrayList<>();
          Optional<Node> node = node(group);
          if (node.isEmpty()) {
            return result;
          }
          Attribute whole = node.get().getAttribute(attribute);
          if (whole != null) {
            add(whole, result);
            return result;
          }
          for (int i = 0; node.get().getAttribute(attribute + i) != null; i++) {
            add(node.get().getAttribute(attribute + i), result);
          }
          return result;
        });
  }

  private static void add(Attribute attribute, List<String> result) {
    if (attribute.getSize() == 0 || attribute.isEmpty()) {
      return;
    }
    if (attribute.getData() instanceof Object[] elements) {
      for (Object element : elements) {
        result.add(text(element));
      }
    }
  }

  private static String text(Object data) {
    return data instanceof String text ? text : "";
  }

  private Optional<Node> node(String path) {
    Group group = file;
    String[] parts = path.split("/");
    for (int i = 0; i < parts.length; i++) {
      Node child = group.getChild(parts[i]);
      if (child == null) {
        return Optional.empty();
      }
      if (i == parts.length - 1) {
        return Optional.of(child);
      }
      if (!(child instanceof Group next)) {
        return Optional.empty();
      }
      group = next;
    }
    return Optional.empty();
  }

  public boolean hasGroup(String path) {
    return guard(path, () -> node(path).filter(Node::isGroup).isPresent());
  }

  /** How many members a group has, 0 if there is none at this path. */
  int size(String path) {
    return guard(
        path,
        () -> node(path).map(n -> n instanceof Group g ? g.getChildren().size() : 0).orElse(0));
  }

  /**
   * A data set as float32, empty if there is none at this path. Numbers that lie in one piece, as
   * Keras writes them, are mapped, and can be read when the file is closed.
   */
  Optional<Array> floats(String path) {
    return guard(
        path,
        () -> {
          Optional<Node> node = node(path);
          if (node.isEmpty() || !(node.get() instanceof Dataset data)) {
            return Optional.empty();
          }
          // A size that the file cannot hold would otherwise be allocated first.
          long ratio = data.getFilters().isEmpty() ? 1 : LARGEST_RATIO;
          if (data.getSize() < 0 || data.getSize() * SMALLEST_ELEMENT > size * ratio) {
            throw new DamagedException(
                path + " says that it has " + data.getSize() + " elements", null);
          }
          int[] shape = data.getDimensions();
          if (data.getSize() == 0) {
            return Optional.of(new Array(Floats.of(), shape));
          }
          if (data instanceof ContiguousDataset whole
              && data.getDataType() instanceof FloatingPoint type
              && type.getSize() == Float.BYTES) {
            return Optional.of(
                new Array(
                    Floats.of(whole.getBuffer().order(type.getByteOrder()).asFloatBuffer()),
                    shape));
          }
          Object numbers = shape.length == 0 ? data.getData() : data.getDataFlat();
          return Optional.of(new Array(Floats.of(floats(path, numbers)), shape));
        });
  }

  private static float[] floats(String path, Object data) {
    if (data instanceof float[] values) {
      return values;
    }
    if (data instanceof Number value) {
      return new float[] {value.floatValue()};
    }
    float[] values;
    if (data instanceof double[] doubles) {
      values = new float[doubles.length];
      for (int i = 0; i < values.length; i++) {
        values[i] = (float) doubles[i];
      }
    } else if (data instanceof long[] longs) {
      values = new float[longs.length];
      for (int i = 0; i < values.length; i++) {
        values[i] = longs[i];
      }
    } else {
      throw new DamagedException(path + " does not hold numbers that a weight can have", null);
    }
    return values;
  }

  @Override
  public void close() {
    guard(
        "the file",
        () -> {
          file.close();
          return true;
        });
  }
}
