package io.narrow.tflite.model;

import io.narrow.tflite.schema.Schema;
import io.narrow.tflite.schema.Table;

/**
 * What an operator is: the name of a builtin operator, or that of a custom one, and its version.
 *
 * @param builtin number of the builtin operator; {@link #CUSTOM} for a custom one
 * @param custom name of the custom operator, empty for a builtin one
 * @param version version of the operator, from 1
 */
record OperatorCode(int builtin, String custom, int version) {
  static final int CUSTOM = 32;

  /** The old one-byte field holds this where the number does not fit. */
  private static final int PLACEHOLDER = 127;

  static OperatorCode of(Table table) {
    // Files from before 2020 have the one-byte field only, and 0 in the other.
    int builtin =
        (int) Math.max(table.integer("builtin_code"), table.integer("deprecated_builtin_code"));
    return new OperatorCode(builtin, table.string("custom_code"), (int) table.integer("version"));
  }

  /** Name of the operator, {@code CUSTOM:} and its own name for a custom one. */
  String name() {
    String known = Schema.name("BuiltinOperator", builtin);
    return builtin == CUSTOM ? "CUSTOM:" + custom : known.isEmpty() ? "BUILTIN_" + builtin : known;
  }

  // The methods that the compiler makes for a record link at run time, which costs 10 ms once.
  @Override
  public boolean equals(Object other) {
    return other instanceof OperatorCode that
        && builtin == that.builtin
        && version == that.version
        && custom.equals(that.custom);
  }

  @Override
  public int hashCode() {
    return 31 * (31 * builtin + version) + custom.hashCode();
  }

  Table table() {
    Table table =
        Table.of("OperatorCode")
            .with("deprecated_builtin_code", Math.min(builtin, PLACEHOLDER))
            .with("version", version)
            .with("builtin_code", builtin);
    return custom.isEmpty() ? table : table.with("custom_code", custom);
  }
}
