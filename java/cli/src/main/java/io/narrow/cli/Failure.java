package io.narrow.cli;

import io.narrow.tflite.NarrowException;
import java.util.Optional;
import java.util.concurrent.CompletionException;

/**
 * What is said of a run that failed.
 *
 * @param line one line
 * @param code the exit code
 */
record Failure(String line, int code) {
  /** Empty for what is nobody's fault but Narrow's. */
  static Optional<Failure> of(Throwable thrown) {
    for (Throwable e = thrown; e != null; e = e.getCause()) {
      if (e instanceof NarrowException problem) {
        return Optional.of(new Failure(Advice.with(problem), problem.kind().exitCode()));
      }
      if (e instanceof OutOfMemoryError memory) {
        return Optional.of(new Failure(memory(memory), Narrow.MACHINE));
      }
      if (e instanceof UnsatisfiedLinkError || e instanceof NoClassDefFoundError) {
        return Optional.of(new Failure(message(e), Narrow.MACHINE));
      }
      if (!(e instanceof CompletionException
          || e instanceof ExceptionInInitializerError
          || e.getCause() instanceof Error)) {
        return Optional.empty();
      }
    }
    return Optional.empty();
  }

  /** The JVM says which memory there is too little of: the heap, direct memory, that of threads. */
  private static String memory(OutOfMemoryError e) {
    String which = message(e);
    String option =
        which.contains("direct")
            ? "-XX:MaxDirectMemorySize=4g"
            : which.contains("thread") ? "--threads 1" : "-Xmx8g";
    return "out of memory: "
        + which
        + (option.startsWith("--")
            ? " (" + option + " needs less)"
            : " (NARROW_JAVA_OPTIONS=" + option + " allows more)");
  }

  private static String message(Throwable e) {
    return e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
  }
}
