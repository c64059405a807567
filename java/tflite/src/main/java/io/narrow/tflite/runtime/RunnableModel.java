package io.narrow.tflite.runtime;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.files.Temporary;
import io.narrow.tflite.files.WholeFile;
import io.narrow.tflite.model.Model;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Optional;

/**
 * A model, changed or as it was read, as the runtime loads it: from memory, or, where that would
 * take more than 2 GiB, from a file in the folder for temporary ones ({@code java.io.tmpdir}).
 */
public final class RunnableModel implements AutoCloseable {
  private final String name;
  private final long size;
  private final ByteBuffer bytes;
  private final Optional<Temporary> file;

  private RunnableModel(String name, long size, ByteBuffer bytes, Optional<Temporary> file) {
    this.name = name;
    this.size = size;
    this.bytes = bytes;
    this.file = file;
  }

  /**
   * Lays the model out.
   *
   * @throws NarrowException if it takes a file, which cannot be written
   */
  public static RunnableModel of(Model model) {
    return model.fitsMemory() ? inMemory(model) : inFile(model);
  }

  private static RunnableModel inMemory(Model model) {
    ByteBuffer bytes = model.bytes();
    return new RunnableModel(model.name(), bytes.remaining(), bytes, Optional.empty());
  }

  static RunnableModel inFile(Model model) {
    Path folder = Path.of(System.getProperty("java.io.tmpdir")).toAbsolutePath();
    Temporary file = null;
    try {
      file = Temporary.beside(folder.resolve(model.name()));
      long size = model.write(file.channel());
      return new RunnableModel(model.name(), size, ByteBuffer.allocate(0), Optional.of(file));
    } catch (IOException e) {
      close(Optional.ofNullable(file));
      throw NarrowException.input(
          model.name()
              + ": a file of over 2 GiB for the runtime cannot be written in "
              + folder
              + " (-Djava.io.tmpdir): "
              + WholeFile.reason(e));
    }
  }

  /** Its size as a file in bytes. */
  public long size() {
    return size;
  }

  /**
   * Loads it; any number of times, each to be closed before this.
   *
   * @throws NarrowException as {@link Interpreter#open(Path, Interpreter.Options)}
   */
  public Interpreter open(Interpreter.Options options) {
    return file.isPresent()
        ? Interpreter.open(file.get().path(), name, options)
        : Interpreter.open(bytes, name, options);
  }

  /** Removes the file, if there is one. Idempotent. */
  @Override
  public void close() {
    close(file);
  }

  private static void close(Optional<Temporary> file) {
    try {
      if (file.isPresent()) {
        file.get().close();
      }
    } catch (IOException e) {
      // in use: the next run removes it
    }
  }
}
