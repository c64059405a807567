package io.narrow.tflite.ops;

import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.TensorType;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The operator table, {@code operators.table}: all that differs between operators stands there.
 *
 * <p>The option {@code asymmetric_quantize_inputs}, which the built-in kernels of some operators
 * have, stays as the model has it: set, it cost 0.8 to 2.2 dB on six of the models that
 * benchmarks/peers/zoo.py compares. XNNPACK does not look at it.
 */
public final class OpRules {
  private static final String RESOURCE = "operators.table";
  private static final OpRules TABLE = new OpRules();

  // A model has few of the operators: each line is parsed when it is needed.
  private final Map<String, String> lines = new LinkedHashMap<>();
  private final Map<String, OpRule> rules = new ConcurrentHashMap<>();

  private OpRules() {
    try (BufferedReader resource =
        new BufferedReader(
            new InputStreamReader(
                OpRules.class.getResourceAsStream(RESOURCE), StandardCharsets.UTF_8))) {
      for (String line = resource.readLine(); line != null; line = resource.readLine()) {
        if (!line.isEmpty() && !line.startsWith("#")) {
          lines.put(line.substring(0, line.indexOf(' ')), line);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * The row of an operator; one that says nothing of one that has none.
   *
   * @param operator name in the schema, {@code CUSTOM:} and its own of a custom one
   */
  public static OpRule of(String operator) {
    int colon = operator.indexOf(':');
    String name = colon < 0 ? operator : operator.substring(0, colon);
    OpRule known = TABLE.rules.get(name);
    return known != null ? known : TABLE.rules.computeIfAbsent(name, TABLE::parse);
  }

  private OpRule parse(String operator) {
    String line = lines.get(operator);
    return new OpRule(line == null ? Row.none(operator) : new Row(line));
  }

  /**
   * How an operator runs the subgraphs that it calls; empty if it calls none, or these cannot be
   * run without it, as they have a {@linkplain #state state}.
   */
  public static Optional<OpRule.Call> call(Operator operator, Model model) {
    return of(operator.name())
        .call()
        .filter(call -> operator.calls().stream().allMatch(s -> state(model, s).isEmpty()));
  }

  /**
   * The first operator of a subgraph, or of one that it calls, whose results depend on what ran
   * before in the model or on chance.
   */
  public static Optional<Operator> state(Model model, int subgraph) {
    return state(model, subgraph, new HashSet<>());
  }

  private static Optional<Operator> state(Model model, int subgraph, Set<Integer> known) {
    if (!known.add(subgraph)) {
      return Optional.empty();
    }
    List<Operator> operators = model.subgraphs().get(subgraph).operators();
    return operators.stream()
        .filter(operator -> of(operator.name()).stateful())
        .findFirst()
        .or(
            () ->
                operators.stream()
                    .flatMap(operator -> operator.calls().stream())
                    .flatMap(called -> state(model, called, known).stream())
                    .findFirst());
  }

  /** Whether some operators of a model are computed right by XNNPACK only. */
  public static boolean needFast(Model model) {
    return model.subgraphs().stream()
        .anyMatch(
            subgraph ->
                subgraph.operators().stream()
                    .anyMatch(
                        operator -> of(operator.name()).blocks().needsFast(operator, subgraph)));
  }

  /** All rows. */
  public static List<OpRule> rows() {
    return TABLE.lines.keySet().stream().map(OpRules::of).toList();
  }

  /** The name in the schema of what the recipes of ai-edge-quantizer call so. */
  public static String ofAlias(String alias) {
    return rows().stream()
        .filter(row -> row.alias().equals(alias))
        .map(OpRule::operator)
        .findFirst()
        .orElse(alias);
  }

  /** The operator that makes floats of a tensor of integers or float16. */
  public static Operator dequantize(int from, TensorType type, boolean perChannel, int to) {
    return conversion("DEQUANTIZE", type, perChannel, from, to);
  }

  /** The operator that makes integers of a type of a tensor of floats, or of integers. */
  public static Operator quantize(int from, TensorType type, int to) {
    return conversion("QUANTIZE", type, false, from, to);
  }

  private static Operator conversion(
      String name, TensorType type, boolean perChannel, int from, int to) {
    int version = of(name).conversionVersion(type, perChannel);
    return Operator.of(name, version, new int[] {from}, new int[] {to});
  }
}
