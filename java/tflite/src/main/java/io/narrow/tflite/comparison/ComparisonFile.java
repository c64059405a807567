package io.narrow.tflite.comparison;

import com.google.gson.stream.JsonWriter;
import io.narrow.tflite.calibration.Distribution;
import io.narrow.tflite.calibration.Histogram;
import io.narrow.tflite.comparison.Comparison.Caller;
import io.narrow.tflite.comparison.Comparison.Constant;
import io.narrow.tflite.comparison.Comparison.Error;
import io.narrow.tflite.comparison.Comparison.Graph;
import io.narrow.tflite.comparison.Comparison.Restored;
import io.narrow.tflite.comparison.Comparison.Role;
import io.narrow.tflite.comparison.Comparison.Tensor;
import io.narrow.tflite.plan.Reason;
import io.narrow.tflite.plan.TensorPlan;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Comparisons in the formats of other tools, and with all that is known in those that have room.
 */
public final class ComparisonFile {
  /** The signature of ai-edge-quantizer's files where a model has none. */
  private static final String DEFAULT_SIGNATURE = "serving_default";

  private static final String CRLF = "\r\n";

  /** Most bins of a histogram. */
  private static final int BINS = 48;

  /** SQNR in decibels up to which a colour goes: from what is wrong to what rounding explains. */
  private static final Map<Double, String> COLOURS =
      Map.of(10.0, "#c80000", 20.0, "#e67800", 30.0, "#e6c800", 1000.0, "#64b464");

  private ComparisonFile() {}

  private interface Content {
    void write(JsonWriter json) throws IOException;
  }

