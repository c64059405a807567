package io.narrow.cli;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.plan.Reason;
import io.narrow.tflite.plan.Reason.Code;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** The options of the command that help with what the library says. */
final class Advice {
  /** By kind of reason; {@code %s} stands for its names as the option takes them. */
  private static final Map<Code, String> OPTIONS =
      Map.of(
          Code.NO_DATA, "`--calibrate DATA` gives them",
          Code.SLOW_WEIGHTS, "`--prefer speed` keeps them on it",
          Code.SLOW_OPERATORS, "`--keep-float-ops %s` keeps them on it",
          Code.LOST, "`--keep-float '%s'`",
          Code.LOST_WIDELY, "`--keep-float-ops %s`",
          Code.BEYOND_FLOAT16, "`--saturate` clamps such values",
          Code.UNCORRECTED, "`--calibrate` takes both");

  private static final Pattern PLAIN = Pattern.compile("[^\\\\^$|()\\[\\]{}*+?']*");

  private Advice() {}

  /** What is said, and the option that helps if there is one. */
  static String with(Reason reason) {
    return of(reason).map(option -> reason.text() + " (" + option + ")").orElse(reason.text());
  }

  /** The option that helps, if there is one. */
  static Optional<String> of(Reason reason) {
    return Optional.ofNullable(OPTIONS.get(reason.code()))
        .map(option -> option.replace("%s", names(reason)));
  }

  static String with(NarrowException e) {
    return e.kind() == NarrowException.Kind.DATA
        ? e.getMessage() + " (--calibrate DATA)"
        : e.getMessage();
  }

  private static String names(Reason reason) {
    return reason.code() == Code.LOST
        ? reason.names().stream().map(Advice::regex).collect(Collectors.joining("|"))
        : String.join(",", reason.names());
  }

  private static String regex(String name) {
    return PLAIN.matcher(name).matches() ? name : Pattern.quote(name);
  }
}
