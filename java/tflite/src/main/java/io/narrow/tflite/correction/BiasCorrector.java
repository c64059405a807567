package io.narrow.tflite.correction;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.data.Dataset;
import io.narrow.tflite.data.Datasets;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Signature;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.plan.Bias;
import io.narrow.tflite.plan.Plan;
import io.narrow.tflite.rewrite.Simulator;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Corrects the bias that rounding causes: the rounding errors of weights shift the mean of what an
 * operator computes, channel by channel, and its bias can take that back at no cost. (Nagel et al.,
 * "Data-free quantization through weight equalization and bias correction", 2019, section 4.2; here
 * with the means of samples, operator after operator, each looked at behind all that are corrected
 * before it, and as far as they are more than chance: {@link Shifts}.)
 */
public final class BiasCorrector {
  private static final System.Logger LOG = System.getLogger(BiasCorrector.class.getName());

  /** How much memory the tensors of all samples may take between two steps. */
  private static final long MEMORY = 256 << 20;

  /** Fewer samples would not tell a shift from chance. */
  private static final int FEWEST = 8;

  /** What reaches farther than this is not held as integers. */
  private static final float FARTHEST = 1e6f;

  private final Model model;
  private final int entry;
  private final String signature;
  private final Subgraph graph;
  private final List<CorrectableBias> correctables;
  private final Map<Integer, CorrectableBias> byOutput = new HashMap<>();
  private final List<float[]> biases = new ArrayList<>();

  /**
   * @param entry number of the subgraph that is corrected
   */
  private BiasCorrector(Model all, int entry, List<CorrectableBias> correctables) {
    this.model = all.withEntry(entry);
    this.entry = entry;
    this.signature = all.signatureOf(entry);
    this.graph = model.subgraphs().get(0);
    this.correctables = correctables;
    for (CorrectableBias correctable : correctables) {
      byOutput.put(correctable.output(), correctable);
      biases.add(bias(correctable));
    }
  }

  private float[] bias(CorrectableBias correctable) {
    int tensor = graph.operators().get(correctable.operator()).input(correctable.bias());
    float[] values = new float[correctable.channels()];
    if (tensor >= 0) {
      model.contents(graph.tensor(tensor)).asFloatBuffer().get(values);
    }
    return values;
  }

  /**
   * The plan for the same model with corrected biases. Operators without one get one.
   *
   * <p>The result does not depend on the order of the samples. How many are looked at is limited by
   * the memory that their tensors take at one time, 256 MiB.
   *
   * <p>Only operators of subgraphs with inputs of the model are corrected, none in the bodies of
   * WHILE and IF.
   *
   * @param data as the inputs of the model demand; signatures without data are left as they are
   * @throws NarrowException if the data do not fit the model, or it cannot be run
   */
  public static Plan correct(Plan plan, Datasets data) {
    Model model = plan.model();
    data.check(model.signatures().stream().map(Signature::key).toList(), model.name());
    return correctSums(plan, correctGates(plan, data), data);
  }

  private static Plan correctGates(Plan plan, Datasets data) {
    List<Bias> corrected = new ArrayList<>();
    for (int entry : plan.model().entries()) {
      GateCorrector gates = new GateCorrector(plan, entry);
      BiasCorrector corrector = new BiasCorrector(plan.model(), entry, gates.correctables());
      Optional<Samples> samples = corrector.samples(corrector.model, data);
      if (samples.isPresent()) {
        float[][][] shifts = gates.shifts(samples.get());
        for (int i = 0; i < shifts.length; i++) {
          float[][] none = new float[shifts[i].length][gates.correctables().get(i).channels()];
          corrector.shift(i, none, shifts[i]);
        }
        corrected.addAll(corrector.corrected());
      }
    }
    return plan.with(corrected);
  }

  /**
   * @param before whose model is the one to come near to: gates are corrected for rounded weights,
   *     and without rounding do not compute what they did
   */
  private static Plan correctSums(Plan before, Plan plan, Datasets data) {
    Model rounded = Simulator.simulate(plan);
    List<Bias> corrected = new ArrayList<>();
    for (int entry : plan.model().entries()) {
      BiasCorrector corrector =
          new BiasCorrector(before.model(), entry, CorrectableBias.of(plan, entry));
      Model one = rounded.withEntry(entry);
      Optional<Samples> samples = corrector.samples(one, data);
      if (samples.isPresent()) {
        corrector.correct(one, before, samples.get());
        corrected.addAll(corrector.corrected());
      }
    }
    return plan.with(corrected);
  }

