import io.narrow.kernels.Kernels;
import io.narrow.kernels.Span;
import java.nio.file.Path;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.example.data.simple.SimpleGroup;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.example.ExampleParquetWriter;
import org.apache.parquet.io.LocalOutputFile;
import org.apache.parquet.io.api.Binary;
import org.apache.parquet.schema.LogicalTypeAnnotation;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName;
import org.apache.parquet.schema.Types;

/** Floats to a Parquet column of the logical type FLOAT16; the argument is the file. */
class ParquetFloat16 {
  public static void main(String[] arguments) throws Exception {
    float[] x = new float[1000];
    for (int i = 0; i < x.length; i++) x[i] = i / 7f;
    byte[] halves = new byte[2 * x.length]; // FLOAT16 is little-endian, as processors are
    Kernels.active().toFloat16(Span.of(x), Span.of(halves));
    MessageType type =
        Types.buildMessage()
            .required(PrimitiveTypeName.FIXED_LEN_BYTE_ARRAY)
            .length(2)
            .as(LogicalTypeAnnotation.float16Type())
            .named("x")
            .named("vectors");
    try (ParquetWriter<Group> writer =
        ExampleParquetWriter.builder(new LocalOutputFile(Path.of(arguments[0])))
            .withType(type)
            .build()) {
      for (int i = 0; i < x.length; i++) {
        Binary half = Binary.fromConstantByteArray(halves, 2 * i, 2);
        writer.write(new SimpleGroup(type).append("x", half));
      }
    }
  }
}
