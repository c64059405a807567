package io.narrow.tflite.data;

import io.narrow.tflite.NarrowException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Labels in a file of their own: a .npy array of whole numbers, or text with a label on each line,
 * or a file name and a label (separated by comma, semicolon, tab or blanks; what follows is
 * ignored). A first line without a number is a header.
 */
final class LabelFile {
  private final Path file;
  private final List<Integer> labels = new ArrayList<>();
  private final Map<String, Integer> byName = new HashMap<>();

  private LabelFile(Path file) {
    this.file = file;
  }

  /** The labels of {@code size} samples in their order. */
  static int[] read(Path file, int size) {
    if (file.toString().endsWith(".npy")) {
      return NpySource.labels(file.toString(), NpyArray.of(file.toString(), Bytes.of(file)), size);
    }
    return text(file).inOrder(size);
  }

  /** The labels of files, by name if the label file has names, else in the order of the files. */
  static int[] read(Path file, List<String> names) {
    if (file.toString().endsWith(".npy")) {
      return read(file, names.size());
    }
    LabelFile parsed = text(file);
    if (parsed.byName.isEmpty()) {
      return parsed.inOrder(names.size());
    }
    List<String> missing = names.stream().filter(n -> !parsed.byName.containsKey(n)).toList();
    if (!missing.isEmpty()) {
      throw NarrowException.input(
          file
              + ": no label for "
              + missing.size()
              + " of "
              + names.size()
              + " samples, among them "
              + missing.get(0));
    }
    return names.stream().mapToInt(parsed.byName::get).toArray();
  }

  private int[] inOrder(int size) {
    if (labels.size() != size) {
      throw NarrowException.input(file + ": " + labels.size() + " labels for " + size + " samples");
    }
    return labels.stream().mapToInt(Integer::intValue).toArray();
  }

  private static LabelFile text(Path file) {
    LabelFile labels = new LabelFile(file);
    List<String> lines = TextTable.lines(file);
    for (int i = 0; i < lines.size(); i++) {
      String line = lines.get(i).strip();
      if (!line.isEmpty()) {
        labels.add(line, i + 1);
      }
    }
    return labels;
  }

  private void add(String line, int number) {
    String[] cells = line.split(line.matches(".*[,;\t].*") ? "[,;\t]" : "\\s+");
    String label = cells[cells.length > 1 ? 1 : 0].strip();
    if (!label.matches("-?\\d{1,9}")) {
      if (labels.isEmpty() && number == 1) {
        return;
      }
      throw NarrowException.input(
          file + " line " + number + ": `" + label + "` is not a whole number");
    }
    labels.add(Integer.parseInt(label));
    if (cells.length > 1) {
      byName.put(cells[0].strip(), Integer.parseInt(label));
    }
  }
}
