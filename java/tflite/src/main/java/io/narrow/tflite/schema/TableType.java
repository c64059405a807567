package io.narrow.tflite.schema;

import java.util.List;

/**
 * A table of the file format: its name and its fields by number. Numbers that were never used hold
 * no field.
 */
public final class TableType {
  private final String name;
  private final Field[] fields;
  private final List<String> names;

  TableType(String name, List<Field> fields) {
    this.name = name;
    this.fields = new Field[fields.isEmpty() ? 0 : fields.get(fields.size() - 1).id() + 1];
    this.names = fields.stream().map(Field::name).toList();
    for (Field field : fields) {
      this.fields[field.id()] = field;
    }
  }

  public String name() {
    return name;
  }

  /** One more than the largest field number. */
  int size() {
    return fields.length;
  }

  boolean has(int id) {
    return id < fields.length && fields[id] != null;
  }

  Field field(int id) {
    return fields[id];
  }

  /** Names of its fields by number, without those that were never used. */
  public List<String> names() {
    return names;
  }

  /** The field of this name; asking for one that the schema does not have is a bug. */
  Field field(String fieldName) {
    for (Field field : fields) {
      if (field != null && field.name().equals(fieldName)) {
        return field;
      }
    }
    throw new IllegalArgumentException(name + " has no field " + fieldName);
  }
}
