package io.narrow.tflite.model;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.schema.Schema;
import io.narrow.tflite.schema.Table;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.IntUnaryOperator;
import java.util.stream.Collectors;

/** A tensor of a subgraph: name, type, shape, quantization and the buffer with its contents. */
public final class Tensor {
  private static final String DETAILS = "details";
  private static final String DETAILS_TYPE = "details_type";
  private static final long BLOCKWISE =
      Schema.value("QuantizationDetails", "BlockwiseQuantization");

  private final Table table;
  private final Optional<Tensor> blockScales; // as they stand in its subgraph
  private final String name;
  private final TensorType type;
  private final int[] shape;

  Tensor(Table table) {
    this(table, Optional.empty());
  }

  private Tensor(Table table, Optional<Tensor> blockScales) {
    this.table = table;
    this.blockScales = blockScales;
    this.name = table.string("name");
    this.type = TensorType.of((int) table.integer("type"));
    this.shape = table.ints("shape");
  }

  /** A float32 or quantized tensor with no contents. */
  public static Tensor of(String name, TensorType type, int[] shape) {
    return new Tensor(
        Table.of("Tensor")
            .with("shape", shape)
            .with("type", type.code())
            .with("buffer", 0)
            .with("name", name));
  }

  Table table() {
    return table;
  }

  public String name() {
    return name;
  }

  public TensorType type() {
    return type;
  }

  /** Sizes of the axes; empty for a scalar. */
  public int[] shape() {
    return shape.clone();
  }

  public int rank() {
    return shape.length;
  }

  /** Size of an axis. */
  public int dimension(int axis) {
    return shape[axis];
  }

  /**
   * Sizes of the axes as far as they are fixed, -1 for those that are known only when the model
   * runs; the {@linkplain #shape shape} has some size for these too, mostly 1.
   */
  public int[] shapeSignature() {
    int[] signature = table.ints("shape_signature");
    return signature.length == shape.length ? signature : shape.clone();
  }

  /** Whether the number of its axes is known: a shape without axes is also that of unknown rank. */
  public boolean isRanked() {
    return shape.length > 0 || table.integer("has_rank") != 0;
  }

  /**
   * The same tensor with other sizes.
   *
   * @param sizes -1 for those that are known only when the model runs
   */
  public Tensor withSizes(int[] sizes) {
    int[] some = sizes.clone();
    for (int axis = 0; axis < some.length; axis++) {
      boolean kept = some.length == shape.length && shape[axis] > 0;
      some[axis] = some[axis] < 0 ? kept ? shape[axis] : 1 : some[axis];
    }
    Table changed = table.with("shape", some).without("shape_signature");
    return new Tensor(
        Arrays.equals(some, sizes) ? changed : changed.with("shape_signature", sizes));
  }

  /** Number of elements: the product of the shape, 1 for a scalar. */
  public long elements() {
    return inner(-1);
  }

  /** Number of neighbouring elements that have the same index on an axis; of all if it is -1. */
  public long inner(int axis) {
    long inner = 1;
    for (int i = axis + 1; i < shape.length; i++) {
      inner = Math.multiplyExact(inner, shape[i]);
    }
    return inner;
  }

  /** Number of the buffer with the contents; buffer 0 is always empty. */
  public int buffer() {
    return (int) table.integer("buffer");
  }

  /** Whether the runtime keeps its contents from one run to the next. */
  public boolean isVariable() {
    return table.integer("is_variable") != 0;
  }

  /** Whether the buffer holds a sparse encoding, or lies in another file. */
  public boolean isEncoded() {
    return table.has("sparsity") || table.integer("external_buffer") != 0;
  }

  /** Whether zeros are left out of the buffer. */
  public boolean isSparse() {
    return table.has("sparsity");
  }

  /**
   * All values of a sparse tensor.
   *
   * @param stored its buffer
   * @throws NarrowException if its encoding is damaged, without the tensor's name
   */
  public Buffer dense(Buffer stored) {
    SparseLayout layout = new SparseLayout(this, table.table("sparsity").get(0));
    long bytes = type.bytes(elements());
    if (bytes > Integer.MAX_VALUE
        || type.bits() == 0
        || type.bits() % 8 != 0
        || layout.stored() != stored.size() * 8L / type.bits()) {
      throw NarrowException.input(
          "its sparse encoding is damaged: it has "
              + layout.stored()
              + " values of "
              + type
              + " in "
              + stored.size()
              + " bytes");
    }
    return Buffer.computed(
        (int) bytes, target -> layout.spread(stored.bytes(), type.bits() / 8, target));
  }

