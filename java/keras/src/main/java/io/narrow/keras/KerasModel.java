package io.narrow.keras;

import io.narrow.keras.file.Watchdog;
import io.narrow.tflite.NarrowException;
import io.narrow.tflite.model.Model;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * Reads Keras models: {@code .h5} files of Keras 2 and 3 and {@code .keras} archives. No Python, no
 * TensorFlow, and no code from the file is run.
 */
public final class KerasModel {
  private static final byte[] HDF5 = {(byte) 0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};
  private static final byte[] ZIP = {'P', 'K', 3, 4};

  private KerasModel() {}

  /**
   * What the file leaves open.
   *
   * @param batch size of the batch; 0 for one that may be resized at run time and begins with 1
   * @param inputShapes sizes of the axes without the batch, by the name of an input, in place of
   *     those in the file; an empty name stands for the only input
   */
  public record Options(int batch, Map<String, List<Integer>> inputShapes) {
    public static final Options DEFAULT = new Options(0, Map.of());

    public Options {
      inputShapes = Map.copyOf(inputShapes);
      if (batch < 0) {
        throw NarrowException.input("a batch of " + batch + " is not possible");
      }
      for (List<Integer> shape : inputShapes.values()) {
        if (shape.stream().anyMatch(size -> size < 1)) {
          throw NarrowException.input("an input shape of " + shape + " is not possible");
        }
      }
    }
  }

  /** Whether a file begins as Keras models do; a file that cannot be read does not. */
  public static boolean isKeras(Path file) {
    if (!Files.isRegularFile(file)) {
      return false;
    }
    try (InputStream stream = Files.newInputStream(file)) {
      byte[] start = stream.readNBytes(HDF5.length);
      return startsWith(start, HDF5) || startsWith(start, ZIP);
    } catch (IOException e) {
      return false;
    }
  }

  static boolean isArchive(byte[] start) {
    return startsWith(start, ZIP);
  }

  private static boolean startsWith(byte[] start, byte[] magic) {
    for (int i = 0; i < magic.length; i++) {
      if (i >= start.length || start[i] != magic[i]) {
        return false;
      }
    }
    return true;
  }

  /**
   * Reads a model as float32 TensorFlow Lite model, as TensorFlow's converter makes it: scales of
   * batch normalization and activations folded into the operators before them. Tensors are named
   * after the layers; the signature is {@code serving_default}. A model with recurrent layers that
   * keep their state in the runtime (LSTM, SimpleRNN) has a batch of fixed size.
   *
   * @throws NarrowException of kind {@code INPUT} if the file cannot be read, is damaged, holds
   *     weights only or weights that do not fit its layers; of kind {@code UNSUPPORTED}, with the
   *     paths of all of them, if it has layers that cannot be imported
   */
  public static Model read(Path file, Options options) {
    return Watchdog.within(file, () -> KerasFile.read(file, options));
  }
}
