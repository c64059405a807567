package io.narrow.tflite.model;

import io.narrow.tflite.schema.Table;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Puts a new model together, for those who read other formats. Tensors are numbered from 0 in each
 * subgraph, in the order in which they are added; subgraph 0 is there from the start. Constants
 * with the same bytes, or the same buffer where those are computed later, are stored once.
 */
public final class ModelAssembly {
  private final List<List<Tensor>> tensors = new ArrayList<>();
  private final List<List<Operator>> operators = new ArrayList<>();
  private final List<Table> graphs = new ArrayList<>();
  private final List<Table> signatures = new ArrayList<>();
  private final List<Buffer> buffers = new ArrayList<>(List.of(Buffer.EMPTY));
  private final Map<Object, Integer> known = new HashMap<>();

  public ModelAssembly() {
    subgraph("main");
  }

  /** Begins the next subgraph and returns its number. */
  public int subgraph(String name) {
    tensors.add(new ArrayList<>());
    operators.add(new ArrayList<>());
    graphs.add(Table.of("SubGraph").with("name", name));
    return graphs.size() - 1;
  }

  /**
   * Adds a tensor that is given or computed.
   *
   * @param dynamicBatch whether the first axis may be resized: its size in {@code shape} is then
   *     only the one to begin with
   */
  public int tensor(int subgraph, Tensor tensor, boolean dynamicBatch) {
    Table table = tensor.table();
    if (dynamicBatch) {
      int[] signature = tensor.shape();
      signature[0] = -1;
      table = table.with("shape_signature", signature);
    }
    tensors.get(subgraph).add(new Tensor(table));
    return tensors.get(subgraph).size() - 1;
  }

  /** Adds a tensor that the runtime keeps from one run to the next, zero at first. */
  public int variable(int subgraph, Tensor tensor) {
    tensors.get(subgraph).add(new Tensor(tensor.table().with("is_variable", 1)));
    return tensors.get(subgraph).size() - 1;
  }

  /**
   * Adds a constant.
   *
   * @param contents direct (the kernels read them where they are) and little-endian, of the size
   *     that type and shape say
   */
  public int constant(int subgraph, Tensor tensor, Buffer contents) {
    Object key = contents.isComputed() ? contents : contents.bytes();
    Integer buffer = known.putIfAbsent(key, buffers.size());
    if (buffer == null) {
      buffer = buffers.size();
      buffers.add(contents);
    }
    tensors.get(subgraph).add(tensor.withBuffer(buffer));
    return tensors.get(subgraph).size() - 1;
  }

  /**
   * Appends an operator.
   *
   * @param name as in the schema, e.g. {@code CONV_2D}
   * @param options name of its table of options, e.g. {@code Conv2DOptions}; empty for none
   * @param fields the options that are not 0: {@link Integer}, {@link Boolean}, {@link Float},
   *     {@link String} or {@code int[]} by the name of their field in the schema
   * @param inputs numbers of tensors, -1 for an optional one that is left out
   */
  public void operator(
      int subgraph,
      String name,
      int version,
      String options,
      Map<String, Object> fields,
      int[] inputs,
      int[] outputs) {
    operators
        .get(subgraph)
        .add(
            options.isEmpty()
                ? Operator.of(name, version, inputs, outputs)
                : Operator.of(name, version, options, fields, inputs, outputs));
  }

  /** Says which tensors are given to a subgraph, and which it gives. */
  public void boundary(int subgraph, int[] inputs, int[] outputs) {
    graphs.set(subgraph, graphs.get(subgraph).with("inputs", inputs).with("outputs", outputs));
  }

  /** Adds an entry point that runs subgraph 0; the maps have tensor numbers by name. */
  public void signature(String key, Map<String, Integer> inputs, Map<String, Integer> outputs) {
    signatures.add(
        Table.of("SignatureDef")
            .with("inputs", entries(inputs))
            .with("outputs", entries(outputs))
            .with("signature_key", key));
  }

  private static List<Table> entries(Map<String, Integer> map) {
    return map.entrySet().stream()
        .map(e -> Table.of("TensorMap").with("name", e.getKey()).with("tensor_index", e.getValue()))
        .toList();
  }

  /**
   * The model.
   *
   * @param name what messages call it, usually a file name
   */
  public Model build(String name, String description) {
    List<Subgraph> subgraphs = new ArrayList<>();
    for (int i = 0; i < graphs.size(); i++) {
      subgraphs.add(new Subgraph(graphs.get(i), tensors.get(i), operators.get(i)));
    }
    Table root = Table.of("Model").with("version", 3).with("description", description);
    if (!signatures.isEmpty()) {
      root = root.with("signature_defs", signatures);
    }
    return new Model(name, root, List.of(), subgraphs, buffers, Tail.NONE);
  }
}
