package io.narrow.tflite;

import io.narrow.kernels.FloatRange;
import io.narrow.tflite.calibration.Calibration;
import io.narrow.tflite.calibration.RangeMethod;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Normalization;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.plan.Reason;
import io.narrow.tflite.plan.Reason.Code;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** What makes representative data of little use for a model. */
final class DataWarnings {
  private final Model model;
  private final Calibration calibration;
  private final List<Reason> warnings = new ArrayList<>();

  private DataWarnings(Model model, Calibration calibration) {
    this.model = model;
    this.calibration = calibration;
  }

  static List<Reason> of(Model model, Calibration calibration) {
    DataWarnings of = new DataWarnings(model, calibration);
    of.constantInputs();
    of.scaledOtherwise();
    return of.warnings;
  }

  /** Data in which an input never changes say nothing of what depends on it. */
  private void constantInputs() {
    for (int number : model.entries()) {
      Subgraph graph = model.subgraphs().get(number);
      for (int input : graph.inputs()) {
        calibration
            .range(number, input, RangeMethod.AUTO)
            .filter(range -> range.min() == range.max() && graph.tensor(input).elements() > 1)
            .ifPresent(
                range ->
                    warnings.add(
                        new Reason(
                            Code.CONSTANT_DATA,
                            "calibration data: input `"
                                + graph.tensor(input).name()
                                + "` is "
                                + range.min()
                                + " throughout, which says nothing of its range",
                            List.of(graph.tensor(input).name()))));
      }
    }
  }

  /** Pictures that are scaled otherwise than the publisher says give ranges of no use. */
  private void scaledOtherwise() {
    model
        .normalizations()
        .forEach(
            (input, published) ->
                calibration
                    .range(0, input, RangeMethod.MINMAX)
                    .filter(range -> range.min() < range.max())
                    .filter(range -> !published.admits(range.min(), range.max()))
                    .ifPresent(range -> warnings.add(scaledOtherwise(input, published, range))));
  }

  private Reason scaledOtherwise(int input, Normalization published, FloatRange range) {
    String name = model.subgraphs().get(0).tensor(input).name();
    return new Reason(
        Code.SCALED_OTHERWISE,
        String.format(
            Locale.ROOT,
            "calibration data: input `%s` is %s, and reaches from %.4g to %.4g",
            name,
            published,
            range.min(),
            range.max()),
        List.of(name));
  }
}
