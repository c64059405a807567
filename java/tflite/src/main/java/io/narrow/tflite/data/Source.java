package io.narrow.tflite.data;

import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.runtime.TensorInfo;
import java.nio.ByteBuffer;
import java.util.List;

/** Samples as a file has them, before preprocessing. Safe for use by several threads. */
interface Source {
  /**
   * One of the arrays that each sample has.
   *
   * @param name how the file calls it, may be empty
   * @param type type in the file
   * @param shape without the dimension of the samples
   * @param flat whether the shape says no more than how many numbers there are
   */
  record Array(String name, TensorType type, int[] shape, boolean flat) {
    Array(String name, TensorType type, int... shape) {
      this(name, type, shape, false);
    }

    long elements() {
      return info().elements();
    }

    String describe() {
      return info().describe();
    }

    private TensorInfo info() {
      return new TensorInfo(name, type, shape, 0, 0);
    }
  }

  /** The arrays of a sample, the same for all of them. */
  List<Array> arrays();

  int size();

  /** The arrays of sample {@code index}, in the order of {@link #arrays}. */
  List<NdArray> read(int index);

  /**
   * Reads an array of sample {@code index} into memory of its size, if the file has it as
   * little-endian float32.
   *
   * @param array its number in {@link #arrays}
   * @return whether it has; otherwise the memory may have been written to
   */
  default boolean read(int index, int array, ByteBuffer memory) {
    return false;
  }

  /** The label of sample {@code index} as the file has it, negative if there is none. */
  default int label(int index) {
    return Sample.NO_LABEL;
  }

  /**
   * This source as it feeds a model, where which arrays are inputs depends on that.
   *
   * @param inputs those of the model
   */
  default Source feeding(List<TensorInfo> inputs) {
    return this;
  }

  /**
   * This source as one sample, if its arrays as a whole have the shapes of a model's inputs.
   *
   * @param inputs those of the model
   */
  default Source whole(List<TensorInfo> inputs) {
    return this;
  }

  /** This source with other labels. */
  default Source withLabels(int[] labels) {
    Source samples = this;
    return new Source() {
      @Override
      public List<Array> arrays() {
        return samples.arrays();
      }

      @Override
      public int size() {
        return samples.size();
      }

      @Override
      public List<NdArray> read(int index) {
        return samples.read(index);
      }

      @Override
      public boolean read(int index, int array, ByteBuffer memory) {
        return samples.read(index, array, memory);
      }

      @Override
      public int label(int index) {
        return labels[index];
      }
    };
  }
}
