package io.narrow.tflite.plan;

import io.narrow.kernels.FloatRange;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.plan.Reason.Code;

/**
 * Tensors that share a scale, by union-find: a group has the union of the ranges of its members, or
 * the encoding that a kernel fixes for its result.
 */
final class ScaleGroups {
  private final int[] parent;
  private final float[] min;
  private final float[] max;
  private final boolean[] ranged;
  private final int[] members;
  private final Encoding[] fixed;
  private final Reason[] reasons; // for these

  ScaleGroups(int tensors) {
    parent = new int[tensors];
    min = new float[tensors];
    max = new float[tensors];
    ranged = new boolean[tensors];
    members = new int[tensors];
    fixed = new Encoding[tensors];
    reasons = new Reason[tensors];
    for (int i = 0; i < tensors; i++) {
      parent[i] = i;
      members[i] = 1;
    }
  }

  private int root(int tensor) {
    int root = tensor;
    while (parent[root] != root) {
      root = parent[root];
    }
    parent[tensor] = root;
    return root;
  }

  /** Widens the range of a tensor's group; every range includes 0. */
  void include(int tensor, float low, float high) {
    int root = root(tensor);
    min[root] = Math.min(min[root], low);
    max[root] = Math.max(max[root], high);
    ranged[root] = true;
  }

  /** Drops the range of a tensor's group. */
  void forget(int tensor) {
    min[root(tensor)] = 0;
    max[root(tensor)] = 0;
    ranged[root(tensor)] = false;
  }

  /** Gives a tensor an encoding that its range does not change, for this reason. */
  void fix(int tensor, Encoding encoding, Reason reason) {
    fixed[root(tensor)] = encoding;
    reasons[root(tensor)] = reason;
  }

  boolean isFixed(int tensor) {
    return fixed[root(tensor)] != null;
  }

  /** What tensors that share a scale have in common, and no others. */
  int group(int tensor) {
    return root(tensor);
  }

  /** Cuts the range of a tensor's group off at bounds, zero always within. */
  void clamp(int tensor, float low, float high) {
    int root = root(tensor);
    min[root] = Math.min(0, Math.max(min[root], low));
    max[root] = Math.max(0, Math.min(max[root], high));
  }

  boolean isAlone(int tensor) {
    return members[root(tensor)] == 1;
  }

  /** Makes two tensors share a scale: that of the first, if both are fixed. */
  void join(int tensor, int other) {
    int a = root(tensor);
    int b = root(other);
    if (a != b) {
      parent[b] = a;
      members[a] += members[b];
      min[a] = Math.min(min[a], min[b]);
      max[a] = Math.max(max[a], max[b]);
      ranged[a] |= ranged[b];
      if (fixed[a] == null) {
        fixed[a] = fixed[b];
        reasons[a] = reasons[b];
      }
    }
  }

  /** Width of the range of a tensor's group. */
  double span(int tensor) {
    int root = root(tensor);
    return (double) max[root] - min[root];
  }

  /** Whether the tensor's group has a range or a fixed encoding. */
  boolean has(int tensor) {
    return ranged[root(tensor)] || isFixed(tensor);
  }

  Encoding encoding(int tensor, TensorType type) {
    int root = root(tensor);
    if (fixed[root] == null) {
      return Encoding.activation(type, min[root], max[root]);
    }
    return fixed[root].type() == type
        ? fixed[root]
        : Encoding.activation(type, fixed[root].lowest(), fixed[root].highest());
  }

  /** Why a tensor has its encoding. */
  Reason reason(int tensor) {
    int root = root(tensor);
    String shared = members[root] == 1 ? "" : ", shared by " + members[root] + " tensors";
    Reason own = fixed[root] != null ? reasons[root] : Reason.of(Code.QUANTIZED, range(root));
    return own.as(own.text() + shared);
  }

  /** The range of a tensor's group. */
  FloatRange bounds(int tensor) {
    return new FloatRange(min[root(tensor)], max[root(tensor)], 0, 0);
  }

  /** The range of a tensor's group, in words. */
  String range(int tensor) {
    return "range [" + min[root(tensor)] + ", " + max[root(tensor)] + "]";
  }
}
