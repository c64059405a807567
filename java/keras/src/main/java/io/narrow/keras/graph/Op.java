package io.narrow.keras.graph;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** An operator of the graph; {@code null} among its inputs stands for one that is left out. */
public final class Op {
  public final String kind;
  public final String options;
  public final Map<String, Object> fields;
  public final List<Value> inputs;
  public final List<Value> outputs;
  public int version = 1;

  public Op(
      String kind, String options, Map<String, ?> fields, List<Value> inputs, Value... outputs) {
    this.kind = kind;
    this.options = options;
    this.fields = new HashMap<>(fields);
    this.inputs = new ArrayList<>(inputs);
    this.outputs = new ArrayList<>(Arrays.asList(outputs));
  }

  public Op version(int number) {
    this.version = number;
    return this;
  }

  public Value output() {
    return outputs.get(0);
  }

  public Value input(int place) {
    return place < inputs.size() ? inputs.get(place) : null;
  }
}
