package io.narrow.cli;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.util.Optional;

/** Standard output, which remembers what went wrong: writers of text do not say it. */
final class StandardOutput extends OutputStream {
  private final OutputStream stream = new FileOutputStream(FileDescriptor.out);
  private IOException problem;

  @Override
  public void write(int value) throws IOException {
    write(new byte[] {(byte) value}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int offset, int length) throws IOException {
    try {
      stream.write(bytes, offset, length);
    } catch (IOException e) {
      problem = problem == null ? e : problem;
      throw e;
    }
  }

  /** Why not all was written; empty also where nobody reads on, as in {@code | head}. */
  Optional<String> problem() {
    return Optional.ofNullable(problem)
        .map(IOException::getMessage)
        .filter(reason -> !reason.equals("Broken pipe"));
  }
}
