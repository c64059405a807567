package io.narrow.tflite.schema;

/**
 * One field of a table of the file format.
 *
 * @param id its number, the place in the table's vtable
 * @param name its name in the schema, e.g. {@code quantized_dimension}
 * @param kind how its value is stored
 * @param element for {@link Kind#VECTOR} the kind of the elements, otherwise {@code kind}
 * @param target the name of the table or union it holds, empty where it holds neither
 * @param defaultValue what an absent integer field means
 * @param alignment the alignment of a vector's contents in bytes
 */
public record Field(
    int id, String name, Kind kind, Kind element, String target, long defaultValue, int alignment) {

  /** How a value is stored, with its bytes inside the table or vector. */
  public enum Kind {
    BOOL(1),
    BYTE(1),
    UBYTE(1),
    USHORT(2),
    INT(4),
    UINT(4),
    FLOAT(4),
    LONG(8),
    ULONG(8),
    STRING(4),
    TABLE(4),
    UNION(4),
    /** A vector of scalars. */
    VECTOR(4),
    /** A vector of tables. */
    TABLES(4);

    final int bytes;

    Kind(int bytes) {
      this.bytes = bytes;
    }

    boolean scalar() {
      return ordinal() < STRING.ordinal();
    }
  }
}
