package io.narrow.tflite.data;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.model.TensorType;
import java.util.List;
import java.util.stream.IntStream;

/** Samples in memory, named by their place as arrays without names are. */
final class MemorySource implements Source {
  static final String NAME = "samples in memory";

  private final List<Sample> samples;
  private final List<Array> arrays;

  private MemorySource(List<Sample> samples) {
    this.samples = List.copyOf(samples);
    this.arrays = this.samples.isEmpty() ? List.of() : arrays(this.samples.get(0));
  }

  /**
   * @throws NarrowException naming the first sample that is not as those before
   */
  static Source of(List<Sample> samples) {
    MemorySource source = new MemorySource(samples);
    for (int i = 0; i < source.size(); i++) {
      List<String> first = source.arrays.stream().map(Array::describe).toList();
      List<String> own = arrays(source.samples.get(i)).stream().map(Array::describe).toList();
      if (!own.equals(first)) {
        throw NarrowException.input(
            NAME + ": sample " + i + " is " + own + ", those before it " + first);
      }
    }
    return source;
  }

  private static List<Array> arrays(Sample sample) {
    return IntStream.range(0, sample.inputs().size())
        .mapToObj(
            i -> {
              NdArray array = sample.inputs().get(i);
              TensorType type = array.whole() ? TensorType.INT64 : TensorType.FLOAT32;
              return new Array("arr_" + i, type, array.shape());
            })
        .toList();
  }

  @Override
  public List<Array> arrays() {
    return arrays;
  }

  @Override
  public int size() {
    return samples.size();
  }

  @Override
  public List<NdArray> read(int index) {
    return samples.get(index).inputs();
  }

  @Override
  public int label(int index) {
    return samples.get(index).label();
  }
}
