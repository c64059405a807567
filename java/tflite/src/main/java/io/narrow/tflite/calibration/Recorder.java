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
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Counts the activations of a model while it runs. */
final class Recorder implements Observer {
  private final Model model;
  private final List<Activation> activations;
  private final List<LstmTrace> traces;
  private final Optional<RangeMethod> averaging;
  private final List<TensorTally> tallies = new ArrayList<>();
  private final Map<Integer, Recorder> called = new TreeMap<>();
  private final float[] scratch = new float[TensorTally.COUNTED];
  private long samples;

  /**
   * @param model that is run
   * @param traces of the activations that are {@link Role#TRACED}
   * @param averaging the moving average to keep, if any
   */
  Recorder(
      Model model,
      List<Activation> activations,
      List<LstmTrace> traces,
      Optional<RangeMethod> averaging) {
    this.model = model;
    this.activations = activations;
    this.traces = traces;
    this.averaging = averaging;
    activations.forEach(activation -> tallies.add(new TensorTally(averaging)));
  }

  @Override
  public void before(int sample, Tensors tensors) {
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
    samples++;
  }

  @Override
  public Optional<Observer> within(int subgraph) {
    return Optional.of(
        called.computeIfAbsent(
            subgraph,
            number -> {
              Model body = model.withEntry(number);
              return new Recorder(body, Activation.of(body), LstmTrace.of(body), averaging);
            }));
  }

  private void look(int sample, Tensors tensors, boolean inputs) {
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

  Calibration calibration() {
    List<TensorStatistics> statistics = new ArrayList<>();
    addTo(statistics, 0);
    called.forEach((subgraph, recorder) -> recorder.addTo(statistics, subgraph));
    return new Calibration(samples, statistics, RangeMethod.AUTO);
  }

  private void addTo(List<TensorStatistics> statistics, int subgraph) {
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
