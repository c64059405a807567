package io.narrow.tflite.schema;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;

/**
 * A table of a model file: its type and the fields it has. Immutable; {@code with} gives a changed
 * copy. An absent field stays absent when it is written, a present one that was read stays present,
 * even where its value is the default.
 *
 * <p>Values are held as {@link Long} (every integer and bool), {@link Float}, {@code byte[]}
 * (strings, so that bytes that are no UTF-8 survive), {@link ByteBuffer} (vectors of scalars,
 * little-endian views of the file), {@code Table} and {@code List<Table>}.
 */
public final class Table {
  private final TableType type;
  private final Object[] values;

  Table(TableType type, Object[] values) {
    this.type = type;
    this.values = values;
  }

  /** An empty table of the given type. */
  public static Table of(String type) {
    TableType known = Schema.table(type);
    return new Table(known, new Object[known.size()]);
  }

  public TableType type() {
    return type;
  }

  Object value(int id) {
    return values[id];
  }

  public boolean has(String field) {
    return values[type.field(field).id()] != null;
  }

  /** An integer or bool field, its default where it is absent. */
  public long integer(String field) {
    Field known = type.field(field);
    Object value = values[known.id()];
    return value == null ? known.defaultValue() : (Long) value;
  }

  /** A float field, 0 where it is absent. */
  public float real(String field) {
    Object value = values[type.field(field).id()];
    return value == null ? 0 : (Float) value;
  }

  /** A string field, empty where it is absent. */
  public String string(String field) {
    byte[] value = (byte[]) values[type.field(field).id()];
    return value == null ? "" : new String(value, StandardCharsets.UTF_8);
  }

  /** A vector of scalars as bytes, little-endian and read-only, empty where it is absent. */
  public ByteBuffer bytes(String field) {
    ByteBuffer value = (ByteBuffer) values[type.field(field).id()];
    return value == null ? ByteBuffer.allocate(0) : little(value);
  }

  public int[] ints(String field) {
    ByteBuffer bytes = bytes(field);
    int[] result = new int[bytes.remaining() / Integer.BYTES];
    bytes.asIntBuffer().get(result);
    return result;
  }

  public long[] longs(String field) {
    ByteBuffer bytes = bytes(field);
    long[] result = new long[bytes.remaining() / Long.BYTES];
    bytes.asLongBuffer().get(result);
    return result;
  }

  public float[] floats(String field) {
    ByteBuffer bytes = bytes(field);
    float[] result = new float[bytes.remaining() / Float.BYTES];
    bytes.asFloatBuffer().get(result);
    return result;
  }

  /** A table or union field, an empty list where it is absent and a list of one otherwise. */
  public List<Table> table(String field) {
    Table value = (Table) values[type.field(field).id()];
    return value == null ? List.of() : List.of(value);
  }

  @SuppressWarnings("unchecked")
  public List<Table> tables(String field) {
    Object value = values[type.field(field).id()];
    return value == null ? List.of() : (List<Table>) value;
  }

  /** Sets an integer or bool field; the default is left out, as flatbuffers do. */
  public Table with(String field, long value) {
    return set(field, value == type.field(field).defaultValue() ? null : (Long) value);
  }

  public Table with(String field, float value) {
    return set(field, value);
  }

  public Table with(String field, String value) {
    return set(field, value.getBytes(StandardCharsets.UTF_8));
  }

  public Table with(String field, int[] value) {
    ByteBuffer bytes = allocate(value.length * Integer.BYTES);
    bytes.asIntBuffer().put(value);
    return set(field, bytes);
  }

  public Table with(String field, long[] value) {
    ByteBuffer bytes = allocate(value.length * Long.BYTES);
    bytes.asLongBuffer().put(value);
    return set(field, bytes);
  }

  public Table with(String field, float[] value) {
    ByteBuffer bytes = allocate(value.length * Float.BYTES);
    bytes.asFloatBuffer().put(value);
    return set(field, bytes);
  }

  public Table with(String field, ByteBuffer value) {
    return set(field, little(value));
  }

  /**
   * A vector of bytes that is computed when it is written.
   *
   * @param size how many bytes
   * @param compute fills a direct buffer
   */
  public Table with(String field, int size, Consumer<ByteBuffer> compute) {
    return set(field, new Computed(size, compute));
  }

  /** A vector of bytes that is computed when it is written. */
  record Computed(int size, Consumer<ByteBuffer> compute) {}

  public Table with(String field, Table value) {
    return set(field, value);
  }

  public Table with(String field, List<Table> value) {
    return set(field, List.copyOf(value));
  }

  /** A copy of which the field is absent. */
  public Table without(String field) {
    return set(field, null);
  }

  private Table set(String field, Object value) {
    Object[] changed = values.clone();
    changed[type.field(field).id()] = value;
    return new Table(type, changed);
  }

  /** Whether it holds no other table and no vector of more bytes than this. */
  boolean isFlat(int bytes) {
    for (Object value : values) {
      if (value instanceof Table
          || value instanceof List
          || value instanceof Computed
          || value instanceof ByteBuffer vector && vector.remaining() > bytes) {
        return false;
      }
    }
    return true;
  }

  static ByteBuffer little(ByteBuffer buffer) {
    return buffer.duplicate().order(ByteOrder.LITTLE_ENDIAN);
  }

  private static ByteBuffer allocate(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Same type and same fields with the same contents, however they are stored. */
  @Override
  public boolean equals(Object other) {
    return other instanceof Table that
        && type == that.type
        && Arrays.deepEquals(values, that.values);
  }

  @Override
  public int hashCode() {
    int hash = type.hashCode();
    for (Object value : values) {
      hash = 31 * hash + hash(value);
    }
    return hash;
  }

  private static int hash(Object value) {
    return value instanceof byte[] text
        ? Arrays.hashCode(text)
        : value instanceof ByteBuffer vector ? hash(vector) : Objects.hashCode(value);
  }

  /** Of some of the bytes: a hash of all would take longer than comparing the few that collide. */
  static int hash(ByteBuffer vector) {
    int hash = vector.remaining();
    int step = 1 + vector.remaining() / 16;
    for (int i = vector.position(); i < vector.limit(); i += step) {
      hash = 31 * hash + vector.get(i);
    }
    return hash;
  }

  @Override
  public String toString() {
    return type.name();
  }
}
