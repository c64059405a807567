package io.narrow.tflite.shape;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.NarrowException.Kind;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Signature;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Sizes for the axes of inputs that a file leaves open ({@code -1} in {@code shape_signature}), of
 * all signatures. Devices want them: TensorFlow Lite Micro, Ethos-U and the Edge TPU take no shape
 * that is known only when the model runs.
 *
 * <pre>{@code
 * Model fixed = InputShapes.NONE.withBatch(1).fix(Model.read(file));
 * }</pre>
 *
 * @param batch size of the first axis, where that is open
 * @param shapes of inputs, by the name of a tensor or of a signature's input; all their axes
 */
public record InputShapes(OptionalInt batch, Map<String, List<Integer>> shapes) {
  /** As the file has them. */
  public static final InputShapes NONE = new InputShapes(OptionalInt.empty(), Map.of());

  public InputShapes {
    shapes = Map.copyOf(shapes);
  }

  /**
   * With this size of the first axis of each input where it is open.
   *
   * @throws NarrowException if it is less than 1
   */
  public InputShapes withBatch(int size) {
    if (size < 1) {
      throw NarrowException.input("batch " + size + ": has to be 1 or more");
    }
    return new InputShapes(OptionalInt.of(size), shapes);
  }

  /**
   * With the shape of one more input.
   *
   * @param shape {@code NAME=1,224,224,3}
   * @throws NarrowException if it is none, or the input has one already
   */
  public InputShapes with(String shape) {
    int equals = shape.lastIndexOf('=');
    Optional<List<Integer>> sizes = sizes(shape.substring(equals + 1));
    if (equals < 1 || sizes.isEmpty()) {
      throw NarrowException.input(
          "input shape `" + shape + "`: has to be NAME=1,224,224,3, with sizes of 1 or more");
    }
    Map<String, List<Integer>> all = new LinkedHashMap<>(shapes);
    if (all.put(shape.substring(0, equals), sizes.get()) != null) {
      throw NarrowException.input("input shape `" + shape + "`: the input has one already");
    }
    return new InputShapes(batch, all);
  }

  private static Optional<List<Integer>> sizes(String text) {
    try {
      List<Integer> sizes =
          Arrays.stream(text.split(",", -1)).map(String::strip).map(Integer::valueOf).toList();
      return sizes.stream().allMatch(size -> size >= 1) ? Optional.of(sizes) : Optional.empty();
    } catch (NumberFormatException e) {
      return Optional.empty();
    }
  }

  /**
   * The model with inputs of these shapes, and the shapes of all other tensors that follow from
   * them. What depends on values, or on an axis that stays open, stays open. Arithmetic over shapes
   * is still there: {@link StaticShapes#of} makes constants of it.
   *
   * @throws NarrowException if there is no such input, it has a fixed size that differs, or an
   *     operator does not take what follows
   */
  public Model fix(Model model) {
    if (batch.isEmpty() && shapes.isEmpty()) {
      return model;
    }
    Set<String> unknown = new HashSet<>(shapes.keySet());
    Set<String> known = new LinkedHashSet<>();
    List<Subgraph> graphs = new ArrayList<>(model.subgraphs());
    for (int entry : model.entries()) {
      Subgraph graph = graphs.get(entry);
      List<Tensor> tensors = new ArrayList<>(graph.tensors());
      for (int input : graph.inputs()) {
        Set<String> names = names(model, entry, input);
        unknown.removeAll(names);
        known.addAll(names);
        tensors.set(input, fixed(model, tensors.get(input), names));
      }
      graphs.set(entry, graph.with(tensors, graph.operators()));
    }
    if (!unknown.isEmpty()) {
      String names = unknown.stream().sorted().collect(Collectors.joining("`, `"));
      throw model.problem(
          Kind.INPUT,
          "input shape of `" + names + "`: the inputs are `" + String.join("`, `", known) + "`");
    }
    Model fixed = model.with(graphs, model.buffers());
    Inference inference = Inference.of(fixed);
    if (inference.problem().isPresent()) {
      throw model.problem(Kind.INPUT, "with " + this + ": " + inference.problem().get());
    }
    return StaticShapes.written(fixed, inference);
  }

  private static Set<String> names(Model model, int subgraph, int input) {
    Set<String> names = new LinkedHashSet<>();
    for (Signature signature : model.signatures()) {
      if (signature.subgraph() == subgraph) {
        signature.inputs().entrySet().stream()
            .filter(entry -> entry.getValue() == input)
            .forEach(entry -> names.add(entry.getKey()));
      }
    }
    names.add(model.subgraphs().get(subgraph).tensor(input).name());
    return names;
  }

  private Tensor fixed(Model model, Tensor input, Set<String> names) {
    int[] sizes = input.shapeSignature();
    Optional<String> named = names.stream().filter(shapes::containsKey).findFirst();
    if (named.isPresent()) {
      int[] wanted = shapes.get(named.get()).stream().mapToInt(Integer::intValue).toArray();
      boolean fits = wanted.length == sizes.length || !input.isRanked();
      for (int axis = 0; fits && axis < sizes.length; axis++) {
        fits = sizes[axis] < 0 || sizes[axis] == wanted[axis];
      }
      if (!fits) {
        throw model.problem(
            Kind.INPUT,
            "input `"
                + named.get()
                + "` has the shape "
                + Fact.text(sizes)
                + ", which cannot be "
                + Fact.text(wanted));
      }
      return input.withSizes(wanted);
    }
    boolean open = batch.isPresent() && sizes.length > 0 && sizes[0] < 0;
    if (!open) {
      return input;
    }
    sizes[0] = batch.getAsInt();
    return input.withSizes(sizes);
  }

  /** What of this does nothing to a model. */
  public List<String> withoutEffect(Model model) {
    boolean open =
        model.entries().stream()
            .map(model.subgraphs()::get)
            .flatMap(graph -> Arrays.stream(graph.inputs()).mapToObj(graph::tensor))
            .map(Tensor::shapeSignature)
            .anyMatch(sizes -> sizes.length > 0 && sizes[0] < 0);
    return batch.isPresent() && !open
        ? List.of(
            "without effect: batch "
                + batch.getAsInt()
                + ", as no input has a first axis of open size")
        : List.of();
  }

  @Override
  public String toString() {
    List<String> parts = new ArrayList<>();
    batch.ifPresent(size -> parts.add("batch " + size));
    shapes.entrySet().stream()
        .sorted(Map.Entry.comparingByKey())
        .map(entry -> "`" + entry.getKey() + "` " + entry.getValue())
        .forEach(parts::add);
    return String.join(", ", parts);
  }
}
