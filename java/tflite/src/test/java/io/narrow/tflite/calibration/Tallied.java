package io.narrow.tflite.calibration;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;

/** What calibration knows of a tensor that held given values. */
final class Tallied {
  private Tallied() {}

  static TensorStatistics statistics(float... values) {
    ByteBuffer bytes =
        ByteBuffer.allocateDirect(values.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    TensorTally tally = new TensorTally(Optional.empty());
    // As several samples, of which every value is counted.
    int most = TensorTally.COUNTED * Float.BYTES;
    for (int start = 0; start < bytes.capacity(); start += most) {
      int length = Math.min(most, bytes.capacity() - start);
      tally.add(bytes.slice(start, length), new float[TensorTally.COUNTED]);
    }
    return new TensorStatistics(
        new TensorStatistics.Place(0, 0),
        "x",
        tally.range(),
        Optional.of(tally.histogram()),
        Optional.empty());
  }
}
