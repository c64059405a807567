package io.narrow.tflite;

/**
 * A request that cannot be fulfilled because of what was given: a file, a data specification, a
 * model. The message is one line that names the file, tensor, operator or option, and holds all
 * problems found, separated by {@code "; "}.
 */
public final class NarrowException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** What the caller can do about it. */
  public enum Kind {
    /** The input is wrong or missing: correct it. */
    INPUT(2),
    /** Representative data are missing: give some. */
    DATA(2),
    /** The input is right, but it asks for something that is not supported. */
    UNSUPPORTED(4);

    private final int exitCode;

    Kind(int exitCode) {
      this.exitCode = exitCode;
    }

    /** The exit code of the command line for this kind. */
    public int exitCode() {
      return exitCode;
    }
  }

  private final Kind kind;

  public NarrowException(Kind kind, String message) {
    this(kind, message, null);
  }

  /** With the cause, for the log; the message has to be clear without it. */
  public NarrowException(Kind kind, String message, Throwable cause) {
    super(message.replaceAll("\\s*\\R\\s*", " "), cause);
    this.kind = kind;
  }

  /** An exception of kind {@link Kind#INPUT}. */
  public static NarrowException input(String message) {
    return new NarrowException(Kind.INPUT, message);
  }

  /** An exception of kind {@link Kind#UNSUPPORTED}. */
  public static NarrowException unsupported(String message) {
    return new NarrowException(Kind.UNSUPPORTED, message);
  }

  public Kind kind() {
    return kind;
  }
}
