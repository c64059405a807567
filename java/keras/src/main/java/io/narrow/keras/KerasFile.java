package io.narrow.keras;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import io.narrow.keras.config.Config;
import io.narrow.keras.file.Archive;
import io.narrow.keras.file.ArchiveWeights;
import io.narrow.keras.file.Hdf5;
import io.narrow.keras.file.Hdf5.DamagedException;
import io.narrow.keras.file.LegacyWeights;
import io.narrow.tflite.NarrowException;
import io.narrow.tflite.model.Model;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** Finds the configuration and the weights in a file. */
final class KerasFile {
  private static final String WEIGHTS = "model_weights";

  private KerasFile() {}

  static Model read(Path file, KerasModel.Options options) {
    try {
      if (Files.isDirectory(file)) {
        throw NarrowException.input(file + ": is a directory, not a model");
      }
      byte[] start;
      try (InputStream stream = Files.newInputStream(file)) {
        start = stream.readNBytes(8);
      }
      return KerasModel.isArchive(start) ? archive(file, options) : legacy(file, options);
    } catch (DamagedException e) {
      throw damaged(file, e.getMessage(), e);
    } catch (NoSuchFileException e) {
      throw NarrowException.input(file + ": cannot be read: no such file or folder");
    } catch (IOException e) {
      throw damaged(file, String.valueOf(e.getMessage()), e);
    } catch (StackOverflowError e) {
      throw damaged(file, "its parts lie too deep in each other", e);
    } catch (OutOfMemoryError e) {
      throw damaged(file, "it asks for more memory than there is", e);
    }
  }

  private static NarrowException damaged(Path file, String why, Throwable cause) {
    return new NarrowException(
        NarrowException.Kind.INPUT, file + ": is damaged or not a Keras model: " + why, cause);
  }

  private static Model legacy(Path file, KerasModel.Options options) throws IOException {
    try (Hdf5 hdf5 = Hdf5.open(file, Files.size(file))) {
      String config = hdf5.text("model_config");
      if (config.isEmpty()) {
        throw NarrowException.input(
            file
                + ": holds weights only, without the model they belong to: save the whole model"
                + " (model.save) and import that");
      }
      boolean nested = hdf5.hasGroup(WEIGHTS);
      return new Importer(
              file,
              parse(file, config),
              new LegacyWeights(hdf5, nested ? WEIGHTS + "/" : ""),
              hdf5.text("keras_version"),
              options)
          .model();
    }
  }

  private static Model archive(Path file, KerasModel.Options options) throws IOException {
    try (Archive archive = new Archive(file)) {
      JsonObject config = parse(file, archive.text("config.json"));
      JsonObject metadata = parse(file, archive.text("metadata.json"));
      try (Hdf5 hdf5 = Hdf5.of(archive.bytes("model.weights.h5"))) {
        String version = new Config(metadata).text("keras_version", "3");
        return new Importer(file, config, new ArchiveWeights(hdf5), version, options).model();
      }
    }
  }

  private static JsonObject parse(Path file, String json) {
    try {
      JsonElement parsed = JsonParser.parseString(json);
      if (parsed.isJsonObject()) {
        return Config.plain(parsed).getAsJsonObject();
      }
      throw damaged(file, "its configuration is no JSON object", null);
    } catch (JsonParseException e) {
      throw damaged(file, "its configuration is no JSON: " + e.getMessage(), e);
    }
  }
}
