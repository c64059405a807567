package io.narrow.tflite.ops;

import java.util.List;

/**
 * What a kernel with integer activations of a type does not take or compute right, beyond {@link
 * IntegerRule.Scales}. The first three end the process, not the run.
 *
 * @param ratio the scale of an operand must be less than so many times that of the result
 * @param square and its square less than so many times
 * @param pole and not exactly so many times; without a result that has a scale, not exactly this
 * @param finest smaller scales of operands are not told apart, or end the process in the reference
 *     kernels, those of microcontrollers
 * @param coarsest so large and larger ones are computed wrongly
 * @param axes how many axes an operand may have
 */
public record Limits(
    double ratio, double square, double pole, double finest, double coarsest, int axes) {
  static Limits of(Row row, String type) {
    return new Limits(
        number(row, "ratio", type, Double.POSITIVE_INFINITY),
        number(row, "square", type, Double.POSITIVE_INFINITY),
        number(row, "pole", type, Double.POSITIVE_INFINITY),
        number(row, "finest", type, 0),
        number(row, "coarsest", type, Double.POSITIVE_INFINITY),
        (int) number(row, "axes", type, Integer.MAX_VALUE));
  }

  private static double number(Row row, String property, String type, double otherwise) {
    String word = row.pairs(property).get(type);
    return word == null ? otherwise : Double.parseDouble(word);
  }

  /** Whether there are scales at which the kernel ends the process. */
  public boolean canEndProcess() {
    return Math.min(Math.min(ratio, square), pole) < Double.POSITIVE_INFINITY;
  }

  /**
   * Why the kernel ends the process, in words; empty if it does not.
   *
   * @param operands their scales
   * @param results their scales, which may be none
   */
  public String endsProcess(List<Float> operands, List<Float> results) {
    double result = results.stream().mapToDouble(Float::doubleValue).min().orElse(1);
    for (double operand : operands) {
      if (operand >= ratio * result || operand * operand >= square * result) {
        return "its kernel gives no steps of "
            + (float) result
            + " from such of "
            + (float) operand;
      }
      if (operand == pole * result) {
        return "its kernel does not take steps that are exactly "
            + (float) pole
            + (results.isEmpty() ? "" : " times those of its result");
      }
    }
    return "";
  }

  /** Why the kernel does not compute with these scales, in words; empty if it does. */
  public String objection(List<Float> operands, List<Float> results) {
    String ends = endsProcess(operands, results);
    if (!ends.isEmpty()) {
      return ends;
    }
    double operand = operands.stream().mapToDouble(Float::doubleValue).max().orElse(finest);
    return operand < finest || operand >= coarsest
        ? "its kernel takes steps from "
            + (float) finest
            + (coarsest < Double.POSITIVE_INFINITY ? " to below " + (float) coarsest : "")
            + ", and those of its operands are "
            + (float) operand
        : "";
  }
}
