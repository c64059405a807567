package io.narrow.kernels;

import java.nio.Buffer;
import java.nio.FloatBuffer;

/** Copies the channels of a tensor together, as many at a time as one call may take. */
record ChannelReader(Span x, int channels, int each, int inner) {
  /** 256 KiB. */
  private static final int CHUNK = 1 << 16;

  /** Takes channels that lie one after another. */
  interface Visitor {
    /**
     * @param values {@code count} channels
     * @param first number of the first of them
     */
    void visit(float[] values, int count, int first);
  }

  void forEach(Visitor visitor) {
    FloatBuffer floats = x.floats();
    int atOnce = Math.max(1, Math.min(channels, CHUNK / each));
    float[] values = new float[atOnce * each];
    for (int first = 0; first < channels; first += atOnce) {
      int count = Math.min(atOnce, channels - first);
      for (int outer = 0; outer < each / inner; outer++) {
        copyRow(floats, outer, first, count, values);
      }
      visitor.visit(values, count, first);
    }
  }

  private void copyRow(FloatBuffer floats, int outer, int first, int count, float[] values) {
    int start = (outer * channels + first) * inner;
    if (inner == each) {
      copy(floats, start, values, 0, count * inner);
      return;
    }
    for (int c = 0; c < count; c++) {
      if (inner == 1) {
        values[c * each + outer] = floats.get(start + c);
      } else {
        copy(floats, start + c * inner, values, c * each + outer * inner, inner);
      }
    }
  }

  private static void copy(FloatBuffer from, int start, float[] to, int first, int count) {
    FloatBuffer part = from.duplicate();
    Buffer positions = part; // to copy from a place, without them, is new to Android 15
    positions.position(start);
    part.get(to, first, count);
  }
}
