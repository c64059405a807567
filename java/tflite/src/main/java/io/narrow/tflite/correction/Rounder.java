package io.narrow.tflite.correction;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.Progress;
import io.narrow.tflite.data.Datasets;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Signature;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.plan.Codes;
import io.narrow.tflite.plan.Encoding;
import io.narrow.tflite.plan.Plan;
import io.narrow.tflite.plan.Reason;
import io.narrow.tflite.plan.Reason.Code;
import io.narrow.tflite.plan.Rounding;
import io.narrow.tflite.plan.TensorPlan;
import io.narrow.tflite.rewrite.Simulator;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * Rounds the weights of an operator together, so that their errors cancel in its sums of products,
 * instead of each to its nearest code: operator after operator, each looked at behind all that were
 * rounded before it, with the sums of the float model as the goal. Activations are not rounded:
 * weights that make up for that would fit the noise of the samples. How far the samples are
 * trusted, and whether at all, is tried on halves of them ({@link Trial}).
 *
 * <p>The result does not depend on the order of the samples, the number of threads or the
 * instruction set.
 */
public final class Rounder {
  /** How much memory the tensors of all samples may take between two steps. */
  private static final long MEMORY = 512 << 20;

  /** How many values a matrix may have, of which four are kept at a time, as doubles. */
  private static final long LARGEST_MATRIX = 5120L * 5120;

  private static final int FEWEST = 8;

  /** Multiplications that take about a minute. */
  private static final double MOST_WORK = 3e11;

  /** An operator whose weights are rounded. */
  private record Job(
      CorrectableBias correctable, Patches patches, TensorPlan plan, int input, boolean rescaled) {
    int weights() {
      return plan.tensor();
    }
  }

  /**
   * How to round.
   *
   * @param rounding {@link Rounding#NEAREST} leaves the plan as it is
   * @param corrected whether biases will be corrected, so that shifts of means do not count
   * @param progress is told of each operator
   */
  public record Options(Rounding rounding, boolean corrected, Progress progress) {}

  private final Model model;
  private final int entry;
  private final Subgraph graph;
  private final List<Job> jobs = new ArrayList<>();
  private final List<Codes> chosen = new ArrayList<>();
  private final List<Double> gains = new ArrayList<>();

  private Rounder(Plan plan, int entry) {
    this.model = plan.model().withEntry(entry);
    this.entry = entry;
    this.graph = model.subgraphs().get(0);
    Map<Integer, TensorPlan> rounded = CorrectableBias.rounded(plan, entry);
    Map<Integer, Long> holders =
        plan.model().subgraphs().stream()
            .flatMap(subgraph -> subgraph.tensors().stream())
            .map(Tensor::buffer)
            .collect(
                Collectors.groupingBy(Function.identity(), HashMap::new, Collectors.counting()));
    for (CorrectableBias correctable : CorrectableBias.of(plan, entry)) {
      Operator operator = graph.operators().get(correctable.operator());
      TensorPlan weights = rounded.get(operator.input(correctable.weights()));
      int input = operator.input(Patches.activations(operator));
      boolean alone =
          graph.reads(weights.tensor()) == 1
              && holders.get(graph.tensor(weights.tensor()).buffer()) == 1;
      boolean seen = graph.producer(input).isPresent() || graph.isInput(input);
      int bias = operator.input(correctable.bias());
      boolean rescaled =
          weights.use() != TensorPlan.Use.INTEGER || bias < 0 || graph.reads(bias) == 1;
      if (alone && seen && weights.codes().isEmpty()) {
        Patches.of(graph, operator)
            .filter(patches -> (long) patches.depth() * patches.depth() <= LARGEST_MATRIX)
            .ifPresent(p -> jobs.add(new Job(correctable, p, weights, input, rescaled)));
      }
    }
  }

  /**
   * The plan for the same model with codes that were chosen together where there are data, and what
   * came of it as its {@linkplain Plan#rounding reason}. Weights that several operators read, and
   * those whose codes are known, stay as they are.
   *
   * <p>How many samples are looked at is limited by the memory that their tensors take at one time,
   * 512 MiB. Matrices take up to 800 MiB; operators that would need larger ones are left alone.
   *
   * @param data as the inputs of the model demand
   * @throws NarrowException if the data do not fit the model
   */
  public static Plan round(Plan plan, Datasets data, Options options) {
    Rounding rounding = options.rounding;
    Model model = plan.model();
    data.check(model.signatures().stream().map(Signature::key).toList(), model.name());
    if (rounding == Rounding.NEAREST) {
      return plan; // as asked
    }
    Model nearest = Simulator.simulateConstants(plan);
    List<Rounder> rounders = new ArrayList<>();
    List<Reason> reasons = new ArrayList<>();
    for (int entry : model.entries()) {
      Rounder rounder = new Rounder(plan, entry);
      rounder
          .round(nearest.withEntry(entry), model.signatureOf(entry), data, options)
          .ifPresent(reasons::add);
      rounders.add(rounder);
    }
    List<Codes> chosen = rounders.stream().flatMap(each -> each.chosen.stream()).toList();
    double[] gains =
        rounders.stream()
            .flatMap(each -> each.gains.stream())
            .mapToDouble(g -> g)
            .sorted()
            .toArray();
    if (gains.length > 0) {
      reasons.add(
          0,
          Reason.of(
              Code.SECOND_ORDER,
              String.format(
                  Locale.ROOT,
                  "second order: weights of %d operators together, which lowers the error of their"
                      + " sums by %.1f to %.1f dB on samples held out",
                  gains.length,
                  gains[0],
                  gains[gains.length - 1])));
    }
    return plan.withCodes(chosen, reasons.isEmpty() ? Reason.NONE : reasons.get(0));
  }

