package io.narrow.tflite.rewrite;

import io.narrow.kernels.FloatRange;
import io.narrow.tflite.data.Dataset;
import io.narrow.tflite.data.Sample;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.plan.Ranges;
import io.narrow.tflite.runtime.Interpreter;
import io.narrow.tflite.runtime.TensorInfo;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** Ranges of all tensors of a float model by running it, written the slow obvious way. */
public final class MeasuredRanges implements Ranges {
  private final Map<Integer, FloatRange> ranges = new HashMap<>();

  private final int tensors; // without those that kernels add for themselves

  private MeasuredRanges(Path model) {
    tensors = Model.read(model).subgraphs().get(0).tensors().size();
  }

  /** Over these samples. */
  public static MeasuredRanges of(Path model, Dataset data) {
    MeasuredRanges measured = new MeasuredRanges(model);
    try (Interpreter interpreter = open(model)) {
      for (Sample sample : data.samples(interpreter.inputs())) {
        for (int i = 0; i < sample.inputs().size(); i++) {
          sample.inputs().get(i).writeTo(interpreter, i);
        }
        interpreter.run();
        measured.add(interpreter);
      }
    }
    return measured;
  }

  /** Over the inputs that {@link RuntimeComparison} feeds. */
  public static MeasuredRanges ofRandomRuns(Path model) {
    return ofRandomRuns(model, 0);
  }

  /** The same, with floats around an offset. */
  static MeasuredRanges ofRandomRuns(Path model, float offset) {
    MeasuredRanges measured = new MeasuredRanges(model);
    try (Interpreter interpreter = open(model)) {
      RuntimeComparison.run(interpreter, offset, () -> measured.add(interpreter));
    }
    return measured;
  }

  private static Interpreter open(Path model) {
    return Interpreter.open(
        model, Interpreter.Options.DEFAULT.withPreserveAllTensors(true).withXnnpack(false));
  }

  private void add(Interpreter interpreter) {
    for (int i = 0; i < tensors; i++) {
      TensorInfo info = interpreter.tensor(i);
      if (info.type() == TensorType.FLOAT32) {
        ranges.merge(i, range(interpreter.data(i)), FloatRange::merge);
      }
    }
  }

  private static FloatRange range(ByteBuffer values) {
    FloatRange range = FloatRange.EMPTY;
    ByteBuffer little = values.order(ByteOrder.LITTLE_ENDIAN);
    while (little.hasRemaining()) {
      float value = little.getFloat();
      if (Float.isFinite(value)) {
        range = range.merge(new FloatRange(value, value, 0, 0));
      } else {
        range = range.merge(new FloatRange(0, 0, Float.isNaN(value) ? 1 : 0, 1));
      }
    }
    return range;
  }

  @Override
  public Optional<FloatRange> range(int subgraph, int tensor, boolean whole) {
    return subgraph == 0 ? Optional.ofNullable(ranges.get(tensor)) : Optional.empty();
  }
}
