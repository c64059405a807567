package io.narrow.tflite.fold;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.draft.Draft;
import io.narrow.tflite.model.Buffer;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.plan.KnownEncodings;
import io.narrow.tflite.plan.KnownEncodings.Known;
import io.narrow.tflite.plan.KnownEncodings.Place;
import io.narrow.tflite.plan.Reason;
import io.narrow.tflite.plan.Reason.Code;
import io.narrow.tflite.plan.Recipe;
import io.narrow.tflite.shape.StaticShapes;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Makes a constant of what is constant, however it is stored: as float16, int8, int4, uint8 or
 * int16 behind DEQUANTIZE, sparse behind DENSIFY, quantized beside float activations, moved by
 * operators such as RESHAPE. QUANTIZE and DEQUANTIZE pairs and FAKE_QUANT, which say how a model
 * was trained to be quantized, become known encodings. After it nobody asks how a weight was
 * stored.
 *
 * <p>What follows from shapes that are fixed is a constant too ({@link
 * io.narrow.tflite.shape.StaticShapes}).
 *
 * <p>Nothing else is computed here: contents are when they are needed, and what only looks at a
 * constant in another shape shares its buffer.
 */
public final class Fold {
  private static final String REDUCED_PRECISION = "reduced_precision_support";

  private static final Reason SHAPE = Reason.of(Code.COMPUTED, "given by shapes that are fixed");

  private Fold() {}

  /**
   * Folds a model for activations that will be integers: with their encodings known, and no longer
   * rounded to them.
   *
   * @throws NarrowException if a sparse constant is damaged
   */
  public static Folded of(Model model) {
    return fold(BothWays.of(Inline.of(model)), true);
  }

  /**
   * A recipe for what {@link #of} makes of a model: its rules for operators that were replaced are
   * also for what took their place.
   */
  public static Recipe recipe(Recipe recipe, Model model) {
    return BothWays.recipe(recipe, Inline.of(model));
  }

  /**
   * Folds the constants of a model. Its activations are rounded where they were: a model that was
   * trained to be quantized is worse without it.
   *
   * @throws NarrowException if a sparse constant is damaged
   */
  public static Folded constantsOf(Model model) {
    return fold(model, false);
  }

  /**
   * The values of a constant that is float32, sparse or not, or is stored as codes or as float16.
   *
   * @return little-endian float32; empty if it is of another type
   * @throws NarrowException if a sparse constant is damaged
   */
  public static Optional<Buffer> values(Model model, Tensor constant) {
    Buffer stored = model.buffers().get(constant.buffer());
    Buffer dense = constant.isSparse() ? constant.dense(stored) : stored;
    return constant.type() == TensorType.FLOAT32
        ? Optional.of(dense)
        : Codes.values(constant, dense, model.buffers()::get);
  }

  private static Folded fold(Model given, boolean activations) {
    StaticShapes shapes = StaticShapes.of(given);
    Model model = shapes.model();
    Draft draft = new Draft(model);
    Contents contents = new Contents(draft);
    List<GraphFold> graphs = new ArrayList<>();
    List<Folded.Change> changes = new ArrayList<>();
    shapes.computed().stream()
        .map(each -> new Folded.Change(each.subgraph(), each.tensor(), SHAPE))
        .forEach(changes::add);
    int before = changes.size();
    for (int i = 0; i < model.subgraphs().size(); i++) {
      GraphFold graph = new GraphFold(model, draft.graph(i), i, contents);
      graph.fold(activations);
      graphs.add(graph);
      changes.addAll(graph.changes());
    }
    if (changes.size() == before) {
      return new Folded(withoutHalf(model), KnownEncodings.NONE, changes);
    }
    Model.Compact compact = draft.finish().compact();
    Map<Place, Known> known = new HashMap<>();
    for (int i = 0; i < graphs.size(); i++) {
      int subgraph = i;
      int[] numbers = compact.tensors().get(i);
      Map<Integer, Known> here = new HashMap<>();
      graphs.get(i).known().forEach((t, k) -> here.put(numbers[t], k));
      new Propagation(compact.model(), i, here).propagate();
      here.forEach((t, k) -> known.put(new Place(subgraph, t), k));
    }
    return new Folded(withoutHalf(compact.model()), KnownEncodings.of(known), changes);
  }

  /** Without the entry that lets float16 weights be computed with as such, if there are none. */
  private static Model withoutHalf(Model model) {
    boolean half =
        model.subgraphs().stream()
            .flatMap(subgraph -> subgraph.tensors().stream())
            .anyMatch(tensor -> tensor.type() == TensorType.FLOAT16);
    return half ? model : model.withoutMetadata(REDUCED_PRECISION);
  }
}
