package io.narrow.tflite.schema;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads a flatbuffer into {@link Table}s, checking every offset: a damaged file gives a {@link
 * MalformedException}, never anything else. Vectors of scalars stay where they are.
 */
public final class TableReader {
  /** What is wrong with a file, without its name. */
  public static final class MalformedException extends Exception {
    private static final long serialVersionUID = 1L;

    public MalformedException(String message) {
      super(message);
    }
  }

  /** Is told of every part of the file that is read, some more than once. */
  public interface Extents {
    /**
     * @param from its first byte
     * @param to the byte after its last
     * @param path of the table, or of the field of a table, that it belongs to
     * @param elements whether it is the elements of a vector
     */
    void reached(long from, long to, String path, boolean elements);
  }

  // Tables may be shared in a flatbuffer, so a small hostile file could unfold into an endless one.
  private static final int BYTES_PER_TABLE = 4;
  private static final int MINIMUM_TABLES = 1 << 16;

  private final ByteBuffer file;
  private final Extents extents;
  private long tablesLeft;
  private int end;

  /**
   * @param file the file, or its first 2 GiB; read from position 0 to its limit
   */
  public TableReader(ByteBuffer file) {
    this(file, (from, to, path, elements) -> {});
  }

  /**
   * @param extents is told what is read
   */
  public TableReader(ByteBuffer file, Extents extents) {
    this.extents = extents;
    this.file = file.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    this.tablesLeft = Math.max(MINIMUM_TABLES, file.limit() / BYTES_PER_TABLE);
  }

  /** Reads the root table. */
  public Table root(String type) throws MalformedException {
    touch(0, 8, "header");
    return table(Schema.table(type), offset(0, type), type);
  }

  /** Where the last byte that was reached ends. */
  public int end() {
    return end;
  }

  private Table table(TableType type, int position, String path) throws MalformedException {
    if (--tablesLeft < 0) {
      throw new MalformedException("more tables than a file of this size can hold");
    }
    touch(position, 4, path);
    long vtableAt = (long) position - file.getInt(position);
    touch(vtableAt, 4, path);
    int vtable = (int) vtableAt;
    int vtableBytes = Short.toUnsignedInt(file.getShort(vtable));
    int tableBytes = Short.toUnsignedInt(file.getShort(vtable + 2));
    if (vtableBytes < 4 || (vtableBytes & 1) != 0 || tableBytes < 4) {
      throw new MalformedException(path + " has a broken vtable");
    }
    touch(vtable, vtableBytes, path);
    touch(position, tableBytes, path);
    Object[] values = new Object[type.size()];
    int count = (vtableBytes - 4) / 2;
    int[] at = new int[Math.max(count, type.size())];
    for (int id = 0; id < count; id++) {
      int inside = Short.toUnsignedInt(file.getShort(vtable + 4 + 2 * id));
      if (inside == 0) {
        continue;
      }
      if (!type.has(id)) {
        throw new MalformedException(
            path
                + " uses field "
                + id
                + " of table "
                + type.name()
                + ", which is newer than the schema this version of Narrow knows");
      }
      if (inside < 4 || inside + type.field(id).kind().bytes > tableBytes) {
        throw new MalformedException(
            path + "." + type.field(id).name() + " lies outside its table");
      }
      at[id] = position + inside;
    }
    for (int id = 0; id < type.size(); id++) {
      if (at[id] != 0) {
        Field field = type.field(id);
        values[id] = value(type, field, at[id], values, path);
      }
    }
    return new Table(type, values);
  }

  private Object value(TableType type, Field field, int at, Object[] values, String path)
      throws MalformedException {
    switch (field.kind()) {
      case BOOL, UBYTE:
        return (long) Byte.toUnsignedInt(file.get(at));
      case BYTE:
        return (long) file.get(at);
      case USHORT:
        return (long) Short.toUnsignedInt(file.getShort(at));
      case INT:
        return (long) file.getInt(at);
      case UINT:
        return Integer.toUnsignedLong(file.getInt(at));
      case LONG, ULONG:
        return file.getLong(at);
      case FLOAT:
        return file.getFloat(at);
      default:
        return reference(type, field, at, values, path + "." + field.name());
    }
  }

  private Object reference(TableType type, Field field, int at, Object[] values, String path)
      throws MalformedException {
    int target = offset(at, path);
    switch (field.kind()) {
      case STRING:
        byte[] text = new byte[length(target, 1, path)];
        touch((long) target + 4 + text.length, 1, path); // the terminating zero
        file.get(target + 4, text);
        return text;
      case VECTOR:
        int count = length(target, field.element().bytes, path);
        return file.slice(target + 4, count * field.element().bytes)
            .asReadOnlyBuffer()
            .order(ByteOrder.LITTLE_ENDIAN);
      case TABLES:
        int tables = length(target, 4, path);
        List<Table> list = new ArrayList<>(Math.min(tables, 1 << 12));
        TableType element = Schema.table(field.target());
        for (int i = 0; i < tables; i++) {
          String name = path + "[" + i + "]";
          list.add(table(element, offset(target + 4 + 4 * i, name), name));
        }
        return List.copyOf(list);
      case TABLE:
        return table(Schema.table(field.target()), target, path);
      default: // a union: the field before it says which table
        Long tag = (Long) values[field.id() - 1];
        String name = Schema.name(field.target(), tag == null ? 0 : tag);
        if (tag != null && tag != 0 && !name.isEmpty()) {
          return table(Schema.table(name), target, path);
        }
        throw new MalformedException(
            path
                + " holds a "
                + field.target()
                + " of type "
                + (tag == null ? 0 : tag)
                + (tag == null || tag == 0
                    ? ", which has no contents"
                    : ", which is newer than the schema this version of Narrow knows"));
    }
  }

  /** The place that the offset stored at {@code at} points to. */
  private int offset(int at, String path) throws MalformedException {
    touch(at, 4, path);
    long target = at + Integer.toUnsignedLong(file.getInt(at));
    touch(target, 4, path);
    return (int) target;
  }

  private int length(int at, int elementBytes, String path) throws MalformedException {
    touch(at, 4, path);
    long count = Integer.toUnsignedLong(file.getInt(at));
    touch(at + 4L, count * elementBytes, path, true);
    return (int) count;
  }

  private void touch(long position, long bytes, String path) throws MalformedException {
    touch(position, bytes, path, false);
  }

  private void touch(long position, long bytes, String path, boolean elements)
      throws MalformedException {
    if (position < 0 || position + bytes > file.limit()) {
      throw new MalformedException(path + " points outside the file");
    }
    end = Math.max(end, (int) (position + bytes));
    extents.reached(position, position + bytes, path, elements);
  }
}
