package io.narrow.keras;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** An operator of the graph; {@code null} among its inputs stands for one that is left out. */
final class Op {
  final String kind;
  final String options;
  final Map<String, Object> fields;
  final List<Value> inputs;
  final List<Value> outputs;
  int version = 1;

  Op(String kind, String options, Map<String, ?> fields, List<Value> inputs, Value... outputs) {
    this.kind = kind;
    this.options = options;
    this.fields = new HashMap<>(fields);
    this.inputs = new ArrayList<>(inputs);
    this.outputs = new ArrayList<>(Arrays.asList(outputs));
  }

  Op version(int number) {
    this.version = number;
    return this;
  }

  Value output() {
    return outputs.get(0);
  }

  Value input(int place) {
    return place < inputs.size() ? inputs.get(place) : null;
  }
}
