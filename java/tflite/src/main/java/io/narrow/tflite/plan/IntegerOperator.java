package io.narrow.tflite.plan;

import java.util.ArrayList;
import java.util.List;

/**
 * An operator that computes in integers: what it has to read and write.
 *
 * @param subgraph number of its subgraph
 * @param operator its number in the subgraph
 * @param version version of the operator that has the kernel
 * @param wide whether activations are int16 and the bias int64
 * @param inputs an encoding for each operand; {@link Encoding#FLOAT} for one that stays as it is,
 *     such as a shape or an index
 * @param outputs an encoding for each result, likewise
 * @param intermediates encodings of values inside it, for the kernel to know their scales; of an
 *     LSTM only
 */
public record IntegerOperator(
    int subgraph,
    int operator,
    int version,
    boolean wide,
    List<Encoding> inputs,
    List<Encoding> outputs,
    List<Encoding> intermediates) {
  public IntegerOperator {
    inputs = List.copyOf(inputs);
    outputs = List.copyOf(outputs);
    intermediates = List.copyOf(intermediates);
  }

  /** The same operator with an operand read otherwise; places left out before it stay left out. */
  IntegerOperator withInput(int place, Encoding encoding) {
    List<Encoding> changed = new ArrayList<>(inputs);
    while (changed.size() <= place) {
      changed.add(Encoding.FLOAT);
    }
    changed.set(place, encoding);
    return new IntegerOperator(subgraph, operator, version, wide, changed, outputs, intermediates);
  }
}
