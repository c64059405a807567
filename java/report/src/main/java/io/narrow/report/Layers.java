package io.narrow.report;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * How far below its inputs each operator of a subgraph stands, at least. What depends on constants
 * alone stands just above who reads it.
 */
final class Layers {
  private final JsonArray steps;
  private final Map<Integer, Integer> writers = new HashMap<>();
  private final int[] layers;
  private final boolean[] free;

  Layers(JsonArray steps, JsonArray inputs) {
    this.steps = steps;
    this.layers = new int[steps.size()];
    this.free = new boolean[steps.size()];
    for (int i = 0; i < steps.size(); i++) {
      for (JsonElement output : numbers(i, "outputs")) {
        writers.put(output.getAsInt(), i);
      }
    }
    Set<Integer> given = new HashSet<>();
    inputs.forEach(input -> given.add(input.getAsInt()));
    for (int i = 0; i < layers.length; i++) {
      descend(i, given);
    }
    rise();
  }

  private void descend(int operator, Set<Integer> given) {
    free[operator] = true;
    for (JsonElement input : numbers(operator, "inputs")) {
      int writer = writers.getOrDefault(input.getAsInt(), operator);
      free[operator] &= !given.contains(input.getAsInt());
      if (writer < operator) { // files may have operators in another order
        layers[operator] = Math.max(layers[operator], layers[writer] + 1);
        free[operator] &= free[writer];
      }
    }
    layers[operator] += layers[operator] == 0 ? 1 : 0; // below the inputs
  }

  private void rise() {
    int[] lowest = new int[layers.length];
    Arrays.fill(lowest, Integer.MAX_VALUE);
    for (int i = layers.length - 1; i >= 0; i--) {
      if (free[i] && lowest[i] < Integer.MAX_VALUE) {
        layers[i] = lowest[i] - 1;
      }
      for (JsonElement input : numbers(i, "inputs")) {
        int writer = writers.getOrDefault(input.getAsInt(), i);
        if (writer < i) {
          lowest[writer] = Math.min(lowest[writer], layers[i]);
        }
      }
    }
  }

  private JsonArray numbers(int operator, String name) {
    return steps.get(operator).getAsJsonObject().getAsJsonArray(name);
  }

  /** The operator that writes a tensor, -1 if none does. */
  int writer(int tensor) {
    return writers.getOrDefault(tensor, -1);
  }

  /** How many layers lie between who writes a tensor and an operator that reads it. */
  int distance(int tensor, int reader) {
    int writer = writer(tensor);
    return layers[reader] - (writer < 0 ? 0 : layers[writer]);
  }
}
