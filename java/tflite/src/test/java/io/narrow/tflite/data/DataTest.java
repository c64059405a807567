package io.narrow.tflite.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.runtime.TensorInfo;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.assertj.core.api.AbstractThrowableAssert;
import org.junit.jupiter.api.io.TempDir;

/** What the tests of data formats share. */
abstract class DataTest {
  @TempDir Path folder;

  static TensorInfo input(TensorType type, int... shape) {
    return new TensorInfo("x", type, shape, 0, 0);
  }

  static TensorInfo floats(int... shape) {
    return input(TensorType.FLOAT32, shape);
  }

  static Feed feed(String spec, TensorInfo... inputs) {
    return Dataset.open(spec).feed(List.of(inputs));
  }

  static double[] values(Feed feed, int sample) {
    NdArray array = feed.get(sample).inputs().get(0);
    double[] values = new double[array.elements()];
    for (int i = 0; i < values.length; i++) {
      values[i] = array.get(i);
    }
    return values;
  }

  /** Asserts that opening and feeding data fails with one line that holds all these parts. */
  static void refused(String spec, List<TensorInfo> inputs, String... parts) {
    AbstractThrowableAssert<?, ?> failure =
        assertThatThrownBy(
                () -> {
                  Feed feed = Dataset.open(spec).feed(inputs);
                  feed.forEach(sample -> {});
                })
            .isInstanceOf(NarrowException.class)
            .hasMessageContainingAll(parts);
    failure.satisfies(e -> assertThat(e.getMessage()).doesNotContain("\n"));
  }

  static void refused(String spec, String... parts) {
    refused(spec, List.of(floats(1, 2)), parts);
  }

  /** An .npy file as numpy 1.x writes it. */
  static byte[] npy(String descr, boolean fortran, String shape, byte[] numbers) {
    String text =
        "{'descr': '"
            + descr
            + "', 'fortran_order': "
            + (fortran ? "True" : "False")
            + ", 'shape': "
            + shape
            + ", }";
    return npy(1, text, numbers);
  }

  static byte[] npy(int version, String text, byte[] numbers) {
    int prefix = version == 1 ? 10 : 12;
    StringBuilder padded = new StringBuilder(text);
    while ((prefix + padded.length() + 1) % 64 != 0) {
      padded.append(' ');
    }
    byte[] header = padded.append('\n').toString().getBytes(StandardCharsets.UTF_8);
    ByteBuffer file =
        ByteBuffer.allocate(prefix + header.length + numbers.length).order(ByteOrder.LITTLE_ENDIAN);
    file.put(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', (byte) version, 0});
    if (version == 1) {
      file.putShort((short) header.length);
    } else {
      file.putInt(header.length);
    }
    return file.put(header).put(numbers).array();
  }

  static byte[] f4(float... values) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    for (float value : values) {
      bytes.putFloat(value);
    }
    return bytes.array();
  }

  static byte[] i8(long... values) {
    ByteBuffer bytes = ByteBuffer.allocate(8 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    for (long value : values) {
      bytes.putLong(value);
    }
    return bytes.array();
  }

  static byte[] bytes(int... values) {
    byte[] bytes = new byte[values.length];
    for (int i = 0; i < values.length; i++) {
      bytes[i] = (byte) values[i];
    }
    return bytes;
  }
}
