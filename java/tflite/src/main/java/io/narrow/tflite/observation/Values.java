package io.narrow.tflite.observation;

import io.narrow.tflite.runtime.TensorInfo;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/** Copies of tensors, in the order in which a subgraph takes or gives them. */
final class Values {
  private record Value(TensorInfo info, ByteBuffer bytes) {
    /** Whether the runtime had contents of it, of a known size. */
    boolean isComplete() {
      return info.type().bits() > 0 && info.type().bytes(info.elements()) == bytes.remaining();
    }
  }

  private final List<Value> values = new ArrayList<>();

  /** Copies a tensor. */
  void add(TensorInfo info, ByteBuffer contents) {
    ByteBuffer copy = ByteBuffer.allocate(contents.remaining());
    values.add(new Value(info, copy.put(contents.duplicate()).flip()));
  }

  void clear() {
    values.clear();
  }

  /** Takes over a tensor of others. */
  void add(Values others, int place) {
    values.add(others.values.get(place));
  }

  Values withoutFirst() {
    Values others = new Values();
    others.values.addAll(values.subList(1, values.size()));
    return others;
  }

  boolean areComplete() {
    return values.stream().allMatch(Value::isComplete);
  }

  int size() {
    return values.size();
  }

  List<int[]> shapes() {
    return values.stream().map(value -> value.info.shape()).toList();
  }

  /** Contents of a tensor. */
  ByteBuffer bytes(int place) {
    return values.get(place).bytes.duplicate();
  }
}
