package io.narrow.tflite.calibration;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.stream.JsonWriter;
import io.narrow.kernels.FloatRange;
import io.narrow.tflite.files.JsonFile;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Tensor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The calibration files of ai-edge-quantizer 0.10: {@code {"model_qsvs": {NAME: {"min": [[1.5]],
 * "max": [[2]]}}, "metadata": {"num_samples_calibrated": 100}}}, or, older, the object in the
 * middle alone. The arrays are nested as deep as the tensor has axes; where they hold more than one
 * number, these are of channels. Other keys of a tensor ({@code hessian} ...) are passed over.
 */
final class AiEdgeFile {
  private static final String RANGES = "model_qsvs";
  private static final String METADATA = "metadata";
  private static final String SAMPLES = "num_samples_calibrated";

  private AiEdgeFile() {}

  static Calibration read(JsonFile file, JsonObject document, Model model) {
    JsonElement inner = document.has(RANGES) ? document.get(RANGES) : document;
    Map<String, FloatRange> ranges = new LinkedHashMap<>();
    for (Map.Entry<String, JsonElement> entry : file.object(inner, RANGES).entrySet()) {
      String where = "tensor `" + entry.getKey() + "`";
      JsonObject tensor = file.object(entry.getValue(), where);
      if (tensor.has("min") && tensor.has("max")) {
        FloatRange lows = numbers(file, tensor.get("min"), where);
        FloatRange highs = numbers(file, tensor.get("max"), where);
        ranges.put(entry.getKey(), new FloatRange(lows.min(), highs.max(), 0, 0));
      }
    }
    if (ranges.isEmpty()) {
      throw file.problem("not a calibration: it has no ranges");
    }
    return Calibration.of(model, samples(file, document), ranges);
  }

  private static long samples(JsonFile file, JsonObject document) {
    if (!document.has(RANGES) || !document.has(METADATA)) {
      return 0;
    }
    JsonElement samples = file.object(document.get(METADATA), METADATA).get(SAMPLES);
    return samples == null ? 0 : file.whole(samples, 0, Long.MAX_VALUE, SAMPLES);
  }

  /** The range of all numbers of a nested array. */
  private static FloatRange numbers(JsonFile file, JsonElement element, String where) {
    if (!element.isJsonArray()) {
      float value = file.single(element, where);
      if (!Float.isFinite(value)) {
        throw file.problem(where + ": " + value + " is not a bound of a range");
      }
      return new FloatRange(value, value, 0, 0);
    }
    FloatRange range = FloatRange.EMPTY;
    for (JsonElement inner : element.getAsJsonArray()) {
      range = range.merge(numbers(file, inner, where));
    }
    return range;
  }

  static void write(Calibration calibration, Path path, Model model) {
    new JsonFile(path)
        .write(
            json -> {
              json.beginObject().name(RANGES).beginObject();
              for (TensorStatistics known : calibration.statistics()) {
                if (!known.place().isTensor()) {
                  continue; // this format has no place for it
                }
                Tensor tensor =
                    model.subgraphs().get(known.place().subgraph()).tensor(known.place().tensor());
                FloatRange range = known.choose(calibration.method());
                json.name(known.name()).beginObject();
                nested(json.name("min"), tensor.rank(), range.min());
                nested(json.name("max"), tensor.rank(), range.max());
                json.endObject();
              }
              json.endObject().name(METADATA).beginObject();
              json.name(SAMPLES).value(calibration.samples()).endObject().endObject();
            });
  }

  private static void nested(JsonWriter json, int depth, float value) throws IOException {
    for (int i = 0; i < depth; i++) {
      json.beginArray();
    }
    json.value(value);
    for (int i = 0; i < depth; i++) {
      json.endArray();
    }
  }
}
