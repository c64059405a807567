package io.narrow.tflite.correction;

import io.narrow.kernels.FloatRange;
import io.narrow.tflite.NarrowException;
import io.narrow.tflite.calibration.Calibration;
import io.narrow.tflite.calibration.Folds;
import io.narrow.tflite.calibration.RangeMethod;
import io.narrow.tflite.data.Datasets;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.plan.ActivationPlan;
import io.narrow.tflite.plan.Encoding;
import io.narrow.tflite.plan.IntegerOperator;
import io.narrow.tflite.plan.KnownEncodings;
import io.narrow.tflite.plan.Plan;
import io.narrow.tflite.plan.Planner;
import io.narrow.tflite.plan.Ranges;
import io.narrow.tflite.plan.Recipe;
import io.narrow.tflite.plan.WeightScaling;
import java.lang.System.Logger.Level;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Chooses for each activation between the range of least squared error and that of the smallest and
 * largest value, by what rounding it alone does to the outputs of the model. The error of the
 * tensor is no judge: what is rounded averages out over the sums that follow, what is cut off does
 * not.
 *
 * <p>Ranges of all {@link Folds} but one are judged on the samples of that one. Values are cut off
 * only where the gain is beyond chance: larger than the standard error of its mean.
 */
public final class RangeSelector {
  private static final System.Logger LOG = System.getLogger(RangeSelector.class.getName());

  /** Where the narrower range has a scale closer than this, there is nothing to gain by it. */
  private static final double CLOSE = 0.97;

  private final Model model;
  private final Recipe recipe;
  private final KnownEncodings known;
  private final Map<Place, Choice> choices = new HashMap<>();

  private record Place(int subgraph, int tensor) {}

  /**
   * @param cut whether rare values are cut off
   * @param reason for it, in words
   */
  private record Choice(boolean cut, String reason) {}

  private RangeSelector(Model model, Recipe recipe, KnownEncodings known) {
    this.model = model;
    // Nothing is asked of weights here, for which scales need not be searched.
    this.recipe = recipe.withScales(WeightScaling.LARGEST);
    this.known = known;
  }

  /**
   * The ranges to plan with: where nothing is to be chosen or judged, those of the calibration.
   *
   * @param known what is not up to ranges
   * @param data what the model was calibrated with
   * @throws NarrowException as planning does, or if the data do not fit the model
   */
  public static Ranges select(
      Model model, Recipe recipe, KnownEncodings known, Calibration calibration, Datasets data) {
    if (!calibration.method().equals(RangeMethod.AUTO) || calibration.folds().isEmpty()) {
      return Planner.ranges(calibration);
    }
    RangeSelector selector = new RangeSelector(model, recipe, known);
    selector.judge(calibration, data);
    return new Chosen(calibration, selector.choices::get);
  }

  private void judge(Calibration calibration, Datasets data) {
    Plan whole = plan(calibration, false);
    Plan cut = plan(calibration, true);
    // For each way the plans of the folds.
    List<List<Plan>> folds =
        Stream.of(false, true)
            .map(way -> calibration.folds().stream().map(fold -> plan(fold, way)).toList())
            .toList();
    for (int entry : model.entries()) {
      int subgraph = entry;
      try {
        judge(
            new OutputErrors(whole.model(), model, entry),
            entry,
            encodings(whole, entry),
            encodings(cut, entry),
            folds.stream()
                .map(way -> way.stream().map(plan -> encodings(plan, subgraph)).toList())
                .toList(),
            data);
      } catch (NarrowException e) {
        LOG.log(Level.DEBUG, "ranges are not judged by the outputs: {0}", e.getMessage());
      }
    }
  }

  private void judge(
      OutputErrors outputs,
      int subgraph,
      Map<Integer, Encoding> whole,
      Map<Integer, Encoding> cut,
      List<List<Map<Integer, Encoding>>> folds,
      Datasets data) {
    whole.keySet().retainAll(cut.keySet());
    // What is computed instead of another operator is not told apart by its number.
    whole.keySet().removeIf(t -> t >= model.subgraphs().get(subgraph).tensors().size());
    List<Integer> tensors =
        whole.keySet().stream()
            .filter(tensor -> cut.get(tensor).scale() < CLOSE * whole.get(tensor).scale())
            .filter(
                tensor -> folds.stream().flatMap(List::stream).allMatch(m -> m.containsKey(tensor)))
            .toList();
    outputs.of(tensors, folds, data).ifPresent(errors -> choose(subgraph, errors, whole, cut));
  }

  private Plan plan(Calibration calibration, boolean cut) {
    Choice choice = new Choice(cut, "");
    return Planner.plan(model, recipe, new Chosen(calibration, place -> choice), known);
  }

