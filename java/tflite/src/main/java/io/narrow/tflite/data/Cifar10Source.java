package io.narrow.tflite.data;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.model.TensorType;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;

/**
 * CIFAR-10's binary format: records of a label byte and 32 x 32 pixels, all red, all green, all
 * blue. A sample is [32,32,3] of 0..255.
 */
final class Cifar10Source implements Source {
  private static final int SIDE = 32;
  private static final int PLANE = SIDE * SIDE;
  private static final int CHANNELS = 3;
  private static final int RECORD = 1 + CHANNELS * PLANE;
  private static final int CLASSES = 10;

  private final Path file;
  private final Bytes bytes;

  private Cifar10Source(Path file) {
    this.file = file;
    this.bytes = Bytes.of(file);
    if (bytes.size() % RECORD != 0 || bytes.size() / RECORD > Integer.MAX_VALUE) {
      throw NarrowException.input(
          file
              + ": "
              + bytes.size()
              + " bytes are no whole number of CIFAR-10 records ("
              + RECORD
              + " bytes each): cut short, or another format");
    }
  }

  static Source open(Spec spec) {
    return new Cifar10Source(spec.file());
  }

  @Override
  public List<Array> arrays() {
    return List.of(new Array("", TensorType.UINT8, SIDE, SIDE, CHANNELS));
  }

  @Override
  public int size() {
    return (int) (bytes.size() / RECORD);
  }

  @Override
  public List<NdArray> read(int index) {
    ByteBuffer planes = bytes.read((long) index * RECORD + 1, CHANNELS * PLANE);
    float[] pixels = new float[CHANNELS * PLANE];
    for (int c = 0; c < CHANNELS; c++) {
      for (int i = 0; i < PLANE; i++) {
        pixels[i * CHANNELS + c] = Byte.toUnsignedInt(planes.get());
      }
    }
    return List.of(NdArray.wrap(pixels, SIDE, SIDE, CHANNELS));
  }

  @Override
  public int label(int index) {
    int label = Byte.toUnsignedInt(bytes.read((long) index * RECORD, 1).get());
    if (label >= CLASSES) {
      throw NarrowException.input(
          file + ": record " + index + " has the label " + label + ": not CIFAR-10");
    }
    return label;
  }
}
