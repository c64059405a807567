package io.narrow.tflite.calibration;

import io.narrow.kernels.FloatRange;
import io.narrow.tflite.NarrowException;
import io.narrow.tflite.calibration.Activation.Role;
import io.narrow.tflite.calibration.TensorStatistics.Place;
import io.narrow.tflite.data.Feed;
import io.narrow.tflite.runtime.Interpreter;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** A model that is run on samples, and what has been seen of its activations. */
final class Recorder implements AutoCloseable {
  /** How a run is made to show every activation. */
  enum Way {
    /** XNNPACK, every activation an output: five to ten times as fast. */
    FAST,
    /** The built-in kernels, which keep every tensor. */
    SURE
  }

  private static final double TOLERANCE = 1e-3;
  private static final ByteBuffer NOTHING = ByteBuffer.allocateDirect(0);

  private final Path file;
  private final Way way;
  private final Optional<RangeMethod> averaging;
  private final Interpreter interpreter;
  private final List<Activation> activations;
  private final List<LstmTrace> traces;
  private final List<TensorTally> tallies = new ArrayList<>();
  private final float[] scratch = new float[TensorTally.COUNTED];
  private long samples;

  /**
   * @param traces of the activations that are {@link Role#TRACED}
   * @param averaging the moving average to keep, if any
   * @throws NarrowException if the model cannot be prepared this way
   */
  Recorder(
      Path file,
      List<Activation> activations,
      List<LstmTrace> traces,
      Optional<RangeMethod> averaging,
      Way way) {
    this.file = file;
    this.traces = traces;
    this.way = way;
    this.averaging = averaging;
    this.activations = activations;
    this.interpreter = Interpreter.open(file, options(activations, way));
    activations.forEach(activation -> tallies.add(new TensorTally(averaging)));
  }

  /** Another for the same model, that has seen nothing. */
  Recorder another(Way other) {
    List<LstmTrace> others = traces.stream().map(LstmTrace::another).toList();
    return new Recorder(file, activations, others, averaging, other);
  }

  private static Interpreter.Options options(List<Activation> activations, Way way) {
    Interpreter.Options options = Interpreter.Options.DEFAULT;
    return switch (way) {
      case SURE -> options.withXnnpack(false).withPreserveAllTensors(true);
      case FAST ->
          options.withOutputs(
              activations.stream()
                  .filter(activation -> activation.role() == Role.OUTPUT)
                  .map(Activation::tensor)
                  .toList());
    };
  }

  Interpreter interpreter() {
    return interpreter;
  }

  Way way() {
    return way;
  }

  /**
   * Runs the model on a sample. State that the model keeps is reset first: samples do not follow
   * each other in time.
   *
   * @param index number of the sample
   * @throws NarrowException if the sample cannot be read, the model cannot be run, or an activation
   *     is not finite
   */
  void record(Feed feed, int index) {
    interpreter.resetVariableTensors();
    feed.write(index, interpreter);
    // Before the run, which may use the memory of its inputs for what follows.
    look(index, true);
    traces.forEach(trace -> trace.before(this::memory));
    interpreter.run();
    traces.forEach(trace -> trace.after(this::memory));
    look(index, false);
    samples++;
  }

  private void look(int index, boolean inputs) {
    for (int i = 0; i < tallies.size(); i++) {
      Activation activation = activations.get(i);
      if ((activation.role() == Role.INPUT) == inputs) {
        FloatRange seen = tallies.get(i).add(values(activation), scratch);
        if (seen.nans() + seen.infinities() > 0) {
          throw notFinite(activation, index, seen);
        }
      }
    }
  }

  private ByteBuffer values(Activation activation) {
    return activation.role() == Role.TRACED ? traced(activation) : memory(activation.tensor());
  }

  private ByteBuffer traced(Activation activation) {
    return traces.stream()
        .filter(trace -> trace.knows(activation))
        .findFirst()
        .map(trace -> trace.values(activation))
        .orElseThrow();
  }

  /** A tensor's values: none where TFLite gives it no memory, as some results of WHILE. */
  private ByteBuffer memory(int tensor) {
    try {
      return interpreter.data(tensor);
    } catch (NarrowException e) {
      return NOTHING;
    }
  }

  private NarrowException notFinite(Activation activation, int index, FloatRange seen) {
    List<String> counts =
        Stream.of(
                seen.nans() > 0 ? seen.nans() + " NaN" : "",
                seen.infinities() > 0 ? seen.infinities() + " infinite" : "")
            .filter(count -> !count.isEmpty())
            .toList();
    return NarrowException.input(
        file.getFileName()
            + ": sample "
            + index
            + ": tensor `"
            + activation.name()
            + "` of "
            + activation.source()
            + " has values that no range can hold: "
            + String.join(", ", counts));
  }

  /** Whether both have seen the same range of every activation, but for rounding. */
  boolean agrees(Recorder other) {
    for (int i = 0; i < tallies.size(); i++) {
      FloatRange mine = tallies.get(i).range();
      FloatRange theirs = other.tallies.get(i).range();
      double size = Math.max(Math.abs(theirs.min()), Math.abs(theirs.max()));
      boolean same =
          mine.isEmpty() && theirs.isEmpty()
              || Math.abs((double) mine.min() - theirs.min()) <= TOLERANCE * size
                  && Math.abs((double) mine.max() - theirs.max()) <= TOLERANCE * size;
      if (!same) {
        return false;
      }
    }
    return true;
  }

  Calibration calibration() {
    List<TensorStatistics> statistics = new ArrayList<>();
    for (int i = 0; i < tallies.size(); i++) {
      TensorTally tally = tallies.get(i);
      if (!tally.range().isEmpty()) {
        Activation activation = activations.get(i);
        statistics.add(
            new TensorStatistics(
                new Place(0, activation.tensor(), activation.intermediate()),
                activation.name(),
                tally.range(),
                Optional.of(tally.histogram()),
                tally.average()));
      }
    }
    return new Calibration(samples, statistics, RangeMethod.AUTO);
  }

  @Override
  public void close() {
    interpreter.close();
  }
}