  /** Rounds; gives the reason if it does not. */
  private Optional<Reason> round(Model nearest, String signature, Datasets data, Options options) {
    if (jobs.isEmpty()) {
      return Optional.empty();
    }
    if (!StepwiseRun.possible(nearest)) {
      return because("the model keeps state, so that its operators cannot be looked at one by one");
    }
    long most = Math.max(FEWEST, MEMORY / Math.max(1, 2 * StepwiseRun.bytesKept(nearest)));
    Optional<Samples> samples =
        Samples.read(
            model,
            inputs -> data.of(signature, inputs, entry == 0),
            (int) Math.min(most, Integer.MAX_VALUE));
    if (samples.isEmpty()) {
      return Optional.empty();
    }
    double work = work(samples.get().size());
    if (options.rounding == Rounding.AUTO && work > MOST_WORK) {
      return because(
          String.format(
              Locale.ROOT,
              "second order would take %.1g multiplications, which is more than a minute's work;"
                  + " `--rounding second-order` does it",
              work));
    }
    try {
      roundStepwise(nearest, samples.get().sorted(inputs()), options);
      return chosen.isEmpty()
          ? because("on samples held out no weights do better together")
          : Optional.empty();
    } catch (NarrowException e) {
      chosen.clear();
      gains.clear();
      return because("the model cannot be run operator by operator: " + e.getMessage());
    }
  }

  private static Optional<Reason> because(String why) {
    return Optional.of(Reason.of(Code.NEAREST, "nearest: " + why));
  }

  private List<Integer> inputs() {
    return Arrays.stream(graph.inputs()).boxed().toList();
  }

  /** About how many multiplications it takes. */
  private double work(int samples) {
    double sum = 0;
    for (Job job : jobs) {
      Patches patches = job.patches;
      double depth = patches.depth();
      double channels = patches.channels();
      long positions = patches.positions(graph.tensor(job.correctable.output()).elements());
      double seen = (double) samples * PatchMoments.positions(positions, samples);
      double weights = patches.groups() * depth * channels;
      sum +=
          3.0 * samples * positions * weights
              + seen * (patches.groups() * depth * depth / 2 + weights)
              + patches.groups() * Trial.work(depth, patches.channels())
              + patches.groups() * depth * depth * depth / 6
              + (job.plan.type().bits() == 4 ? 10 : 1) * 3 * depth * weights;
    }
    return sum;
  }

  private void roundStepwise(Model nearest, Samples samples, Options options) {
    Progress progress = options.progress;
    StepwiseRun exact = new StepwiseRun(model, samples.copy());
    StepwiseRun rounded = new StepwiseRun(nearest, samples.copy());
    progress.start("rounding", jobs.size());
    try {
      for (Job job : jobs) {
        PatchMoments moments = new PatchMoments(job.patches, samples.size(), options.corrected);
        exact.see(
            job.correctable,
            job.weights(),
            (sample, ran, tensors) -> moments.want(sample, ran.output(0)));
        rounded.see(
            job.correctable,
            job.weights(),
            (sample, ran, tensors) ->
                moments.see(sample, ByteBuffer.wrap(tensors.get(job.input)), ran.output(0)));
        round(job, moments.finish(), rounded, options.corrected);
        progress.step();
      }
    } finally {
      progress.done();
    }
  }

  private void round(Job job, Halves moments, StepwiseRun rounded, boolean corrected) {
    if (!moments.isFinite()) {
      return; // whoever looks for ranges says so
    }
    Tensor weights = graph.tensor(job.weights());
    FloatBuffer exact = model.contents(weights).asFloatBuffer();
    float[] bias = new float[job.patches.outputs()];
    int number = graph.operators().get(job.correctable.operator()).input(job.correctable.bias());
    if (number >= 0) {
      model.contents(graph.tensor(number)).asFloatBuffer().get(bias);
    }
    Encoding planned = job.plan.encoding();
    OperatorRounding rounding = new OperatorRounding(job.patches, exact, planned, bias);
    rounding.choose(moments, job.rescaled);
    rounded.withWeights(job.correctable, rounding.values(), weights.shape());
    if (corrected) {
      rounded.withBias(job.correctable, rounding.bias());
    }
    if (rounding.gain() == 0) {
      return;
    }
    Encoding encoding =
        new Encoding(
            planned.type(),
            planned.axis(),
            rounding.scales(),
            planned.zeroPoint(),
            planned.block());
    String how =
        String.format(
            Locale.ROOT,
            "rounded together, which lowers the error of its sums by %.1f dB on samples held out",
            rounding.gain());
    chosen.add(new Codes(entry, job.weights(), encoding, rounding.codes(), how));
    gains.add(rounding.gain());
  }
}
