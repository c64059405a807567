package io.narrow.tflite.ops;

/**
 * What a kernel with integer activations of a type does not take or compute right, beyond {@link
 * IntegerRule.Scales}. The first two end the process, not the run: the kernel checks them as it is
 * prepared.
 *
 * @param ratio the scale of an operand must be less than so many times that of the result
 * @param square and its square less than so many times
 * @param finest smaller scales of operands are not told apart, or end the process in the reference
 *     kernels, that of microcontrollers
 * @param coarsest so large and larger ones are computed wrongly, or end the process
 * @param axes how many axes an operand may have
 */
public record Limits(double ratio, double square, double finest, double coarsest, int axes) {
  static Limits of(Row row, String type) {
    return new Limits(
        number(row, "ratio", type, Double.POSITIVE_INFINITY),
        number(row, "square", type, Double.POSITIVE_INFINITY),
        number(row, "finest", type, 0),
        number(row, "coarsest", type, Double.POSITIVE_INFINITY),
        (int) number(row, "axes", type, Integer.MAX_VALUE));
  }

  private static double number(Row row, String property, String type, double otherwise) {
    String word = row.pairs(property).get(type);
    return word == null ? otherwise : Double.parseDouble(word);
  }

  /**
   * Whether the kernel ends the process.
   *
   * @param operand the largest scale of an operand
   * @param result scale of the result
   */
  public boolean endsProcess(double operand, double result) {
    return operand >= ratio * result || operand * operand >= square * result;
  }

  /**
   * Why it does not compute with these scales, in words; empty if it does.
   *
   * @param operand the largest scale of an operand
   * @param result scale of the result, infinity if it has none
   */
  public String objection(double operand, double result) {
    if (endsProcess(operand, result)) {
      return "its integer kernel cannot give steps of "
          + (float) result
          + " from steps of "
          + (float) operand;
    }
    return operand < finest || operand >= coarsest
        ? "its integer kernel takes steps from "
            + (float) finest
            + (coarsest < Double.POSITIVE_INFINITY ? " to below " + (float) coarsest : "")
            + ", and those of its operands are "
            + (float) operand
        : "";
  }
}
