package io.narrow.tflite.data;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.runtime.TensorInfo;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/** One array in numpy's .npy format, versions 1 to 3; the first axis is that of the samples. */
final class NpyArray {
  /** Longest header accepted; numpy's own limit for files it does not trust is 10 000. */
  private static final int MAX_HEADER = 1 << 16;

  /** Bytes that hold any header of version 1 to 3 up to the text. */
  static final int PREFIX = 12;

  private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y'};
  private static final Pattern ENTRY =
      Pattern.compile(
          "\\s*'(descr|fortran_order|shape)'\\s*:\\s*"
              + "('[^']*'|True|False|\\((?:\\s*\\d+L?\\s*,)*\\s*(?:\\d+L?\\s*)?\\))\\s*(,|$)");
  private static final Pattern TYPE = Pattern.compile("'([<>|=])([a-z]\\d)'");

  /**
   * What a header says.
   *
   * @param start offset of the first number
   * @param bytes how many bytes the numbers take
   */
  record Header(
      NumberType type, ByteOrder order, boolean fortran, int[] shape, long start, long bytes) {
    int rows() {
      return shape[0];
    }

    int[] rowShape() {
      return Arrays.copyOfRange(shape, 1, shape.length);
    }

    int rowElements() {
      int elements = 1;
      for (int axis = 1; axis < shape.length; axis++) {
        elements *= shape[axis];
      }
      return elements;
    }
  }

  private final String source;
  private final Header header;
  private final Supplier<Bytes> file;
  private Bytes bytes;

  /** The file is asked for when the first row is read. */
  NpyArray(String source, Header header, Supplier<Bytes> file) {
    this.source = source;
    this.header = header;
    this.file = file;
  }

  static NpyArray of(String source, Bytes file) {
    Header header = header(source, file.read(0, (int) Math.min(file.size(), headerLimit())));
    if (file.size() != header.start + header.bytes) {
      throw wrongSize(source, header, file.size());
    }
    return new NpyArray(source, header, () -> file);
  }

  static int headerLimit() {
    return PREFIX + MAX_HEADER;
  }

  static NarrowException wrongSize(String source, Header header, long size) {
    return NarrowException.input(
        source + ": " + size + " bytes, but its header announces " + (header.start + header.bytes));
  }

  Header header() {
    return header;
  }

  /** The same array as the only row of one that has an axis more. */
  NpyArray asRow() {
    int[] shape = IntStream.concat(IntStream.of(1), IntStream.of(header.shape)).toArray();
    return new NpyArray(
        source,
        new Header(header.type, header.order, header.fortran, shape, header.start, header.bytes),
        file);
  }

  /** Row {@code index} of the first axis, in row-major order whatever the order in the file. */
  NdArray row(int index) {
    Bytes data = bytes();
    int size = header.rowElements() * header.type.bytes();
    ByteBuffer row;
    if (header.fortran) {
      row = ByteBuffer.allocate(size);
      gather(data.read(header.start, Math.toIntExact(header.bytes)), index, row);
    } else {
      row = data.read(header.start + (long) index * size, size);
    }
    return header.type.read(row.order(header.order), header.rowShape());
  }

  /** As {@link Source#read(int, int, ByteBuffer)}. */
  boolean row(int index, ByteBuffer memory) {
    boolean asTheyLie =
        header.type == NumberType.FLOAT32
            && !header.fortran
            && header.order == ByteOrder.LITTLE_ENDIAN
            && header.rowElements() * Float.BYTES == memory.remaining();
    if (asTheyLie) {
      bytes().read(header.start + (long) index * memory.remaining(), memory);
    }
    return asTheyLie;
  }

  // Column-major: the first axis varies fastest, a row's numbers lie rows() apart.
  private void gather(ByteBuffer all, int index, ByteBuffer row) {
    int[] shape = header.rowShape();
    int[] at = new int[shape.length];
    int width = header.type.bytes();
    byte[] number = new byte[width];
    while (row.hasRemaining()) {
      long element = 0;
      for (int axis = shape.length - 1; axis >= 0; axis--) {
        element = element * shape[axis] + at[axis];
      }
      all.get(Math.toIntExact((element * header.rows() + index) * width), number);
      row.put(number);
      for (int axis = shape.length - 1; axis >= 0 && ++at[axis] == shape[axis]; axis--) {
        at[axis] = 0;
      }
    }
    row.flip();
  }

