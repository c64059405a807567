package io.narrow.tflite.fold;

import io.narrow.tflite.model.Model;
import io.narrow.tflite.plan.KnownEncodings;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

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
  static final String TRAINED = "rounded as in training";

  private static final int NAMES = 3;

  /**
   * One thing that was folded.
   *
   * @param subgraph number of its subgraph
   * @param tensor name of the tensor in the folded model
   * @param what it was, in words, for all tensors of which it is said: {@code stored as float16}
   */
  public record Change(int subgraph, String tensor, String what) {}

  public Folded {
    changes = List.copyOf(changes);
  }

  /** Whether encodings of activations are known, for which the model was trained. */
  public boolean isTrained() {
    return changes.stream().anyMatch(change -> change.what().equals(TRAINED));
  }

  /** What was folded: a line for each kind, with a count and the first names. */
  public List<String> lines() {
    Map<String, List<String>> kinds = new LinkedHashMap<>();
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
                    + ": `"
                    + String.join("`, `", names.subList(0, Math.min(NAMES, names.size())))
                    + (names.size() > NAMES ? "`, ..." : "`")));
    return lines;
  }
}
