package io.narrow.tflite.schema;

import io.narrow.tflite.schema.Field.Kind;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The TensorFlow Lite file format as data ({@code tflite.schema}): one generic reader and writer
 * work from it, so that what Narrow does not understand is copied by construction, and what the
 * format has gained since is noticed instead of dropped.
 */
public final class Schema {
  private static final String RESOURCE = "tflite.schema";
  private static final Schema TFLITE = new Schema();

  // Lines of the resource by name: a model uses few of the tables, each is parsed when it is
  // needed.
  private final Map<String, String> tableLines = new HashMap<>();
  private final Map<String, String> enumerationLines = new HashMap<>();
  private final Set<String> unions = new HashSet<>();

  private final Map<String, TableType> tables = new ConcurrentHashMap<>();
  private final Map<String, String[]> enumerations = new ConcurrentHashMap<>();

  private Schema() {
    try (BufferedReader lines =
        new BufferedReader(
            new InputStreamReader(
                Schema.class.getResourceAsStream(RESOURCE), StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (!line.startsWith("#")) {
          add(line);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A line is {@code table|union|enum NAME: BODY}. */
  private void add(String line) {
    int colon = line.indexOf(':');
    String name = line.substring(line.indexOf(' ') + 1, colon);
    String body = line.substring(colon + 1).trim();
    (line.startsWith("table") ? tableLines : enumerationLines).put(name, body);
    if (line.startsWith("union")) {
      unions.add(name);
    }
  }

  /** The table of this name; asking for one that the schema does not have is a bug. */
  public static TableType table(String name) {
    TableType known = TFLITE.tables.get(name);
    return known != null ? known : TFLITE.tables.computeIfAbsent(name, TFLITE::parseTable);
  }

  /** Name of a value of an enumeration or union, empty where the schema has no such value. */
  public static String name(String enumeration, long value) {
    String[] names = TFLITE.enumeration(enumeration);
    return value < 0 || value >= names.length || names[(int) value] == null
        ? ""
        : names[(int) value];
  }

  /** Whether an enumeration or union has this name. */
  public static boolean has(String enumeration, String name) {
    return Arrays.asList(TFLITE.enumeration(enumeration)).contains(name);
  }

  /** Value of a name of an enumeration or union; asking for one it does not have is a bug. */
  public static int value(String enumeration, String name) {
    String[] names = TFLITE.enumeration(enumeration);
    for (int i = 0; i < names.length; i++) {
      if (name.equals(names[i])) {
        return i;
      }
    }
    throw new IllegalArgumentException(enumeration + " has no value " + name);
  }

  private TableType parseTable(String name) {
    String body = tableLines.get(name);
    if (body == null) {
      throw new IllegalArgumentException("no table " + name);
    }
    return new TableType(name, fields(body));
  }

  private String[] enumeration(String name) {
    return enumerations.computeIfAbsent(name, known -> names(enumerationLines.get(known)));
  }

  private static String[] names(String body) {
    String[] parts = body.split(",");
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
    for (String part : body.split(",")) {
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
        unions.contains(target)
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
