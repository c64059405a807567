package io.narrow.tflite.rewrite;

import io.narrow.tflite.runtime.Interpreter;
import io.narrow.tflite.runtime.TensorInfo;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Runs models on the stock runtime with the same seeded inputs. */
public final class RuntimeComparison {
  private static final int RUNS = 3;

  private RuntimeComparison() {}

  /** All outputs of a few runs, one after another, as float. */
  public static List<float[]> outputs(Path file, boolean xnnpack) {
    return outputs(file, xnnpack, 0);
  }

  /**
   * The same.
   *
   * @param offset added to all floats that the model is given, which are from -1 to 1 without it
   */
  static List<float[]> outputs(Path file, boolean xnnpack, float offset) {
    List<float[]> outputs = new ArrayList<>();
    try (Interpreter interpreter =
        Interpreter.open(file, Interpreter.Options.DEFAULT.withXnnpack(xnnpack))) {
      run(
          interpreter,
          offset,
          () -> {
            for (int i = 0; i < interpreter.outputs().size(); i++) {
              outputs.add(interpreter.read(i).clone());
            }
          });
    }
    return outputs;
  }

  /** Runs a model a few times, and does something after each. */
  static void run(Interpreter interpreter, float offset, Runnable afterEach) {
    for (int run = 0; run < RUNS; run++) {
      Random random = new Random(run);
      for (int i = 0; i < interpreter.inputs().size(); i++) {
        feed(interpreter, i, offset, random);
      }
      interpreter.run();
      afterEach.run();
    }
  }

  private static void feed(Interpreter interpreter, int input, float offset, Random random) {
    TensorInfo info = interpreter.inputs().get(input);
    int elements = 1;
    for (int size : info.shape()) {
      elements *= size;
    }
    if (info.real()) {
      FloatBuffer values = FloatBuffer.allocate(elements);
      while (values.hasRemaining()) {
        values.put(random.nextFloat() * 2 - 1 + offset);
      }
      interpreter.write(input, values.flip());
    } else {
      LongBuffer values = LongBuffer.allocate(elements);
      while (values.hasRemaining()) {
        values.put(random.nextInt(2));
      }
      interpreter.write(input, values.flip());
    }
  }

  /** Ratio of signal to noise in decibels over all outputs of both models. */
  public static double sqnr(Path reference, Path other, boolean xnnpack) {
    return sqnr(reference, other, xnnpack, 0);
  }

  /** The same, of models that are given floats around an offset. */
  static double sqnr(Path reference, Path other, boolean xnnpack, float offset) {
    List<float[]> x = outputs(reference, xnnpack, offset);
    List<float[]> y = outputs(other, xnnpack, offset);
    double signal = 0;
    double noise = 0;
    for (int i = 0; i < x.size(); i++) {
      for (int k = 0; k < x.get(i).length; k++) {
        signal += (double) x.get(i)[k] * x.get(i)[k];
        noise += Math.pow((double) x.get(i)[k] - y.get(i)[k], 2);
      }
    }
    return signal == 0 ? Double.NaN : 10 * Math.log10(signal / noise);
  }
}
