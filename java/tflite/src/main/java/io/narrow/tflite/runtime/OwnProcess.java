package io.narrow.tflite.runtime;

import io.narrow.kernels.NativeProcess;
import io.narrow.tflite.NarrowException;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * For programs that own their process: where the runtime crashes it ends with a line and an exit
 * code, and what the runtime writes to standard error goes into the messages of exceptions. On
 * Linux, with the native kernels; elsewhere nothing changes.
 */
public final class OwnProcess {
  /** What is said of a model behind its name. */
  public static final String CRASHED =
      "TensorFlow Lite crashed while running it: damaged, or a defect of the runtime";

  /** Held while standard error is turned over, so that no line is written into what is kept. */
  private static final Object SWITCH = new Object();

  /** What a process has one of: {@code null} where the program does not own it. */
  private static volatile OwnProcess instance;

  private final Optional<byte[]> command; // what to do where the runtime crashes
  private boolean loaded;
  private volatile boolean caught;
  private volatile boolean kept;

  private OwnProcess(Optional<byte[]> command) {
    this.command = command;
  }

  /**
   * Takes effect when the runtime is loaded.
   *
   * @param command see {@link NativeProcess#catchFaults}
   */
  public static void claim(byte[] command) {
    instance = new OwnProcess(Optional.of(command.clone()));
  }

  /** Keeps what the runtime writes, and lets crashes be crashes, as somebody else will see them. */
  static void keepErrors() {
    instance = new OwnProcess(Optional.empty());
  }

  /** Standard error, past what is kept of it. */
  public static OutputStream standardError() {
    return new StandardError();
  }

  static void runtimeLoaded() {
    OwnProcess process = instance;
    if (process != null) {
      process.start();
    }
  }

  /** A number for a model, for {@link #runs}. */
  static long name(String source) {
    OwnProcess process = instance;
    return process != null && process.caught ? NativeProcess.name(source) : 0;
  }

  /** Says which model is run. */
  static void runs(long name) {
    NativeProcess.runs(name);
  }

  /** Forgets what the runtime has written. */
  static void forget() {
    if (isKept()) {
      NativeProcess.keptErrors();
    }
  }

  /** Why the runtime refused something, to stand in parentheses. */
  static String reason() {
    if (!isKept()) {
      return "its reason is on stderr";
    }
    String errors =
        NativeProcess.keptErrors()
            .lines()
            .filter(line -> line.startsWith("ERROR: "))
            .map(line -> line.substring("ERROR: ".length()).strip())
            .map(line -> line.endsWith(".") ? line.substring(0, line.length() - 1) : line)
            .distinct()
            .collect(Collectors.joining("; "));
    return errors.isEmpty() ? "it gives no reason" : errors;
  }

  private static boolean isKept() {
    OwnProcess process = instance;
    return process != null && process.kept;
  }

  private synchronized void start() {
    if (!loaded) {
      loaded = true;
      int exitCode = NarrowException.Kind.UNSUPPORTED.exitCode();
      caught = command.filter(c -> NativeProcess.catchFaults(CRASHED, c, exitCode)).isPresent();
      System.err.flush();
      synchronized (SWITCH) {
        kept = NativeProcess.keepErrors();
      }
    }
  }

  private static final class StandardError extends OutputStream {
    private final OutputStream plain = new FileOutputStream(FileDescriptor.err);

    @Override
    public void write(int value) throws IOException {
      write(new byte[] {(byte) value}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
      synchronized (SWITCH) {
        if (!isKept()) {
          plain.write(bytes, offset, length);
          return;
        }
      }
      for (int done = 0; done < length; ) {
        int written = NativeProcess.write(bytes, offset + done, length - done);
        if (written <= 0) {
          throw new IOException("standard error cannot be written");
        }
        done += written;
      }
    }
  }
}
