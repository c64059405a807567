package io.narrow.tflite.plan;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.schema.Schema;
import java.util.Arrays;
import java.util.Map;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Collectors;

/**
 * A rule of a recipe.
 *
 * @param regex found somewhere in the names of the tensors that an operator writes, each followed
 *     by a semicolon; of those that it reads if it writes none. Groups may be named as in Python
 * @param operator name of an operator in the schema, or {@value #ALL}
 * @param configuration what is done to the operators that both fit
 */
public record RecipeRule(String regex, String operator, OperatorConfiguration configuration) {
  /** Stands for every operator that has a kernel for the configuration. */
  public static final String ALL = "*";

  /** Fits every tensor. */
  public static final String ANYWHERE = ".*";

  public RecipeRule {
    compile(regex);
    if (!operator.equals(ALL) && !Schema.has("BuiltinOperator", operator)) {
      throw NarrowException.input("operator `" + operator + "`: TensorFlow Lite has none like it");
    }
  }

  /** A rule for every operator that has a kernel for the configuration. */
  public static RecipeRule all(OperatorConfiguration configuration) {
    return new RecipeRule(ANYWHERE, ALL, configuration);
  }

  /** What Python writes in another way than Java, as ai-edge-quantizer's recipes may. */
  private static final Map<String, String> PYTHON =
      Map.of("\\(\\?P<", "(?<", "\\(\\?P=(\\w+)\\)", "\\\\k<$1>", "\\\\Z", "\\\\z");

  /** Whether a regular expression is well-formed. */
  static boolean isExpression(String regex) {
    try {
      compile(regex);
      return true;
    } catch (NarrowException e) {
      return false;
    }
  }

  private static Pattern compile(String regex) {
    String translated = regex;
    for (Map.Entry<String, String> each : PYTHON.entrySet()) {
      translated = translated.replaceAll(each.getKey(), each.getValue());
    }
    try {
      return Pattern.compile(translated);
    } catch (PatternSyntaxException e) {
      throw NarrowException.input(
          "regular expression `" + regex + "`: " + e.getDescription() + " at " + e.getIndex());
    }
  }

  /** Whether it is for one kind of operator, which then has to have a kernel. */
  boolean wantsIntegers() {
    return configuration.mode().integer() && !namesOperator();
  }

  boolean namesOperator() {
    return !operator.equals(ALL);
  }

  /** Tells which operators of a subgraph it fits. */
  public Predicate<Operator> in(Subgraph subgraph) {
    Pattern pattern = compile(regex);
    return operator ->
        (!namesOperator() || this.operator.equals(operator.name()))
            && (regex.equals(ANYWHERE) || found(pattern, scope(operator, subgraph)));
  }

  /** Whether it fits any operator of a subgraph. */
  boolean fitsAny(Subgraph subgraph) {
    return subgraph.operators().stream().anyMatch(in(subgraph));
  }

  private boolean found(Pattern pattern, String names) {
    try {
      return pattern.matcher(new Limited(names)).find();
    } catch (TooLongException | StackOverflowError e) {
      throw NarrowException.input(
          "regular expression `" + regex + "`: takes too long on `" + names + "`");
    }
  }

  /** A text that may be looked at a number of times: some expressions never come to an end. */
  private static final class Limited implements CharSequence {
    private static final int PER_CHARACTER = 100_000;

    private final String text;
    private long left;

    Limited(String text) {
      this.text = text;
      this.left = (long) PER_CHARACTER * (text.length() + 1);
    }

    @Override
    public char charAt(int index) {
      if (--left < 0) {
        throw new TooLongException();
      }
      return text.charAt(index);
    }

    @Override
    public int length() {
      return text.length();
    }

    @Override
    public CharSequence subSequence(int start, int end) {
      return text.subSequence(start, end);
    }

    @Override
    public String toString() {
      return text;
    }
  }

  private static final class TooLongException extends RuntimeException {
    private static final long serialVersionUID = 1L;
  }

  /**
   * What expressions are looked for in: the names of what an operator writes, or reads if it writes
   * nothing, each with a semicolon.
   */
  public static String scope(Operator operator, Subgraph subgraph) {
    int[] tensors = operator.outputs().length > 0 ? operator.outputs() : operator.inputs();
    return Arrays.stream(tensors)
        .filter(tensor -> tensor >= 0)
        .mapToObj(tensor -> subgraph.tensor(tensor).name() + ";")
        .collect(Collectors.joining());
  }

  /** An expression, for Java as for Python, that finds this scope and no longer one. */
  public static String only(String scope) {
    return "^" + scope.replaceAll("[\\\\.^$|?*+()\\[\\]{}]", "\\\\$0") + "$";
  }

  @Override
  public String toString() {
    return configuration
        + (namesOperator() ? " for " + operator : "")
        + (regex.equals(ANYWHERE) ? "" : " for `" + regex + "`");
  }
}
