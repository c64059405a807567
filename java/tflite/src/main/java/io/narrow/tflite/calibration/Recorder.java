package io.narrow.tflite.calibration;

import io.narrow.kernels.FloatRange;
import io.narrow.tflite.NarrowException;
import io.narrow.tflite.calibration.Activation.Role;
import io.narrow.tflite.calibration.TensorStatistics.Place;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.observation.Observer;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Counts the activations of a model while it runs. */
final class Recorder implements Observer {
  private final Model model;
  private final List<Activation> activations;
  private final List<LstmTrace> traces;
  private final Optional<RangeMethod> averaging;
  private final Parts parts;
  private final SortedMap<Integer, Counted> counted = new TreeMap<>(); // by part
  private final Optional<Recorder> caller;
  private final Map<Integer, Recorder> called = new TreeMap<>();
  private final float[] scratch = new float[TensorTally.COUNTED];
  private int part;

  /** What one part of the samples gave. */
  private static final class Counted {
    private final List<TensorTally> tallies;
    private long samples;

    Counted(List<TensorTally> tallies) {
      this.tallies = tallies;
    }
  }

  /**
   * @param model that is run
   * @param parts by which samples are counted apart
   * @param traces of the activations that are {@link Role#TRACED}
   * @param averaging the moving average to keep, if any
   */
  Recorder(
      Model model,
      Parts parts,
      List<Activation> activations,
      List<LstmTrace> traces,
      Optional<RangeMethod> averaging) {
    this(model, parts, activations, traces, averaging, Optional.empty());
  }

  private Recorder(
      Model model,
      Parts parts,
      List<Activation> activations,
      List<LstmTrace> traces,
      Optional<RangeMethod> averaging,
      Optional<Recorder> caller) {
    this.model = model;
    this.parts = parts;
    this.caller = caller;
    this.activations = activations;
    this.traces = traces;
    this.averaging = averaging;
  }

  private Counted counted() {
    return counted.computeIfAbsent(
        part,
        key -> new Counted(activations.stream().map(each -> new TensorTally(averaging)).toList()));
  }

  @Override
  public void before(int sample, Tensors tensors) {
    part = caller.map(calling -> calling.part).orElseGet(() -> part(tensors));
    look(sample, tensors, true);
    traces.forEach(trace -> trace.before(tensors::values));
  }

  /**
   * {@inheritDoc}
   *
   * @throws NarrowException if an activation is not finite
   */
  @Override
  public void after(int sample, Tensors tensors) {
    traces.forEach(trace -> trace.after(tensors::values));
    look(sample, tensors, false);
    counted().samples++;
  }

  private int part(Tensors tensors) {
    int[] inputs = model.subgraphs().get(0).inputs();
    return parts.equals(Parts.ONE)
        ? 0
        : parts.of(IntStream.of(inputs).mapToObj(tensors::values).toList());
  }

  @Override
  public Optional<Observer> within(int subgraph) {
    return Optional.of(
        called.computeIfAbsent(
            subgraph,
            number -> {
              Model body = model.withEntry(number);
              return new Recorder(
                  body,
                  parts,
                  Activation.of(body),
                  LstmTrace.of(body),
                  averaging,
                  Optional.of(caller.orElse(this)));
            }));
  }

  private void look(int sample, Tensors tensors, boolean inputs) {
    List<TensorTally> tallies = counted().tallies;
    for (int i = 0; i < tallies.size(); i++) {
      Activation activation = activations.get(i);
      if ((activation.role() == Role.INPUT) == inputs) {
        FloatRange seen = tallies.get(i).add(values(activation, tensors), scratch);
        if (seen.nans() + seen.infinities() > 0) {
          throw notFinite(activation, sample, seen);
        }
      }
    }
  }

  private ByteBuffer values(Activation activation, Tensors tensors) {
    return activation.role() == Role.TRACED
        ? traced(activation)
        : tensors.values(activation.tensor());
  }

  private ByteBuffer traced(Activation activation) {
    return traces.stream()
        .filter(trace -> trace.knows(activation))
        .findFirst()
        .map(trace -> trace.values(activation))
        .orElseThrow();
  }

  private NarrowException notFinite(Activation activation, int sample, FloatRange seen) {
    List<String> counts =
        Stream.of(
                seen.nans() > 0 ? seen.nans() + " NaN" : "",
                seen.infinities() > 0 ? seen.infinities() + " infinite" : "")
            .filter(count -> !count.isEmpty())
            .toList();
    String values = String.join(", ", counts);
    return NarrowException.input(
        model.name()
            + ": "
            + cause(activation).map(c -> "constant `" + c.name() + "` is not finite: ").orElse("")
            + "sample "
            + sample
            + ": tensor `"
            + activation.name()
            + "` of "
            + activation.source()
            + " has values that no range can hold: "
            + values);
  }

  /**
   * The constant that its operator reads whose values are not finite themselves, if there is one.
   */
  private Optional<Tensor> cause(Activation activation) {
    Subgraph graph = model.subgraphs().get(0);
    return graph.producer(activation.tensor()).stream()
        .flatMapToInt(producer -> IntStream.of(graph.operators().get(producer).inputs()))
        .filter(input -> input >= 0)
        .mapToObj(graph::tensor)
        .filter(t -> t.type() == TensorType.FLOAT32 && model.isConstant(t) && !t.isEncoded())
        .filter(t -> !isFinite(model.contents(t).asFloatBuffer()))
        .findFirst();
  }

  private static boolean isFinite(FloatBuffer values) {
    return IntStream.range(0, values.limit()).allMatch(i -> Float.isFinite(values.get(i)));
  }

  /** What was found in each part of the samples. */
  SortedMap<Integer, Calibration> calibrations() {
    SortedMap<Integer, Calibration> calibrations = new TreeMap<>();
    counted.keySet().forEach(number -> calibrations.put(number, calibration(number)));
    return calibrations;
  }

  private Calibration calibration(int number) {
    List<TensorStatistics> statistics = new ArrayList<>();
    addTo(statistics, 0, number);
    called.forEach((subgraph, recorder) -> recorder.addTo(statistics, subgraph, number));
    return new Calibration(counted.get(number).samples, statistics, RangeMethod.AUTO);
  }

  private void addTo(List<TensorStatistics> statistics, int subgraph, int number) {
    if (!counted.containsKey(number)) {
      return; // a body that these samples do not run
    }
    List<TensorTally> tallies = counted.get(number).tallies;
    for (int i = 0; i < tallies.size(); i++) {
      TensorTally tally = tallies.get(i);
      if (!tally.range().isEmpty()) {
        Activation activation = activations.get(i);
        statistics.add(
            new TensorStatistics(
                new Place(subgraph, activation.tensor(), activation.intermediate()),
                activation.name(),
                tally.range(),
                Optional.of(tally.histogram()),
                tally.average()));
      }
    }
  }
}