  /**
   * Bytes that a sparse tensor takes in a file: its values and where they belong.
   *
   * @param stored its buffer
   * @throws NarrowException as {@link #dense}
   */
  public long sparseBytes(Buffer stored) {
    return stored.size() + new SparseLayout(this, table.table("sparsity").get(0)).indexBytes();
  }

  /** This tensor with type, shape, quantization and buffer of another, whose shape is fixed. */
  public Tensor holding(Tensor values) {
    Table changed =
        table
            .with("shape", values.shape)
            .with("type", values.type.code())
            .with("buffer", values.buffer())
            .without("sparsity")
            .without("shape_signature")
            .without("quantization");
    List<Table> quantization = values.quantization();
    return new Tensor(
        quantization.isEmpty() ? changed : changed.with("quantization", quantization.get(0)),
        values.blockScales);
  }

  /** Whether scales say all about its quantization: not so where they are per block. */
  public boolean isAffine() {
    return quantization().stream().allMatch(q -> q.integer(DETAILS_TYPE) == 0)
        && scales().length > 0
        && scales().length == zeroPoints().length
        && (scales().length == 1
            || quantizedDimension() >= 0
                && quantizedDimension() < rank()
                && dimension(quantizedDimension()) == scales().length);
  }

  /** What says that its scales are per block; none if they are not. */
  private List<Table> blocks() {
    return blocks(table);
  }

  private static List<Table> blocks(Table tensor) {
    List<Table> quantization = tensor.table("quantization");
    return quantization.isEmpty() || quantization.get(0).integer(DETAILS_TYPE) != BLOCKWISE
        ? List.of()
        : quantization.get(0).table(DETAILS);
  }

  /**
   * The tensor of its subgraph that holds the scales of its blocks; none if there are no blocks.
   */
  public Optional<Tensor> blockScales() {
    return blocks().isEmpty() ? Optional.empty() : blockScales;
  }

  /**
   * Whether scales of blocks say all about its quantization: neighbouring elements of the last axis
   * share a float16 scale, and code 0 is 0.
   */
  public boolean isBlockwise() {
    int size = blockSize();
    return size > 0
        && rank() > 0
        && dimension(rank() - 1) % size == 0
        && blocks().stream()
            .noneMatch(
                b -> b.has("zero_points") && b.integer("zero_points") >= 0 || b.has("block_shape"))
        && blockScales()
            .filter(s -> s.type == TensorType.FLOAT16 && s.elements() == elements() / size)
            .isPresent();
  }

  /** How many elements share a scale where scales are per block, 0 where they are not. */
  public int blockSize() {
    return blocks().stream().mapToInt(block -> (int) block.integer("block_size")).sum();
  }

  /** Number of the tensor with the scales of its blocks, -1 if there are none. */
  int blockScalesNumber() {
    return blockScalesNumber(table);
  }

  static int blockScalesNumber(Table tensor) {
    List<Table> blocks = blocks(tensor);
    return blocks.isEmpty() ? -1 : (int) blocks.get(0).integer("scales");
  }

  /** The same tensor beside others. */
  Tensor among(List<Tensor> tensors) {
    int scales = blockScalesNumber();
    return scales < 0 ? this : new Tensor(table, Optional.of(tensors.get(scales)));
  }

  /** The same tensor where others have other numbers, among them that with its scales. */
  public Tensor renumbered(IntUnaryOperator number) {
    int scales = blockScalesNumber();
    return scales < 0 ? this : withBlocks(number.applyAsInt(scales), blockSize());
  }

  private Tensor withBlocks(int scales, int size) {
    List<Table> known = blocks();
    Table details =
        known.isEmpty()
            ? Table.of("BlockwiseQuantization").with("zero_points", -1).with("block_size", size)
            : known.get(0);
    Table quantization =
        quantization().stream().findFirst().orElse(Table.of("QuantizationParameters"));
    return new Tensor(
        table.with(
            "quantization",
            quantization
                .with(DETAILS_TYPE, BLOCKWISE)
                .with(DETAILS, details.with("scales", scales))),
        blockScales);
  }

