package io.narrow.tflite.model;

import io.narrow.tflite.NarrowException.Kind;
import io.narrow.tflite.schema.Table;
import io.narrow.tflite.schema.TableReader;
import io.narrow.tflite.schema.TableReader.MalformedException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What the bytes of a model file are for. */
final class Ledger {
  private static final String SCALES = "scales and ranges";
  private static final String NAMES = "names";
  private static final String GRAPH = "graph";
  private static final String METADATA = "metadata";
  private static final String ATTACHED = "attached";
  private static final String PADDING = "padding";

  private static final Pattern BUFFER = Pattern.compile("Model\\.buffers\\[(\\d+)]\\.data");

  private final ByteBuffer file;
  private final Map<Integer, String> uses;
  private final List<Extent> extents = new ArrayList<>();

  /** A part of the file, and what it is for. */
  private record Extent(long from, long to, String use) {
    static final Comparator<Extent> ORDER =
        Comparator.comparingLong(Extent::from)
            .thenComparing(Comparator.comparingLong(Extent::to).reversed());
  }

  private Ledger(Model model) {
    this.file = model.bytes().order(ByteOrder.LITTLE_ENDIAN);
    this.uses = uses(model);
  }

  static Map<String, Long> of(Model model) {
    Ledger ledger = new Ledger(model);
    try {
      return ledger.count(ledger.read());
    } catch (MalformedException e) {
      throw model.problem(Kind.INPUT, "is damaged: " + e.getMessage());
    }
  }

  private static Map<Integer, String> uses(Model model) {
    Map<Integer, TreeSet<String>> types = new TreeMap<>();
    for (Subgraph subgraph : model.subgraphs()) {
      for (Tensor tensor : subgraph.tensors()) {
        types
            .computeIfAbsent(tensor.buffer(), number -> new TreeSet<>())
            .add(tensor.type().toString());
      }
    }
    Map<Integer, String> uses = new TreeMap<>();
    types.forEach((number, names) -> uses.put(number, constants(String.join(" and ", names))));
    model.metadata().values().forEach(number -> uses.putIfAbsent(number, METADATA));
    return uses;
  }

  private static String constants(String types) {
    return types + " constants";
  }

  private String use(int buffer) {
    return uses.getOrDefault(buffer, "buffers that nothing uses");
  }

  /** Collects all that belongs to the model; returns where it ends. */
  private long read() throws MalformedException {
    TableReader reader = new TableReader(file, this::reached);
    Table root = reader.root("Model");
    long end = reader.end();
    List<Table> buffers = root.tables("buffers");
    for (int i = 0; i < buffers.size(); i++) {
      end = Math.max(end, outside(buffers.get(i), "offset", "size", use(i)));
    }
    for (Table subgraph : root.tables("subgraphs")) {
      for (Table operator : subgraph.tables("operators")) {
        end =
            Math.max(
                end,
                outside(
                    operator, "large_custom_options_offset", "large_custom_options_size", GRAPH));
      }
    }
    return end;
  }

  private void reached(long from, long to, String path, boolean elements) {
    Matcher buffer = BUFFER.matcher(path);
    boolean contents = elements && buffer.matches();
    extents.add(
        new Extent(from, to, contents ? use(Integer.parseInt(buffer.group(1))) : ofGraph(path)));
  }

  private static String ofGraph(String path) {
    return path.contains("].quantization") ? SCALES : path.endsWith("].name") ? NAMES : GRAPH;
  }

  /** What stands after the flatbuffer of a large file; returns its end, 0 if there is none. */
  private long outside(Table table, String offset, String size, String use) {
    long from = table.integer(offset);
    if (from <= 1) {
      return 0;
    }
    long to = from + table.integer(size);
    extents.add(new Extent(from, to, use));
    return to;
  }

  private Map<String, Long> count(long end) {
    Map<String, Long> counts = new TreeMap<>();
    extents.sort(Extent.ORDER);
    long counted = 0;
    for (Extent extent : extents) {
      long fresh = extent.to - Math.max(extent.from, counted);
      if (fresh > 0) {
        counts.merge(extent.use, fresh, Long::sum);
        counted = extent.to;
      }
    }
    long attached = Tail.of(file.slice((int) end, file.limit() - (int) end), end).size();
    counts.put(ATTACHED, attached);
    long all = counts.values().stream().mapToLong(Long::longValue).sum();
    counts.put(PADDING, file.limit() - all);
    Map<String, Long> ordered = new LinkedHashMap<>();
    List<String> last = List.of(SCALES, NAMES, GRAPH, METADATA, ATTACHED, PADDING);
    counts.entrySet().stream()
        .filter(entry -> !last.contains(entry.getKey()))
        .sorted(Map.Entry.<String, Long>comparingByValue().reversed())
        .forEach(entry -> ordered.put(entry.getKey(), entry.getValue()));
    for (String use : last) {
      if (counts.getOrDefault(use, 0L) > 0) {
        ordered.put(use, counts.get(use));
      }
    }
    return ordered;
  }
}
