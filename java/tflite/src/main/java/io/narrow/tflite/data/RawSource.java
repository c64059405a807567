package io.narrow.tflite.data;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.runtime.TensorInfo;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;

/**
 * Little-endian float32 numbers without a header, cut into samples of as many as the model's input
 * takes. Option {@code stride}: numbers from the start of one sample to that of the next, by
 * default as many as a sample has; less makes windows overlap.
 */
final class RawSource implements Source {
  private final Bytes bytes;
  private final int elements;
  private final int stride;
  private final int size;

  private RawSource(Spec spec, TensorInfo input) {
    Path file = spec.file();
    bytes = Bytes.of(file);
    elements = Math.toIntExact(input.elements());
    stride = spec.integer("stride", elements, 1);
    long numbers = bytes.size() / Float.BYTES;
    long rest = bytes.size() % Float.BYTES + (numbers - elements) % stride;
    if (numbers < elements || rest != 0) {
      throw NarrowException.input(
          file
              + ": "
              + bytes.size()
              + " bytes are no whole number of samples of "
              + elements
              + " float32 (input "
              + input
              + (stride == elements ? "" : ", stride " + stride)
              + ")");
    }
    size = Math.toIntExact((numbers - elements) / stride + 1);
  }

  static Source open(Spec spec, List<TensorInfo> inputs) {
    if (inputs.size() != 1) {
      throw spec.bad("raw data feed one input, the model has " + inputs.size());
    }
    return new RawSource(spec, inputs.get(0));
  }

  @Override
  public List<Array> arrays() {
    return List.of(new Array("", TensorType.FLOAT32, new int[] {elements}, true));
  }

  @Override
  public int size() {
    return size;
  }

  @Override
  public List<NdArray> read(int index) {
    float[] values = new float[elements];
    ByteBuffer block = bytes.read((long) index * stride * Float.BYTES, elements * Float.BYTES);
    block.order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values);
    return List.of(NdArray.wrap(values, elements));
  }

  @Override
  public boolean read(int index, int array, ByteBuffer memory) {
    bytes.read((long) index * stride * Float.BYTES, memory);
    return true;
  }
}
