package io.narrow.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.narrow.tflite.NarrowException;
import io.narrow.tflite.targets.Finding;
import io.narrow.tflite.targets.TargetCheck;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** What a device makes of a model, as text and as JSON. */
final class TargetText {
  /** How many tensors are named of a kind of findings. */
  private static final int NAMED = 3;

  private final TargetCheck check;

  TargetText(TargetCheck check) {
    this.check = check;
  }

  int exitCode() {
    return check.runs() ? 0 : NarrowException.Kind.UNSUPPORTED.exitCode();
  }

  /** A line for each kind of findings, then the verdict. */
  List<String> lines() {
    List<String> lines = new ArrayList<>();
    check
        .byKind()
        .forEach(
            (kind, all) ->
                lines.add(
                    "%-6s %4d %s: %s%s: %s"
                        .formatted(
                            kind.effect(),
                            all.size(),
                            kind.name(),
                            kind.problem(),
                            kind.help().isEmpty() ? "" : " (" + kind.help() + ")",
                            names(all))));
    lines.add(
        (check.runs() ? "runs: " : "does not run: ")
            + check.accelerated()
            + " of "
            + check.operators()
            + " operators as "
            + check.target()
            + " has them");
    return lines;
  }

  private static String names(List<Finding> all) {
    return all.stream()
            .limit(NAMED)
            .map(finding -> "`" + finding.tensor() + "`")
            .collect(Collectors.joining(", "))
        + (all.size() > NAMED ? ", ..." : "");
  }

  JsonObject json() {
    JsonObject document = new JsonObject();
    document.addProperty("target", check.target().toString());
    document.addProperty("runs", check.runs());
    document.addProperty("operators", check.operators());
    document.addProperty("accelerated", check.accelerated());
    JsonArray findings = new JsonArray();
    check
        .byKind()
        .forEach(
            (kind, all) -> {
              JsonObject entry = new JsonObject();
              entry.addProperty("effect", kind.effect().toString());
              entry.addProperty("operator", kind.name());
              entry.addProperty("problem", kind.problem());
              entry.addProperty("help", kind.help());
              JsonArray at = new JsonArray();
              for (Finding finding : all) {
                JsonObject place = new JsonObject();
                place.addProperty("subgraph", finding.subgraph());
                place.addProperty("operator", finding.operator());
                place.addProperty("tensor", finding.tensor());
                at.add(place);
              }
              entry.add("at", at);
              findings.add(entry);
            });
    document.add("findings", findings);
    return document;
  }
}