  /** As {@link #correct(Plan, Datasets)}, with the same data for all signatures. */
  public static Plan correct(Plan plan, Dataset data) {
    return correct(plan, Datasets.of(data));
  }

  /**
   * What to correct with; empty if there are no such data, or nothing to correct.
   *
   * @param run the model that is to run on them
   */
  private Optional<Samples> samples(Model run, Datasets data) {
    if (correctables.isEmpty()) {
      return Optional.empty();
    }
    long means =
        correctables.stream()
            .mapToLong(correctable -> 2L * correctable.channels() * Float.BYTES)
            .sum();
    long most = Math.max(FEWEST, MEMORY / Math.max(1, StepwiseRun.bytesKept(run) + means));
    return Samples.read(
        model,
        inputs -> data.of(signature, inputs, entry == 0),
        (int) Math.min(most, Integer.MAX_VALUE));
  }

  private void correct(Model rounded, Plan plan, Samples samples) {
    float[][][] wanted = samples.copy().run(original(), inputs(), List.of());
    List<float[]> before = biases.stream().map(float[]::clone).toList();
    try {
      if (StepwiseRun.possible(rounded)) {
        correctStepwise(new StepwiseRun(rounded, samples.copy()), wanted);
        return;
      }
    } catch (NarrowException e) {
      LOG.log(Level.DEBUG, "biases are corrected without steps: {0}", e.getMessage());
      IntStream.range(0, correctables.size()).forEach(i -> biases.set(i, before.get(i)));
    }
    Model each = Simulator.simulate(plan).withEntry(entry);
    float[][][] alone = samples.run(alone(each), inputs(), List.of());
    for (int i = 0; i < correctables.size(); i++) {
      shift(i, wanted[i], alone[i]);
    }
  }

  private void correctStepwise(StepwiseRun steps, float[][][] wanted) {
    int sums = correctables.size();
    for (int i = 0; i < correctables.size(); i++) {
      float[][][] found = steps.means(correctables.get(i));
      shift(i, wanted[i], found[0]);
      if (found.length > 1) {
        shift(i, wanted[sums++], found[1]);
      }
      steps.withBias(correctables.get(i), biases.get(i));
    }
  }

  private void shift(int correctable, float[][] wanted, float[][] found) {
    float[] bias = biases.get(correctable);
    double[] shifts = new Shifts(wanted, found).likely();
    for (int c = 0; c < bias.length; c++) {
      bias[c] = corrected(bias[c], shifts[c]);
    }
  }

  /** A bias without a shift of its mean; as it is where that overflowed in the rounded model. */
  static float corrected(float bias, double shift) {
    float corrected = bias - (float) shift;
    return Math.abs(corrected) <= FARTHEST ? corrected : bias;
  }

  private List<Integer> inputs() {
    return Arrays.stream(graph.inputs()).boxed().toList();
  }

  /** The correctable that an operator of this or of a model made from it is, if it is one. */
  private Optional<CorrectableBias> correctable(Operator operator) {
    return operator.outputs().length == 0
        ? Optional.empty()
        : Optional.ofNullable(byOutput.get(operator.outputs()[0]));
  }

  /** Gives the means of what the float model computes, and then of what the sums add to it. */
  private Model original() {
    PartialModel part = new PartialModel(model);
    for (Operator operator : graph.operators()) {
      if (correctable(operator).isPresent()) {
        part.show(operator);
      } else {
        part.compute(operator);
      }
    }
    correctables.forEach(correctable -> correctable.sum().ifPresent(sum -> part.mean(sum.other())));
    return part.finish(inputs(), List.of());
  }

  /** Gives the means of what each correctable computes alone among operators that do not round. */
  private Model alone(Model rounded) {
    PartialModel part = new PartialModel(rounded);
    Map<CorrectableBias, Integer> weights = new HashMap<>();
    for (Operator operator : rounded.subgraphs().get(0).operators()) {
      if (StepwiseRun.unpacks(rounded, operator)) {
        part.compute(operator);
      }
      correctable(operator).ifPresent(t -> weights.put(t, operator.input(t.weights())));
    }
    for (Operator operator : graph.operators()) {
      correctable(operator)
          .ifPresent(t -> part.showSums(operator.withInput(t.weights(), weights.get(t))));
      part.compute(operator);
    }
    return part.finish(inputs(), List.of());
  }

  private List<Bias> corrected() {
    return IntStream.range(0, correctables.size())
        .mapToObj(
            i ->
                new Bias(
                    entry,
                    correctables.get(i).operator(),
                    correctables.get(i).bias(),
                    biases.get(i)))
        .toList();
  }
}
