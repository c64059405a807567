package io.narrow.report;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import org.eclipse.elk.alg.layered.LayeredLayoutProvider;
import org.eclipse.elk.alg.layered.options.LayeredMetaDataProvider;
import org.eclipse.elk.alg.layered.options.LayeredOptions;
import org.eclipse.elk.alg.layered.options.OrderingStrategy;
import org.eclipse.elk.core.data.LayoutMetaDataService;
import org.eclipse.elk.core.options.CoreOptions;
import org.eclipse.elk.core.options.Direction;
import org.eclipse.elk.core.util.IElkProgressMonitor;
import org.eclipse.elk.graph.ElkEdge;
import org.eclipse.elk.graph.ElkNode;
import org.eclipse.elk.graph.util.ElkGraphUtil;

/**
 * Where the operators of a subgraph stand, inputs above and outputs below, and how the tensors run
 * between them: ELK's layered layout. Constants are not drawn. A line that would pass many layers
 * ends in a stub at either end: nobody could follow it, and ELK makes a node of it in each layer.
 */
final class Layout {
  // ELK looks at each operator from the one before it: as deep as the graph is long.
  private static final long STACK_BYTES = 1L << 29;

  private static final double LETTER_WIDTH = 8.8;
  private static final double SMALL_LETTER_WIDTH = 6;
  private static final int HEIGHT = 36;

  /** The most layers that a line passes. */
  private static final int FAR = 50;

  /**
   * An end of a line that is not drawn.
   *
   * @param reader who reads the tensor there; -1 for the end at who writes it
   * @param label where the other end is, and what is read
   */
  record Stub(int tensor, int reader, List<String> label, ElkNode node) {}

  private final JsonObject subgraph;
  private final JsonArray steps;
  private final JsonArray tensors;
  private final ElkNode root = ElkGraphUtil.createGraph();
  private final List<ElkNode> operators = new ArrayList<>();
  private final Map<Integer, ElkNode> ends = new TreeMap<>();
  private final Map<Integer, List<ElkEdge>> lines = new LinkedHashMap<>();
  private final Map<Integer, List<Integer>> far = new LinkedHashMap<>(); // readers by tensor
  private final List<Stub> stubs = new ArrayList<>();

  private final int reserved;

  private Layout(JsonObject subgraph, int reserved) {
    this.subgraph = subgraph;
    this.reserved = reserved;
    this.steps = subgraph.getAsJsonArray("graph");
    this.tensors = subgraph.getAsJsonArray("tensors");
  }

