package io.narrow.cli;

import com.google.gson.GsonBuilder;
import com.google.gson.JsonElement;
import io.narrow.tflite.NarrowException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** What all commands share: results go to standard output, everything else to standard error. */
abstract class Output implements Callable<Integer> {
  private static final int HEAD = 30;
  private static final int TAIL = 30;
  private static final Pattern NAMES = Pattern.compile("`([^`]*)`");

  @Option(names = "--json", description = "Print one JSON document instead of text.")
  boolean json;

  @Spec private CommandSpec spec;
  private boolean taken; // standard output, by a file

  final void say(String format, Object... values) {
    String text = values.length == 0 ? format : String.format(Locale.ROOT, format, values);
    (taken ? spec.commandLine().getErr() : spec.commandLine().getOut()).println(text);
  }

  /** Where to write what is made of a file; text gives way where that is standard output. */
  final Path output(OutputFile target, Path input) {
    taken = target.isStandardOutput();
    if (taken && json) {
      throw NarrowException.input("--json: standard output is taken by -o");
    }
    return target.of(input);
  }

  /** A number with a comma after every third digit; a format would cost a short run 8 ms. */
  static String grouped(long number) {
    StringBuilder text = new StringBuilder().append(number);
    for (int place = text.length() - 3; place > 0; place -= 3) {
      text.insert(place, ',');
    }
    return text.toString();
  }

  /** A share in percent, with one digit after the point. */
  static String percent(long part, long whole) {
    long tenths = Math.round(1000.0 * part / whole);
    return tenths / 10 + "." + tenths % 10;
  }

  /** A number with so many digits after the point. */
  static String fixed(int digits, double value) {
    return String.format(Locale.ROOT, "%." + digits + "f", value);
  }

  /** A ratio of signal to noise of a whole file in dB. */
  static String decibels(double value) {
    return value == Double.POSITIVE_INFINITY
        ? "equal"
        : value == Double.NEGATIVE_INFINITY ? "not finite" : fixed(2, value);
  }

  final void warn(String text) {
    spec.commandLine().getErr().println("narrow: " + shortened(text));
  }

  /**
   * Says which models crashed the runtime.
   *
   * @return the exit code of the command, {@code otherwise} if none did
   */
  final int exitCode(Crashed crashed, int otherwise) {
    crashed.lines().forEach(this::warn);
    return crashed.lines().isEmpty() ? otherwise : NarrowException.Kind.UNSUPPORTED.exitCode();
  }

  /**
   * A text with the middle of long names in it left out: fused operators have the names of all that
   * they were made of.
   */
  static String shortened(String text) {
    return NAMES.matcher(text).replaceAll(Output::shortenedName);
  }

  private static String shortenedName(MatchResult match) {
    String name = match.group(1);
    if (name.length() <= HEAD + TAIL + 5) {
      return Matcher.quoteReplacement(match.group());
    }
    String ends = name.substring(0, HEAD) + " ... " + name.substring(name.length() - TAIL);
    return Matcher.quoteReplacement("`" + ends + "`");
  }

  final void print(EvaluationText table, boolean markdown) {
    (markdown ? table.markdown() : table.lines()).forEach(this::say);
    table.doubts().forEach(this::warn);
  }

  final void print(JsonElement document) {
    say(new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create().toJson(document));
  }
}
