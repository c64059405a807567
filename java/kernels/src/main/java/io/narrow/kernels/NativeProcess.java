package io.narrow.kernels;

import io.narrow.kernels.internal.NativeFunctions;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;

/**
 * What becomes of this process where native code of others ends it, and of what that code writes to
 * standard error. For programs that own their process, which has one of both. On Linux, where the
 * native kernels can be loaded; elsewhere nothing here has an effect.
 */
public final class NativeProcess {
  private static final int LONGEST = 1 << 16;

  private NativeProcess() {}

  /**
   * Makes a fault in native code end the process with an exit code and a line on standard error:
   * {@code narrow: NAME: MESSAGE}, where the name is what {@link #runs} said last. The JVM reports
   * the fault before that, unless it was started with {@code -XX:+SuppressFatalErrorMessage}. To be
   * called once.
   *
   * @param command arguments of a program to go on with in place of that, the first the program's
   *     file, each ended by a zero byte; empty for none. It finds the name, in a new line, at the
   *     end of the variable {@code NARROW_CRASHED}
   * @return whether that can be done here
   */
  public static boolean catchFaults(String message, byte[] command, int exitCode) {
    if (!available()) {
      return false;
    }
    byte[] text = message.getBytes(StandardCharsets.UTF_8);
    return NativeFunctions.narrow_process_catch_abort(
            text, text.length, command, command.length, exitCode)
        != 0;
  }

  /** A number for a name that {@link #runs} takes. Its memory is never given back. */
  public static long name(String name) {
    byte[] text = name.getBytes(nativeCharset());
    return available() ? NativeFunctions.narrow_process_name(text, text.length) : 0;
  }

  /** This thread runs what has this name from now on. */
  public static void runs(long name) {
    if (name != 0) {
      NativeFunctions.narrow_process_runs(name);
    }
  }

  /**
   * Keeps what is written to standard error from now on, but for what {@link #write} writes.
   *
   * @return whether that can be done here
   */
  public static boolean keepErrors() {
    return available() && NativeFunctions.narrow_process_keep_errors() != 0;
  }

  /** What was written since the last call, or its first 64 KiB; empty where nothing is kept. */
  public static String keptErrors() {
    if (!available()) {
      return "";
    }
    byte[] text = new byte[LONGEST];
    int length = (int) NativeFunctions.narrow_process_kept_errors(text, text.length);
    return new String(text, 0, length, StandardCharsets.UTF_8);
  }

  /**
   * Writes to standard error as it was before {@link #keepErrors}.
   *
   * @return how many bytes were written, -1 where none could be
   */
  public static int write(byte[] text, int offset, int length) {
    return (int) NativeFunctions.narrow_process_write(text, offset, length);
  }

  /** As the names of files are spelled. */
  private static Charset nativeCharset() {
    return Charset.forName(System.getProperty("sun.jnu.encoding", StandardCharsets.UTF_8.name()));
  }

  private static boolean available() {
    return !"java".equals(System.getProperty(Selection.PROPERTY)) && NativeLibrary.get().isLoaded();
  }
}
