package io.narrow.cli;

import io.narrow.tflite.comparison.Comparison;
import io.narrow.tflite.comparison.Comparison.Caller;
import io.narrow.tflite.comparison.Comparison.Error;
import io.narrow.tflite.comparison.Comparison.Graph;
import io.narrow.tflite.comparison.Comparison.Restored;
import io.narrow.tflite.comparison.Comparison.Role;
import io.narrow.tflite.comparison.Comparison.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.plan.Mode;
import io.narrow.tflite.plan.OperatorPlan;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** A comparison as text for people. */
final class ComparisonText {
  private static final int UNSEEN = 5;
  private static final String[] HEADER = {
    "local dB", "end dB", "cosine", "largest", "steps", "clipped", "operator", "", "tensor"
  };
  private static final String[] GAINS = {
    "local dB", "output dB", "alone", "together", "operator", "tensor"
  };

  private final Comparison comparison;
  private final int top;

  /**
   * @param top how many tensors are shown at most, 0 for all
   */
  ComparisonText(Comparison comparison, int top) {
    this.comparison = comparison;
    this.top = top;
  }

  List<String> lines() {
    List<String> lines = new ArrayList<>();
    for (Graph graph : comparison.graphs()) {
      if (!lines.isEmpty()) {
        lines.add("");
      }
      lines.addAll(lines(graph));
      lines.addAll(restored(graph.restored()));
      comparison.mode().ifPresent(mode -> lines.addAll(why(mode, graph)));
      lines.addAll(unseen(graph.all().stream().flatMap(g -> g.unseen().stream()).toList()));
    }
    return lines.stream().map(Output::shortened).toList();
  }

  private static String title(Graph graph) {
    String tensors =
        graph.tensors().size() + (graph.tensors().size() == 1 ? " tensor" : " tensors");
    if (graph.caller().isEmpty()) {
      return (graph.signature().isEmpty() ? "" : "signature `" + graph.signature() + "`: ")
          + tensors
          + " of "
          + graph.samples()
          + (graph.samples() == 1 ? " sample" : " samples")
          + " compared, worst first: local is what the operator adds alone, end is what has"
          + " come together there";
    }
    Caller caller = graph.caller().get();
    return "`"
        + graph.name()
        + "`, which "
        + caller.operatorName()
        + " (operator "
        + caller.operator()
        + " of `"
        + caller.graph()
        + "`) has run "
        + (graph.samples() == 1 ? "once" : graph.samples() + " times")
        + ": "
        + tensors;
  }

  private List<String> lines(Graph graph) {
    List<String> lines = new ArrayList<>();
    lines.add(title(graph));
    List<Tensor> worst = graph.worst();
    List<Tensor> shown =
        worst.isEmpty() ? graph.tensors().stream().filter(t -> t.operator() >= 0).toList() : worst;
    int count = top == 0 ? shown.size() : Math.min(top, shown.size());
    Table table = new Table(HEADER);
    shown.subList(0, count).forEach(tensor -> table.row(row(tensor)));
    lines.addAll(table.lines(6, HEADER.length));
    if (count < shown.size()) {
      lines.add("... " + (shown.size() - count) + " more (--top 0 shows all)");
    }
    graph
        .firstBad()
        .ifPresentOrElse(
            bad ->
                lines.add(
                    "first bad: `"
                        + bad.name()
                        + "` of "
                        + bad.operatorName()
                        + " (operator "
                        + bad.operator()
                        + "), "
                        + decibels(bad.local().orElseThrow())
                        + " dB alone"),
            () -> {
              if (!worst.isEmpty()) {
                lines.add("no operator alone is below " + (int) Graph.BAD_SQNR_DB + " dB");
              }
            });
    for (Tensor tensor : graph.tensors()) {
      if (tensor.role() == Role.OUTPUT) {
        lines.add("output `" + tensor.name() + "`: " + decibels(tensor.accumulated()) + " dB");
      }
    }
    for (Graph called : graph.bodies()) {
      lines.add("");
      lines.addAll(lines(called));
    }
    return lines;
  }

