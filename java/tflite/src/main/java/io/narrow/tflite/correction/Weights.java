package io.narrow.tflite.correction;

/**
 * The weights of a group, and the scales that are planned for them.
 *
 * @param exact {@code [depth, channels]}
 * @param scales one for each channel
 * @param largest code
 */
record Weights(double[] exact, double[] scales, int largest) {
  static double nearest(double exact, int largest) {
    return Math.max(-largest, Math.min(largest, Math.rint(exact)));
  }

  int channels() {
    return scales.length;
  }

  /** Those of some channels. */
  Weights of(int[] some) {
    int depth = exact.length / channels();
    double[] values = new double[depth * some.length];
    double[] steps = new double[some.length];
    for (int c = 0; c < some.length; c++) {
      steps[c] = scales[some[c]];
      for (int i = 0; i < depth; i++) {
        values[i * some.length + c] = exact[i * channels() + some[c]];
      }
    }
    return new Weights(values, steps, largest);
  }

  /** Each weight's nearest code. */
  double[] nearest() {
    double[] codes = new double[exact.length];
    for (int at = 0; at < codes.length; at++) {
      codes[at] = nearest(exact[at] / scales[at % channels()], largest);
    }
    return codes;
  }

  /** The scales with which the largest code is the largest weight of a channel. */
  double[] reaching() {
    double[] reaching = new double[channels()];
    for (int at = 0; at < exact.length; at++) {
      int c = at % reaching.length;
      reaching[c] = Math.max(reaching[c], Math.abs(exact[at]) / largest);
    }
    return reaching;
  }

  /** How far from the exact weights codes with the planned scales are. */
  double[] off(double[] codes) {
    double[] off = new double[exact.length];
    for (int at = 0; at < off.length; at++) {
      off[at] = scales[at % channels()] * codes[at] - exact[at];
    }
    return off;
  }
}
