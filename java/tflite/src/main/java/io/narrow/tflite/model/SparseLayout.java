package io.narrow.tflite.model;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.schema.Table;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * Where the values of a sparse tensor belong (table SparsityParameters of the format). Its axes,
 * and below them the blocks that some axes are cut into, are levels of a tree that is walked in the
 * traversal order; a level holds all its indices, or lists those that are there.
 */
final class SparseLayout {
  private static final int DENSE = 0;

  private final int[] sizes; // of a level: how many indices it has
  private final long[] strides; // of a level: elements from one index to the next
  private final int[][] segments; // of a level that lists its indices: where each list begins
  private final int[][] indices; // the lists; both empty for a level that holds all
  private final long stored;
  private long indexBytes;

  /**
   * @throws NarrowException if the encoding contradicts itself or the shape
   */
  SparseLayout(Tensor tensor, Table sparsity) {
    int rank = tensor.rank();
    int[] order = sparsity.ints("traversal_order");
    int[] blocks = sparsity.ints("block_map");
    int levels = sparsity.tables("dim_metadata").size();
    check(levels == rank + blocks.length && order.length == levels, "levels");
    check(isPermutation(order), "traversal order");
    sizes = new int[levels];
    strides = new long[levels];
    segments = new int[levels][];
    indices = new int[levels][];
    long[] axisStrides = new long[rank];
    int[] blockSizes = new int[rank];
    Arrays.fill(blockSizes, 1);
    for (int axis = 0; axis < rank; axis++) {
      axisStrides[axis] = tensor.inner(axis);
    }
    for (int level = 0; level < levels; level++) {
      Table metadata = sparsity.tables("dim_metadata").get(level);
      segments[level] = listed(metadata, "array_segments");
      indices[level] = listed(metadata, "array_indices");
      boolean lists = metadata.integer("format") != DENSE;
      check(lists == segments[level].length > 0, "segments");
      if (order[level] >= rank) {
        int axis = blocks[order[level] - rank];
        sizes[level] = (int) metadata.integer("dense_size");
        check(!lists && axis >= 0 && axis < rank && blockSizes[axis] == 1, "blocks");
        check(sizes[level] > 0 && tensor.dimension(axis) % sizes[level] == 0, "block sizes");
        blockSizes[axis] = sizes[level];
        strides[level] = axisStrides[axis];
      }
    }
    for (int level = 0; level < levels; level++) {
      int axis = order[level];
      if (axis < rank) {
        sizes[level] = tensor.dimension(axis) / blockSizes[axis];
        strides[level] = axisStrides[axis] * blockSizes[axis];
      }
    }
    stored = countAndCheck();
  }

  private static boolean isPermutation(int[] order) {
    int[] sorted = order.clone();
    Arrays.sort(sorted);
    for (int i = 0; i < sorted.length; i++) {
      if (sorted[i] != i) {
        return false;
      }
    }
    return true;
  }

  /** Numbers of a level, which are held in one, two or four bytes. */
  private int[] listed(Table metadata, String field) {
    if (!metadata.has(field)) {
      return new int[0];
    }
    Table vector = metadata.table(field).get(0);
    int[] numbers = numbers(vector);
    int width =
        switch (vector.type().name()) {
          case "Int32Vector" -> Integer.BYTES;
          case "Uint16Vector" -> Short.BYTES;
          default -> Byte.BYTES;
        };
    indexBytes += (long) numbers.length * width;
    return numbers;
  }

  private static int[] numbers(Table vector) {
    ByteBuffer bytes = vector.bytes("values");
    return switch (vector.type().name()) {
      case "Int32Vector" -> vector.ints("values");
      case "Uint16Vector" -> {
        int[] numbers = new int[bytes.remaining() / Short.BYTES];
        for (int i = 0; i < numbers.length; i++) {
          numbers[i] = Short.toUnsignedInt(bytes.getShort(bytes.position() + Short.BYTES * i));
        }
        yield numbers;
      }
      default -> {
        int[] numbers = new int[bytes.remaining()];
        for (int i = 0; i < numbers.length; i++) {
          numbers[i] = Byte.toUnsignedInt(bytes.get(bytes.position() + i));
        }
        yield numbers;
      }
    };
  }

  /** How many values are stored; every list has to lie within its level. */
  private long countAndCheck() {
    long nodes = 1;
    for (int level = 0; level < sizes.length; level++) {
      if (segments[level].length == 0) {
        nodes *= sizes[level];
        check(nodes <= Integer.MAX_VALUE, "sizes");
        continue;
      }
      check(segments[level].length == nodes + 1 && segments[level][0] == 0, "segments");
      for (int i = 1; i <= nodes; i++) {
        check(segments[level][i] >= segments[level][i - 1], "segments");
      }
      nodes = segments[level][(int) nodes];
      check(indices[level].length == nodes, "indices");
      for (int index : indices[level]) {
        check(index >= 0 && index < sizes[level], "indices");
      }
    }
    return nodes;
  }

  private static void check(boolean holds, String what) {
    if (!holds) {
      throw NarrowException.input("its sparse encoding is damaged: the " + what + " do not fit");
    }
  }

  /** How many bytes a file has to say where the values belong. */
  long indexBytes() {
    return indexBytes;
  }

  /** How many values are stored. */
  long stored() {
    return stored;
  }

  /**
   * Puts the stored values where they belong, and zeros elsewhere.
   *
   * @param width bytes of a value
   */
  void spread(ByteBuffer values, int width, ByteBuffer target) {
    for (int i = target.position(); i < target.limit(); i++) {
      target.put(i, (byte) 0);
    }
    spread(0, 0, 0, values, width, target);
  }

  private void spread(
      int level, long node, long offset, ByteBuffer values, int width, ByteBuffer target) {
    if (level == sizes.length) {
      int from = values.position() + (int) node * width;
      int to = target.position() + (int) offset * width;
      for (int i = 0; i < width; i++) {
        target.put(to + i, values.get(from + i));
      }
      return;
    }
    boolean lists = segments[level].length > 0;
    long begin = lists ? segments[level][(int) node] : node * sizes[level];
    long end = lists ? segments[level][(int) node + 1] : begin + sizes[level];
    for (long i = begin; i < end; i++) {
      long index = lists ? indices[level][(int) i] : i - begin;
      spread(level + 1, i, offset + index * strides[level], values, width, target);
    }
  }
}
