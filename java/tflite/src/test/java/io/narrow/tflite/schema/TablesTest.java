package io.narrow.tflite.schema;

import static org.assertj.core.api.Assertions.assertThat;

import io.narrow.tflite.schema.Field.Kind;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

/** Tables of random contents, of everything that the schema has. */
class TablesTest {
  private static final int DEPTH = 5;
  private static final int LARGE = 1 << 13; // beyond the vectors that are compared with each other

  private static ByteBuffer write(Table root) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    TableWriter writer = new TableWriter(root, "TFL3");
    writer.write(Channels.newChannel(bytes));
    assertThat(bytes.size()).isEqualTo(Math.toIntExact(writer.size()));
    return ByteBuffer.wrap(bytes.toByteArray());
  }

  @Property(tries = 300)
  void whatIsWrittenIsRead(@ForAll long seed) throws Exception {
    Table root = table("Model", new Random(seed), DEPTH);
    ByteBuffer file = write(root);
    Table read = new TableReader(file).root("Model");
    assertThat(read).isEqualTo(root);
    assertThat(write(read)).isEqualTo(file);
  }

  /** Each vector begins where its elements need it: a reader maps the file and casts. */
  @Property(tries = 100)
  void vectorsLieWhereTheirElementsNeedThem(@ForAll long seed) throws Exception {
    byte[] file = write(table("Model", new Random(seed), DEPTH)).array();
    ByteBuffer direct = ByteBuffer.allocateDirect(file.length + 128).alignedSlice(64);
    direct.put(file).flip();
    aligned(new TableReader(direct).root("Model"));
  }

  private static void aligned(Table table) {
    for (String name : table.type().names()) {
      Field field = table.type().field(name);
      Object value = table.value(field.id());
      if (value instanceof ByteBuffer vector && vector.hasRemaining()) {
        assertThat(vector.alignmentOffset(0, field.alignment())).as(table + "." + name).isZero();
      } else if (field.kind() == Kind.TABLES) {
        table.tables(name).forEach(TablesTest::aligned);
      } else if (value instanceof Table inner) {
        aligned(inner);
      }
    }
  }

  @Test
  void everyTableOfTheSchemaIsWrittenAndRead() throws Exception {
    Random random = new Random(5);
    for (Field field : unionFields()) {
      for (int tag = 1; !Schema.name(field.target(), tag).isEmpty(); tag++) {
        for (int i = 0; i < 5; i++) {
          Table operator =
              Table.of("Operator")
                  .with(field.name() + "_type", tag)
                  .with(field.name(), table(Schema.name(field.target(), tag), random, 2));
          ByteBuffer file = write(operator);
          assertThat(new TableReader(file).root("Operator")).isEqualTo(operator);
        }
      }
    }
  }

  private static List<Field> unionFields() {
    TableType operator = Schema.table("Operator");
    return operator.names().stream()
        .map(operator::field)
        .filter(field -> field.kind() == Kind.UNION)
        .toList();
  }

  private static Table table(String type, Random random, int depth) {
    Table table = Table.of(type);
    for (String name : table.type().names()) {
      Field field = table.type().field(name);
      if (random.nextInt(3) == 0 || table.has(name)) {
        continue;
      }
      table =
          switch (field.kind()) {
            case FLOAT -> table.with(name, real(random));
            case STRING -> table.with(name, text(random));
            case VECTOR -> table.with(name, vector(field, random));
            case TABLE ->
                depth == 0 ? table : table.with(name, table(field.target(), random, depth - 1));
            case TABLES -> depth == 0 ? table : table.with(name, tables(field, random, depth - 1));
            case UNION -> table; // with its type, the field before it
            default -> integer(table, field, random, depth);
          };
    }
    return table;
  }

  private static Table integer(Table table, Field field, Random random, int depth) {
    TableType type = table.type();
    boolean tag = type.has(field.id() + 1) && type.field(field.id() + 1).kind() == Kind.UNION;
    if (!tag) {
      return table.with(field.name(), integer(field.kind(), random));
    }
    Field union = type.field(field.id() + 1);
    int members = 1;
    while (!Schema.name(union.target(), members).isEmpty()) {
      members++;
    }
    int member = random.nextInt(members);
    return member == 0 || depth == 0
        ? table
        : table
            .with(field.name(), member)
            .with(union.name(), table(Schema.name(union.target(), member), random, depth - 1));
  }

  private static long integer(Kind kind, Random random) {
    long bits = random.nextInt(4) == 0 ? random.nextInt(3) - 1 : random.nextLong();
    return switch (kind) {
      case BOOL -> bits & 1;
      case BYTE -> (byte) bits;
      case UBYTE -> bits & 0xff;
      case USHORT -> bits & 0xffff;
      case INT -> (int) bits;
      case UINT -> bits & 0xffffffffL;
      default -> bits;
    };
  }

  private static float real(Random random) {
    float[] special = {0f, -0f, Float.NaN, Float.NEGATIVE_INFINITY, Float.MIN_VALUE};
    return random.nextInt(3) == 0
        ? special[random.nextInt(special.length)]
        : Float.intBitsToFloat(random.nextInt());
  }

  private static String text(Random random) {
    String[] parts = {"", "conv", "\0", "\u00e4\u4e16", "\ud83d\ude00", ";"};
    return parts[random.nextInt(parts.length)] + parts[random.nextInt(parts.length)];
  }

  private static ByteBuffer vector(Field field, Random random) {
    int bytes = field.element().bytes;
    int count = random.nextInt(20) == 0 ? LARGE / bytes + random.nextInt(9) : random.nextInt(6);
    byte[] contents = new byte[count * bytes];
    random.nextBytes(contents);
    return ByteBuffer.wrap(contents).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static List<Table> tables(Field field, Random random, int depth) {
    List<Table> tables = new ArrayList<>();
    for (int i = random.nextInt(4); i > 0; i--) {
      // The same table twice is written once and has to come back twice.
      tables.add(
          !tables.isEmpty() && random.nextInt(4) == 0
              ? tables.get(0)
              : table(field.target(), random, depth));
    }
    return tables;
  }
}