  /** What the rules of a mode have to say, once for each operator. */
  private static List<String> why(Mode mode, Graph graph) {
    List<String> lines = new ArrayList<>();
    lines.add("by the rules of mode " + mode + ", which the file looks made by:");
    for (Graph each : graph.all()) {
      String within = each.caller().isPresent() ? " of `" + each.name() + "`" : "";
      int last = -1;
      for (Tensor tensor : each.tensors()) {
        if (tensor.rule().isPresent() && tensor.operator() != last) {
          last = tensor.operator();
          OperatorPlan rule = tensor.rule().get();
          lines.add(
              "  "
                  + tensor.operatorName()
                  + " (operator "
                  + last
                  + within
                  + ") "
                  + rule.precision()
                  + (rule.reason().isEmpty() ? "" : ": " + rule.reason())
                  + (tensor.type()
                          == TensorType.FLOAT32
                          == (rule.precision() != OperatorPlan.Precision.INTEGER)
                      ? ""
                      : "; " + tensor.type() + " in the file"));
        }
      }
    }
    return lines;
  }

  private static List<String> unseen(List<String> all) {
    List<String> lines = new ArrayList<>();
    int told = Math.min(UNSEEN, all.size());
    all.subList(0, told).forEach(line -> lines.add("not compared: " + line));
    if (told < all.size()) {
      lines.add("not compared: " + (all.size() - told) + " more (--json has all)");
    }
    return lines;
  }

  private static String[] row(Tensor tensor) {
    Error local = tensor.local().orElse(tensor.accumulated());
    double steps = tensor.steps(local.rootMeanSquare());
    return new String[] {
      tensor.local().map(ComparisonText::decibels).orElse("-"),
      decibels(tensor.accumulated()),
      Output.fixed(4, local.cosine()),
      String.format(Locale.ROOT, "%.3g", local.largest()),
      Double.isNaN(steps) ? "-" : Output.fixed(2, steps),
      Double.isNaN(steps) ? "-" : clipped(tensor.clipped()),
      tensor.operatorName(),
      Integer.toString(tensor.operator()),
      "`" + tensor.name() + "`"
    };
  }

  private static String clipped(double share) {
    return share == 0 ? "0" : Output.fixed(2, 100 * share) + "%";
  }

  private static List<String> restored(List<Restored> all) {
    if (all.isEmpty()) {
      return List.of();
    }
    Table table = new Table(GAINS);
    List<String> problems = new ArrayList<>();
    StringBuilder options = new StringBuilder();
    for (Restored restored : all) {
      if (!restored.problem().isEmpty()) {
        problems.add(
            "not restored: `"
                + restored.name()
                + "` of "
                + restored.operatorName()
                + ": "
                + restored.problem());
        continue;
      }
      table.row(
          decibels(restored.localSqnrDb()),
          decibels(restored.before()),
          decibels(restored.alone()),
          decibels(restored.together()),
          restored.operatorName(),
          "`" + restored.name() + "`");
      options.append(" --keep-float ").append(Shell.quoted(restored.keepFloat()));
    }
    List<String> lines = new ArrayList<>();
    if (options.length() > 0) {
      lines.add("restored to float, alone and together with those above:");
      lines.addAll(table.lines(4, GAINS.length));
      lines.add("to keep them float:" + options);
    }
    lines.addAll(problems);
    return lines;
  }

  private static String decibels(Error error) {
    return error.notFinite() > 0 ? "not finite" : decibels(error.sqnrDb());
  }

  private static String decibels(double value) {
    return value == Double.POSITIVE_INFINITY
        ? "equal"
        : value == Double.NEGATIVE_INFINITY ? "no signal" : Output.fixed(1, value);
  }
}
