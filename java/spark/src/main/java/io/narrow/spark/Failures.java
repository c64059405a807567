package io.narrow.spark;

import io.narrow.tflite.NarrowException;
import java.util.function.Supplier;
import org.apache.spark.SparkException;

/** Jobs that fail with what a task said, not with where Spark was. */
final class Failures {
  private Failures() {}

  static <T> T unwrapped(Supplier<T> job) {
    try {
      return job.get();
    } catch (Exception e) {
      for (Throwable cause = e; cause != null; cause = cause.getCause()) {
        if (cause instanceof NarrowException found) {
          throw new NarrowException(found.kind(), found.getMessage(), e);
        }
        if (cause instanceof UnsatisfiedLinkError found) { // the runtime is not there
          throw new NarrowException(NarrowException.Kind.UNSUPPORTED, found.getMessage(), e);
        }
      }
      if ((Throwable) e instanceof SparkException) {
        throw new NarrowException(
            NarrowException.Kind.UNSUPPORTED,
            e.getMessage().lines().findFirst().orElse("Spark"),
            e);
      }
      throw e;
    }
  }
}