  /** What 8-bit kernels read activations as, by number. */
  private static Map<Integer, Encoding> encodings(Plan plan, int subgraph) {
    Map<Integer, Encoding> found = new TreeMap<>();
    for (ActivationPlan activation : plan.activations()) {
      if (activation.subgraph() == subgraph && !activation.produced().isFloat()) {
        found.put(activation.tensor(), activation.produced());
      }
    }
    Subgraph graph = plan.model().subgraphs().get(subgraph);
    for (IntegerOperator integer : plan.integerOperators()) {
      if (integer.subgraph() == subgraph) {
        Operator operator = graph.operators().get(integer.operator());
        for (int place = 0; place < operator.inputs().length; place++) {
          Encoding read = integer.inputs().get(place);
          int tensor = operator.input(place);
          if (!read.isFloat() && graph.isInput(tensor)) {
            found.putIfAbsent(tensor, read);
          }
        }
      }
    }
    found.values().removeIf(encoding -> encoding.type().bits() != Byte.SIZE);
    return found;
  }

  private void choose(
      int subgraph,
      Map<Integer, double[][]> errors,
      Map<Integer, Encoding> whole,
      Map<Integer, Encoding> cut) {
    Map<Integer, Integer> groups = groups(subgraph, whole, cut);
    Map<Integer, Gain> gains = new HashMap<>();
    errors.forEach(
        (tensor, found) ->
            gains.merge(
                groups.getOrDefault(tensor, tensor), new Gain(found[0], found[1]), Gain::with));
    for (int tensor : whole.keySet()) {
      Gain gain = gains.get(groups.getOrDefault(tensor, tensor));
      boolean cuts = gain != null && gain.deviations() > 1;
      String reason = gain == null ? "" : gain.reason(cuts);
      choices.put(new Place(subgraph, tensor), new Choice(cuts, reason));
    }
  }

  /**
   * What is gained by cutting rare values off.
   *
   * @param whole the error of each sample without
   * @param cut that with them cut off
   */
  private record Gain(double[] whole, double[] cut) {
    Gain with(Gain other) {
      return new Gain(sum(whole, other.whole), sum(cut, other.cut));
    }

    private static double[] sum(double[] a, double[] b) {
      return IntStream.range(0, a.length).mapToDouble(i -> a[i] + b[i]).toArray();
    }

    /** The mean gain in standard errors of that mean. */
    double deviations() {
      int samples = whole.length;
      double mean = IntStream.range(0, samples).mapToDouble(i -> whole[i] - cut[i]).sum() / samples;
      double squares =
          IntStream.range(0, samples).mapToDouble(i -> Math.pow(whole[i] - cut[i] - mean, 2)).sum();
      // For few samples as much wider as Student's distribution is than the normal one.
      double wider = 1 + 1.3 / (samples - 1);
      double error = Math.sqrt(squares / (samples - 1) / samples) * wider;
      return mean == 0 ? 0 : mean / error;
    }

    private static double decibels(double[] errors) {
      return 10 * Math.log10(Math.max(Double.MIN_NORMAL, DoubleStream.of(errors).sum()));
    }

    String reason(boolean cuts) {
      double db = decibels(whole) - decibels(cut);
      return String.format(
          Locale.ROOT,
          "%s: %+.1f dB at the outputs by least squared error, %.1f standard errors, on %d samples",
          cuts ? "least squared error" : "minimum and maximum",
          db,
          Math.abs(deviations()),
          whole.length);
    }
  }

  /** Tensors that share a scale whatever the range, by one of them. */
  private Map<Integer, Integer> groups(
      int subgraph, Map<Integer, Encoding> whole, Map<Integer, Encoding> cut) {
    Map<Integer, Integer> groups = new HashMap<>();
    for (Operator operator : model.subgraphs().get(subgraph).operators()) {
      for (int from : operator.inputs()) {
        for (int to : operator.outputs()) {
          if (whole.containsKey(from)
              && whole.get(from).equals(whole.get(to))
              && cut.containsKey(from)
              && cut.get(from).equals(cut.get(to))) {
            int one = groups.getOrDefault(from, from);
            int other = groups.getOrDefault(to, to);
            groups.putIfAbsent(from, one);
            groups.putIfAbsent(to, other);
            groups.replaceAll((tensor, group) -> group == other ? (Integer) one : group);
          }
        }
      }
    }
    return groups;
  }

  /** Ranges of a calibration, where there is a choice by that. */
  private record Chosen(Calibration calibration, Function<Place, Choice> choices)
      implements Ranges {
    @Override
    public Optional<FloatRange> range(int subgraph, int tensor, boolean whole) {
      Choice choice = choices.apply(new Place(subgraph, tensor));
      return choice == null || whole
          ? calibration.range(subgraph, tensor, whole)
          : calibration.range(subgraph, tensor, choice.cut ? RangeMethod.MSE : RangeMethod.MINMAX);
    }

    @Override
    public Optional<FloatRange> intermediate(int subgraph, int output, int number, boolean whole) {
      return calibration.intermediate(subgraph, output, number, whole);
    }

    @Override
    public String reason(int subgraph, int tensor) {
      Choice choice = choices.apply(new Place(subgraph, tensor));
      return choice == null ? "" : choice.reason;
    }
  }
}
