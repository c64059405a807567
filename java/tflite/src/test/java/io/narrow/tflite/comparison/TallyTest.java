package io.narrow.tflite.comparison;

import static org.assertj.core.api.Assertions.assertThat;

import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.runtime.TensorInfo;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.assertj.core.data.Offset;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TallyTest {
  private static final long SEED = 5;

  private static ByteBuffer direct(float[] values) {
    ByteBuffer buffer =
        ByteBuffer.allocateDirect(values.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    buffer.asFloatBuffer().put(values);
    return buffer;
  }

  private static Tally tally() {
    TensorInfo info = new TensorInfo("t", TensorType.FLOAT32, new int[0], 0, 0);
    return new Tally(TensorCodec.of(info).orElseThrow());
  }

  /** Lengths around a block, values from the smallest to such whose squares no float holds. */
  @ParameterizedTest
  @CsvSource({
    "1, 1",
    "5, 1e-30",
    "100, 1e30",
    "4095, 1",
    "4096, 1",
    "4097, 1e-20",
    "9000, 1e20",
    "777, 3e38"
  })
  void figuresAreThoseOfTheirDefinitions(int n, float size) {
    Random random = new Random(SEED);
    Tally tally = tally();
    Tally.Scratch scratch = new Tally.Scratch();
    double[] wanted = new double[6];
    List<float[]> samples = new ArrayList<>();
    int count = 3;
    for (int sample = 0; sample < count; sample++) {
      float[] x = new float[n];
      float[] y = new float[n];
      double square = 0;
      double sum = 0;
      double signal = 0;
      double power = 0;
      double product = 0;
      double extreme = 0;
      for (int i = 0; i < n; i++) {
        x[i] = size * (random.nextFloat() * 2 - 1);
        y[i] = i % 7 == 0 ? -x[i] : x[i] * (1 + .1f * (random.nextFloat() - 1));
        double difference = (double) x[i] - y[i];
        square += difference * difference;
        sum += difference;
        signal += (double) x[i] * x[i];
        power += (double) y[i] * y[i];
        product += (double) x[i] * y[i];
        extreme = Math.max(extreme, Math.abs(difference));
      }
      wanted[0] += square / n / count;
      wanted[1] += signal / n / count;
      wanted[2] += product / Math.sqrt(signal) / Math.sqrt(power) / count;
      wanted[3] = Math.max(wanted[3], extreme);
      wanted[4] += sum / n / count;
      wanted[5] += Math.sqrt(Math.max(0, square / n - sum / n * (sum / n))) / count;
      samples.add(x);
      assertThat(tally.add(direct(x), direct(y), scratch)).isTrue();
    }
    Comparison.Error error = tally.error();
    assertThat(error.meanSquaredError()).isCloseTo(wanted[0], relative(wanted[0], 2e-6));
    assertThat(error.signalPower()).isCloseTo(wanted[1], relative(wanted[1], 2e-6));
    assertThat(error.cosine()).isCloseTo(wanted[2], Offset.offset(2e-6));
    assertThat(error.largest()).isCloseTo(wanted[3], relative(wanted[3], 1e-7));
    assertThat(error.mean()).isCloseTo(wanted[4], relative(size, 1e-6));
    assertThat(error.deviation()).isCloseTo(wanted[5], relative(size, 1e-5));
    assertThat(error.notFinite()).isZero();
  }

  private static Offset<Double> relative(double value, double part) {
    return Offset.offset(Math.abs(value) * part);
  }

  @ParameterizedTest
  @CsvSource({
    "NaN, NaN, 0",
    "NaN, 1, 1",
    "2, NaN, 1",
    "Infinity, Infinity, 0",
    "Infinity, -Infinity, 1",
    "-Infinity, 3, 1"
  })
  void whatIsNotFiniteIsLeftOutAndCountedWhereTheyDiffer(float x, float y, long count) {
    Tally tally = tally();
    tally.add(direct(new float[] {3, x, 0}), direct(new float[] {1, y, 0}), new Tally.Scratch());
    Comparison.Error error = tally.error();
    assertThat(error.notFinite()).isEqualTo(count);
    assertThat(error.meanSquaredError()).isEqualTo(2); // of the two others
    assertThat(error.largest()).isEqualTo(2);
  }

  @ParameterizedTest
  @CsvSource({"0, 0, 1", "0, 1, 0", "1, 0, 0", "-2, 4, -1", "3, 5, 1"})
  void theCosineOfZeroIsThatOfAiEdge(float x, float y, double cosine) {
    Tally tally = tally();
    tally.add(direct(new float[] {x, 0}), direct(new float[] {y, 0}), new Tally.Scratch());
    assertThat(tally.error().cosine()).isEqualTo(cosine);
  }

  @ParameterizedTest
  @CsvSource({
    // int8 with scale .5 and zero point -28 holds -50 to 77.5, and rounds a quarter beyond into it.
    "INT8, -50.25, 77.75, 0",
    "INT8, -50.3, 77.8, 2",
    "UINT8, -.25, 127.75, 0",
    "UINT8, -.3, 127.8, 2",
    "INT16, -16000, 16000, 0",
    "INT16, -17000, 16000, 1",
    "FLOAT32, -1e30, 1e30, 0"
  })
  void clippedIsWhatIsMoreThanHalfAStepBeyond(TensorType type, float low, float high, int count) {
    int zeroPoint = type == TensorType.INT8 ? -28 : 0;
    TensorInfo info = new TensorInfo("t", type, new int[] {4}, .5f, zeroPoint);
    TensorCodec codec = TensorCodec.of(info).orElseThrow();
    ByteBuffer memory = ByteBuffer.allocateDirect(4 * type.bits() / Byte.SIZE);
    Tally tally = new Tally(codec);
    tally.add(direct(new float[] {low, 0, high, 1}), memory, new Tally.Scratch());
    assertThat(tally.clipped()).isEqualTo(count / 4.);
  }
}
