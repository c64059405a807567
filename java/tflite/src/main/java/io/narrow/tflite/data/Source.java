package io.narrow.tflite.data;

import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.runtime.TensorInfo;
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

  /** The label of sample {@code index} as the file has it, negative if there is none. */
  default int label(int index) {
    return Sample.NO_LABEL;
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
      public int label(int index) {
        return labels[index];
      }
    };
  }
}
