package io.narrow.tflite.model;

import io.narrow.tflite.schema.Table;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Builds small models for tests: tensors and operators are numbered in the order of the calls. */
public final class ModelBuilder {
  private final List<List<Tensor>> tensors = new ArrayList<>();
  private final List<List<Operator>> operators = new ArrayList<>();
  private final List<int[]> inputs = new ArrayList<>();
  private final List<int[]> outputs = new ArrayList<>();
  private final List<Buffer> buffers = new ArrayList<>(List.of(Buffer.EMPTY));
  private final Random random;

  /**
   * @param seed of the values of constants
   */
  public ModelBuilder(long seed) {
    this.random = new Random(seed);
    subgraph();
  }

  /** Begins the next subgraph. */
  public ModelBuilder subgraph() {
    tensors.add(new ArrayList<>());
    operators.add(new ArrayList<>());
    inputs.add(new int[0]);
    outputs.add(new int[0]);
    return this;
  }

  private List<Tensor> current() {
    return tensors.get(tensors.size() - 1);
  }

  private int add(Tensor tensor) {
    current().add(tensor);
    return current().size() - 1;
  }

  /** A tensor that is computed or given. */
  public int tensor(String name, TensorType type, int... shape) {
    return add(Tensor.of(name, type, shape));
  }

  public int floats(String name, int... shape) {
    return tensor(name, TensorType.FLOAT32, shape);
  }

  /** Integers that are computed or given, with this scale and 0 for 0. */
  public int quantized(String name, TensorType type, float scale, int... shape) {
    return add(Tensor.of(name, type, shape).quantized(type, new float[] {scale}, new long[1], 0));
  }

  /** A tensor that the runtime keeps between runs, zero at first. */
  public int variable(String name, int... shape) {
    Tensor tensor = Tensor.of(name, TensorType.FLOAT32, shape);
    return add(new Tensor(tensor.table().with("is_variable", 1)));
  }

  /** A float32 constant of normally distributed values. */
  public int weights(String name, int... shape) {
    Tensor tensor = Tensor.of(name, TensorType.FLOAT32, shape);
    float[] values = new float[Math.toIntExact(tensor.elements())];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian() * 0.1f;
    }
    return constant(name, values, shape);
  }

  public int constant(String name, float[] values, int... shape) {
    ByteBuffer contents =
        ByteBuffer.allocateDirect(values.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    contents.asFloatBuffer().put(values);
    return constant(Tensor.of(name, TensorType.FLOAT32, shape), contents);
  }

  public int constant(String name, int[] values, int... shape) {
    ByteBuffer contents =
        ByteBuffer.allocateDirect(values.length * Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    contents.asIntBuffer().put(values);
    return constant(Tensor.of(name, TensorType.INT32, shape), contents);
  }

  /** A constant with contents as its type has them. */
  public int constant(Tensor tensor, ByteBuffer contents) {
    buffers.add(Buffer.of(contents));
    return add(tensor.withBuffer(buffers.size() - 1));
  }

  /**
   * A sparse constant.
   *
   * @param order traversal order
   * @param blockMap which axes are cut into blocks
   * @param levels a table DimensionMetadata for each level
   */
  public int sparse(
      Tensor tensor, int[] order, int[] blockMap, List<Table> levels, ByteBuffer stored) {
    Table sparsity =
        Table.of("SparsityParameters")
            .with("traversal_order", order)
            .with("block_map", blockMap)
            .with("dim_metadata", levels);
    return constant(new Tensor(tensor.table().with("sparsity", sparsity)), stored);
  }

  /** A second tensor, of this subgraph, over the buffer of a tensor of another. */
  public int sharing(String name, int subgraph, int tensor) {
    return add(tensors.get(subgraph).get(tensor).withName(name));
  }

  /** The same in another shape. */
  public int sharing(String name, int subgraph, int tensor, int... shape) {
    int buffer = tensors.get(subgraph).get(tensor).buffer();
    return add(Tensor.of(name, TensorType.FLOAT32, shape).withBuffer(buffer));
  }

  /** A tensor that is computed, of the type and quantization of another. */
  public int computedLike(String name, Tensor other) {
    return add(other.withName(name));
  }

  /** An operator without options. */
  public ModelBuilder operator(String name, int[] in, int... out) {
    return operator(name, version(name), in, out);
  }

  /** The same of a version. */
  public ModelBuilder operator(String name, int version, int[] in, int... out) {
    operators.get(operators.size() - 1).add(Operator.of(name, version, in, out));
    return this;
  }

  /** An operator with options, a table named as in the schema. */
  public ModelBuilder operator(String name, Table options, int[] in, int... out) {
    operators.get(operators.size() - 1).add(Operator.of(name, version(name), options, in, out));
    return this;
  }

  /** Gives the last operator intermediates. */
  public ModelBuilder intermediates(int... numbers) {
    List<Operator> all = operators.get(operators.size() - 1);
    all.set(all.size() - 1, all.get(all.size() - 1).withIntermediates(numbers));
    return this;
  }

  /** The oldest version that the runtime has. */
  private static int version(String operator) {
    return operator.equals("BROADCAST_TO") ? 2 : 1;
  }

  public ModelBuilder inputs(int... numbers) {
    inputs.set(inputs.size() - 1, numbers);
    return this;
  }

  public ModelBuilder outputs(int... numbers) {
    outputs.set(outputs.size() - 1, numbers);
    return this;
  }

  public Model build() {
    List<Subgraph> subgraphs = new ArrayList<>();
    for (int i = 0; i < tensors.size(); i++) {
      Table table =
          Table.of("SubGraph")
              .with("inputs", inputs.get(i))
              .with("outputs", outputs.get(i))
              .with("name", "subgraph" + i);
      subgraphs.add(new Subgraph(table, tensors.get(i), operators.get(i)));
    }
    Table root = Table.of("Model").with("version", 3).with("description", "built by a test");
    return new Model("built.tflite", root, List.of(), subgraphs, buffers, Tail.NONE);
  }
}
