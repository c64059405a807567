package io.narrow.cli;

import io.narrow.keras.KerasModel;
import io.narrow.tflite.files.WholeFile;
import io.narrow.tflite.model.Model;
import java.nio.file.Path;

/** A model that a command is given: TensorFlow Lite or Keras, as the file's first bytes say. */
final class ModelInput {
  private ModelInput() {}

  static Model read(Path file) {
    return KerasModel.isKeras(file)
        ? Bar.during("import", () -> KerasModel.read(file, KerasModel.Options.DEFAULT))
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
    WholeFile.makeFolder(folder);
    Path imported = folder.resolve(WholeFile.stem(file) + ".tflite");
    model.write(imported);
    return imported;
  }
}
