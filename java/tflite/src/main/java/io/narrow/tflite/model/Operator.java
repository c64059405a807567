package io.narrow.tflite.model;

import io.narrow.tflite.schema.Schema;
import io.narrow.tflite.schema.Table;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.IntUnaryOperator;

/** An operator of a subgraph: what it is, the tensors it reads and writes, its options. */
public final class Operator {
  private final Table table;
  private final OperatorCode code;
  private final int[] inputs;
  private final int[] outputs;

  Operator(Table table, OperatorCode code) {
    this.table = table;
    this.code = code;
    this.inputs = table.ints("inputs");
    this.outputs = table.ints("outputs");
  }

  /** A builtin operator without options. */
  public static Operator of(String name, int version, int[] inputs, int[] outputs) {
    int builtin = Schema.value("BuiltinOperator", name);
    return new Operator(
        Table.of("Operator").with("inputs", inputs).with("outputs", outputs),
        new OperatorCode(builtin, "", version));
  }

  /**
   * A builtin operator with options.
   *
   * @param options name of its table of options, e.g. {@code Conv2DOptions}
   * @param fields the options that are not 0: {@link Integer}, {@link Boolean}, {@link Float},
   *     {@link String} or {@code int[]} by the name of their field in the schema
   */
  public static Operator of(
      String name,
      int version,
      String options,
      Map<String, Object> fields,
      int[] inputs,
      int[] outputs) {
    Table table = Table.of(options);
    for (Map.Entry<String, Object> field : fields.entrySet()) {
      table = with(table, field.getKey(), field.getValue());
    }
    return of(name, version, table, inputs, outputs);
  }

  static Operator of(String name, int version, Table options, int[] inputs, int[] outputs) {
    Operator bare = of(name, version, inputs, outputs);
    Table table =
        bare.table
            .with("builtin_options_type", Schema.value("BuiltinOptions", options.type().name()))
            .with("builtin_options", options);
    return new Operator(table, bare.code);
  }

  private static Table with(Table table, String field, Object value) {
    if (value instanceof Float real) {
      return table.with(field, real);
    }
    if (value instanceof String text) {
      return table.with(field, text);
    }
    if (value instanceof int[] list) {
      return table.with(field, list);
    }
    return table.with(
        field, value instanceof Boolean yes ? (yes ? 1 : 0) : ((Number) value).longValue());
  }

  Table table() {
    return table;
  }

  OperatorCode code() {
    return code;
  }

  /** Name in the schema, e.g. {@code CONV_2D}; {@code CUSTOM:} and its own for a custom one. */
  public String name() {
    return code.name();
  }

  public int version() {
    return code.version();
  }

  /** Numbers of the tensors it reads, -1 for an optional one that is left out. */
  public int[] inputs() {
    return inputs.clone();
  }

  /** Number of the tensor at this place, -1 where there is none. */
  public int input(int place) {
    return place < inputs.length ? inputs[place] : -1;
  }

  /** Numbers of the tensors it writes. */
  public int[] outputs() {
    return outputs.clone();
  }

  /** Whether the operator has options of a type with this field. */
  public boolean hasOption(String field) {
    return table.table("builtin_options").stream()
        .anyMatch(options -> options.type().names().contains(field));
  }

  /** An integer or bool option; 0, as the runtime has it, where the operator has no such option. */
  public long option(String field) {
    return hasOption(field) ? table.table("builtin_options").get(0).integer(field) : 0;
  }

  /** A float option; 0 where the operator has no such option. */
  public float realOption(String field) {
    return hasOption(field) ? table.table("builtin_options").get(0).real(field) : 0;
  }

  /** An option that is a list of integers; empty where the operator has no such option. */
  public int[] listOption(String field) {
    return hasOption(field) ? table.table("builtin_options").get(0).ints(field) : new int[0];
  }

  /** A text option; empty where the operator has no such option. */
  public String text(String field) {
    return hasOption(field) ? table.table("builtin_options").get(0).string(field) : "";
  }

  /** Numbers of the subgraphs that it calls: the bodies of control flow, a decomposition. */
  public List<Integer> calls() {
    List<Integer> called = new ArrayList<>();
    for (String field : List.of("builtin_options", "builtin_options_2")) {
      for (Table options : table.table(field)) {
        for (String name : options.type().names()) {
          if (name.endsWith("_subgraph_index") || name.equals("subgraph")) {
            called.add((int) options.integer(name));
          } else if (name.endsWith("_subgraph_indices")) {
            for (int number : options.ints(name)) {
              called.add(number);
            }
          }
        }
      }
    }
    return called;
  }

  /** Numbers of the tensors that only tell the scales of values inside it; most have none. */
  public int[] intermediates() {
    return table.ints("intermediates");
  }

  public Operator withIntermediates(int[] tensors) {
    return new Operator(table.with("intermediates", tensors), code);
  }

  /**
   * The same operator on tensors of other numbers.
   *
   * @param number gives the new number for each old one; places that are left out stay left out
   */
  public Operator renumbered(IntUnaryOperator number) {
    IntUnaryOperator each = tensor -> tensor < 0 ? tensor : number.applyAsInt(tensor);
    Table changed =
        table
            .with("inputs", Arrays.stream(inputs).map(each).toArray())
            .with("outputs", Arrays.stream(outputs).map(each).toArray());
    int[] inside = intermediates();
    return new Operator(
        inside.length == 0
            ? changed
            : changed.with("intermediates", Arrays.stream(inside).map(each).toArray()),
        code);
  }

  public Operator withVersion(int version) {
    return new Operator(table, new OperatorCode(code.builtin(), code.custom(), version));
  }

  /** The same operator with another tensor at a place; places left out before it stay left out. */
  public Operator withInput(int place, int tensor) {
    int[] changed = Arrays.copyOf(inputs, Math.max(inputs.length, place + 1));
    Arrays.fill(changed, Math.min(inputs.length, place), Math.max(0, place), -1);
    changed[place] = tensor;
    return new Operator(table.with("inputs", changed), code);
  }

  public Operator withOutput(int place, int tensor) {
    int[] changed = outputs.clone();
    changed[place] = tensor;
    return new Operator(table.with("outputs", changed), code);
  }

  /** The same operator with a bool option set; it must have options of a type with that field. */
  public Operator withOption(String field, boolean value) {
    Table options = table.table("builtin_options").get(0);
    return new Operator(table.with("builtin_options", options.with(field, value ? 1 : 0)), code);
  }

  /** The same operator with an integer option set; as {@link #withOption(String, boolean)}. */
  public Operator withOption(String field, int value) {
    Table options = table.table("builtin_options").get(0);
    return new Operator(table.with("builtin_options", options.with(field, value)), code);
  }

  @Override
  public String toString() {
    return name();
  }
}
