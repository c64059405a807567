package io.narrow.spark;

import io.narrow.kernels.Span;
import io.narrow.kernels.VectorFormat;
import io.narrow.kernels.VectorQuantizer;
import io.narrow.tflite.NarrowException;
import java.io.Serializable;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.SparkSessionExtensions;
import org.apache.spark.sql.catalyst.FunctionIdentifier;
import org.apache.spark.sql.catalyst.expressions.Cast$;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.ExpressionInfo;
import org.apache.spark.sql.catalyst.expressions.Literal;
import org.apache.spark.sql.catalyst.expressions.UnsafeArrayData;
import org.apache.spark.sql.catalyst.expressions.objects.Invoke;
import org.apache.spark.sql.catalyst.util.ArrayData;
import org.apache.spark.sql.types.AbstractDataType;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.ObjectType;
import scala.Function1;
import scala.collection.immutable.Seq;
import scala.jdk.javaapi.CollectionConverters;
import scala.runtime.AbstractFunction1;
import scala.runtime.BoxedUnit;

/**
 * Functions of SQL, which PySpark and Spark Connect have by name too, where the session was made
 * with {@code spark.sql.extensions=io.narrow.spark.SqlFunctions}:
 *
 * <ul>
 *   <li>{@code narrow_pack(vector, 'FORMAT')}: an {@code array<float>} to a format without ranges
 *       ({@code FLOAT16}, {@code BFLOAT16}, {@code Q8_0}, {@code Q4_0}, {@code UBINARY}, ...)
 *   <li>{@code narrow_unpack(codes, 'FORMAT', dimensions)}: back
 *   <li>{@code narrow_quantize(vector, 'PATH')}: an {@code array<float>} to the codes of a {@link
 *       VectorQuantizerModel} that was written to this path
 *   <li>{@code narrow_dequantize(codes, 'PATH')}: back
 * </ul>
 *
 * <p>{@link VectorQuantizerModel#register} adds one for its ranges to a session. A function gets a
 * row at a time; {@link VectorQuantizerModel#transform} gives kernels batches.
 */
public final class SqlFunctions extends AbstractFunction1<SparkSessionExtensions, BoxedUnit> {
  private static final DataType FLOATS = DataTypes.createArrayType(DataTypes.FloatType, true);

  @Override
  public BoxedUnit apply(SparkSessionExtensions extensions) {
    inject(extensions, "narrow_pack", 2, SqlFunctions::pack);
    inject(extensions, "narrow_unpack", 3, SqlFunctions::unpack);
    inject(extensions, "narrow_quantize", 2, SqlFunctions::quantize);
    inject(extensions, "narrow_dequantize", 2, SqlFunctions::dequantize);
    return BoxedUnit.UNIT;
  }

  private interface Builder {
    Expression build(java.util.List<Expression> arguments);
  }

  private static void inject(
      SparkSessionExtensions extensions, String name, int arguments, Builder builder) {
    extensions.injectFunction(
        new scala.Tuple3<>(
            new FunctionIdentifier(name), info(name), function(name, arguments, builder)));
  }

  private static ExpressionInfo info(String name) {
    return new ExpressionInfo(SqlFunctions.class.getName(), name);
  }

  private static Function1<Seq<Expression>, Expression> function(
      String name, int needed, Builder builder) {
    return new AbstractFunction1<>() {
      @Override
      public Expression apply(Seq<Expression> given) {
        java.util.List<Expression> arguments = CollectionConverters.asJava(given);
        if (arguments.size() != needed) {
          throw NarrowException.input(
              "%s has %s arguments, %s are needed".formatted(name, arguments.size(), needed));
        }
        return builder.build(arguments);
      }
    };
  }

  static void register(SparkSession session, String name, Codes codes) {
    OfModel model = new OfModel(codes, name);
    ((org.apache.spark.sql.classic.SparkSession) session)
        .sessionState()
        .functionRegistry()
        .registerFunction(
            new FunctionIdentifier(name),
            info(name),
            function(
                name,
                1,
                arguments ->
                    call(model, "encode", DataTypes.BinaryType, floats(arguments.get(0)))));
  }

  private static Expression floats(Expression vector) {
    return vector.dataType() instanceof ArrayType array
            && array.elementType().equals(DataTypes.FloatType)
        ? vector
        : Cast$.MODULE$.apply(vector, FLOATS, true);
  }

  private static Expression pack(java.util.List<Expression> arguments) {
    return call(
        new OfFormat(format(arguments.get(1)), 0),
        "encode",
        DataTypes.BinaryType,
        floats(arguments.get(0)));
  }

  private static Expression unpack(java.util.List<Expression> arguments) {
    Object dimensions = constant(arguments.get(2), "dimensions");
    if (!(dimensions instanceof Integer count) || count < 1) {
      throw NarrowException.input("dimensions %s: a number from 1 is needed".formatted(dimensions));
    }
    return call(
        new OfFormat(format(arguments.get(1)), count),
        "decode",
        DataTypes.createArrayType(DataTypes.FloatType, false),
        arguments.get(0));
  }

