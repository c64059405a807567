package io.narrow.tflite.plan;

import io.narrow.tflite.model.Buffer;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.plan.Reason.Code;
import java.util.List;
import java.util.Optional;

/**
 * What becomes of a float32 constant, and why.
 *
 * @param subgraph number of its subgraph
 * @param tensor its number in the subgraph
 * @param name its name
 * @param elements how many values it has
 * @param encoding how its values are stored; {@link Encoding#FLOAT} if it stays as it is
 * @param use how its readers get it
 * @param readers numbers of the operators that read the stored values, for {@link Use#DIRECT},
 *     {@link Use#INTEGER} and {@link Use#ROWS}; all others keep reading float32
 * @param codes its values in that encoding, where something chose them; otherwise they are rounded
 * @param reason why
 */
public record TensorPlan(
    int subgraph,
    int tensor,
    String name,
    long elements,
    Encoding encoding,
    Use use,
    List<Integer> readers,
    Optional<Buffer> codes,
    Reason reason) {

  /** How operators get the values of a constant. */
  public enum Use {
    /** As float32, as before. */
    FLOAT,
    /** Kernels take the stored type beside float32. */
    DIRECT,
    /** Kernels compute with it in integers. */
    INTEGER,
    /** A DEQUANTIZE operator makes them float32 first. */
    DEQUANTIZED,
    /** The operator copies stored rows, which a DEQUANTIZE operator then makes float32. */
    ROWS
  }

  public TensorPlan {
    readers = List.copyOf(readers);
  }

  /** Type its values are stored as. */
  public TensorType type() {
    return encoding.type();
  }

  /** The plan that a float32 constant stays as it is. */
  static TensorPlan stays(int subgraph, int number, Tensor tensor, Reason reason) {
    return new TensorPlan(
        subgraph,
        number,
        tensor.name(),
        tensor.elements(),
        Encoding.FLOAT,
        Use.FLOAT,
        List.of(),
        Optional.empty(),
        reason);
  }

  /** The plan of a constant that one operator alone reads, which computes in integers. */
  static TensorPlan integer(
      int subgraph, int number, Tensor tensor, Encoding encoding, int operator) {
    return new TensorPlan(
        subgraph,
        number,
        tensor.name(),
        tensor.elements(),
        encoding,
        Use.INTEGER,
        List.of(operator),
        Optional.empty(),
        Reason.of(Code.QUANTIZED, encoding.toString()));
  }

  /** The same decision for another tensor and other readers. */
  TensorPlan as(int number, List<Integer> newReaders) {
    return new TensorPlan(
        subgraph, number, name, elements, encoding, use, newReaders, codes, reason);
  }

  /** The same decision in another encoding, to which values are rounded. */
  TensorPlan with(Encoding newEncoding) {
    Reason why = reason.as(reason.text().replace(encoding.toString(), newEncoding.toString()));
    return new TensorPlan(
        subgraph, tensor, name, elements, newEncoding, use, readers, Optional.empty(), why);
  }

  /** The same decision with codes that were chosen. */
  TensorPlan with(Codes chosen) {
    TensorPlan scaled = with(chosen.encoding());
    return new TensorPlan(
        subgraph,
        tensor,
        name,
        elements,
        chosen.encoding(),
        use,
        readers,
        Optional.of(chosen.codes()),
        reason.as(scaled.reason + ", " + chosen.how()));
  }

  /** Whether the tensor stays float32. */
  public boolean isFloat() {
    return encoding.isFloat();
  }
}