  /**
   * The same tensor, quantized with a scale per block: as many neighbouring elements of its last
   * axis.
   *
   * @param newType an integer type
   * @param scales number of the float16 tensor with the scales
   * @param size elements of a block
   */
  public Tensor blockwise(TensorType newType, int scales, int size) {
    return withType(newType).withBlocks(scales, size);
  }

  /** Whether the tensor has scales, or quantization details of another kind. */
  public boolean isQuantized() {
    return quantization().stream()
        .anyMatch(q -> q.bytes("scale").hasRemaining() || q.integer(DETAILS_TYPE) != 0);
  }

  /** One scale, one per channel, or none. */
  public float[] scales() {
    List<Table> quantization = quantization();
    return quantization.isEmpty() ? new float[0] : quantization.get(0).floats("scale");
  }

  /** As many zero points as there are scales. */
  public long[] zeroPoints() {
    List<Table> quantization = quantization();
    return quantization.isEmpty() ? new long[0] : quantization.get(0).longs("zero_point");
  }

  /** Axis of the channels where there is a scale per channel. */
  public int quantizedDimension() {
    List<Table> quantization = quantization();
    return quantization.isEmpty() ? 0 : (int) quantization.get(0).integer("quantized_dimension");
  }

  private List<Table> quantization() {
    return table.table("quantization");
  }

  public Tensor withName(String newName) {
    return new Tensor(table.with("name", newName), blockScales);
  }

  public Tensor withBuffer(int buffer) {
    return new Tensor(table.with("buffer", buffer), blockScales);
  }

  /** The same tensor without a quantization table that says nothing. */
  public Tensor tidy() {
    boolean says =
        quantization().stream()
            .anyMatch(q -> q.type().names().stream().anyMatch(field -> says(q, field)));
    return says || !table.has("quantization") ? this : new Tensor(table.without("quantization"));
  }

  private static boolean says(Table quantization, String field) {
    return switch (field) {
      case "min", "max", "scale", "zero_point" -> quantization.bytes(field).hasRemaining();
      case DETAILS -> quantization.has(field);
      default -> quantization.integer(field) != 0;
    };
  }

  /** The same tensor of another type, without quantization. */
  public Tensor withType(TensorType newType) {
    return new Tensor(table.without("quantization").with("type", newType.code()));
  }

  /**
   * The same tensor, quantized.
   *
   * @param newType an integer type
   * @param scales one, or one per channel
   * @param zeroPoints as many
   * @param axis axis of the channels, 0 where there is one scale
   */
  public Tensor quantized(TensorType newType, float[] scales, long[] zeroPoints, int axis) {
    Table quantization =
        Table.of("QuantizationParameters").with("scale", scales).with("zero_point", zeroPoints);
    if (axis != 0) {
      quantization = quantization.with("quantized_dimension", axis);
    }
    return new Tensor(table.with("type", newType.code()).with("quantization", quantization));
  }

  /** The shape as text, e.g. {@code [1, 32, 32, 3]}. */
  public String shapeText() {
    return Arrays.stream(shape)
        .mapToObj(Integer::toString)
        .collect(Collectors.joining(", ", "[", "]"));
  }

  /**
   * How codes become values, as Netron prints it: {@code 0.5 * (q - 3)}, of several channels that
   * of the first; empty if the tensor is not quantized.
   */
  public String quantizationText() {
    float[] scales = scales();
    long[] zeroPoints = zeroPoints();
    if (isBlockwise()) {
      return "q * scale of its block of " + blockSize() + " in " + blockScales().get().name();
    }
    if (scales.length == 0) {
      return isQuantized() ? "quantized with details of its own" : "";
    }
    long zeroPoint = zeroPoints.length == 0 ? 0 : zeroPoints[0];
    String code =
        zeroPoint == 0
            ? "q"
            : zeroPoint < 0 ? "(q + " + -zeroPoint + ")" : "(q - " + zeroPoint + ")";
    String first = scales[0] + " * " + code;
    return scales.length == 1
        ? first
        : first + " ... " + scales.length + " channels of axis " + quantizedDimension();
  }

  @Override
  public String toString() {
    return name + " " + type + shapeText();
  }
}
