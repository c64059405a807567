package io.narrow.tflite.autotune;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.Progress;
import io.narrow.tflite.Quantizer;
import io.narrow.tflite.autotune.Workshop.Made;
import io.narrow.tflite.calibration.Calibrator;
import io.narrow.tflite.data.Dataset;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.plan.Recipe;
import io.narrow.tflite.runtime.Interpreter;
import io.narrow.tflite.runtime.RunnableModel;
import io.narrow.tflite.runtime.TensorInfo;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Finds the best mix of encodings for a budget: measures what each operator costs in each of them,
 * walks along the mixes that give most for that, tries these as whole files, measures anew around
 * the best, and takes the best file that was tried; the files of one mode are among them.
 *
 * <pre>{@code
 * Quantizer quantizer = Quantizer.DEFAULT.withSources(List.of("calibration.npz?scale=1/255"));
 * Tuning tuning =
 *     Autotuner.tune(
 *         Model.read(file), quantizer, Optional.empty(), Budget.bytes(84_000), Autotuner.Options.DEFAULT);
 * tuning.model().write(smaller);
 * tuning.best().recipe().write(recipe);
 * }</pre>
 *
 * <p>But for {@link Budget.Measure#LATENCY}, and the times that are told, the result is the same on
 * every run.
 */
public final class Autotuner {
  /**
   * Of the calibration samples one of so many is held out where there are no others to judge by.
   */
  private static final int HELD_OUT = 4;

  /** Fewer samples would tell no file from another. */
  private static final int FEWEST = 2;

  /**
   * How to look.
   *
   * @param samples files are judged by at most so many samples, and no more than fit in 256 MiB
   * @param runtime how they are run
   * @param progress is told of each file
   * @param watcher is told whenever there is a better file that keeps to the budget: what {@link
   *     #tune} would give if nothing better came
   */
  public record Options(
      int samples, Interpreter.Options runtime, Progress progress, Consumer<Tuning> watcher) {
    /** 500 samples, one thread, XNNPACK, nobody is told anything. */
    public static final Options DEFAULT =
        new Options(500, Interpreter.Options.DEFAULT, Progress.NONE, tuning -> {});

    public Options {
      if (samples < 1) {
        throw NarrowException.input("samples to judge by: " + samples + " is below 1");
      }
    }

    public Options withSamples(int most) {
      return new Options(most, runtime, progress, watcher);
    }

    public Options withRuntime(Interpreter.Options how) {
      return new Options(samples, how, progress, watcher);
    }

    public Options withProgress(Progress told) {
      return new Options(samples, runtime, told, watcher);
    }

    public Options withWatcher(Consumer<Tuning> told) {
      return new Options(samples, runtime, progress, told);
    }
  }

  private final Model model;
  private final Quantizer quantizer;
  private final Quantizer.Prepared prepared;
  private final Budget budget;
  private final Options options;
  private final Optional<Integer> calibrationSamples;
  private final Judge judge;
  private final Workshop workshop;
  private final Search search;

  private Autotuner(
      Model model,
      Quantizer quantizer,
      Optional<Integer> calibrationSamples,
      Dataset data,
      Budget budget,
      Options options) {
    this.model = model;
    this.quantizer = quantizer;
    this.budget = budget;
    this.options = options;
    this.calibrationSamples = calibrationSamples;
    this.prepared = quantizer.prepare(model);
    if (prepared.isInteger()) {
      throw NarrowException.unsupported(
          model.name() + ": computes in integers already, so that there is nothing to choose");
    }
    List<Unit> all = Unit.of(prepared.outline(Recipe.weightOnly(8)));
    if (all.isEmpty()) {
      throw NarrowException.unsupported(
          model.name() + ": has no operator whose weights could be smaller");
    }
    this.judge = new Judge(model, data, options.samples, options.runtime);
    if (judge.samples() < FEWEST) {
      throw NarrowException.input("data `" + data + "`: one sample is too few to judge by");
    }
    this.workshop =
        new Workshop(budget, prepared, judge, () -> options.watcher.accept(tuning(List.of())));
    this.search =
        new Search(
            budget,
            workshop,
            Measurements.of(model, quantizer, all, judge),
            prepared.ranges().isPresent() || !prepared.data().isEmpty(),
            options.progress);
  }

  /**
   * Looks for the best file.
   *
   * @param model a float model
   * @param quantizer how files are made; needs representative data
   * @param data what files are judged by; if there are none, the last quarter of the samples of
   *     {@code quantizer}, which it then does without
   * @throws NarrowException if no mix keeps to the budget: the message says what comes nearest; if
   *     the model has no weights or is quantized already; if data are missing or do not fit
   */
  public static Tuning tune(
      Model model, Quantizer quantizer, Optional<Dataset> data, Budget budget, Options options) {
    Quantizer quiet =
        quantizer.withCalibration(quantizer.calibration().withProgress(Progress.NONE));
    Quantizer.Prepared prepared = quiet.prepare(model);
    if (prepared.data().isEmpty() && prepared.ranges().isEmpty()) {
      throw new NarrowException(
          NarrowException.Kind.DATA, "autotune: needs representative data to calibrate with");
    }
    int given = quiet.calibration().samples();
    Optional<Integer> samples = given == Integer.MAX_VALUE ? Optional.empty() : Optional.of(given);
    if (data.isPresent()) {
      return new Autotuner(model, quiet, samples, data.get(), budget, options).tune();
    }
    List<TensorInfo> inputs = inputs(model, options);
    Dataset all = judged(model, prepared, inputs);
    int count = all.limit(given).inputs(inputs).size();
    int held = Math.max(FEWEST, count / HELD_OUT);
    if (count <= held) {
      throw NarrowException.input(
          "data `" + all + "`: " + count + " samples are too few to hold some out to judge by");
    }
    Calibrator.Options fewer = quiet.calibration().withSamples(count - held);
    return new Autotuner(
            model,
            quiet.withCalibration(fewer),
            Optional.of(count - held),
            all.skip(count - held).limit(held),
            budget,
            options)
        .tune();
  }

  /** The data that the model as a whole is calibrated with. */
  private static Dataset judged(Model model, Quantizer.Prepared prepared, List<TensorInfo> inputs) {
    return prepared
        .data()
        .of(model.signatureOf(0), inputs, true)
        .orElseThrow(
            () ->
                NarrowException.input(
                    "autotune: ranges alone leave no samples to judge by: name data as well"));
  }

  private static List<TensorInfo> inputs(Model model, Options options) {
    try (RunnableModel runnable = RunnableModel.of(model);
        Interpreter interpreter = runnable.open(options.runtime)) {
      return interpreter.inputs();
    }
  }

  private Tuning tune() {
    search.run();
    if (!budget.met(workshop.best().trial())) {
      throw budget.unreachable(model.name(), workshop.best().trial());
    }
    return tuning(halves());
  }

  /** What the recipe gives with either half of the calibration data. */
  private List<Double> halves() {
    if (prepared.data().isEmpty() || prepared.ranges().isPresent()) {
      return List.of();
    }
    int most = quantizer.calibration().samples();
    Optional<Dataset> data = prepared.data().of(model.signatureOf(0), judge.inputs(), false);
    int half = data.map(all -> all.limit(most).inputs(judge.inputs()).size() / 2).orElse(0);
    if (half == 0) {
      return List.of();
    }
    Recipe recipe = workshop.best().trial().recipe();
    Quantizer without = quantizer.withSources(List.of());
    return List.of(prepared.data().limit(half), prepared.data().skip(half).limit(half)).stream()
        .map(part -> without.withData(part).quantize(model, recipe))
        .map(file -> judge.run(file, judge.samples()).sqnrDb())
        .toList();
  }

  private Tuning tuning(List<Double> halves) {
    Made best = workshop.best();
    List<Made> all =
        workshop.all().stream()
            .sorted(Comparator.comparingLong(made -> made.trial().bytes()))
            .toList();
    return new Tuning(
        budget,
        workshop.model(),
        best.trial(),
        judge.trial(model.name(), Recipe.of(List.of()), Map.of(), judge.model()),
        search.uniform(),
        all.stream().map(Made::trial).toList(),
        all.stream()
            .filter(made -> made != best && Bootstrap.equal(made.outcome(), best.outcome()))
            .map(Made::trial)
            .toList(),
        search.sensitivities(),
        calibrationSamples,
        halves);
  }
}
