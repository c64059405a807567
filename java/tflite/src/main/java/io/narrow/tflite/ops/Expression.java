package io.narrow.tflite.ops;

import java.util.ArrayList;
import java.util.List;

/**
 * What computes the same as an operator: {@code MUL(0,#-1)} is its first operand times the constant
 * -1.
 *
 * @param operator name of an operator, empty for a constant or an operand
 * @param arguments of the operator
 * @param place of an operand, -1 if it is none
 * @param value of a constant
 */
public record Expression(String operator, List<Expression> arguments, int place, float value) {
  /** Whether it is a constant. */
  public boolean isConstant() {
    return operator.isEmpty() && place < 0;
  }

  static Expression of(String text) {
    int open = text.indexOf('(');
    if (open < 0) {
      return text.startsWith("#")
          ? new Expression("", List.of(), -1, Float.parseFloat(text.substring(1)))
          : new Expression("", List.of(), Integer.parseInt(text), 0);
    }
    List<Expression> arguments = new ArrayList<>();
    int depth = 0;
    int start = open + 1;
    for (int i = start; i < text.length(); i++) {
      char c = text.charAt(i);
      if (depth == 0 && (c == ',' || c == ')')) {
        arguments.add(of(text.substring(start, i)));
        start = i + 1;
      }
      depth += c == '(' ? 1 : c == ')' ? -1 : 0;
    }
    return new Expression(text.substring(0, open), List.copyOf(arguments), -1, 0);
  }
}
