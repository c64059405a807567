package io.narrow.cli;

import io.narrow.keras.KerasModel;
import io.narrow.tflite.NarrowException;
import io.narrow.tflite.model.Model;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A model that a command is given: TensorFlow Lite or Keras, as the file's first bytes say. */
final class ModelInput {
  private ModelInput() {}

  static Model read(Path file) {
    return KerasModel.isKeras(file)
        ? KerasModel.read(file, KerasModel.Options.DEFAULT)
        : Model.read(file);
  }

  /**
   * The same model as a TensorFlow Lite file, for what runs files: the file itself, or the imported
   * model in {@code folder}, which is made if it is not there.
   */
  static Path file(Path file, Path folder) {
    if (!KerasModel.isKeras(file)) {
      return file;
    }
    Model model = read(file);
    makeFolder(folder);
    String name = file.getFileName().toString().replaceFirst("\\.[^.]*$", "");
    Path imported = folder.resolve(name + ".tflite");
    model.write(imported);
    return imported;
  }

  static void makeFolder(Path folder) {
    try {
      Files.createDirectories(folder);
    } catch (IOException e) {
      throw new NarrowException(
          NarrowException.Kind.INPUT, folder + ": the folder cannot be made: " + e.getMessage(), e);
    }
  }
}
