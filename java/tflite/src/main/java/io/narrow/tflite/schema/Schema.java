package io.narrow.tflite.schema;

import io.narrow.tflite.schema.Field.Kind;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * The TensorFlow Lite file format as data ({@code tflite.schema}): one generic reader and writer
 * work from it, so that what Narrow does not understand is copied by construction, and what the
 * format has gained since is noticed instead of dropped.
 */
public final class Schema {
  private static final String RESOURCE = "tflite.schema";
  private static final Schema TFLITE = new Schema();

  private final Map<String, TableType> tables = new HashMap<>();
  private final Map<String, String[]> enumerations = new HashMap<>();
  private final Map<String, Boolean> unions = new HashMap<>();

  private Schema() {
    try (BufferedReader lines =
        new BufferedReader(
            new InputStreamReader(
                Schema.class.getResourceAsStream(RESOURCE), StandardCharsets.UTF_8))) {
      List<String[]> pending = new ArrayList<>();
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (line.startsWith("#")) {
          continue;
        }
        int space = line.indexOf(' ');
        int colon = line.indexOf(':');
        String kind = line.substring(0, space);
        String name = line.substring(space + 1, colon);
        String body = line.substring(colon + 1).trim();
        if (kind.equals("table")) {
          pending.add(new String[] {name, body});
        } else {
          enumerations.put(name, names(body));
          if (kind.equals("union")) {
            unions.put(name, true);
          }
        }
      }
      for (String[] table : pending) {
        tables.put(table[0], new TableType(table[0], fields(table[1])));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The table of this name; asking for one that the schema does not have is a bug. */
  public static TableType table(String name) {
    TableType type = TFLITE.tables.get(name);
    if (type == null) {
      throw new IllegalArgumentException("no table " + name);
    }
    return type;
  }

  /** Name of a value of an enumeration or union, empty where the schema has no such value. */
  public static String name(String enumeration, long value) {
    String[] names = TFLITE.enumerations.get(enumeration);
    return value < 0 || value >= names.length || names[(int) value] == null
        ? ""
        : names[(int) value];
  }

  /** Value of a name of an enumeration or union; asking for one it does not have is a bug. */
  public static int value(String enumeration, String name) {
    String[] names = TFLITE.enumerations.get(enumeration);
    for (int i = 0; i < names.length; i++) {
      if (name.equals(names[i])) {
        return i;
      }
    }
    throw new IllegalArgumentException(enumeration + " has no value " + name);
  }

  private static String[] names(String body) {
    String[] parts = body.split(", ");
    String last = parts[parts.length - 1];
    String[] names = new String[Integer.parseInt(last.substring(0, last.indexOf(' '))) + 1];
    for (String part : parts) {
      int space = part.indexOf(' ');
      names[Integer.parseInt(part.substring(0, space))] = part.substring(space + 1);
    }
    return names;
  }

  private List<Field> fields(String body) {
    List<Field> fields = new ArrayList<>();
    if (body.isEmpty()) {
      return fields;
    }
    for (String part : body.split(", ")) {
      String[] words = part.split(" ");
      int equals = words[2].indexOf('=');
      long defaultValue = equals < 0 ? 0 : Long.parseLong(words[2].substring(equals + 1));
      String type = equals < 0 ? words[2] : words[2].substring(0, equals);
      int mark = type.indexOf('!');
      int alignment = mark < 0 ? 0 : Integer.parseInt(type.substring(mark + 1));
      type = mark < 0 ? type : type.substring(0, mark);
      fields.add(field(Integer.parseInt(words[0]), words[1], type, defaultValue, alignment));
    }
    return fields;
  }

  private Field field(int id, String name, String type, long defaultValue, int alignment) {
    boolean vector = type.startsWith("[");
    String target = vector ? type.substring(1, type.length() - 1) : type;
    Kind element =
        unions.containsKey(target)
            ? Kind.UNION
            : Character.isUpperCase(target.charAt(0))
                ? Kind.TABLE
                : Kind.valueOf(target.toUpperCase(Locale.ROOT));
    Kind kind = !vector ? element : element == Kind.TABLE ? Kind.TABLES : Kind.VECTOR;
    return new Field(
        id,
        name,
        kind,
        element,
        element == Kind.TABLE || element == Kind.UNION ? target : "",
        defaultValue,
        Math.max(alignment, element.bytes));
  }
}
