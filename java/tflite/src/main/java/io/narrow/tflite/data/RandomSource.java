package io.narrow.tflite.data;

import io.narrow.tflite.runtime.TensorInfo;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Uniform pseudo-random numbers, the same on every machine: floats in [-1,1), 0 or 1 for inputs of
 * whole numbers. Element {@code k} of input {@code i} of sample {@code s} (counted from FIRST) is
 * draw {@code k} of a SplitMix64 generator (Steele, Lea, Flood 2014, with the constants of the
 * reference code) seeded with {@code s * 2^16 + i}: its top 24 bits, or its top bit.
 */
final class RandomSource implements Source {
  private final List<TensorInfo> inputs;
  private final int size;
  private final int first;

  private RandomSource(List<TensorInfo> inputs, int size, int first) {
    this.inputs = List.copyOf(inputs);
    this.size = size;
    this.first = first;
  }

  static Source open(Spec spec, List<TensorInfo> inputs) {
    if (!spec.argument().matches("\\d{1,9}(,\\d{1,9})?")) {
      throw spec.bad("`" + spec.argument() + "` is not of the form N or N,FIRST");
    }
    String[] parts = spec.argument().split(",");
    return new RandomSource(
        inputs, Integer.parseInt(parts[0]), parts.length > 1 ? Integer.parseInt(parts[1]) : 0);
  }

  @Override
  public List<Array> arrays() {
    return inputs.stream().map(i -> new Array(i.name(), i.type(), i.shape())).toList();
  }

  @Override
  public int size() {
    return size;
  }

  @Override
  public List<NdArray> read(int index) {
    return IntStream.range(0, inputs.size())
        .mapToObj(i -> array(inputs.get(i), ((long) first + index << 16) + i))
        .toList();
  }

  private static NdArray array(TensorInfo input, long seed) {
    int elements = Math.toIntExact(input.elements());
    if (!input.real()) {
      long[] bits = new long[elements];
      for (int k = 0; k < elements; k++) {
        bits[k] = draw(seed, k) >>> 63;
      }
      return NdArray.wrap(bits, input.shape());
    }
    float[] values = new float[elements];
    for (int k = 0; k < elements; k++) {
      values[k] = (draw(seed, k) >>> 40) * 0x1p-23f - 1;
    }
    return NdArray.wrap(values, input.shape());
  }

  private static long draw(long seed, long k) {
    long z = seed + (k + 1) * 0x9E3779B97F4A7C15L;
    z = (z ^ z >>> 30) * 0xBF58476D1CE4E5B9L;
    z = (z ^ z >>> 27) * 0x94D049BB133111EBL;
    return z ^ z >>> 31;
  }
}
