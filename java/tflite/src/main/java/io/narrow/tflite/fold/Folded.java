package io.narrow.tflite.fold;

import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.ops.OpRules;
import io.narrow.tflite.plan.KnownEncodings;
import io.narrow.tflite.plan.Mode;
import io.narrow.tflite.plan.Plan;
import io.narrow.tflite.plan.Preference;
import io.narrow.tflite.plan.Reason;
import io.narrow.tflite.plan.Reason.Code;
import io.narrow.tflite.plan.Recipe;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * A model in which every constant is one, with what was known of it before.
 *
 * @param model computes what the model it was made from computes, but for activations that it no
 *     longer rounds: those whose encodings are known
 * @param known encodings that its weights were stored in, or that its activations were trained for
 * @param changes what was folded, by subgraph and operator
 */
public record Folded(Model model, KnownEncodings known, List<Change> changes) {
  /** What is said of activations whose encodings were chosen in training. */
  static final Reason TRAINED = Reason.of(Code.TRAINED, "rounded as in training");

  /**
   * One thing that was folded.
   *
   * @param subgraph number of its subgraph
   * @param tensor name of the tensor in the folded model
   * @param what it was, said alike of all such tensors: {@code stored as float16}
   */
  public record Change(int subgraph, String tensor, Reason what) {}

  public Folded {
    changes = List.copyOf(changes);
  }

  /** Whether all that the model computes with values, it computes in integers. */
  public boolean isInteger() {
    return model.subgraphs().stream().allMatch(Folded::isInteger);
  }

  private static boolean isInteger(Subgraph subgraph) {
    boolean quantized = subgraph.tensors().stream().anyMatch(Tensor::isQuantized);
    return quantized
        && subgraph.operators().stream()
            .filter(operator -> !OpRules.of(operator.name()).converts())
            .flatMapToInt(
                operator ->
                    IntStream.concat(
                        IntStream.of(operator.inputs()), IntStream.of(operator.outputs())))
            .noneMatch(t -> t >= 0 && subgraph.tensor(t).type() == TensorType.FLOAT32);
  }

  /**
   * An {@linkplain #isInteger integer} model as a recipe asks: with int8 in place of uint8, and
   * with inputs and outputs of the types of the recipe. Codes are the same but for the changes.
   */
  public Folded integers(Recipe recipe) {
    boolean int8 = recipe.mode() == Mode.INT8;
    boolean fast =
        recipe.rules().stream()
            .anyMatch(rule -> rule.configuration().preference() == Preference.SPEED);
    Folded signed = int8 ? IntegerModel.signed(model, fast) : new Folded(model, known, List.of());
    Model made = Boundary.of(signed.model(), recipe.inputType(), recipe.outputType());
    return new Folded(made, known, signed.changes());
  }

  /** A line for the operators of a model that compute with uint8, if there are any. */
  public static List<Reason> unsigned(Model model) {
    Map<String, Integer> kinds = new TreeMap<>();
    for (Subgraph subgraph : model.subgraphs()) {
      for (Operator operator : subgraph.operators()) {
        boolean unsigned =
            IntStream.of(operator.inputs())
                .anyMatch(t -> t >= 0 && subgraph.tensor(t).type() == TensorType.UINT8);
        if (unsigned && !OpRules.of(operator.name()).converts()) {
          kinds.merge(operator.name(), 1, Integer::sum);
        }
      }
    }
    String names =
        kinds.entrySet().stream()
            .map(kind -> kind.getValue() + " " + kind.getKey())
            .collect(Collectors.joining(", "));
    return kinds.isEmpty()
        ? List.of()
        : List.of(
            Reason.of(
                Code.NO_KERNEL,
                names
                    + " stay uint8, which microcontrollers and most delegates do not take: there is"
                    + " no int8 kernel that computes the same"));
  }

  /** Whether encodings of activations are known, for which the model was trained. */
  public boolean isTrained() {
    return changes.stream().anyMatch(change -> change.what().code() == Code.TRAINED);
  }

  /**
   * What a file gains or loses because weights that were sparse are stored with their zeros.
   *
   * @param before the model that was folded
   * @param plan of the folded one
   */
  public Optional<Reason> densified(Model before, Plan plan) {
    Set<KnownEncodings.Place> places = new HashSet<>();
    Map<Integer, Long> sparse = new HashMap<>(); // by buffer, which several tensors can have
    for (int s = 0; s < before.subgraphs().size(); s++) {
      int number = s;
      Set<String> names =
          changes.stream()
              .filter(change -> change.subgraph() == number && change.what().code() == Code.SPARSE)
              .map(Change::tensor)
              .collect(Collectors.toSet());
      plan.tensors().stream()
          .filter(t -> t.subgraph() == number && names.contains(t.name()))
          .forEach(t -> places.add(new KnownEncodings.Place(number, t.tensor())));
      before.subgraphs().get(s).tensors().stream()
          .filter(Tensor::isSparse)
          .forEach(t -> sparse.put(t.buffer(), t.sparseBytes(before.buffers().get(t.buffer()))));
    }
    if (places.isEmpty()) {
      return Optional.empty();
    }
    long was = sparse.values().stream().mapToLong(Long::longValue).sum();
    long is =
        plan.tensors().stream()
            .filter(t -> places.contains(new KnownEncodings.Place(t.subgraph(), t.tensor())))
            .mapToLong(t -> t.type().bytes(t.elements()))
            .sum();
    return Optional.of(
        Reason.of(
            Code.SPARSE,
            places.size()
                + (places.size() == 1
                    ? " weight that was sparse is"
                    : " weights that were sparse are")
                + " stored with zeros: "
                + was
                + " bytes become "
                + is));
  }

  /** What was folded: a line for each kind, with a count and the first names. */
  public List<String> lines() {
    Map<Reason, List<String>> kinds = new LinkedHashMap<>();
    for (Change change : changes) {
      kinds.computeIfAbsent(change.what(), kind -> new ArrayList<>()).add(change.tensor());
    }
    List<String> lines = new ArrayList<>();
    kinds.forEach(
        (what, names) ->
            lines.add(
                names.size()
                    + " "
                    + what
                    + ": "
                    + Reason.first(names.stream().map(name -> "`" + name + "`").toList())));
    return lines;
  }
}
