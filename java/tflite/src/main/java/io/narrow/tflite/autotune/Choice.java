package io.narrow.tflite.autotune;

import io.narrow.tflite.plan.Mode;
import io.narrow.tflite.plan.OperatorConfiguration;
import java.util.List;

/** How an operator with weights can be encoded. */
public enum Choice {
  FLOAT32("float32", 32, Mode.FLOAT32),
  FLOAT16("float16", 16, Mode.FLOAT16),
  WEIGHT_ONLY8("weight-only", 8, Mode.WEIGHT_ONLY),
  DYNAMIC8("dynamic", 8, Mode.DYNAMIC),
  WEIGHT_ONLY4("weight-only4", 4, Mode.WEIGHT_ONLY),
  DYNAMIC4("dynamic4", 4, Mode.DYNAMIC),
  /** Integers throughout; as is what has no kernel for it, weight-only. */
  INT8("int8", 8, Mode.WEIGHT_ONLY, Mode.INT8),
  INT8_4("int8w4", 4, Mode.WEIGHT_ONLY, Mode.INT8),
  INT16X8("int16x8", 8, Mode.WEIGHT_ONLY, Mode.INT16X8),
  INT16X8_4("int16w4", 4, Mode.WEIGHT_ONLY, Mode.INT16X8);

  private final String word;
  private final int bits;
  private final List<Mode> modes;

  Choice(String word, int bits, Mode... modes) {
    this.word = word;
    this.bits = bits;
    this.modes = List.of(modes);
  }

  /** What a rule for the operator says, the last for which there is a kernel. */
  List<OperatorConfiguration> configurations() {
    return modes.stream()
        .map(OperatorConfiguration::of)
        .map(configuration -> bits > 8 ? configuration : configuration.withBits(bits))
        .map(configuration -> configuration.withMinimumElements(0))
        .toList();
  }

  /** The one with as many bits beside float32 activations, which weights lose as much in. */
  Choice weights() {
    return switch (this) {
      case INT8, INT16X8 -> WEIGHT_ONLY8;
      case INT8_4, INT16X8_4 -> WEIGHT_ONLY4;
      default -> this;
    };
  }

  boolean needsRanges() {
    return modes.stream().anyMatch(Mode::integer);
  }

  @Override
  public String toString() {
    return word;
  }
}
