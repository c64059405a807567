package io.narrow.tflite.fold;

import io.narrow.tflite.model.ModelBuilder;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.schema.Schema;
import io.narrow.tflite.schema.Table;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

/** Encodes constants as sparse ones, in random ways, level by level. */
final class SparseConstants {
  private final Tensor tensor;
  private final byte[] dense;
  private final int width;
  private final int[] order;
  private final int[] blockMap;
  private final int[] blockSize; // of an axis
  private final boolean[] lists; // of a level
  private final List<List<Integer>> segments = new ArrayList<>();
  private final List<List<Integer>> indices = new ArrayList<>();
  private final List<Integer> stored = new ArrayList<>(); // elements, in the order of storage

  private SparseConstants(Tensor tensor, byte[] dense, Random random) {
    this.tensor = tensor;
    this.dense = dense;
    this.width = tensor.type().bits() / 8;
    int rank = tensor.rank();
    blockSize = new int[rank];
    List<Integer> blocked = new ArrayList<>();
    for (int axis = 0; axis < rank; axis++) {
      boolean cut = tensor.dimension(axis) % 2 == 0 && random.nextBoolean() && blocked.size() < 2;
      blockSize[axis] = cut ? 2 : 1;
      if (cut) {
        blocked.add(axis);
      }
    }
    blockMap = blocked.stream().mapToInt(Integer::intValue).toArray();
    int levels = rank + blockMap.length;
    order = IntStream.range(0, levels).toArray();
    shuffle(order, 0, rank, random);
    shuffle(order, rank, levels, random);
    lists = new boolean[levels];
    for (int level = 0; level < levels; level++) {
      lists[level] = level < rank && random.nextBoolean();
      segments.add(new ArrayList<>(List.of(0)));
      indices.add(new ArrayList<>());
    }
  }

  private static void shuffle(int[] numbers, int from, int to, Random random) {
    for (int i = to - 1; i > from; i--) {
      int other = from + random.nextInt(i - from + 1);
      int number = numbers[i];
      numbers[i] = numbers[other];
      numbers[other] = number;
    }
  }

  /** Adds the tensor with these contents, most of them zeros, to a model. */
  static int add(ModelBuilder builder, Tensor tensor, byte[] dense, Random random) {
    return new SparseConstants(tensor, dense, random).add(builder, random);
  }

  private int add(ModelBuilder builder, Random random) {
    encode(0, new int[order.length]);
    List<Table> levels = new ArrayList<>();
    for (int level = 0; level < order.length; level++) {
      Table metadata = Table.of("DimensionMetadata");
      if (lists[level]) {
        metadata =
            listed(metadata.with("format", 1), "array_segments", segments.get(level), random);
        metadata = listed(metadata, "array_indices", indices.get(level), random);
      } else {
        metadata = metadata.with("dense_size", size(level));
      }
      levels.add(metadata);
    }
    ByteBuffer values = ByteBuffer.allocateDirect(stored.size() * width);
    for (int element : stored) {
      values.put(dense, element * width, width);
    }
    return builder.sparse(tensor, order, blockMap, levels, values.flip());
  }

  private static Table listed(Table metadata, String field, List<Integer> numbers, Random random) {
    int largest = numbers.stream().mapToInt(Integer::intValue).max().orElse(0);
    String type =
        largest < 256 && random.nextBoolean()
            ? "Uint8Vector"
            : largest < 65536 && random.nextBoolean() ? "Uint16Vector" : "Int32Vector";
    int bytes = type.equals("Uint8Vector") ? 1 : type.equals("Uint16Vector") ? 2 : 4;
    ByteBuffer values = ByteBuffer.allocate(numbers.size() * bytes).order(ByteOrder.LITTLE_ENDIAN);
    for (int number : numbers) {
      switch (bytes) {
        case 1 -> values.put((byte) number);
        case 2 -> values.putShort((short) number);
        default -> values.putInt(number);
      }
    }
    return metadata
        .with(field + "_type", Schema.value("SparseIndexVector", type))
        .with(field, Table.of(type).with("values", values.flip()));
  }

  private int size(int level) {
    int axis = order[level];
    return axis < tensor.rank()
        ? tensor.dimension(axis) / blockSize[axis]
        : blockSize[blockMap[axis - tensor.rank()]];
  }

  private void encode(int level, int[] index) {
    if (level == order.length) {
      stored.add(element(index));
      return;
    }
    for (int i = 0; i < size(level); i++) {
      index[level] = i;
      if (!lists[level]) {
        encode(level + 1, index);
      } else if (anyBelow(level + 1, index)) {
        indices.get(level).add(i);
        encode(level + 1, index);
      }
    }
    if (lists[level]) {
      segments.get(level).add(indices.get(level).size());
    }
  }

  private boolean anyBelow(int level, int[] index) {
    if (level == order.length) {
      int at = element(index) * width;
      return IntStream.range(at, at + width).anyMatch(i -> dense[i] != 0);
    }
    for (int i = 0; i < size(level); i++) {
      index[level] = i;
      if (anyBelow(level + 1, index)) {
        return true;
      }
    }
    return false;
  }

  private int element(int[] index) {
    int[] place = new int[tensor.rank()];
    for (int level = 0; level < order.length; level++) {
      if (order[level] < tensor.rank()) {
        place[order[level]] += index[level] * blockSize[order[level]];
      } else {
        place[blockMap[order[level] - tensor.rank()]] += index[level];
      }
    }
    int element = 0;
    for (int axis = 0; axis < place.length; axis++) {
      element = element * tensor.dimension(axis) + place[axis];
    }
    return element;
  }
}
