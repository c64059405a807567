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
    List<String> lines = new ArrayList<>();
    for (List<String> row : rows) {
      StringBuilder line = new StringBuilder();
      for (int i = 0; i < row.size(); i++) {
        int column = i;
        int width = rows.stream().mapToInt(r -> r.get(column).length()).max().orElse(0);
        String padding = " ".repeat(width - row.get(i).length());
        line.append(i == 0 ? "" : "  ").append(i < words ? "" : padding).append(row.get(i));
        line.append(i < words && i + 1 < row.size() ? padding : "");
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
