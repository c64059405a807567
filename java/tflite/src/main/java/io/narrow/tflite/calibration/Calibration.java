package io.narrow.tflite.calibration;

import io.narrow.kernels.FloatRange;
import io.narrow.tflite.NarrowException;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Statistics of the activations of a model, from running it on a representative data set: of every
 * float32 tensor that is an input or computed, the smallest and largest value and a histogram;
 * likewise of values inside an LSTM, of whose cell the values of every step count. Subgraphs that
 * were not run, constants and other types have none. Immutable.
 *
 * <p>Its size does not depend on the number of samples. Calibrations of parts of a data set can be
 * {@linkplain #merge merged}: in whatever parts and order, the result is the same to the byte.
 */
public final class Calibration {
  /** Of no sample. */
  public static final Calibration EMPTY = new Calibration(0, List.of(), RangeMethod.AUTO);

  private final long samples;
  private final SortedMap<TensorStatistics.Place, TensorStatistics> tensors;
  private final RangeMethod method;
  private final Folds folds;
  private final Map<TensorStatistics.Place, Headroom> headroom;

  private Calibration(
      long samples,
      SortedMap<TensorStatistics.Place, TensorStatistics> tensors,
      RangeMethod method,
      Folds folds,
      Map<TensorStatistics.Place, Headroom> headroom) {
    this.samples = samples;
    this.tensors = Collections.unmodifiableSortedMap(tensors);
    this.method = method;
    this.folds = folds;
    this.headroom = headroom;
  }

  private Calibration(
      long samples,
      SortedMap<TensorStatistics.Place, TensorStatistics> tensors,
      RangeMethod method) {
    this(samples, tensors, method, Folds.NONE, Map.of());
  }

  Calibration(long samples, Collection<TensorStatistics> tensors, RangeMethod method) {
    this(samples, byPlace(tensors), method);
  }

  private static SortedMap<TensorStatistics.Place, TensorStatistics> byPlace(
      Collection<TensorStatistics> tensors) {
    SortedMap<TensorStatistics.Place, TensorStatistics> map = new TreeMap<>();
    tensors.forEach(tensor -> map.put(tensor.place(), tensor));
    return map;
  }

  /**
   * Ranges that are known already, without histograms: only methods {@code auto} and {@code minmax}
   * apply.
   *
   * @param model whose tensors they are
   * @param samples of how many samples, 0 if that is not known
   * @param ranges by name of a tensor, which stands for those of that name in all subgraphs; names
   *     of constants, of other types, and those that the model does not have are left out
   * @throws NarrowException if a range is empty, or none is of a tensor of the model
   */
  public static Calibration of(Model model, long samples, Map<String, FloatRange> ranges) {
    List<TensorStatistics> found = new ArrayList<>();
    for (int s = 0; s < model.subgraphs().size(); s++) {
      Subgraph graph = model.subgraphs().get(s);
      for (int t = 0; t < graph.tensors().size(); t++) {
        Tensor tensor = graph.tensor(t);
        FloatRange range = ranges.get(tensor.name());
        if (range != null && tensor.type() == TensorType.FLOAT32 && !model.isConstant(tensor)) {
          found.add(known(new TensorStatistics.Place(s, t), tensor.name(), range));
        }
      }
    }
    if (found.isEmpty() && !ranges.isEmpty()) {
      throw NarrowException.input(
          model.name()
              + ": has none of the "
              + ranges.size()
              + " tensors that there are ranges of");
    }
    return new Calibration(samples, found, RangeMethod.AUTO);
  }

  private static TensorStatistics known(
      TensorStatistics.Place place, String name, FloatRange range) {
    if (range.isEmpty() || !Float.isFinite(range.min()) || !Float.isFinite(range.max())) {
      throw NarrowException.input(
          "tensor `" + name + "`: " + range.min() + " to " + range.max() + " is not a range");
    }
    return new TensorStatistics(place, name, range, Optional.empty(), Optional.empty());
  }

  /**
   * The range of a tensor, as {@link #method} chooses it: see there.
   *
   * @param whole whether {@link RangeMethod#AUTO} has to hold every value
   */
  public Optional<FloatRange> range(int subgraph, int tensor, boolean whole) {
    return find(subgraph, tensor).map(known -> choose(known, whole));
  }

  private FloatRange choose(TensorStatistics known, boolean whole) {
    FloatRange range = known.choose(method, whole);
    Headroom room = headroom.get(known.place());
    return room == null ? range : room.around(range, whole);
  }

  /**
   * The range of a value inside an operator, likewise: of a gate of an LSTM before its layer
   * normalization, or of what its projection is applied to.
   *
   * @param output number of the tensor that the operator writes
   * @param number of the value among the {@code intermediates} of the operator
   */
  public Optional<FloatRange> intermediate(int subgraph, int output, int number, boolean whole) {
    return Optional.ofNullable(tensors.get(new TensorStatistics.Place(subgraph, output, number)))
        .map(known -> choose(known, whole));
  }

  private Optional<TensorStatistics> find(int subgraph, int tensor) {
    return Optional.ofNullable(tensors.get(new TensorStatistics.Place(subgraph, tensor)));
  }

  /**
   * The range of a tensor. It need not include zero.
   *
   * @param subgraph number of a subgraph
   * @param tensor number of a tensor of it
   * @param method {@link RangeMethod#AUTO} here gives the smallest and largest value
   * @return empty if nothing is known of the tensor
   * @throws NarrowException if what the method needs was not collected
   */
  public Optional<FloatRange> range(int subgraph, int tensor, RangeMethod method) {
    return find(subgraph, tensor).map(known -> known.choose(method));
  }

  /** How often a tensor had which values; empty if nothing is known of it but a range. */
  public Optional<Histogram> histogram(int subgraph, int tensor) {
    return find(subgraph, tensor).flatMap(TensorStatistics::histogram);
  }

  /** How many samples the model was run on. */
  public long samples() {
    return samples;
  }

  /** How many tensors there are ranges of. */
  public int tensors() {
    return tensors.size();
  }

  /** How {@link #range(int, int, boolean)} chooses. */
  public RangeMethod method() {
    return method;
  }

  /** The same statistics, with ranges chosen by another method. */
  public Calibration withMethod(RangeMethod newMethod) {
    return new Calibration(samples, tensors, newMethod, folds, Map.of());
  }

  /** The same statistics, which were collected in these parts. */
  Calibration with(Folds parts) {
    return new Calibration(samples, tensors, method, parts, Map.of());
  }

  /** The parts of the samples; {@link Folds#NONE} in what was read or merged. */
  public Folds folds() {
    return folds;
  }

  /**
   * With ranges of {@link RangeMethod#AUTO} that reach as far beyond what was seen as those found
   * in some {@linkplain #folds parts} of the samples would have had to for the others. The same if
   * there are too few parts to tell, or nothing is missing.
   */
  public Calibration withHeadroom() {
    if (!method.equals(RangeMethod.AUTO) || !folds.tell()) {
      return this;
    }
    return new Calibration(samples, tensors, method, folds, folds.headroom());
  }

  /** Whether ranges reach beyond what was seen. */
  public boolean hasHeadroom() {
    return !headroom.isEmpty();
  }

  /**
   * The statistics of the samples of both, with ranges chosen by this one's method. Moving averages
   * are dropped: there is none over two sequences.
   *
   * @throws NarrowException if they are of different models
   */
  public Calibration merge(Calibration other) {
    if (samples == 0 && tensors.isEmpty()) {
      return other.withMethod(method);
    }
    if (other.samples == 0 && other.tensors.isEmpty()) {
      return this;
    }
    SortedMap<TensorStatistics.Place, TensorStatistics> merged = new TreeMap<>(tensors);
    for (TensorStatistics tensor : other.tensors.values()) {
      merged.merge(tensor.place(), tensor, TensorStatistics::merge);
    }
    merged.replaceAll((place, tensor) -> tensor.withoutAverage());
    return new Calibration(samples + other.samples, merged, method);
  }

  /** With those of another too, whose statistics of subgraph 0 are those of a subgraph. */
  Calibration with(int subgraph, Calibration other) {
    SortedMap<TensorStatistics.Place, TensorStatistics> all = new TreeMap<>(tensors);
    for (TensorStatistics known : other.tensors.values()) {
      TensorStatistics moved = known.place().subgraph() == 0 ? known.in(subgraph) : known;
      all.merge(moved.place(), moved, TensorStatistics::merge); // several may call a body
    }
    return new Calibration(samples + other.samples, all, method);
  }

  /**
   * Writes everything but the method to a JSON file: first under a temporary name beside it, then
   * moved into place.
   *
   * @throws NarrowException if it cannot be written
   */
  public void write(Path json) {
    CalibrationFile.write(this, json);
  }

  /**
   * Writes the ranges, as the method chooses them, in the format of ai-edge-quantizer.
   *
   * @param model whose tensors they are
   * @throws NarrowException if it cannot be written
   */
  public void writeAiEdge(Path json, Model model) {
    AiEdgeFile.write(this, json, model);
  }

  /**
   * Reads a file written by {@link #write}, or by ai-edge-quantizer's {@code
   * save_calibration_result}, whose ranges have no histograms.
   *
   * @param model whose activations they are
   * @throws NarrowException if it cannot be read, is damaged, or is of another model
   */
  public static Calibration read(Path json, Model model) {
    return CalibrationFile.read(json, model);
  }

  Collection<TensorStatistics> statistics() {
    return tensors.values();
  }
}
