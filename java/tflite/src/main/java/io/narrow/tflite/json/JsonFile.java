package io.narrow.tflite.json;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.stream.JsonWriter;
import io.narrow.tflite.NarrowException;
import java.io.IOException;
import java.io.Reader;
import java.io.Writer;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/** A JSON file, whose problems are named with the file. */
public record JsonFile(Path path) {
  /** Writes the contents. */
  public interface Contents {
    void writeTo(JsonWriter json) throws IOException;
  }

  /** The document. */
  public JsonElement read() {
    try (Reader reader = Files.newBufferedReader(path)) {
      return JsonParser.parseReader(reader);
    } catch (JsonParseException e) {
      throw problem("not JSON: " + e.getMessage());
    } catch (IOException e) {
      throw problem("cannot be read: " + reason(e));
    }
  }

  /** Leaves the old file or the new one, and nothing else. */
  public void write(Contents contents) {
    Path target = path.toAbsolutePath();
    Path temporary =
        target.resolveSibling(
            "." + target.getFileName() + "." + ProcessHandle.current().pid() + ".tmp");
    if (Files.isDirectory(target)) {
      throw problem("is a directory, nothing can be written there");
    }
    try {
      try (Writer writer = Files.newBufferedWriter(temporary, StandardOpenOption.CREATE_NEW);
          JsonWriter json = new JsonWriter(writer)) {
        contents.writeTo(json);
        json.flush();
        writer.write('\n');
      }
      Files.move(
          temporary, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException | RuntimeException e) {
      discard(temporary, e);
      throw e instanceof IOException failed
          ? problem("cannot be written: " + reason(failed))
          : (RuntimeException) e;
    }
  }

  private static void discard(Path temporary, Exception why) {
    try {
      Files.deleteIfExists(temporary);
    } catch (IOException e) {
      why.addSuppressed(e);
    }
  }

  public JsonElement member(JsonObject object, String name, String where) {
    JsonElement member = object.get(name);
    if (member == null) {
      throw problem(where + " has no `" + name + "`");
    }
    return member;
  }

  public JsonObject object(JsonElement element, String where) {
    if (!element.isJsonObject()) {
      throw problem(where + " is not an object");
    }
    return element.getAsJsonObject();
  }

  public Iterable<JsonElement> array(JsonElement element, String where) {
    if (!element.isJsonArray()) {
      throw problem(where + " is not an array");
    }
    return element.getAsJsonArray();
  }

  public String text(JsonElement element, String where) {
    if (!element.isJsonPrimitive()) {
      throw problem(where + " is not a string");
    }
    return element.getAsString();
  }

  /** The nearest float, which by way of the nearest double could be its neighbour. */
  public float single(JsonElement element, String where) {
    real(element, where);
    return Float.parseFloat(element.getAsString());
  }

  public double real(JsonElement element, String where) {
    try {
      return Double.parseDouble(text(element, where));
    } catch (NumberFormatException e) {
      throw problem(where + " is not a number");
    }
  }

  /** A whole number of an interval. */
  public long whole(JsonElement element, long least, long most, String where) {
    try {
      long value = Long.parseLong(text(element, where));
      if (value >= least && value <= most) {
        return value;
      }
      throw problem(where + " is " + value + ", not within " + least + " and " + most);
    } catch (NumberFormatException e) {
      throw problem(where + " is not a whole number");
    }
  }

  public NarrowException problem(String what) {
    return NarrowException.input(path + ": " + what);
  }

  private static String reason(IOException e) {
    return e instanceof NoSuchFileException
        ? "no such file or folder"
        : e instanceof AccessDeniedException ? "permission denied" : String.valueOf(e.getMessage());
  }
}
