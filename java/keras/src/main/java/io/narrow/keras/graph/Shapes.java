package io.narrow.keras.graph;

import java.util.Arrays;
import java.util.List;

/** Sizes and axes. */
public final class Shapes {
  private Shapes() {}

  /** The shape of what two values give element by element, as numpy has it. */
  public static int[] broadcast(int[] a, int[] b) {
    int[] shape = new int[Math.max(a.length, b.length)];
    for (int i = 1; i <= shape.length; i++) {
      int left = i <= a.length ? a[a.length - i] : 1;
      int right = i <= b.length ? b[b.length - i] : 1;
      if (left != right && left != 1 && right != 1) {
        throw new IllegalStateException(
            "shapes " + Arrays.toString(a) + " and " + Arrays.toString(b) + " do not go together");
      }
      shape[shape.length - i] = left == 1 ? right : left;
    }
    return shape;
  }

  /** An axis that is counted from the end if it is negative. */
  public static int axis(int rank, int axis) {
    int place = axis < 0 ? axis + rank : axis;
    if (place < 0 || place >= rank) {
      throw new IllegalStateException("its input has no axis " + axis);
    }
    return place;
  }

  /** The same for several, in order. */
  public static int[] axes(int rank, int... axes) {
    return Arrays.stream(axes).map(axis -> axis(rank, axis)).distinct().sorted().toArray();
  }

  /** A shape of this many elements, with the size that makes it so in place of -1. */
  public static int[] filled(int[] shape, int elements) {
    int[] result = shape.clone();
    int open = -1;
    int known = 1;
    for (int i = 0; i < shape.length; i++) {
      if (shape[i] == -1 && open < 0) {
        open = i;
      } else {
        known = Math.multiplyExact(known, shape[i]);
      }
    }
    if (open >= 0 && known > 0) {
      result[open] = elements / known;
      known *= result[open];
    }
    if (known != elements) {
      throw new IllegalStateException(
          "the shape " + Arrays.toString(shape) + " has not the elements of its input");
    }
    return result;
  }

  public static int[] inserted(int[] shape, int axis, int size) {
    int[] result = new int[shape.length + 1];
    System.arraycopy(shape, 0, result, 0, axis);
    result[axis] = size;
    System.arraycopy(shape, axis, result, axis + 1, shape.length - axis);
    return result;
  }

  public static int[] removed(int[] shape, int axis) {
    int[] result = new int[shape.length - 1];
    System.arraycopy(shape, 0, result, 0, axis);
    System.arraycopy(shape, axis + 1, result, axis, result.length - axis);
    return result;
  }

  public static int[] ints(List<Integer> list) {
    return list.stream().mapToInt(Integer::intValue).toArray();
  }
}
