package io.narrow.tflite.observation;

import io.narrow.kernels.FloatRange;
import io.narrow.kernels.Kernels;
import io.narrow.kernels.Quantization;
import io.narrow.kernels.QuantizedType;
import io.narrow.kernels.Span;
import io.narrow.tflite.NarrowException;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.runtime.Inputs;
import io.narrow.tflite.runtime.Interpreter;
import io.narrow.tflite.runtime.RunnableModel;
import io.narrow.tflite.runtime.TensorInfo;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/** A model that is loaded so that its tensors can be looked at. For one thread at a time. */
public final class Run implements AutoCloseable, Observer.Tensors {
  /** How a run is made to show tensors. */
  enum Way {
    /** XNNPACK, with the tensors as outputs: five to ten times as fast. */
    FAST,
    /** The built-in kernels, which keep every tensor. */
    SURE
  }

  private static final double TOLERANCE = 1e-3;

  /**
   * Codes by which the ends of an integer range may differ: each kernel may round another way,
   * which adds up with the layers.
   */
  private static final int CODES = 32;

  /** Codes that are looked at at a time. */
  private static final int CHUNK = 1 << 14;

  private static final ByteBuffer NOTHING = ByteBuffer.allocateDirect(0);

  private static final Interpreter.Options KEPT =
      Interpreter.Options.DEFAULT.withXnnpack(false).withPreserveAllTensors(true);

  private final Interpreter interpreter;
  private final Way way;
  private final Optional<Bodies> bodies;
  private final Optional<Calls> calls;

  /**
   * @param shown the computed tensors to be looked at; none for the outputs of the model
   * @param bodies the subgraphs that are looked at too, if they are
   * @param checked whether the built-in kernels look first at what XNNPACK is given
   * @throws NarrowException if the model cannot be prepared this way
   */
  Run(RunnableModel model, List<Integer> shown, Way way, Optional<Bodies> bodies, boolean checked) {
    this.way = way;
    this.bodies = bodies;
    this.calls = bodies.map(Calls::new);
    this.interpreter =
        model.open(
            switch (way) {
              case SURE -> KEPT;
              case FAST -> Interpreter.Options.DEFAULT.withOutputs(shown).withChecked(checked);
            });
  }

  /**
   * A run of a subgraph that is called, by the built-in kernels.
   *
   * @param shapes of its inputs
   */
  Run(ByteBuffer model, String name, List<int[]> shapes) {
    this.way = Way.SURE;
    this.bodies = Optional.empty();
    this.calls = Optional.empty();
    this.interpreter = Interpreter.open(model, name, KEPT.withShapes(shapes));
  }

  Interpreter interpreter() {
    return interpreter;
  }

  Way way() {
    return way;
  }

  /** Runs a sample. State that the model keeps is reset first: samples do not follow in time. */
  void run(Inputs inputs, int sample, Observer observer) {
    run(
        filled -> {
          inputs.write(sample, filled);
          observer.before(sample, this);
          calls.ifPresent(each -> each.keep(0, this));
        });
    observer.after(sample, this);
    if (calls.isPresent()) {
      calls.get().follow(List.of(this), new Within(bodies.orElseThrow(), sample, observer));
    }
  }

  /** An observer's of a model alone. */
  private record Within(Bodies bodies, int sample, Observer observer) implements Calls.Watcher {
    @Override
    public List<List<Operator>> calls(List<Integer> subgraphs) {
      return bodies.calls(subgraphs.get(0)).stream().map(List::of).toList();
    }

    @Override
    public void before(List<Integer> subgraphs, List<? extends Observer.Tensors> tensors) {
      observer.within(subgraphs.get(0)).ifPresent(each -> each.before(sample, tensors.get(0)));
    }

    @Override
    public void after(List<Integer> subgraphs, List<? extends Observer.Tensors> tensors) {
      observer.within(subgraphs.get(0)).ifPresent(each -> each.after(sample, tensors.get(0)));
    }
  }

  /**
   * Runs a sample, likewise.
   *
   * @param sample writes it to the inputs
   */
  public void run(Consumer<Interpreter> sample) {
    interpreter.resetVariableTensors();
    sample.accept(interpreter);
    interpreter.run();
  }

  @Override
  public ByteBuffer values(int tensor) {
    try {
      return interpreter.data(tensor);
    } catch (NarrowException e) {
      return NOTHING;
    }
  }

  @Override
  public TensorInfo info(int tensor) {
    return interpreter.tensor(tensor);
  }

  /** Whether both have computed the same range of every tensor, but for rounding. */
  boolean agrees(Run other, List<Integer> tensors) {
    for (int tensor : tensors) {
      TensorInfo info = info(tensor);
      boolean codes = info.quantized();
      if (!codes && info.type() != TensorType.FLOAT32) {
        continue;
      }
      FloatRange mine = codes ? codes(tensor, info.type()) : range(tensor);
      FloatRange theirs = codes ? other.codes(tensor, info.type()) : other.range(tensor);
      double size = Math.max(Math.abs(theirs.min()), Math.abs(theirs.max()));
      double allowed = codes ? Math.max(CODES, TOLERANCE * size) : TOLERANCE * size;
      boolean same =
          mine.isEmpty() && theirs.isEmpty()
              || Math.abs((double) mine.min() - theirs.min()) <= allowed
                  && Math.abs((double) mine.max() - theirs.max()) <= allowed;
      if (!same) {
        return false;
      }
    }
    return true;
  }

  private FloatRange range(int tensor) {
    return Kernels.active().range(Span.of(values(tensor)));
  }

  private FloatRange codes(int tensor, TensorType type) {
    Quantization codes = Quantization.perTensor(QuantizedType.valueOf(type.name()), 1, 0);
    Span memory = Span.of(values(tensor));
    int width = type.bits() / Byte.SIZE;
    float[] values = new float[CHUNK];
    FloatRange range = FloatRange.EMPTY;
    for (long from = 0; from < memory.byteLength(); from += (long) CHUNK * width) {
      long bytes = Math.min((long) CHUNK * width, memory.byteLength() - from);
      Span part = Span.of(values, 0, (int) bytes / width);
      Kernels.active().dequantize(memory.slice(from, bytes), codes, part);
      range = range.merge(Kernels.active().range(part));
    }
    return range;
  }

  @Override
  public void close() {
    calls.ifPresent(Calls::close);
    interpreter.close();
  }
}
