package io.narrow.tflite.runtime;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.DoubleStream;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.tensorflowlite.TelemetryProfiler;
import org.bytedeco.tensorflowlite.TfLiteTelemetryProfilerStruct;
import org.bytedeco.tensorflowlite.TfLiteTelemetryProfilerStruct.ReportBeginOpInvokeEvent_TfLiteTelemetryProfilerStruct_BytePointer_long_long;
import org.bytedeco.tensorflowlite.TfLiteTelemetryProfilerStruct.ReportEndOpInvokeEvent_TfLiteTelemetryProfilerStruct_int;
import org.bytedeco.tensorflowlite.TfLiteTelemetryProfilerStruct.ReportOpInvokeEvent_TfLiteTelemetryProfilerStruct_BytePointer_long_long_long;
import org.bytedeco.tensorflowlite.TfLiteTelemetryProfilerStruct.ReportSettings_TfLiteTelemetryProfilerStruct_BytePointer_TfLiteTelemetrySettings;
import org.bytedeco.tensorflowlite.TfLiteTelemetryProfilerStruct.ReportTelemetryEvent_TfLiteTelemetryProfilerStruct_BytePointer_long;
import org.bytedeco.tensorflowlite.TfLiteTelemetryProfilerStruct.ReportTelemetryOpEvent_TfLiteTelemetryProfilerStruct_BytePointer_long_long_long;
import org.bytedeco.tensorflowlite.TfLiteTelemetrySettings;
import org.bytedeco.tensorflowlite.global.tensorflowlite;

/**
 * Listens to the runtime as it runs operators.
 *
 * <p>The runtime says when a built-in kernel begins and ends. Of a part of the graph that XNNPACK
 * runs it says afterwards how many whole microseconds each kernel took: too coarse for small
 * models, so these only divide among the kernels the time of the part, which is measured here.
 */
final class KernelProfiler implements AutoCloseable {
  /** What a truncated microsecond misses on average. */
  private static final double TRUNCATED = 0.5;

  /** So many calls are no slower than what is told: what else the machine does spoils a mean. */
  private static final double UNDISTURBED = 0.05;

  /**
   * Where time goes. A part that XNNPACK runs has no number, but it follows an operator.
   *
   * @param part which part after that operator, -1 for the operator itself
   * @param depth how many operators are running that called the subgraph it is in
   */
  private record Place(int subgraph, int operator, int part, int depth) {}

  /** Times of an operator or a part, a sample for each call. */
  private static final class Tally {
    private final String name;
    private final DoubleStream.Builder nanos = DoubleStream.builder();
    private final List<String> kernels = new ArrayList<>();
    private final List<int[]> micros = new ArrayList<>();

    Tally(String name) {
      this.name = name;
    }
  }

  private static final class Open {
    private final Place place;
    private final long entered; // before what is done here to begin
    private final long start = System.nanoTime();
    private double within;

    Open(Place place, long entered) {
      this.place = place;
      this.entered = entered;
    }
  }

  private final Map<Place, Tally> tallies = new LinkedHashMap<>();
  private final Deque<Open> open = new ArrayDeque<>();
  private final List<String> names = new ArrayList<>();
  private final List<Integer> micros = new ArrayList<>();
  private double partNanos;
  private Place last = new Place(0, -1, -1, 0);
  private long mark;

  // The structure keeps addresses only: these fields keep the callbacks alive.
  private final Begin begin = new Begin();
  private final End end = new End();
  private final Add add = new Add();
  private final Telemetry telemetry = new Telemetry();
  private final TelemetryOp telemetryOp = new TelemetryOp();
  private final Settings settings = new Settings();
  private final TfLiteTelemetryProfilerStruct callbacks = new TfLiteTelemetryProfilerStruct();

  KernelProfiler() {
    Pointer.memset(callbacks, 0, callbacks.sizeof());
    callbacks.ReportBeginOpInvokeEvent(begin)
        .ReportEndOpInvokeEvent(end)
        .ReportOpInvokeEvent(add)
        .ReportTelemetryEvent(telemetry)
        .ReportTelemetryOpEvent(telemetryOp)
        .ReportSettings(settings);
  }

  /** For the runtime, which borrows it; the binding has no way to free its few bytes. */
  TelemetryProfiler listener() {
    return tensorflowlite.MakeTfLiteTelemetryProfiler(callbacks);
  }

  void clear() {
    tallies.clear();
  }

  void beforeRun() {
    open.clear();
    mark(new Place(0, -1, -1, 0));
  }

  void afterRun() {
    settle();
  }

