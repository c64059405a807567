package io.narrow.tflite.evaluation;

import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.runtime.Inputs;
import io.narrow.tflite.runtime.Interpreter;
import io.narrow.tflite.runtime.KernelTime;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A model whose runs are timed, and the times so far. */
final class TimedModel implements AutoCloseable {
  private static final double NANOS_PER_MILLI = 1e6;
  private static final double NANOS_PER_SECOND = 1e9;

  private final Path file;
  private final boolean xnnpack;
  private final Interpreter interpreter;
  private final Inputs samples;
  private final double openMillis;
  private final List<Long> warmUp = new ArrayList<>();
  private final List<Long> counted = new ArrayList<>();
  private List<Long> current = warmUp;
  private double phaseNanos;
  private int next;

  TimedModel(Path file, Benchmarker.Options options, boolean profiled) {
    this.file = file;
    this.xnnpack = options.xnnpack();
    long start = System.nanoTime();
    interpreter =
        Interpreter.open(
            file,
            Interpreter.Options.DEFAULT
                .withThreads(options.threads())
                .withXnnpack(options.xnnpack())
                .withProfile(profiled));
    openMillis = (System.nanoTime() - start) / NANOS_PER_MILLI;
    try {
      samples = options.data().inputs(interpreter.inputs());
    } catch (RuntimeException e) {
      interpreter.close();
      throw e;
    }
  }

  /** From now on runs count. */
  void startCounting() {
    current = counted;
    phaseNanos = 0;
    interpreter.clearProfile();
  }

  /**
   * Runs for a while.
   *
   * @return whether the phase is over, and was so before
   */
  boolean turn(double seconds, Benchmarker.Phase phase, double maximumSeconds) {
    double end = phaseNanos + seconds * NANOS_PER_SECOND;
    while (!over(phase, maximumSeconds) && phaseNanos < end) {
      interpreter.resetVariableTensors();
      samples.write(next, interpreter);
      next = (next + 1) % samples.size();
      long start = System.nanoTime();
      interpreter.run();
      long nanos = System.nanoTime() - start;
      current.add(nanos);
      phaseNanos += nanos;
    }
    return over(phase, maximumSeconds);
  }

  private boolean over(Benchmarker.Phase phase, double maximumSeconds) {
    double passed = phaseNanos / NANOS_PER_SECOND;
    return !current.isEmpty()
        && (passed >= maximumSeconds
            || current.size() >= phase.runs() && passed >= phase.seconds());
  }

  /**
   * What came out.
   *
   * @param profiled the same model with a profile, or none
   */
  Benchmark result(Model model, List<TimedModel> profiled) {
    List<Operator> operators = model.subgraphs().get(0).operators();
    List<List<Integer>> parts = interpreter.delegated();
    List<Benchmark.Left> left = new Leftovers(model, xnnpack).reasons(parts);
    List<KernelKinds> kinds =
        parts.stream()
            .map(part -> new KernelKinds(part.stream().map(o -> operators.get(o).name()).toList()))
            .toList();
    return new Benchmark(
        file,
        ModelRun.size(file),
        openMillis,
        warmUp.get(0) / NANOS_PER_MILLI,
        latency(warmUp),
        latency(counted),
        counted.stream().map(nanos -> nanos / NANOS_PER_MILLI).toList(),
        operators.size(),
        parts.size(),
        left,
        profiled.stream().flatMap(timed -> timed.profile(kinds).stream()).toList(),
        profiled.stream().mapToDouble(timed -> latency(timed.counted).p5Millis()).sum());
  }

  private List<Benchmark.Time> profile(List<KernelKinds> parts) {
    double runs = counted.size();
    List<Benchmark.Time> times = new ArrayList<>();
    for (KernelTime time : interpreter.profile()) {
      boolean known = time.part() >= 0 && time.part() < parts.size();
      double calls = time.calls() / runs;
      times.add(
          new Benchmark.Time(
              time.kernel(),
              known ? parts.get(time.part()).next(time.kernel()) : time.kernel(),
              time.xnnpack(),
              time.subgraph() == 0 ? time.operator() : -1,
              time.nanos() / NANOS_PER_MILLI * calls,
              calls));
    }
    return times;
  }

  private static Latency latency(List<Long> nanos) {
    return Latency.of(nanos.stream().mapToLong(Long::longValue).toArray());
  }

  @Override
  public void close() {
    interpreter.close();
  }
}