  private static Expression quantize(java.util.List<Expression> arguments) {
    return call(
        written(arguments.get(1), "narrow_quantize"),
        "encode",
        DataTypes.BinaryType,
        floats(arguments.get(0)));
  }

  private static Expression dequantize(java.util.List<Expression> arguments) {
    return call(
        written(arguments.get(1), "narrow_dequantize"),
        "decode",
        DataTypes.createArrayType(DataTypes.FloatType, false),
        arguments.get(0));
  }

  private static OfModel written(Expression argument, String name) {
    String path = String.valueOf(constant(argument, "path"));
    try {
      return new OfModel(VectorQuantizerModel.load(path).codes(), name);
    } catch (NarrowException e) {
      throw e;
    } catch (Exception e) {
      throw new NarrowException(
          NarrowException.Kind.INPUT,
          "%s: %s is no model that was written: %s".formatted(name, path, e.getMessage()),
          e);
    }
  }

  private static Object constant(Expression argument, String name) {
    if (!argument.foldable()) {
      throw NarrowException.input(name + ": a constant is needed");
    }
    return argument.eval(null);
  }

  private static VectorFormat format(Expression argument) {
    String name = String.valueOf(constant(argument, "format")).toUpperCase(Locale.ROOT);
    return Arrays.stream(VectorFormat.values())
        .filter(format -> !format.isInteger() && format.name().equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                NarrowException.input(
                    "format %s: one without ranges is needed, of %s"
                        .formatted(
                            name,
                            Arrays.stream(VectorFormat.values())
                                .filter(format -> !format.isInteger())
                                .map(Enum::name)
                                .collect(Collectors.joining(", ")))));
  }

  private static Expression call(
      Serializable target, String method, DataType type, Expression argument) {
    return new Invoke(
        new Literal(target, new ObjectType(target.getClass())),
        method,
        type,
        CollectionConverters.asScala(java.util.List.of(argument)).toSeq(),
        CollectionConverters.asScala(java.util.List.<AbstractDataType>of()).toSeq(),
        true,
        true,
        true);
  }

  /** Public for the code that Spark generates. */
  public static final class OfFormat implements Serializable {
    private static final long serialVersionUID = 1;

    private final VectorFormat format;
    private final int dimensions;
    private transient Codes codes;

    OfFormat(VectorFormat format, int dimensions) {
      this.format = format;
      this.dimensions = dimensions;
    }

    private Codes codes(int count) {
      if (codes == null || codes.quantizer().dimensions() != count) {
        codes =
            new Codes(
                Rows.naming("narrow_pack", () -> VectorQuantizer.of(format, count)),
                Optional.empty());
      }
      return codes;
    }

    /** Part of the name of a column that nobody names. */
    @Override
    public String toString() {
      return format.name();
    }

    /** A vector to codes. */
    public byte[] encode(ArrayData vector) {
      return vector.numElements() == 0
          ? new byte[0]
          : SqlFunctions.encode(codes(vector.numElements()), vector, "narrow_pack");
    }

    /** Codes to a vector. */
    public ArrayData decode(byte[] row) {
      return SqlFunctions.decode(codes(dimensions), row, "narrow_unpack");
    }
  }

  /** Public for the code that Spark generates. */
  public static final class OfModel implements Serializable {
    private static final long serialVersionUID = 1;

    private final Codes codes;
    private final String name;

    OfModel(Codes codes, String name) {
      if (codes.isByRow()) {
        throw NarrowException.unsupported("a function has no column of scales: use transform");
      }
      this.codes = codes;
      this.name = name;
    }

    /** Part of the name of a column that nobody names. */
    @Override
    public String toString() {
      return name;
    }

    /** A vector to codes. */
    public byte[] encode(ArrayData vector) {
      int dimensions = codes.quantizer().dimensions();
      if (vector.numElements() != dimensions) {
        throw NarrowException.input(
            "%s: a vector has %s values, %s are needed"
                .formatted(name, vector.numElements(), dimensions));
      }
      return SqlFunctions.encode(codes, vector, name);
    }

    /** Codes to a vector. */
    public ArrayData decode(byte[] row) {
      return SqlFunctions.decode(codes, row, name);
    }
  }

  private static ArrayData decode(Codes codes, byte[] row, String name) {
    float[] x = new float[codes.quantizer().dimensions()];
    Rows.naming(
        name,
        () -> {
          codes.codec().restore(Span.of(row), Span.of(x));
          return x;
        });
    return UnsafeArrayData.fromPrimitiveArray(x);
  }

  private static byte[] encode(Codes codes, ArrayData vector, String name) {
    for (int i = 0; i < vector.numElements(); i++) {
      if (vector.isNullAt(i)) {
        throw NarrowException.input("%s: value %s of a vector is null".formatted(name, i));
      }
    }
    VectorQuantizer quantizer = codes.quantizer();
    byte[] row = new byte[(int) quantizer.format().bytes(quantizer.dimensions())];
    Rows.naming(name, () -> codes.codec().apply(Span.of(vector.toFloatArray()), Span.of(row)));
    return row;
  }
}
