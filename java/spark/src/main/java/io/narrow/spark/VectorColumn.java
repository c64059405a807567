package io.narrow.spark;

import io.narrow.tflite.NarrowException;
import java.io.Serializable;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Optional;
import org.apache.spark.ml.linalg.SQLDataTypes;
import org.apache.spark.ml.linalg.Vector;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.util.ArrayData;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.types.UserDefinedType;

/**
 * Where the vectors of rows are.
 *
 * @param ordinal of the column
 */
record VectorColumn(String name, int ordinal, Kind kind, boolean hasNulls) implements Serializable {
  enum Kind {
    FLOATS {
      @Override
      float[] values(InternalRow row, int ordinal) {
        return row.getArray(ordinal).toFloatArray();
      }

      @Override
      int length(InternalRow row, int ordinal) {
        return row.getArray(ordinal).numElements();
      }
    },
    DOUBLES {
      @Override
      float[] values(InternalRow row, int ordinal) {
        return narrowed(row.getArray(ordinal).toDoubleArray());
      }

      @Override
      int length(InternalRow row, int ordinal) {
        return row.getArray(ordinal).numElements();
      }
    },
    VECTOR {
      @Override
      float[] values(InternalRow row, int ordinal) {
        return narrowed(vector(row, ordinal).toArray());
      }

      @Override
      int length(InternalRow row, int ordinal) {
        return vector(row, ordinal).size();
      }
    },
    BINARY {
      @Override
      float[] values(InternalRow row, int ordinal) {
        float[] x = new float[length(row, ordinal)];
        ByteBuffer.wrap(row.getBinary(ordinal))
            .order(ByteOrder.LITTLE_ENDIAN)
            .asFloatBuffer()
            .get(x);
        return x;
      }

      @Override
      int length(InternalRow row, int ordinal) {
        int bytes = row.getBinary(ordinal).length;
        return bytes % Float.BYTES == 0 ? bytes / Float.BYTES : -1;
      }
    };

    abstract float[] values(InternalRow row, int ordinal);

    abstract int length(InternalRow row, int ordinal);

    private static float[] narrowed(double[] values) {
      float[] x = new float[values.length];
      for (int i = 0; i < x.length; i++) {
        x[i] = (float) values[i];
      }
      return x;
    }

    private static Vector vector(InternalRow row, int ordinal) {
      @SuppressWarnings("unchecked")
      UserDefinedType<Vector> type = (UserDefinedType<Vector>) (Object) SQLDataTypes.VectorType();
      return type.deserialize(row.getStruct(ordinal, 4));
    }
  }

  /**
   * @throws NarrowException if there is no such column, or it is of another type
   */
  static VectorColumn of(StructType schema, String name) {
    if (!Arrays.asList(schema.fieldNames()).contains(name)) {
      throw NarrowException.input(
          "no column `%s`; there are %s".formatted(name, Arrays.toString(schema.fieldNames())));
    }
    DataType type = schema.apply(name).dataType();
    int ordinal = schema.fieldIndex(name);
    if (type instanceof ArrayType array && array.elementType().equals(DataTypes.FloatType)) {
      return new VectorColumn(name, ordinal, Kind.FLOATS, array.containsNull());
    }
    if (type instanceof ArrayType array && array.elementType().equals(DataTypes.DoubleType)) {
      return new VectorColumn(name, ordinal, Kind.DOUBLES, array.containsNull());
    }
    if (type.equals(SQLDataTypes.VectorType())) {
      return new VectorColumn(name, ordinal, Kind.VECTOR, false);
    }
    if (type.equals(DataTypes.BinaryType)) {
      return new VectorColumn(name, ordinal, Kind.BINARY, false);
    }
    throw NarrowException.input(
        "column `%s` is %s: array<float>, array<double>, vector or binary is needed"
            .formatted(name, type.simpleString()));
  }

  /**
   * Where a column of one type is.
   *
   * @param words for the type in the message
   * @throws NarrowException if there is no such column of it
   */
  static int ordinal(StructType schema, String name, DataType type, String words) {
    if (!Arrays.asList(schema.fieldNames()).contains(name)
        || !schema.apply(name).dataType().simpleString().equals(type.simpleString())) {
      throw NarrowException.input("no column `%s` of %s".formatted(name, words));
    }
    return schema.fieldIndex(name);
  }

  /** Values of a row, -1 if it has none. */
  int length(InternalRow row) {
    return row.isNullAt(ordinal) ? -1 : kind.length(row, ordinal);
  }

  /** Copies the values of a row; otherwise says what is wrong with it. */
  Optional<String> read(InternalRow row, float[] x, int at, int dimensions) {
    if (row.isNullAt(ordinal)) {
      return Optional.of("column `%s`: a row is null".formatted(name));
    }
    int length = kind.length(row, ordinal);
    if (length < 0) {
      return Optional.of(
          "column `%s`: %s bytes are no whole floats"
              .formatted(name, row.getBinary(ordinal).length));
    }
    if (hasNulls) {
      ArrayData array = row.getArray(ordinal);
      for (int i = 0; i < length; i++) {
        if (array.isNullAt(i)) {
          return Optional.of("column `%s`: value %s of a row is null".formatted(name, i));
        }
      }
    }
    if (length != dimensions) {
      return Optional.of(
          "column `%s`: %s has %s values, %s are needed"
              .formatted(name, shortened(row, length), length, dimensions));
    }
    System.arraycopy(kind.values(row, ordinal), 0, x, at, dimensions);
    return Optional.empty();
  }

  private String shortened(InternalRow row, int length) {
    if (length > 1 << 20) {
      return "a row";
    }
    float[] values = kind.values(row, ordinal);
    String text = Arrays.toString(Arrays.copyOf(values, Math.min(length, 4)));
    return length <= 4 ? text : text.replace("]", ", ...]");
  }
}
