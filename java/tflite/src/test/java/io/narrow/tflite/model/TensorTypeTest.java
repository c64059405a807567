package io.narrow.tflite.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.narrow.tflite.NarrowException;
import org.junit.jupiter.api.Test;

class TensorTypeTest {
  @Test
  void codesAreThoseOfTheSchema() {
    // the enum of schema.fbs, in its order
    String[] names = {
      "FLOAT32", "FLOAT16", "INT32", "UINT8", "INT64", "STRING", "BOOL", "INT16", "COMPLEX64",
      "INT8", "FLOAT64", "COMPLEX128", "UINT64", "RESOURCE", "VARIANT", "UINT32", "UINT16", "INT4",
      "BFLOAT16", "INT2", "UINT4", "FLOAT8_E4M3FN", "FLOAT8_E5M2"
    };
    for (int code = 0; code < names.length; code++) {
      assertThat(TensorType.of(code).name()).isEqualTo(names[code]);
      assertThat(TensorType.of(code).code()).isEqualTo(code);
    }
    assertThat(TensorType.values()).hasSize(names.length);
  }

  @Test
  void unknownCodesAreRefused() {
    for (int code : new int[] {-1, 23, 255}) {
      assertThatThrownBy(() -> TensorType.of(code))
          .isInstanceOf(NarrowException.class)
          .hasMessageContaining("type code " + code);
    }
  }

  @Test
  void halfBytesAreFilledUp() {
    assertThat(TensorType.INT4.bytes(3)).isEqualTo(2);
    assertThat(TensorType.INT2.bytes(5)).isEqualTo(2);
    assertThat(TensorType.INT4.bytes(0)).isZero();
    assertThat(TensorType.FLOAT32.bytes(1L << 40)).isEqualTo(1L << 42);
    assertThatThrownBy(() -> TensorType.FLOAT32.bytes(Long.MAX_VALUE))
        .isInstanceOf(ArithmeticException.class);
  }

  @Test
  void integersHaveEnds() {
    assertThat(TensorType.INT2.smallest()).isEqualTo(-2);
    assertThat(TensorType.INT2.largest()).isEqualTo(1);
    assertThat(TensorType.UINT4.smallest()).isZero();
    assertThat(TensorType.UINT4.largest()).isEqualTo(15);
    assertThat(TensorType.INT8.smallest()).isEqualTo(Byte.MIN_VALUE);
    assertThat(TensorType.INT8.largest()).isEqualTo(Byte.MAX_VALUE);
    assertThat(TensorType.UINT8.largest()).isEqualTo(255);
    assertThat(TensorType.INT16.smallest()).isEqualTo(Short.MIN_VALUE);
    assertThat(TensorType.UINT16.largest()).isEqualTo(Character.MAX_VALUE);
    assertThat(TensorType.INT32.smallest()).isEqualTo(Integer.MIN_VALUE);
    assertThat(TensorType.UINT32.largest()).isEqualTo(0xffffffffL);
    assertThat(TensorType.INT64.smallest()).isEqualTo(Long.MIN_VALUE);
    assertThat(TensorType.INT64.largest()).isEqualTo(Long.MAX_VALUE);
    assertThat(TensorType.UINT64.smallest()).isZero();
    assertThat(TensorType.UINT64.largest()).isEqualTo(Long.MAX_VALUE);
    for (TensorType type : TensorType.values()) {
      if (!type.name().contains("INT")) {
        assertThat(type.smallest()).as("of %s", type).isZero();
        assertThat(type.largest()).as("of %s", type).isZero();
      }
    }
  }
}
