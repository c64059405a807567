package io.narrow.keras.file;

import io.narrow.tflite.NarrowException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Bounds the time that reading a file takes. The addresses in an HDF5 file can form cycles, which
 * jhdf follows for ever; its reading thread is then interrupted, which closes the file under it.
 */
public final class Watchdog {
  private static final long SECONDS = 20;
  private static final long BYTES_A_SECOND = 4 << 20;
  private static final long STACK = 4 << 20;

  private Watchdog() {}

  public static <T> T within(Path file, Callable<T> read) {
    return within(file, SECONDS + size(file) / BYTES_A_SECOND, read);
  }

  public static <T> T within(Path file, long seconds, Callable<T> read) {
    FutureTask<T> task = new FutureTask<>(read);
    Thread thread = new Thread(null, task, "narrow-keras", STACK);
    thread.setDaemon(true);
    thread.start();
    try {
      return task.get(seconds, TimeUnit.SECONDS);
    } catch (TimeoutException e) {
      thread.interrupt();
      throw NarrowException.input(
          file
              + ": is damaged: reading it does not come to an end (its HDF5 addresses may form a"
              + " cycle)");
    } catch (InterruptedException e) {
      thread.interrupt();
      Thread.currentThread().interrupt();
      throw NarrowException.input(file + ": reading was interrupted");
    } catch (ExecutionException e) {
      if (e.getCause() instanceof NarrowException problem) {
        throw problem;
      }
      throw new IllegalStateException(file + ": " + e.getCause(), e.getCause());
    }
  }

  private static long size(Path file) {
    try {
      return Files.size(file);
    } catch (IOException e) {
      return 0; // reading it will say what is wrong
    }
  }
}
