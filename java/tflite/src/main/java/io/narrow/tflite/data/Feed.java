package io.narrow.tflite.data;

import io.narrow.kernels.FloatRange;
import io.narrow.kernels.Kernels;
import io.narrow.kernels.Span;
import io.narrow.tflite.NarrowException;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.runtime.Inputs;
import io.narrow.tflite.runtime.Interpreter;
import io.narrow.tflite.runtime.TensorInfo;
import java.nio.ByteBuffer;
import java.util.AbstractList;
import java.util.List;
import java.util.RandomAccess;
import java.util.stream.IntStream;

/**
 * The samples of a {@link Dataset} in the order and shapes of a model's inputs, preprocessed. Read
 * when asked for; can be gone through any number of times.
 */
final class Feed extends AbstractList<Sample> implements RandomAccess, Inputs {
  private final String name;
  private final Source source;
  private final List<TensorInfo> inputs;
  private final int[] order;
  private final Preprocessing preprocessing;
  private final int labelOffset;
  private final int first;
  private final int size;

  Feed(
      String name,
      Source source,
      List<TensorInfo> inputs,
      int[] order,
      Preprocessing preprocessing,
      int labelOffset,
      int first,
      int limit) {
    this.name = name;
    this.source = source;
    this.inputs = List.copyOf(inputs);
    this.order = order;
    this.preprocessing = preprocessing;
    this.labelOffset = labelOffset;
    this.first = first;
    this.size = Math.min(source.size() - first, limit);
  }

  @Override
  public int size() {
    return size;
  }

  /**
   * Reads a sample.
   *
   * @param index from 0 to {@link #size}, exclusive
   * @throws NarrowException if the file cannot be read, or a number is NaN or infinite
   */
  @Override
  public Sample get(int index) {
    check(index);
    List<NdArray> arrays = source.read(first + index);
    List<NdArray> fed =
        IntStream.range(0, order.length)
            .mapToObj(i -> prepare(arrays.get(order[i]), inputs.get(i), index))
            .toList();
    return new Sample(fed, label(index));
  }

  /**
   * Writes a sample to the inputs of a model: floats that lie in the file as the model wants them
   * straight into its memory.
   *
   * @param index from 0 to {@link #size}, exclusive
   * @throws NarrowException as {@link #get} does
   */
  @Override
  public void write(int index, Interpreter interpreter) {
    check(index);
    if (!writeAsTheyLie(index, interpreter)) {
      List<NdArray> arrays = get(index).inputs();
      for (int i = 0; i < arrays.size(); i++) {
        arrays.get(i).writeTo(interpreter, i);
      }
    }
  }

  /** Whether that was possible; not finite is said by {@link #get}. */
  private boolean writeAsTheyLie(int index, Interpreter interpreter) {
    for (int i = 0; i < order.length; i++) {
      ByteBuffer memory = interpreter.input(i);
      if (!preprocessing.changesNothing()
          || inputs.get(i).type() != TensorType.FLOAT32
          || !source.read(first + index, order[i], memory)
          || !finite(Span.of(memory.flip()))) {
        return false;
      }
    }
    return true;
  }

  private static boolean finite(Span values) {
    FloatRange range = Kernels.active().range(values);
    return range.nans() + range.infinities() == 0;
  }

  private void check(int index) {
    if (index < 0 || index >= size) {
      throw new IndexOutOfBoundsException(name + ": sample " + index + " of " + size);
    }
  }

  private NdArray prepare(NdArray array, TensorInfo input, int index) {
    if (!input.real()) {
      return array.reshape(input.shape());
    }
    float[] values = preprocessing.apply(array);
    if (!finite(Span.of(values))) {
      throw notFinite(values, input, index);
    }
    return NdArray.wrap(values, input.shape());
  }

  private NarrowException notFinite(float[] values, TensorInfo input, int index) {
    int i = 0;
    while (Float.isFinite(values[i])) {
      i++;
    }
    return NarrowException.input(
        "data `"
            + name
            + "`: sample "
            + (first + index)
            + ", input `"
            + input.name()
            + "`: "
            + values[i]
            + " at element "
            + i);
  }

  private int label(int index) {
    int label = source.label(first + index);
    if (label < 0) {
      return Sample.NO_LABEL;
    }
    int moved = label + labelOffset;
    if (moved < 0) {
      throw NarrowException.input(
          "data `"
              + name
              + "`: sample "
              + (first + index)
              + ": label "
              + label
              + " plus label-offset "
              + labelOffset
              + " is negative");
    }
    return moved;
  }
}
