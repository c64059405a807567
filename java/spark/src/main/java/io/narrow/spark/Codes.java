package io.narrow.spark;

import io.narrow.kernels.Kernels;
import io.narrow.kernels.Quantization;
import io.narrow.kernels.QuantizedType;
import io.narrow.kernels.Span;
import io.narrow.kernels.VectorCodec;
import io.narrow.kernels.VectorQuantizer;
import io.narrow.kernels.VectorQuantizer.Scope;
import io.narrow.kernels.VectorRanges;
import io.narrow.tflite.NarrowException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.GenericInternalRow;
import org.apache.spark.sql.catalyst.expressions.JoinedRow;
import org.apache.spark.sql.catalyst.expressions.UnsafeArrayData;

/** Rows to rows with codes, and back: what a task does. */
final class Codes implements Serializable {
  private static final long serialVersionUID = 1;

  private final VectorQuantizer quantizer;
  private final VectorRanges ranges; // null where none are needed, or each row has its own
  private transient VectorCodec codec;

  Codes(VectorQuantizer quantizer, Optional<VectorRanges> ranges) {
    this.quantizer = quantizer;
    this.ranges = ranges.orElse(null);
    if (quantizer.format().isInteger() && quantizer.scope() != Scope.ROW && ranges.isEmpty()) {
      throw NarrowException.input("the model has no ranges: fit one");
    }
  }

  VectorQuantizer quantizer() {
    return quantizer;
  }

  boolean isByRow() {
    return quantizer.format().isInteger() && quantizer.scope() == Scope.ROW;
  }

  VectorCodec codec() {
    if (codec == null) {
      codec = quantizer.format().isInteger() ? quantizer.codec(ranges) : quantizer.codec();
    }
    return codec;
  }

  private int width() {
    return Math.toIntExact(quantizer.format().bytes(quantizer.dimensions()));
  }

  Iterator<InternalRow> encode(
      Iterator<InternalRow> partition, VectorColumn column, Rows.Invalid invalid, boolean scales) {
    Rows rows = new Rows(column, quantizer.dimensions(), invalid, partition);
    return Rows.flattened(() -> rows.hasNext() ? encoded(rows.next(true), column) : null);
  }

  private Iterator<InternalRow> encoded(Rows.Batch batch, VectorColumn column) {
    Span x = Span.of(batch.x(), 0, batch.count() * quantizer.dimensions());
    byte[] codes = new byte[batch.count() * width()];
    Quantization scales = Rows.naming(column, () -> encode(x, codes));
    List<InternalRow> made = new ArrayList<>(batch.rows().size());
    int vector = 0;
    for (int i = 0; i < batch.rows().size(); i++) {
      Object[] added = new Object[isByRow() ? 2 : 1];
      if (batch.valid().get(i)) {
        added[0] = Arrays.copyOfRange(codes, vector * width(), (vector + 1) * width());
        if (isByRow()) {
          added[1] =
              new GenericInternalRow(new Object[] {scales.scale(vector), scales.zeroPoint(vector)});
        }
        vector++;
      }
      made.add(new JoinedRow(batch.rows().get(i), new GenericInternalRow(added)));
    }
    return made.iterator();
  }

  /** The scales where each row has its own, else null. */
  private Quantization encode(Span x, byte[] codes) {
    if (!isByRow()) {
      codec().apply(x, Span.of(codes));
      return null;
    }
    VectorRanges own = quantizer.fit(x);
    quantizer.codec(own).apply(x, Span.of(codes));
    return own.resolve(quantizer.rule()).quantization(quantizer);
  }

  Iterator<InternalRow> decode(
      Iterator<InternalRow> partition, String column, int ordinal, int scale) {
    int most = Rows.inBatch(quantizer.dimensions());
    return Rows.flattened(
        () -> {
          List<InternalRow> rows = new ArrayList<>();
          while (rows.size() < most && partition.hasNext()) {
            rows.add(partition.next().copy());
          }
          return rows.isEmpty() ? null : decoded(rows, column, ordinal, scale);
        });
  }

  private Iterator<InternalRow> decoded(
      List<InternalRow> rows, String column, int ordinal, int scale) {
    List<InternalRow> valid = rows.stream().filter(row -> !row.isNullAt(ordinal)).toList();
    byte[] codes = new byte[valid.size() * width()];
    float[] scales = new float[valid.size()];
    int[] zeroPoints = new int[valid.size()];
    for (int i = 0; i < valid.size(); i++) {
      byte[] row = valid.get(i).getBinary(ordinal);
      if (row.length != width()) {
        throw NarrowException.input(
            "column `%s`: a row has %s bytes, %s are needed"
                .formatted(column, row.length, width()));
      }
      System.arraycopy(row, 0, codes, i * width(), width());
      if (scale >= 0) {
        InternalRow own = valid.get(i).getStruct(scale, 2);
        scales[i] = own.getFloat(0);
        zeroPoints[i] = own.getInt(1);
      }
    }
    float[] x = new float[valid.size() * quantizer.dimensions()];
    if (scale >= 0 && !valid.isEmpty()) {
      QuantizedType type = QuantizedType.valueOf(quantizer.format().name());
      Quantization q = Quantization.perChannel(type, scales, zeroPoints, quantizer.dimensions());
      Kernels.active().dequantize(Span.of(codes), q, Span.of(x));
    } else if (!valid.isEmpty()) {
      codec().restore(Span.of(codes), Span.of(x));
    }
    List<InternalRow> made = new ArrayList<>(rows.size());
    int vector = 0;
    for (InternalRow row : rows) {
      Object[] added = new Object[1];
      if (!row.isNullAt(ordinal)) {
        int from = vector++ * quantizer.dimensions();
        added[0] =
            UnsafeArrayData.fromPrimitiveArray(
                Arrays.copyOfRange(x, from, from + quantizer.dimensions()));
      }
      made.add(new JoinedRow(row, new GenericInternalRow(added)));
    }
    return made.iterator();
  }
}
