package io.narrow.cli;

import java.util.ArrayList;
import java.util.List;

/** Rows whose columns stand below one another. */
final class Table {
  private final List<List<String>> rows = new ArrayList<>();

  Table(String... header) {
    row(header);
  }

  void row(String... cells) {
    rows.add(List.of(cells));
  }

  /**
   * The rows as lines.
   *
   * @param words how many columns hold words, which begin at the same place; numbers end there
   */
  List<String> lines(int words) {
    return lines(0, words);
  }

  /** The same with words in the columns from one on, up to another. */
  List<String> lines(int from, int to) {
    int[] widths = new int[rows.get(0).size()];
    for (List<String> row : rows) {
      for (int i = 0; i < widths.length; i++) {
        widths[i] = Math.max(widths[i], row.get(i).length());
      }
    }
    List<String> lines = new ArrayList<>();
    for (List<String> row : rows) {
      StringBuilder line = new StringBuilder();
      for (int i = 0; i < widths.length; i++) {
        boolean word = i >= from && i < to;
        String padding = " ".repeat(widths[i] - row.get(i).length());
        line.append(i == 0 ? "" : "  ").append(word ? "" : padding).append(row.get(i));
        line.append(word && i + 1 < widths.length ? padding : "");
      }
      lines.add(line.toString());
    }
    return lines;
  }

  /** The rows in Markdown. */
  List<String> markdown(int words) {
    List<String> lines = new ArrayList<>();
    for (List<String> row : rows) {
      lines.add("| " + String.join(" | ", row) + " |");
    }
    int columns = rows.get(0).size();
    lines.add(1, "|---".repeat(words) + "|--:".repeat(columns - words) + "|");
    return lines;
  }
}