  List<KernelTime> times() {
    List<KernelTime> times = new ArrayList<>();
    int part = 0;
    for (Map.Entry<Place, Tally> entry : tallies.entrySet()) {
      Place place = entry.getKey();
      Tally tally = entry.getValue();
      double[] nanos = tally.nanos.build().toArray();
      double undisturbed = rank(nanos, UNDISTURBED);
      if (place.part < 0) {
        times.add(
            new KernelTime(
                tally.name, false, -1, place.subgraph, place.operator, nanos.length, undisturbed));
      } else {
        double[] shares = shares(tally, nanos);
        for (int k = 0; k < shares.length; k++) {
          times.add(
              new KernelTime(
                  tally.kernels.get(k),
                  true,
                  place.depth == 0 ? part : -1,
                  -1,
                  -1,
                  nanos.length,
                  shares[k] * undisturbed));
        }
        part += place.depth == 0 ? 1 : 0;
      }
    }
    return times;
  }

  private static double rank(double[] values, double share) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return sorted[(int) Math.ceil(share * sorted.length) - 1];
  }

  /** How the faster half of the calls divides the time of a part among its kernels. */
  private static double[] shares(Tally tally, double[] nanos) {
    double median = rank(nanos, 0.5);
    double[] shares = new double[tally.kernels.size()];
    for (int call = 0; call < nanos.length; call++) {
      if (nanos[call] <= median) {
        for (int k = 0; k < shares.length; k++) {
          shares[k] += tally.micros.get(call)[k] + TRUNCATED;
        }
      }
    }
    double sum = Arrays.stream(shares).sum();
    return Arrays.stream(shares).map(share -> share / sum).toArray();
  }

  private void begin(String name, int operator, int subgraph) {
    long entered = System.nanoTime();
    settle();
    Place place = new Place(subgraph, operator, -1, open.size());
    tallies.computeIfAbsent(place, p -> new Tally(name)); // in the order of execution
    open.push(new Open(place, entered));
    mark(new Place(subgraph, operator, -1, open.size()));
  }

  private void end() {
    long now = System.nanoTime();
    settle();
    Open ended = open.pop();
    tallies.get(ended.place).nanos.add(now - ended.start - ended.within);
    if (!open.isEmpty()) {
      open.element().within += System.nanoTime() - ended.entered;
    }
    mark(ended.place);
  }

  private void mark(Place place) {
    last = place;
    mark = System.nanoTime();
  }

  private void add(String name, int time, int kernel) {
    long now = System.nanoTime();
    if (kernel == 0) {
      settle();
      partNanos = now - mark;
      last = new Place(last.subgraph, last.operator, last.part + 1, open.size());
      if (!open.isEmpty()) {
        open.element().within += partNanos;
      }
    }
    names.add(name);
    micros.add(time);
    mark = System.nanoTime();
  }

  /** Counts a part, of whose kernels the runtime has told all by now. */
  private void settle() {
    if (!names.isEmpty()) {
      Tally tally = tallies.computeIfAbsent(last, p -> new Tally(""));
      if (tally.kernels.isEmpty()) {
        tally.kernels.addAll(names);
      }
      if (tally.kernels.size() == names.size()) {
        tally.nanos.add(partNanos);
        tally.micros.add(micros.stream().mapToInt(Integer::intValue).toArray());
      }
      names.clear();
      micros.clear();
    }
  }

  @Override
  public void close() {
    for (Pointer pointer : List.of(callbacks, begin, end, add, telemetry, telemetryOp, settings)) {
      pointer.close();
    }
  }

  private final class Begin
      extends ReportBeginOpInvokeEvent_TfLiteTelemetryProfilerStruct_BytePointer_long_long {
    @Override
    public int call(
        TfLiteTelemetryProfilerStruct callbacks, BytePointer name, long operator, long subgraph) {
      begin(NativeModel.text(name), (int) operator, (int) subgraph);
      return 0;
    }
  }

  private final class End extends ReportEndOpInvokeEvent_TfLiteTelemetryProfilerStruct_int {
    @Override
    public void call(TfLiteTelemetryProfilerStruct callbacks, int handle) {
      end();
    }
  }

  private final class Add
      extends ReportOpInvokeEvent_TfLiteTelemetryProfilerStruct_BytePointer_long_long_long {
    @Override
    public void call(
        TfLiteTelemetryProfilerStruct callbacks,
        BytePointer name,
        long micros,
        long kernel,
        long subgraph) {
      add(NativeModel.text(name), (int) micros, (int) kernel);
    }
  }

  // The runtime calls these without asking whether they are there; nothing of them is of use here.
  private static final class Telemetry
      extends ReportTelemetryEvent_TfLiteTelemetryProfilerStruct_BytePointer_long {
    @Override
    public void call(TfLiteTelemetryProfilerStruct callbacks, BytePointer name, long status) {}
  }

  private static final class TelemetryOp
      extends ReportTelemetryOpEvent_TfLiteTelemetryProfilerStruct_BytePointer_long_long_long {
    @Override
    public void call(
        TfLiteTelemetryProfilerStruct callbacks,
        BytePointer name,
        long operator,
        long subgraph,
        long status) {}
  }

  private static final class Settings
      extends ReportSettings_TfLiteTelemetryProfilerStruct_BytePointer_TfLiteTelemetrySettings {
    @Override
    public void call(
        TfLiteTelemetryProfilerStruct callbacks,
        BytePointer name,
        TfLiteTelemetrySettings settings) {}
  }
}