  /**
   * Lays out a graph.
   *
   * @param reserved letters that each operator has room for beside its kind
   */
  static Layout of(JsonObject subgraph, int reserved, IElkProgressMonitor monitor) {
    Layout layout = new Layout(subgraph, reserved);
    layout.build();
    Thread thread = new Thread(null, () -> layout.place(monitor), "layout", STACK_BYTES);
    Throwable[] failure = new Throwable[1];
    thread.setUncaughtExceptionHandler((t, e) -> failure[0] = e);
    thread.start();
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while a graph was laid out", e);
    }
    if (failure[0] != null) {
      throw new IllegalStateException("a graph cannot be laid out", failure[0]);
    }
    return layout;
  }

  private void build() {
    Map<Integer, ElkNode> producers = new HashMap<>();
    Map<Integer, ElkNode> inputs = new LinkedHashMap<>();
    for (JsonElement input : subgraph.getAsJsonArray("input_tensors")) {
      inputs.put(input.getAsInt(), end(input.getAsInt()));
    }
    producers.putAll(inputs);
    for (int i = 0; i < steps.size(); i++) {
      ElkNode node = node(label(i), reserved);
      operators.add(node);
      for (JsonElement output : step(i).getAsJsonArray("outputs")) {
        producers.put(output.getAsInt(), node);
      }
    }
    Layers layers = new Layers(steps, subgraph.getAsJsonArray("input_tensors"));
    for (int i = 0; i < steps.size(); i++) {
      for (JsonElement input : step(i).getAsJsonArray("inputs")) {
        int tensor = input.getAsInt();
        if (producers.containsKey(tensor) && layers.distance(tensor, i) > FAR) {
          far.computeIfAbsent(tensor, number -> new ArrayList<>()).add(i);
        } else {
          connect(tensor, producers, operators.get(i));
        }
      }
    }
    far.forEach((tensor, readers) -> cut(tensor, readers, producers, layers.writer(tensor)));
    for (JsonElement output : subgraph.getAsJsonArray("output_tensors")) {
      int tensor = output.getAsInt();
      if (producers.containsKey(tensor) && !ends.containsKey(tensor)) {
        connect(tensor, producers, end(tensor));
      }
    }
  }

  private void cut(int tensor, List<Integer> readers, Map<Integer, ElkNode> producers, int writer) {
    String what = endLabel(subgraph, tensor).get(0);
    String to = "to " + named(readers.get(0));
    int others = (int) readers.stream().distinct().count() - 1;
    Stub out = stub(tensor, -1, List.of(others == 0 ? to : to + " and " + others + " more", what));
    addLine(tensor, producers.get(tensor), out.node());
    String from = "from " + (writer < 0 ? "input" : named(writer));
    for (int reader : readers.stream().distinct().toList()) {
      addLine(tensor, stub(tensor, reader, List.of(from, what)).node(), operators.get(reader));
    }
  }

  private Stub stub(int tensor, int reader, List<String> label) {
    Stub stub = new Stub(tensor, reader, label, node(label, 0));
    stubs.add(stub);
    return stub;
  }

  private String named(int operator) {
    return shortened(step(operator).get("name").getAsString()) + " " + operator;
  }

  private void addLine(int tensor, ElkNode from, ElkNode to) {
    lines
        .computeIfAbsent(tensor, number -> new ArrayList<>())
        .add(ElkGraphUtil.createSimpleEdge(from, to));
  }

  private void connect(int tensor, Map<Integer, ElkNode> producers, ElkNode reader) {
    ElkNode producer = producers.get(tensor);
    if (producer != null && producer != reader) {
      addLine(tensor, producer, reader);
    }
  }

  private ElkNode end(int tensor) {
    return ends.computeIfAbsent(tensor, number -> node(endLabel(subgraph, tensor), 0));
  }

  private ElkNode node(List<String> label, int more) {
    ElkNode node = ElkGraphUtil.createNode(root);
    node.setWidth(
        16
            + Math.max(
                LETTER_WIDTH * (label.get(0).length() + more),
                SMALL_LETTER_WIDTH * label.get(1).length()));
    node.setHeight(HEIGHT);
    return node;
  }

  private void place(IElkProgressMonitor monitor) {
    LayoutMetaDataService.getInstance()
        .registerLayoutMetaDataProviders(new LayeredMetaDataProvider());
    root.setProperty(CoreOptions.DIRECTION, Direction.DOWN);
    root.setProperty(
        LayeredOptions.CONSIDER_MODEL_ORDER_STRATEGY, OrderingStrategy.NODES_AND_EDGES);
    new LayeredLayoutProvider().layout(root, monitor);
  }

  private JsonObject step(int operator) {
    return steps.get(operator).getAsJsonObject();
  }

  /** Kind of an operator, and its result. */
  List<String> label(int operator) {
    JsonArray outputs = step(operator).getAsJsonArray("outputs");
    return List.of(
        shortened(step(operator).get("name").getAsString()),
        outputs.isEmpty() ? "" : type(tensors.get(outputs.get(0).getAsInt()).getAsJsonObject()));
  }

  /** Name of an input or output, and what it is. */
  static List<String> endLabel(JsonObject subgraph, int number) {
    JsonObject tensor = subgraph.getAsJsonArray("tensors").get(number).getAsJsonObject();
    return List.of(shortened(tensor.get("name").getAsString()), type(tensor));
  }

  private static String type(JsonObject tensor) {
    return tensor.get("type").getAsString()
        + StreamSupport.stream(tensor.getAsJsonArray("shape").spliterator(), false)
            .map(JsonElement::getAsString)
            .collect(Collectors.joining("×", "[", "]"));
  }

  private static String shortened(String name) {
    return name.length() <= 28
        ? name
        : name.substring(0, 12) + "…" + name.substring(name.length() - 14);
  }

  double width() {
    return root.getWidth();
  }

  double height() {
    return root.getHeight();
  }

  /** By number. */
  List<ElkNode> operators() {
    return operators;
  }

  /** Inputs and outputs of the subgraph, by number of the tensor. */
  Map<Integer, ElkNode> ends() {
    return ends;
  }

  /** Ends of lines that are not drawn. */
  List<Stub> stubs() {
    return stubs;
  }

  /** The lines of each tensor that an operator or the subgraph reads. */
  Map<Integer, List<ElkEdge>> lines() {
    return lines;
  }
}
