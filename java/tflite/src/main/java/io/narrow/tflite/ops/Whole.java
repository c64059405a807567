package io.narrow.tflite.ops;

import io.narrow.tflite.model.Operator;
import java.util.Map;

/**
 * A computation of several operators that one does whole.
 *
 * @param parts the computation
 * @param operator what does it, of operands
 * @param options name of the table of its options, empty if it needs none
 * @param values of the options
 */
public record Whole(
    Expression parts, Expression operator, String options, Map<String, Object> values) {
  static Whole of(String text) {
    int arrow = text.indexOf('>');
    int bracket = text.indexOf('[');
    Expression parts = Expression.of(text.substring(0, arrow));
    if (bracket < 0) {
      return new Whole(parts, Expression.of(text.substring(arrow + 1)), "", Map.of());
    }
    Expression operator = Expression.of(text.substring(arrow + 1, bracket));
    String[] option = text.substring(bracket + 1, text.length() - 1).split("[.:]", 3);
    return new Whole(parts, operator, option[0], Map.of(option[1], Float.parseFloat(option[2])));
  }

  /** The operator, of the first version that there is. */
  public Operator operator(int[] inputs, int output) {
    int[] outputs = {output};
    return options.isEmpty()
        ? Operator.of(operator.operator(), 1, inputs, outputs)
        : Operator.of(operator.operator(), 1, options, values, inputs, outputs);
  }
}
