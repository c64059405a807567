package io.narrow.tflite.files;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.stream.JsonWriter;
import io.narrow.tflite.NarrowException;
import java.io.IOException;
import java.io.Reader;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

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
      throw problem("cannot be read: " + WholeFile.reason(e));
    }
  }

  /** As {@link WholeFile#write}. */
  public void write(Contents contents) {
    WholeFile.write(
        path,
        channel -> {
          try (JsonWriter json =
              new JsonWriter(Channels.newWriter(channel, StandardCharsets.UTF_8))) {
            contents.writeTo(json);
            json.flush();
          }
        });
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
}
