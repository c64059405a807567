package io.narrow.cli;

import com.google.gson.GsonBuilder;
import com.google.gson.JsonElement;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** What all commands share: results go to standard output, everything else to standard error. */
abstract class Output implements Callable<Integer> {
  @Option(names = "--json", description = "Print one JSON document instead of text.")
  boolean json;

  @Spec private CommandSpec spec;

  final void say(String format, Object... values) {
    String text = values.length == 0 ? format : String.format(Locale.ROOT, format, values);
    spec.commandLine().getOut().println(text);
  }

  final void warn(String text) {
    spec.commandLine().getErr().println("narrow: " + text);
  }

  final void print(EvaluationText table) {
    if (json) {
      print(table.json());
    } else {
      table.lines().forEach(this::say);
    }
  }

  final void print(JsonElement document) {
    say(new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create().toJson(document));
  }
}
