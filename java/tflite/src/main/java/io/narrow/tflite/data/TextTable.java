package io.narrow.tflite.data;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Text files of lines. */
final class TextTable {
  private static final String BYTE_ORDER_MARK = "\uFEFF";

  private TextTable() {}

  /** All lines, without a byte order mark. */
  static List<String> lines(Path file) {
    try {
      String text = Files.readString(file);
      return (text.startsWith(BYTE_ORDER_MARK) ? text.substring(1) : text).lines().toList();
    } catch (IOException e) {
      throw Bytes.unreadable(file, e);
    }
  }
}
