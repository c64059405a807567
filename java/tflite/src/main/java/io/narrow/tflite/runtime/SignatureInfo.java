package io.narrow.tflite.runtime;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A named entry of a model.
 *
 * @param key its name, mostly {@code serving_default}
 * @param subgraph index of the subgraph it runs; the {@link Interpreter} runs subgraph 0
 * @param inputs tensor index in that subgraph by input name
 * @param outputs tensor index in that subgraph by output name
 */
public record SignatureInfo(
    String key, int subgraph, Map<String, Integer> inputs, Map<String, Integer> outputs) {
  public SignatureInfo {
    inputs = Collections.unmodifiableMap(new LinkedHashMap<>(inputs));
    outputs = Collections.unmodifiableMap(new LinkedHashMap<>(outputs));
  }
}
