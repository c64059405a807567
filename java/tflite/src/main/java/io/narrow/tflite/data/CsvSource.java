package io.narrow.tflite.data;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.model.TensorType;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * Rows of numbers separated by commas, semicolons or tabs, held in memory. The first line may be a
 * header. Whole numbers if every cell is one.
 */
final class CsvSource implements Source {
  /** Which column is the label; places of the label among {@code n} columns. */
  private static final Map<String, Integer> LABEL_COLUMNS =
      Map.of("none", Integer.MIN_VALUE, "first", 0, "last", -1);

  private final List<NdArray> rows;
  private final int[] labels; // empty if there are none
  private final int width;

  private CsvSource(List<NdArray> rows, int[] labels, int width) {
    this.rows = rows;
    this.labels = labels;
    this.width = width;
  }

  static Source open(Spec spec) {
    int column = spec.choice("label", LABEL_COLUMNS, "none");
    if (column != Integer.MIN_VALUE && spec.get("labels").isPresent()) {
      throw spec.bad("options `label` and `labels` exclude each other");
    }
    Path file = spec.file();
    List<String[]> cells = cells(file);
    if (cells.isEmpty()) {
      throw NarrowException.input(file + ": no rows of numbers");
    }
    int columns = cells.get(0).length;
    int at = column == -1 ? columns - 1 : column;
    if (at >= 0 && columns < 2) {
      throw NarrowException.input(file + ": one column cannot hold a label and data");
    }
    int[] labels = new int[at < 0 ? 0 : cells.size()];
    for (int i = 0; i < labels.length; i++) {
      labels[i] = label(file, cells.get(i)[at]);
      cells.set(i, without(cells.get(i), at));
    }
    boolean whole = cells.stream().flatMap(Stream::of).allMatch(CsvSource::isWhole);
    int width = at < 0 ? columns : columns - 1;
    List<NdArray> rows = new ArrayList<>(cells.size());
    cells.forEach(row -> rows.add(whole ? longs(row) : floats(row)));
    return new CsvSource(rows, labels, width);
  }

  @Override
  public List<Array> arrays() {
    TensorType type = rows.get(0).whole() ? TensorType.INT64 : TensorType.FLOAT32;
    return List.of(new Array("", type, new int[] {width}, true));
  }

  @Override
  public int size() {
    return rows.size();
  }

  @Override
  public List<NdArray> read(int index) {
    return List.of(rows.get(index));
  }

  @Override
  public int label(int index) {
    return labels.length == 0 ? Sample.NO_LABEL : labels[index];
  }

  /** The cells of all rows, checked to be numbers and as many in each row. */
  private static List<String[]> cells(Path file) {
    List<String> lines = TextTable.lines(file);
    List<String[]> rows = new ArrayList<>();
    for (int i = 0; i < lines.size(); i++) {
      String line = lines.get(i);
      if (line.isBlank()) {
        continue;
      }
      String[] cells = line.split("\\s*[,;\t]\\s*", -1);
      cells[0] = cells[0].strip();
      cells[cells.length - 1] = cells[cells.length - 1].strip();
      String wrong = Arrays.stream(cells).filter(c -> !isNumber(c)).findFirst().orElse(null);
      if (wrong != null && rows.isEmpty() && i == 0) {
        continue;
      }
      if (wrong != null) {
        throw NarrowException.input(
            file + " line " + (i + 1) + ": `" + wrong + "` is not a number");
      }
      if (!rows.isEmpty() && rows.get(0).length != cells.length) {
        throw NarrowException.input(
            file
                + " line "
                + (i + 1)
                + ": "
                + cells.length
                + " cells, but "
                + rows.get(0).length
                + " in the lines before");
      }
      rows.add(cells);
    }
    return rows;
  }

  private static boolean isNumber(String cell) {
    try {
      Double.parseDouble(cell);
      return true;
    } catch (NumberFormatException e) {
      return false;
    }
  }

  private static boolean isWhole(String cell) {
    return cell.matches("[-+]?\\d{1,18}");
  }

  private static int label(Path file, String cell) {
    double label = Double.parseDouble(cell);
    if (label != (int) label) {
      throw NarrowException.input(file + ": label `" + cell + "` is not a whole number");
    }
    return (int) label;
  }

  private static String[] without(String[] cells, int at) {
    List<String> rest = new ArrayList<>(Arrays.asList(cells));
    rest.remove(at);
    return rest.toArray(String[]::new);
  }

  private static NdArray longs(String[] cells) {
    return NdArray.wrap(Arrays.stream(cells).mapToLong(Long::parseLong).toArray(), cells.length);
  }

  private static NdArray floats(String[] cells) {
    float[] values = new float[cells.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = Float.parseFloat(cells[i]);
    }
    return NdArray.wrap(values, values.length);
  }
}