  private static String document(Content content) {
    StringWriter text = new StringWriter();
    try (JsonWriter json = new JsonWriter(text)) {
      json.setIndent("  ");
      content.write(json);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return text.toString();
  }

  /**
   * A document of the form of ai-edge-quantizer's {@code _comparison_result.json}: its keys with
   * its definitions ({@code mse}, {@code cosine_similarity}, {@code snr}; not its {@code
   * median_diff_ratio} and {@code kl_divergence}), and more of Narrow's; with the values of tensors
   * where they were counted: {@code range}, {@code histogram}, and what the integers {@code reach};
   * with the {@code rule} of the mode where there is one. Figures that are not finite are left out,
   * as JSON has none.
   */
  public static String json(Comparison comparison) {
    return document(json -> write(comparison, json));
  }

  private static void write(Comparison comparison, JsonWriter json) throws IOException {
    long reduced = comparison.floatBytes() - comparison.quantizedBytes();
    json.beginObject();
    json.name("reduced_size_bytes").value(reduced);
    json.name("reduced_size_percentage").value(100.0 * reduced / comparison.floatBytes());
    if (comparison.mode().isPresent()) {
      json.name("mode").value(comparison.mode().get().toString());
    }
    for (Graph graph : comparison.graphs()) {
      json.name(graph.signature().isEmpty() ? DEFAULT_SIGNATURE : graph.signature());
      write(graph, json);
    }
    json.endObject();
  }

  private static void write(Graph graph, JsonWriter json) throws IOException {
    json.beginObject();
    write(graph, Role.INPUT, "input_tensors", json);
    write(graph, Role.OUTPUT, "output_tensors", json);
    write(graph.constants(), json);
    write(graph, Role.INTERMEDIATE, "intermediate_tensors", json);
    json.name("subgraph").value(graph.subgraph());
    if (graph.caller().isPresent()) {
      write(graph.name(), graph.caller().get(), json);
    }
    json.name("samples").value(graph.samples());
    json.name("worst").beginArray();
    for (Tensor tensor : graph.worst()) {
      json.value(tensor.name());
    }
    json.endArray();
    if (graph.firstBad().isPresent()) {
      json.name("first_bad").value(graph.firstBad().get().name());
      json.name("first_bad_tensor").value(graph.firstBad().get().number());
    }
    json.name("unseen").beginArray();
    for (String line : graph.unseen()) {
      json.value(line);
    }
    json.endArray().name("restored").beginArray();
    for (Restored restored : graph.restored()) {
      write(restored, json);
    }
    json.endArray();
    if (!graph.bodies().isEmpty()) {
      json.name("bodies").beginArray();
      for (Graph called : graph.bodies()) {
        write(called, json);
      }
      json.endArray();
    }
    json.endObject();
  }

  private static void write(String name, Caller caller, JsonWriter json) throws IOException {
    json.name("name").value(name);
    json.name("called_by").beginObject();
    json.name("subgraph").value(caller.subgraph());
    json.name("operator").value(caller.operator());
    json.name("operator_name").value(caller.operatorName());
    json.endObject();
  }

  private static void write(Graph graph, Role role, String name, JsonWriter json)
      throws IOException {
    Set<String> known = new HashSet<>();
    json.name(name).beginObject();
    for (Tensor tensor : graph.tensors()) {
      if (tensor.role() == role) {
        boolean again = !known.add(tensor.name());
        json.name(again ? tensor.name() + ":" + tensor.number() : tensor.name()).beginObject();
        write(tensor, json);
        json.endObject();
      }
    }
    json.endObject();
  }

  private static void write(List<Constant> constants, JsonWriter json) throws IOException {
    Set<String> known = new HashSet<>();
    json.name("constant_tensors").beginObject();
    for (Constant constant : constants) {
      boolean again = !known.add(constant.name());
      json.name(again ? constant.name() + ":" + constant.number() : constant.name()).beginObject();
      write("", constant.error(), json);
      json.name("tensor").value(constant.number());
      json.name("float_tensor").value(constant.floatNumber());
      json.name("float_name").value(constant.floatName());
      json.name("type").value(constant.type().toString());
      write(constant.shape(), "shape", json);
      if (constant.rule().isPresent()) {
        TensorPlan rule = constant.rule().get();
        write(rule.type().toString(), rule.reason(), json);
      }
      json.endObject();
    }
    json.endObject();
  }

  private static void write(List<Integer> sizes, String name, JsonWriter json) throws IOException {
    json.name(name).beginArray();
    for (int size : sizes) {
      json.value(size);
    }
    json.endArray();
  }

  private static void write(Tensor tensor, JsonWriter json) throws IOException {
    write("", tensor.accumulated(), tensor, json);
    if (tensor.local().isPresent()) {
      write("local_", tensor.local().get(), tensor, json);
    }
    finite("clipped_fraction", tensor.clipped(), json);
    json.name("tensor").value(tensor.number());
    json.name("float_tensor").value(tensor.floatNumber());
    json.name("float_name").value(tensor.floatName());
    json.name("operator").value(tensor.operator());
    json.name("operator_name").value(tensor.operatorName());
    json.name("type").value(tensor.type().toString());
    write(tensor.shape(), "shape", json);
    if (tensor.scale() > 0) {
      json.name("scale").value(tensor.scale());
      json.name("zero_point").value(tensor.zeroPoint());
    }
    if (tensor.values().isPresent()) {
      write(tensor, tensor.values().get(), json);
    }
    if (tensor.rule().isPresent()) {
      write(tensor.rule().get().precision().toString(), tensor.rule().get().reason(), json);
    }
  }

  /** What a mode makes of it, as plans are written. */
  private static void write(String what, Reason reason, JsonWriter json) throws IOException {
    json.name("rule").beginObject();
    json.name("precision").value(what);
    json.name("code").value(reason.code().toString());
    json.name("reason").value(reason.text());
    json.endObject();
  }

  private static void write(Tensor tensor, Distribution values, JsonWriter json)
      throws IOException {
    range("range", values.range().min(), values.range().max(), json);
    if (tensor.scale() > 0) {
      range("reach", tensor.lowest(), tensor.highest(), json);
    }
    Histogram bins = values.histogram().coarser(BINS);
    json.name("histogram").beginObject();
    json.name("low").value(bins.first() * bins.width());
    json.name("high").value((bins.first() + bins.counts().length) * bins.width());
    json.name("counts").beginArray();
    for (long count : bins.counts()) {
      json.value(count);
    }
    json.endArray().endObject();
  }

  private static void range(String name, double low, double high, JsonWriter json)
      throws IOException {
    json.name(name).beginArray().value(low).value(high).endArray();
  }

  private static void write(String prefix, Error error, Tensor tensor, JsonWriter json)
      throws IOException {
    write(prefix, error, json);
    finite(prefix + "rmse_over_scale", tensor.steps(error.rootMeanSquare()), json);
    finite(prefix + "max_over_scale", tensor.steps(error.largest()), json);
  }

  private static void write(String prefix, Error error, JsonWriter json) throws IOException {
    finite(prefix + "mse", error.meanSquaredError(), json);
    finite(prefix + "cosine_similarity", error.cosine(), json);
    finite(prefix + "snr", error.signalToNoise(), json);
    finite(prefix + "sqnr_db", error.sqnrDb(), json);
    finite(prefix + "max_abs", error.largest(), json);
    finite(prefix + "mean_error", error.mean(), json);
    finite(prefix + "stddev", error.deviation(), json);
    if (error.notFinite() > 0) {
      json.name(prefix + "not_finite").value(error.notFinite());
    }
  }

  private static void write(Restored restored, JsonWriter json) throws IOException {
    json.beginObject();
    json.name("operator_name").value(restored.operatorName());
    json.name("float_name").value(restored.name());
    finite("local_sqnr_db", restored.localSqnrDb(), json);
    finite("before_db", restored.before(), json);
    finite("alone_db", restored.alone(), json);
    finite("together_db", restored.together(), json);
    json.name("keep_float").value(restored.keepFloat());
    if (!restored.problem().isEmpty()) {
      json.name("problem").value(restored.problem());
    }
    json.endObject();
  }

  private static void finite(String name, double value, JsonWriter json) throws IOException {
    if (Double.isFinite(value)) {
      json.name(name).value(value);
    }
  }

  /**
   * A table with the columns of TensorFlow's {@code QuantizationDebugger}: a row for each tensor
   * that an operator writes, with the error of that operator alone. Rows of floats have no scale.
   */
  public static String csv(Comparison comparison) {
    StringBuilder text =
        new StringBuilder(
            "op_name,tensor_idx,num_elements,stddev,mean_error,max_abs_error,mean_squared_error,"
                + "scale,zero_point,tensor_name"
                + CRLF);
    for (Graph graph : all(comparison)) {
      for (Tensor tensor : graph.tensors()) {
        if (tensor.role() != Role.INPUT) {
          Error error = tensor.local().orElse(tensor.accumulated());
          long elements =
              tensor.shape().stream().mapToLong(size -> size).reduce(1, (a, b) -> a * b);
          boolean scaled = tensor.scale() > 0;
          List<Object> row =
              List.of(
                  tensor.operatorName(),
                  tensor.number(),
                  elements,
                  error.deviation(),
                  error.mean(),
                  error.meanLargest(),
                  error.meanSquaredError(),
                  scaled ? tensor.scale() : "",
                  scaled ? tensor.zeroPoint() : "",
                  tensor.name());
          text.append(
              row.stream().map(ComparisonFile::field).collect(Collectors.joining(",", "", CRLF)));
        }
      }
    }
    return text.toString();
  }

  private static List<Graph> all(Comparison comparison) {
    return comparison.graphs().stream().flatMap(graph -> graph.all().stream()).toList();
  }

  /** Quoted where it has to be, as Python's csv module does it. */
  private static String field(Object value) {
    String text = value.toString();
    return text.matches("[^,\"\r\n]*") ? text : '"' + text.replace("\"", "\"\"") + '"';
  }

  /**
   * Node data of Model Explorer for the quantized model: the SQNR of each operator alone in
   * decibels, by the name of the tensor that it writes, for each subgraph in an object of its own.
   */
  public static String modelExplorer(Comparison comparison) {
    return document(
        json -> {
          json.beginObject();
          for (Graph graph : all(comparison)) {
            json.name(graph.name()).beginObject();
            json.name("name").value("local SQNR dB");
            json.name("results").beginObject();
            Set<String> known = new HashSet<>();
            for (Tensor tensor : graph.tensors()) {
              Optional<Double> value =
                  tensor.local().map(Error::sqnrDb).filter(v -> Double.isFinite(v));
              if (value.isPresent() && known.add(tensor.name())) {
                json.name(tensor.name()).beginObject();
                json.name("value").value(value.get()).endObject();
              }
            }
            json.endObject().name("thresholds").beginArray();
            for (double limit : COLOURS.keySet().stream().sorted().toList()) {
              json.beginObject().name("value").value(limit);
              json.name("bgColor").value(COLOURS.get(limit)).endObject();
            }
            json.endArray().endObject();
          }
          json.endObject();
        });
  }
}
