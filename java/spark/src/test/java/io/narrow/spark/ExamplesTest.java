package io.narrow.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.narrow.kernels.Kernels;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.lang.reflect.Method;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.tools.ToolProvider;
import org.apache.hadoop.conf.Configuration;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.hadoop.ParquetReader;
import org.apache.parquet.hadoop.example.GroupReadSupport;
import org.apache.parquet.hadoop.util.HadoopInputFile;
import org.apache.parquet.schema.LogicalTypeAnnotation;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The programs of examples/vectors, with the Arrow and Parquet that Spark brings. */
class ExamplesTest {
  private static final Path EXAMPLES = Path.of("..", "..", "examples", "vectors");

  @TempDir Path directory;

  private void compile(Path program) {
    int result =
        ToolProvider.getSystemJavaCompiler()
            .run(
                null,
                null,
                null,
                "-cp",
                System.getProperty("java.class.path"),
                "-d",
                directory.toString(),
                program.toString());
    assertThat(result).isZero();
  }

  private String run(String name, String... arguments) throws Exception {
    compile(EXAMPLES.resolve(name + ".java"));
    PrintStream before = System.out;
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    try (URLClassLoader loader = new URLClassLoader(new URL[] {directory.toUri().toURL()})) {
      Method main = loader.loadClass(name).getDeclaredMethod("main", String[].class);
      main.setAccessible(true);
      System.setOut(new PrintStream(printed, true));
      main.invoke(null, (Object) arguments);
    } finally {
      System.setOut(before);
    }
    return printed.toString();
  }

  @Test
  void programsOfThePages() throws Exception {
    for (String page : new String[] {"README.md", "docs/spark.md"}) {
      String text = Files.readString(Path.of("..", "..").resolve(page));
      Matcher block = Pattern.compile("(?ms)^```java$\n(.*?VectorQuantizer.*?)^```$").matcher(text);
      assertThat(block.find()).as(page).isTrue();
      Path program = directory.resolve("Program.java");
      Files.writeString(
          program,
          "import io.narrow.kernels.VectorFormat;\n"
              + "import io.narrow.spark.*;\n"
              + "import org.apache.spark.sql.*;\n"
              + "class Program { void run(SparkSession spark, Dataset<Row> table) {\n"
              + block.group(1)
              + "} }\n");
      compile(program);
    }
  }

  /** IEEE 754 binary16, little-endian, not negative and finite. */
  private static float half(byte[] bytes) {
    int bits = bytes[0] & 0xff | bytes[1] << 8;
    return bits < 0x400
        ? Math.scalb((float) bits, -24)
        : Math.scalb((float) (bits & 0x3ff | 0x400), (bits >> 10) - 25);
  }

  @Test
  void arrow() throws Exception {
    assumeTrue(!Kernels.active().name().equals("java"), "raw addresses need the native library");
    assertThat(run("ArrowFloat16")).isEqualToIgnoringNewLines("0.0 to 142.75");
  }

  @Test
  void parquet() throws Exception {
    Sessions.assumeSpark(); // Hadoop's, here
    Path file = directory.resolve("halves.parquet");
    run("ParquetFloat16", file.toString());
    org.apache.hadoop.fs.Path path = new org.apache.hadoop.fs.Path(file.toUri());
    try (ParquetFileReader footer =
            ParquetFileReader.open(HadoopInputFile.fromPath(path, new Configuration()));
        ParquetReader<Group> rows = ParquetReader.builder(new GroupReadSupport(), path).build()) {
      assertThat(footer.getFileMetaData().getSchema().getType("x").getLogicalTypeAnnotation())
          .isEqualTo(LogicalTypeAnnotation.float16Type());
      for (int i = 0; i < 1000; i++) {
        float x = i / 7f;
        assertThat(half(rows.read().getBinary("x", 0).getBytes()))
            .isBetween(x * (1 - 0x1p-11f), x * (1 + 0x1p-11f));
      }
      assertThat(rows.read()).isNull();
    }
  }
}
