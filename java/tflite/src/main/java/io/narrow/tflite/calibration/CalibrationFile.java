package io.narrow.tflite.calibration;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.stream.JsonWriter;
import io.narrow.kernels.FloatRange;
import io.narrow.tflite.calibration.TensorStatistics.Place;
import io.narrow.tflite.files.JsonFile;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.ops.Lstm;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * Calibrations as JSON: {@code {"format": "narrow-calibration", "version": 1, "samples": 100,
 * "tensors": [...]}}, a tensor being {@code {"subgraph": 0, "tensor": 3, "name": "conv1", "min":
 * -1.5, "max": 2.25, "histogram": {"exponent": -9, "first": -768, "counts": [1, 0, 4]},
 * "moving_average": {"factor": 0.95, "min": -1.2, "max": 2.1}}}. The last two may be missing;
 * {@code "intermediate": 4} says that the values are those inside the operator that writes the
 * tensor.
 */
final class CalibrationFile {
  private static final String FORMAT = "narrow-calibration";
  private static final int VERSION = 1;
  private static final String INTERMEDIATE = "intermediate";

  private final JsonFile file;
  private final Model model;

  private CalibrationFile(JsonFile file, Model model) {
    this.file = file;
    this.model = model;
  }

  static void write(Calibration calibration, Path path) {
    new JsonFile(path)
        .write(
            json -> {
              json.beginObject().name("format").value(FORMAT).name("version").value(VERSION);
              json.name("samples").value(calibration.samples()).name("tensors").beginArray();
              for (TensorStatistics tensor : calibration.statistics()) {
                write(tensor, json);
              }
              json.endArray().endObject();
            });
  }

  private static void write(TensorStatistics tensor, JsonWriter json) throws IOException {
    json.beginObject().name("subgraph").value(tensor.place().subgraph());
    json.name("tensor").value(tensor.place().tensor()).name("name").value(tensor.name());
    if (!tensor.place().isTensor()) {
      json.name(INTERMEDIATE).value(tensor.place().intermediate());
    }
    json.name("min").value(tensor.range().min()).name("max").value(tensor.range().max());
    if (tensor.histogram().isPresent()) {
      Histogram histogram = tensor.histogram().get();
      json.name("histogram").beginObject().name("exponent").value(histogram.exponent());
      json.name("first").value(histogram.first()).name("counts").beginArray();
      for (long count : histogram.counts()) {
        json.value(count);
      }
      json.endArray().endObject();
    }
    if (tensor.average().isPresent()) {
      MovingAverage average = tensor.average().get();
      json.name("moving_average").beginObject().name("factor").value(average.factor());
      json.name("min").value(average.min()).name("max").value(average.max()).endObject();
    }
    json.endObject();
  }

  static Calibration read(Path path, Model model) {
    JsonFile file = new JsonFile(path);
    JsonObject document = file.object(file.read(), "the document");
    if (!document.has("format")) {
      return AiEdgeFile.read(file, document, model);
    }
    String format = file.text(document.get("format"), "`format`");
    if (!format.equals(FORMAT)) {
      throw file.problem("its format is `" + format + "`, not " + FORMAT);
    }
    file.whole(file.member(document, "version", "the document"), VERSION, VERSION, "`version`");
    return new CalibrationFile(file, model).read(document);
  }

  private Calibration read(JsonObject document) {
    List<TensorStatistics> tensors = new ArrayList<>();
    for (JsonElement tensor :
        file.array(file.member(document, "tensors", "the document"), "`tensors`")) {
      tensors.add(tensor(file.object(tensor, "a tensor")));
    }
    long samples =
        file.whole(
            file.member(document, "samples", "the document"), 0, Long.MAX_VALUE, "`samples`");
    return new Calibration(samples, tensors, RangeMethod.AUTO);
  }

  private TensorStatistics tensor(JsonObject json) {
    String name = file.text(file.member(json, "name", "a tensor"), "the name of a tensor");
    String where = "tensor `" + name + "`";
    Place place =
        new Place(
            whole(json, "subgraph", 0, Integer.MAX_VALUE, where),
            whole(json, "tensor", 0, Integer.MAX_VALUE, where),
            json.has(INTERMEDIATE)
                ? whole(json, INTERMEDIATE, 0, Lstm.INTERMEDIATES.size() - 1, where)
                : Activation.ITSELF);
    boolean there =
        place.subgraph() < model.subgraphs().size()
            && place.tensor() < model.subgraphs().get(place.subgraph()).tensors().size()
            && model.subgraphs().get(place.subgraph()).tensor(place.tensor()).name().equals(name);
    if (!there) {
      throw file.problem(
          where + " is not tensor " + place.tensor() + " of " + model.name() + ": another model's");
    }
    FloatRange range = range(json, where);
    Optional<Histogram> histogram =
        Optional.ofNullable(json.get("histogram"))
            .map(h -> histogram(file.object(h, where), range, where));
    Optional<MovingAverage> average =
        Optional.ofNullable(json.get("moving_average"))
            .map(a -> average(file.object(a, where), where));
    return new TensorStatistics(place, name, range, histogram, average);
  }

  private FloatRange range(JsonObject json, String where) {
    float min = file.single(file.member(json, "min", where), where);
    float max = file.single(file.member(json, "max", where), where);
    if (!(min <= max) || Float.isInfinite(min) || Float.isInfinite(max)) {
      throw file.problem(where + ": " + min + " to " + max + " is not a range");
    }
    return new FloatRange(min, max, 0, 0);
  }

  private MovingAverage average(JsonObject json, String where) {
    FloatRange range = range(json, where);
    double factor = file.real(file.member(json, "factor", where), where);
    if (!(factor >= 0 && factor <= 1)) {
      throw file.problem(where + ": " + factor + " is not the factor of a moving average");
    }
    return new MovingAverage(factor, range.min(), range.max());
  }

  private Histogram histogram(JsonObject json, FloatRange range, String where) {
    int exponent = whole(json, "exponent", Histogram.SMALLEST, Histogram.LARGEST, where);
    int first = whole(json, "first", -Histogram.BINS, Histogram.BINS, where);
    long[] counts = new long[Histogram.BINS];
    int size = 0;
    for (JsonElement count : file.array(file.member(json, "counts", where), where)) {
      if (size == counts.length) {
        throw file.problem(where + " has more than " + counts.length + " bins");
      }
      counts[size++] = file.whole(count, 0, Long.MAX_VALUE / Histogram.BINS, where);
    }
    Histogram histogram = new Histogram(exponent, first, Arrays.copyOf(counts, size));
    boolean within =
        exponent == Histogram.exponent(range.min(), range.max())
            && size > 0
            && first >= Histogram.bin(range.min(), exponent)
            && first + size - 1 <= Histogram.bin(range.max(), exponent);
    if (!within || histogram.total() == 0) {
      throw file.problem(where + ": the histogram does not fit the range");
    }
    return histogram;
  }

  private int whole(JsonObject json, String name, long least, long most, String where) {
    return (int) file.whole(file.member(json, name, where), least, most, where);
  }
}
