package io.narrow.tflite.data;

import io.narrow.tflite.NarrowException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * The parsed form of {@code FORMAT:ARGUMENT?KEY=VALUE&KEY=VALUE}.
 *
 * @param text as given, for messages
 * @param format as given, empty if only a path was given
 * @param argument what stands between format and options
 * @param options values by key
 */
record Spec(String text, String format, String argument, Map<String, String> options) {
  static Spec parse(String text, Set<String> formats) {
    int question = text.lastIndexOf('?');
    String head = question < 0 ? text : text.substring(0, question);
    int colon = head.indexOf(':');
    String prefix = colon < 0 ? "" : head.substring(0, colon);
    boolean known = formats.contains(prefix);
    // One letter before a colon is a drive on Windows.
    if (!known && prefix.length() > 1 && !Files.exists(path(head, text))) {
      throw NarrowException.input(
          "data `"
              + text
              + "`: unknown format `"
              + prefix
              + "`; known are "
              + String.join(", ", new TreeSet<>(formats)));
    }
    String argument = known ? head.substring(colon + 1) : head;
    if (argument.isEmpty()) {
      throw NarrowException.input("data `" + text + "`: no file given; write FORMAT:PATH?OPTIONS");
    }
    String tail = question < 0 ? "" : text.substring(question + 1);
    return new Spec(text, known ? prefix : "", argument, parseOptions(text, tail));
  }

  private static Map<String, String> parseOptions(String text, String tail) {
    Map<String, String> options = new LinkedHashMap<>();
    for (String option : tail.isEmpty() ? new String[0] : tail.split("&", -1)) {
      int equals = option.indexOf('=');
      if (equals <= 0) {
        throw NarrowException.input(
            "data `" + text + "`: option `" + option + "` is not of the form KEY=VALUE");
      }
      String key = option.substring(0, equals);
      if (options.put(key, option.substring(equals + 1)) != null) {
        throw NarrowException.input("data `" + text + "`: option `" + key + "` is given twice");
      }
    }
    return options;
  }

  /** Refuses keys that are not among the known. */
  void checkKeys(String formatName, Set<String> known) {
    for (String key : options.keySet()) {
      if (!known.contains(key)) {
        throw bad(
            "unknown option `"
                + key
                + "`; format "
                + formatName
                + " has "
                + String.join(", ", new TreeSet<>(known)));
      }
    }
  }

  Optional<String> get(String key) {
    return Optional.ofNullable(options.get(key));
  }

  /** A whole number from {@code min} up. */
  int integer(String key, int byDefault, int min) {
    String value = options.get(key);
    if (value == null) {
      return byDefault;
    }
    try {
      int number = Integer.parseInt(value);
      if (number >= min) {
        return number;
      }
    } catch (NumberFormatException e) {
      // falls through to the message
    }
    throw bad(
        "option `"
            + key
            + "`: `"
            + value
            + "` is not a whole number"
            + (min == Integer.MIN_VALUE ? "" : " from " + min + " up"));
  }

  /** Numbers separated by commas, each {@code x} or {@code x/y}. */
  double[] numbers(String key, double byDefault) {
    String value = options.get(key);
    if (value == null) {
      return new double[] {byDefault};
    }
    String[] parts = value.split(",", -1);
    double[] numbers = new double[parts.length];
    for (int i = 0; i < parts.length; i++) {
      numbers[i] = number(key, parts[i]);
    }
    return numbers;
  }

  /** One number, {@code x} or {@code x/y}. */
  double number(String key, double byDefault) {
    String value = options.get(key);
    return value == null ? byDefault : number(key, value);
  }

  private double number(String key, String value) {
    try {
      int slash = value.indexOf('/');
      double number =
          slash < 0
              ? Double.parseDouble(value)
              : Double.parseDouble(value.substring(0, slash))
                  / Double.parseDouble(value.substring(slash + 1));
      if (Double.isFinite(number)) {
        return number;
      }
    } catch (NumberFormatException e) {
      // falls through to the message
    }
    throw bad("option `" + key + "`: `" + value + "` is not a number, nor a fraction like 1/255");
  }

  /** One of a table's entries by name. */
  <T> T choice(String key, Map<String, T> choices, String byDefault) {
    String value = options.getOrDefault(key, byDefault);
    T choice = choices.get(value);
    if (choice == null) {
      throw bad(
          "option `"
              + key
              + "`: `"
              + value
              + "` is none of "
              + String.join(", ", new TreeSet<>(choices.keySet())));
    }
    return choice;
  }

  /** The argument as a path, whether there is such a file or not. */
  Path path() {
    return path(argument, text);
  }

  /** The argument as an existing file. */
  Path file() {
    Path file = path(argument, text);
    if (!Files.isRegularFile(file)) {
      throw NarrowException.input(
          file + (Files.isDirectory(file) ? ": a folder, not a file" : ": no such file"));
    }
    return file;
  }

  /** The argument as an existing folder. */
  Path folder() {
    Path folder = path(argument, text);
    if (!Files.isDirectory(folder)) {
      throw NarrowException.input(
          folder + (Files.exists(folder) ? ": a file, not a folder" : ": no such folder"));
    }
    return folder;
  }

  /** A file named by an option: from the working directory, else beside or in the data. */
  Optional<Path> file(String key) {
    String value = options.get(key);
    if (value == null) {
      return Optional.empty();
    }
    Path data = path(argument, text);
    Path beside = Files.isDirectory(data) ? data.resolve(value) : data.resolveSibling(value);
    for (Path file : new Path[] {path(value, text), beside}) {
      if (Files.isRegularFile(file)) {
        return Optional.of(file);
      }
    }
    throw bad("option `" + key + "`: " + value + ": no such file, nor " + beside);
  }

  NarrowException bad(String problem) {
    return NarrowException.input("data `" + text + "`: " + problem);
  }

  static Path path(String path, String text) {
    try {
      return Path.of(path);
    } catch (InvalidPathException e) {
      throw NarrowException.input("data `" + text + "`: `" + path + "` is not a file name");
    }
  }
}
