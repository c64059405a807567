package io.narrow.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** What is wrong is said in Java, with the argument's name and the numbers, and touches nothing. */
class ArgumentsTest {
  private static final Quantization INT8 = Quantization.perTensor(QuantizedType.INT8, 1, 0);

  @AfterEach
  void reset() {
    KernelSets.reset();
  }

  static List<String> kernels() {
    return KernelSets.names();
  }

  @ParameterizedTest
  @CsvSource({"-1,1", "0,11", "10,1", "11,0", "0,-1", "2147483647,1", "5,2147483647"})
  void spansOutsideTheirArray(int offset, int length) {
    String numbers = "offset " + offset + " and length " + length + " do not fit an array of 10";
    assertThatThrownBy(() -> Span.of(new float[10], offset, length))
        .isInstanceOf(IndexOutOfBoundsException.class)
        .hasMessage(numbers);
    assertThatThrownBy(() -> Span.of(new short[10], offset, length))
        .isInstanceOf(IndexOutOfBoundsException.class)
        .hasMessage(numbers);
    assertThatThrownBy(() -> Span.of(new byte[10], offset, length))
        .isInstanceOf(IndexOutOfBoundsException.class)
        .hasMessage(numbers);
  }

  @Test
  void spanAtTheEndOfItsArrayIsEmpty() {
    assertThat(Span.of(new float[10], 10, 0).byteLength()).isZero();
    assertThat(Span.of(new float[10], 7, 3).byteLength()).isEqualTo(12);
  }

  @Test
  void heapBufferIsRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Span.of(ByteBuffer.allocate(8)))
        .withMessageContaining("not direct")
        .withMessageContaining("buffer.array()");
  }

  @Test
  void spanKeepsThePositionAndLimitOfItsBuffer() {
    ByteBuffer buffer = ByteBuffer.allocateDirect(20);
    Span span = Span.of(buffer.position(4).limit(12));
    buffer.clear();
    assertThat(span.byteLength()).isEqualTo(8);
  }

  @ParameterizedTest
  @MethodSource("kernels")
  void shortOutput(String name) {
    Kernels kernels = KernelSets.use(name);
    Span x = Span.of(new float[5]);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> kernels.quantize(x, INT8, Span.of(new byte[9], 5, 4)))
        .withMessage("y has 4 bytes, 5 8-bit values need 5");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> kernels.quantize(x, INT8, Span.of(ByteBuffer.allocateDirect(4))))
        .withMessage("y has 4 bytes, 5 8-bit values need 5");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> kernels.toFloat16(x, Span.of(new short[4])))
        .withMessage("y has 8 bytes, 5 16-bit values need 10");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> kernels.toFloat16Saturated(x, Span.of(new byte[9])))
        .withMessage("y has 9 bytes, 5 16-bit values need 10");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> kernels.toFloat32(Span.of(new short[6]), x))
        .withMessage("x has 20 bytes, 6 float32 values need 24");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> kernels.dequantize(Span.of(new byte[4]), INT8, x))
        .withMessage("y has 4 bytes, 5 8-bit values need 5");
    Quantization int4 = Quantization.perTensor(QuantizedType.INT4, 1, 0);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> kernels.quantize(x, int4, Span.of(new byte[2])))
        .withMessage("y has 2 bytes, 5 4-bit values need 3");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> kernels.error(x, Span.of(new float[4])))
        .withMessage("x has 5 floats, y has 4");
  }

  @ParameterizedTest
  @MethodSource("kernels")
  void longerOutputKeepsItsRest(String name) {
    byte[] y = {9, 9, 9};
    KernelSets.use(name).quantize(Span.of(new float[] {4, 5}), INT8, Span.of(y));
    assertThat(y).containsExactly(4, 5, 9);
  }

  @ParameterizedTest
  @MethodSource("kernels")
  void arrayOfTheWrongType(String name) {
    Kernels kernels = KernelSets.use(name);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> kernels.range(Span.of(new short[4])))
        .withMessageStartingWith("x is a short[] of 4, which cannot hold float32 values");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> kernels.quantize(Span.of(new float[1]), INT8, Span.of(new short[4])))
        .withMessageStartingWith("y is a short[] of 4, which cannot hold 8-bit values");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> kernels.range(Span.of(new byte[6])))
        .withMessage("x has 6 bytes, not a multiple of 4");
  }

  @ParameterizedTest
  @MethodSource("kernels")
  void readOnlyOutput(String name) {
    Span y = Span.of(ByteBuffer.allocateDirect(8).asReadOnlyBuffer());
    assertThatIllegalArgumentException()
        .isThrownBy(() -> KernelSets.use(name).quantize(Span.of(new float[8]), INT8, y))
        .withMessage("y is read-only");
  }

  @Test
  void overlapInOneArray() {
    byte[] a = new byte[40];
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new JavaKernels().quantize(Span.of(a, 0, 32), INT8, Span.of(a, 31, 8)))
        .withMessageStartingWith("y and x overlap");
    new JavaKernels().quantize(Span.of(a, 0, 32), INT8, Span.of(a, 32, 8));
  }

  @ParameterizedTest
  @MethodSource("kernels")
  void elementsThatAreNotWholeChannels(String name) {
    Kernels kernels = KernelSets.use(name);
    Span x = Span.of(new float[10]);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> kernels.absMax(x, 3, 2))
        .withMessage("x has 10 floats, not a multiple of 3 channels of 2");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> kernels.absMax(x, 2, Long.MAX_VALUE))
        .withMessageStartingWith("x has 10 floats, not a multiple of 2 channels");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> kernels.absMax(x, 0, 1))
        .withMessageStartingWith("channels is 0 and inner is 1");
    Quantization q =
        Quantization.perChannel(QuantizedType.INT8, new float[] {1, 1, 1}, new int[3], 1);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> kernels.quantize(x, q, Span.of(new byte[10])))
        .withMessage("x has 10 floats, not a multiple of 3 channels of 1");
    assertThat(kernels.absMax(Span.of(new float[0]), 3, 1)).containsOnly(0);
  }
}