  // A column-major array is held in memory, since every row is spread over all of it.
  private synchronized Bytes bytes() {
    if (bytes == null) {
      Bytes opened = file.get();
      if (header.fortran) {
        if (header.start + header.bytes > Bytes.MAX_BLOCK) {
          throw NarrowException.unsupported(
              source + ": column-major and larger than 2 GiB; save it in C order");
        }
        ByteBuffer all = opened.read(0, (int) (header.start + header.bytes));
        opened = Bytes.of(all.array());
      }
      bytes = opened;
    }
    return bytes;
  }

  /** Parses a header; {@code head} holds the first {@link #headerLimit} bytes, or all there are. */
  static Header header(String source, ByteBuffer head) {
    head.order(ByteOrder.LITTLE_ENDIAN);
    for (byte expected : MAGIC) {
      if (!head.hasRemaining() || head.get() != expected) {
        throw NarrowException.input(source + ": not an .npy file");
      }
    }
    int version = head.remaining() < 2 ? 0 : head.get();
    int lengthBytes = version == 1 ? 2 : 4;
    if (version < 1 || version > 3 || head.remaining() < 1 + lengthBytes) {
      throw NarrowException.input(
          source + ": .npy header is cut short, or of a version not 1 to 3");
    }
    head.get(); // minor version, always 0
    long length =
        version == 1 ? Short.toUnsignedInt(head.getShort()) : Integer.toUnsignedLong(head.getInt());
    if (length > MAX_HEADER || length > head.remaining()) {
      throw NarrowException.input(
          source
              + ": .npy header of "
              + length
              + " bytes is "
              + (length > MAX_HEADER ? "too long" : "cut short"));
    }
    byte[] text = new byte[(int) length];
    head.get(text);
    return parse(source, new String(text, StandardCharsets.UTF_8), head.position());
  }

  private static Header parse(String source, String text, int start) {
    String dictionary = text.strip();
    if (!dictionary.startsWith("{") || !dictionary.endsWith("}")) {
      throw notUnderstood(source, text);
    }
    dictionary = dictionary.substring(1, dictionary.length() - 1).strip();
    Map<String, String> entries = new HashMap<>();
    Matcher matcher = ENTRY.matcher(dictionary);
    int end = 0;
    while (end < dictionary.length() && matcher.find(end) && matcher.start() == end) {
      entries.put(matcher.group(1), matcher.group(2));
      end = matcher.end();
    }
    if (end != dictionary.length() || entries.size() != 3) {
      throw notUnderstood(source, text);
    }
    Matcher descr = TYPE.matcher(entries.get("descr"));
    NumberType type =
        Optional.of(descr)
            .filter(Matcher::matches)
            .flatMap(matched -> NumberType.ofNumpy(matched.group(2)))
            .orElseThrow(
                () ->
                    NarrowException.unsupported(
                        source + ": numpy type " + entries.get("descr") + " is not supported"));
    ByteOrder order = descr.group(1).equals(">") ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN;
    return sized(
        source,
        type,
        order,
        entries.get("fortran_order").equals("True"),
        entries.get("shape"),
        start);
  }

  private static Header sized(
      String source, NumberType type, ByteOrder order, boolean fortran, String shape, int start) {
    String[] extents = shape.replaceAll("[()\\sL]", "").split(",");
    if (extents[0].isEmpty()) {
      extents[0] = "1"; // a single number: a sample of it
    }
    try {
      int[] numbers = Arrays.stream(extents).mapToInt(Integer::parseInt).toArray();
      long elements = 1;
      for (int extent : numbers) {
        elements = Math.multiplyExact(elements, (long) extent);
      }
      long bytes = Math.multiplyExact(elements, (long) type.bytes());
      if (numbers[0] > 0 && bytes / numbers[0] > Bytes.MAX_BLOCK
          || fortran && bytes > Bytes.MAX_BLOCK - start) {
        throw NarrowException.unsupported(
            source
                + ": "
                + TensorInfo.shapeText(numbers)
                + (fortran ? " in Fortran order" : "")
                + " is too large");
      }
      return new Header(type, order, fortran, numbers, start, bytes);
    } catch (NumberFormatException | ArithmeticException e) {
      throw NarrowException.input(source + ": shape " + shape + " is too large");
    }
  }

  private static NarrowException notUnderstood(String source, String text) {
    String shown = text.strip();
    return NarrowException.input(
        source
            + ": .npy header not understood: "
            + (shown.length() > 100 ? shown.substring(0, 100) + "..." : shown));
  }
}
