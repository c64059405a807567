package io.narrow.tflite.correction;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.calibration.Calibration;
import io.narrow.tflite.calibration.Folds;
import io.narrow.tflite.data.Dataset;
import io.narrow.tflite.data.Datasets;
import io.narrow.tflite.fold.Folded;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.plan.Plan;
import io.narrow.tflite.plan.Planner;
import io.narrow.tflite.plan.Reason;
import io.narrow.tflite.plan.Reason.Code;
import io.narrow.tflite.plan.Recipe;
import io.narrow.tflite.plan.WeightScaling;
import io.narrow.tflite.rewrite.Rewriter;
import io.narrow.tflite.runtime.Inputs;
import io.narrow.tflite.runtime.Interpreter;
import io.narrow.tflite.runtime.RunnableModel;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Tries whether ranges that reach beyond what was seen lose less at the outputs: from each fold but
 * one of the samples a model is made both ways, and run on the samples of that fold. The error of a
 * tensor is no judge of that: rare values may matter much to the outputs, or not at all.
 */
public final class HeadroomTrial {
  /** More samples tell little that these do not. */
  private static final int MOST = 64;

  /** Multiplications that take some seconds. */
  private static final double MOST_WORK = 4e10;

  /** How much memory the outputs of the samples may take. */
  private static final long MEMORY = 128 << 20;

  /** A smaller gain is chance. */
  private static final double LEAST_DB = 0.5;

  private static final TensorType FLOAT = TensorType.FLOAT32;

  /**
   * Ranges, and why these.
   *
   * @param calibration the one that was given, or that with headroom
   * @param why {@link Reason#NONE} if there was no choice
   */
  public record Choice(Calibration calibration, Reason why) {}

  private final Folded folded;
  private final Recipe recipe;
  private final Inputs feed;
  private final List<Integer> samples = new ArrayList<>();
  private final List<Integer> folds = new ArrayList<>(); // of these
  private final OutputNoise outputs;

  private HeadroomTrial(Folded folded, Recipe recipe, Calibration calibration, Inputs feed) {
    this.folded = folded;
    this.recipe = recipe.withScales(WeightScaling.LARGEST).withBoundary(FLOAT, FLOAT);
    this.feed = feed;
    this.outputs = new OutputNoise(plan(calibration).model());
  }

  /**
   * Chooses for a model whether its ranges get headroom. They stay as they are where that was not
   * tried: without data, with few samples that differ, with another method than {@code auto}, or
   * where it would be too much work, which is counted.
   *
   * @param recipe with integer activations
   * @param data what the model was calibrated with
   */
  public static Choice choose(
      Folded folded, Recipe recipe, Calibration calibration, Datasets data) {
    Choice unchanged = new Choice(calibration, Reason.NONE);
    Calibration wider = calibration.withHeadroom();
    if (!wider.hasHeadroom() || calibration.folds().count() == 0) {
      return unchanged;
    }
    Model model = folded.model();
    try (RunnableModel runnable = RunnableModel.of(model);
        Interpreter interpreter = runnable.open(Samples.GIVEN)) {
      Optional<Dataset> found = data.of(model.signatureOf(0), interpreter.inputs(), true);
      if (found.isEmpty()) {
        return unchanged;
      }
      Inputs feed = found.get().inputs(interpreter.inputs());
      HeadroomTrial trial = new HeadroomTrial(folded, recipe, calibration, feed);
      return trial.outputs.isEmpty() || !trial.sample(calibration.folds(), interpreter)
          ? unchanged
          : trial.choose(calibration, wider);
    } catch (NarrowException e) {
      return unchanged; // what cannot be run in this way is said where it is run as asked
    }
  }

  private Plan plan(Calibration calibration) {
    return Planner.plan(folded.model(), recipe, Planner.ranges(calibration), folded.known());
  }

  /** Takes the samples to judge on, which do not depend on the order; whether they suffice. */
  private boolean sample(Folds parts, Interpreter interpreter) {
    int fitting = (int) Math.min(MOST, MEMORY / Math.max(1, outputs.bytes()));
    int most = (int) Math.min(fitting, MOST_WORK / Math.max(1, 2 * outputs.products()));
    if (most < parts.count()) {
      return false;
    }
    record Drawn(int sample, int fold, long hash) {}
    List<Drawn> all = new ArrayList<>();
    for (int i = 0; i < feed.size(); i++) {
      feed.write(i, interpreter);
      List<ByteBuffer> inputs =
          IntStream.range(0, interpreter.inputs().size()).mapToObj(interpreter::input).toList();
      long hash = Folds.hash(inputs);
      all.add(new Drawn(i, parts.of(hash), hash));
    }
    all.stream()
        .sorted(Comparator.comparingLong(Drawn::hash))
        .limit(most)
        .forEach(
            drawn -> {
              samples.add(drawn.sample);
              folds.add(drawn.fold);
            });
    return true;
  }

  private Choice choose(Calibration calibration, Calibration wider) {
    try (RunnableModel runnable = RunnableModel.of(outputs.exposed());
        Interpreter interpreter = runnable.open(running())) {
      for (int sample : samples) {
        outputs.want(run(interpreter, sample));
      }
    }
    List<float[][]> seen = new ArrayList<>(Collections.nCopies(samples.size(), null));
    List<float[][]> beyond = new ArrayList<>(seen);
    for (int fold = 0; fold < calibration.folds().count(); fold++) {
      Calibration without = calibration.folds().without(fold);
      run(without, fold, seen);
      run(without.withHeadroom(), fold, beyond);
    }
    double gain =
        Stream.of(false, true)
            .mapToDouble(each -> outputs.decibels(seen, each) - outputs.decibels(beyond, each))
            .min()
            .orElseThrow();
    boolean better = gain > LEAST_DB;
    return new Choice(
        better ? wider : calibration,
        Reason.of(
            better ? Code.HEADROOM : Code.AS_SEEN,
            String.format(
                Locale.ROOT,
                better
                    ? "beyond what was seen: %.1f dB less noise at the outputs on samples left out"
                    : "as seen: headroom changes the noise at the outputs on samples left out by"
                        + " %+.1f dB",
                better ? gain : Math.round(-10 * gain) / 10.0))); // never -0.0
  }

  /** XNNPACK keeps a copy of the weights, too much of over 2 GiB. */
  private Interpreter.Options running() {
    return Samples.UNCHECKED.withXnnpack(folded.model().fitsMemory());
  }

  private void run(Calibration calibration, int fold, List<float[][]> results) {
    if (!folds.contains(fold)) {
      return;
    }
    Model made = Rewriter.rewrite(plan(calibration));
    try (RunnableModel runnable = RunnableModel.of(outputs.exposed(made));
        Interpreter interpreter = runnable.open(running())) {
      for (int i = 0; i < samples.size(); i++) {
        if (folds.get(i) == fold) {
          results.set(i, run(interpreter, samples.get(i)));
        }
      }
    }
  }

  private float[][] run(Interpreter interpreter, int sample) {
    interpreter.resetVariableTensors();
    feed.write(sample, interpreter);
    interpreter.run();
    return outputs.read(interpreter);
  }
}
