package io.narrow.tflite.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.runtime.TensorInfo;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class NpyTest extends DataTest {
  @Test
  void everyTypeIsReadInBothByteOrders() throws IOException {
    String[] types = {"f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4"};
    for (String type : types) {
      for (ByteOrder order : List.of(ByteOrder.LITTLE_ENDIAN, ByteOrder.BIG_ENDIAN)) {
        int width = type.charAt(1) - '0';
        ByteBuffer numbers = ByteBuffer.allocate(2 * width).order(order);
        long[] encoded = // 1.5 and -2 as floats, 3 and all ones as integers
            switch (type) {
              case "f2" -> new long[] {0x3E00, 0xC000};
              case "f4" -> new long[] {0x3FC00000L, 0xC0000000L};
              case "f8" -> new long[] {0x3FF8000000000000L, 0xC000000000000000L};
              default -> new long[] {3, -1};
            };
        for (int i = 0; i < 2; i++) {
          for (int b = 0; b < width; b++) {
            int place = order == ByteOrder.LITTLE_ENDIAN ? b : width - 1 - b;
            numbers.put(width * i + place, (byte) (encoded[i] >> 8 * b));
          }
        }
        double[] expected =
            switch (type.charAt(0)) {
              case 'f' -> new double[] {1.5, -2};
              case 'i' -> new double[] {3, -1};
              default -> new double[] {3, Math.pow(2, 8 * width) - 1};
            };
        String descr = (order == ByteOrder.LITTLE_ENDIAN ? "<" : ">") + type;
        Path file = write("a.npy", npy(descr, false, "(1, 2)", numbers.array()));
        assertThat(values(feed(file.toString(), floats(1, 2)), 0))
            .as(descr)
            .containsExactly(expected[0], (float) expected[1]);
      }
    }
  }

  @Test
  void booleansAndSingleBytes() throws IOException {
    Path file = write("b.npy", npy("|b1", false, "(3, 2)", bytes(0, 1, 1, 0, 1, 1)));
    Feed feed = feed("npy:" + file, input(TensorType.BOOL, 1, 2));
    assertThat(feed.size()).isEqualTo(3);
    assertThat(values(feed, 1)).containsExactly(1, 0);
  }

  @Test
  void wholeNumbersOf64BitsStayExact() throws IOException {
    long large = (1L << 62) + 1;
    Path file = write("ids.npy", npy("<i8", false, "(2, 2)", i8(1, 2, 3, large)));
    NdArray ids = feed(file + "?scale=1/255", input(TensorType.INT64, 2)).get(1).inputs().get(0);
    assertThat(ids.longs().get(1)).isEqualTo(large);
    assertThat(ids.longs().get(0)).isEqualTo(3); // preprocessing leaves whole numbers alone
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void columnMajorGivesTheSameRows(boolean fortran) throws IOException {
    int[] shape = {4, 2, 3};
    float[] numbers = new float[24];
    for (int n = 0; n < 4; n++) {
      for (int y = 0; y < 2; y++) {
        for (int x = 0; x < 3; x++) {
          int at = fortran ? n + 4 * (y + 2 * x) : (n * 2 + y) * 3 + x;
          numbers[at] = 100 * n + 10 * y + x;
        }
      }
    }
    Path file = write("f.npy", npy("<f4", fortran, "(4, 2, 3)", f4(numbers)));
    Feed feed = feed(file.toString(), floats(1, shape[1], shape[2]));
    assertThat(values(feed, 2)).containsExactly(200, 201, 202, 210, 211, 212);
    assertThat(values(feed, 0)).containsExactly(0, 1, 2, 10, 11, 12);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void headersOfAllVersions(int version) throws IOException {
    String text = "{'shape': (2,1),'fortran_order':False , 'descr':'<f4'}";
    Path file = write("v.npy", npy(version, text, f4(5, 6)));
    assertThat(values(feed(file.toString(), floats(1)), 1)).containsExactly(6);
  }

  @Test
  void badHeadersAreRefused() throws IOException {
    byte[] good = npy("<f4", false, "(2, 2)", f4(1, 2, 3, 4));
    Map<String, byte[]> bad = new LinkedHashMap<>();
    bad.put("not an .npy file", new byte[0]);
    bad.put("not an .npy file ", "PK\3\4 something else".getBytes());
    bad.put("cut short", Arrays.copyOf(good, 9));
    bad.put("cut short ", Arrays.copyOf(good, 40));
    bad.put("announces 144", Arrays.copyOf(good, good.length - 1));
    bad.put("announces 144 ", Arrays.copyOf(good, good.length + 1));
    bad.put("not 1 to 3", npy(4, "{}", new byte[0]));
    bad.put("not understood", npy(1, "__import__('os').system('true')", new byte[0]));
    bad.put("not understood ", npy(1, "{'descr': '<f4', 'shape': (2, 2), }", new byte[0]));
    bad.put("not supported", npy("<c8", false, "(1, 2)", new byte[16]));
    bad.put("not supported ", npy("|O", false, "(1, 2)", new byte[16]));
    bad.put("too large", npy("<f4", false, "(99999999999, 2)", f4(1)));
    bad.put("too large ", npy("<f8", false, "(2000000000, 2000000000, 2000000000)", f4(1)));
    bad.put("holds no samples", npy("<f4", false, "(0, 2)", f4()));
    bad.put("too long", npy(2, "{".repeat(70000), f4()));
    for (Map.Entry<String, byte[]> entry : bad.entrySet()) {
      Path file = write("bad.npy", entry.getValue());
      refused(file.toString(), "bad.npy", entry.getKey().strip());
    }
    refused(write("fine.npy", good) + "x", "no such file");
  }

  @Test
  void aSingleNumberFeedsAScalar() throws IOException {
    String file = write("one.npy", npy("<f4", false, "()", f4(1.5f))).toString();
    for (TensorInfo wanted : List.of(input("k"), input("k", 1), input("k", 1, 1))) {
      assertThat(Dataset.single(file, List.of(wanted)).inputs().get(0).get(0)).isEqualTo(1.5f);
      assertThat(Dataset.open(file).feed(List.of(wanted)).size()).isEqualTo(1);
    }
    Map<String, byte[]> arrays = new LinkedHashMap<>();
    arrays.put("x", npy("<f4", false, "(1, 2)", f4(3, 4)));
    arrays.put("k", npy("<i4", false, "()", new byte[] {7, 0, 0, 0}));
    Sample both = Dataset.single(npz(arrays).toString(), List.of(input("k"), input("x", 1, 2)));
    assertThat(both.inputs().get(0).get(0)).isEqualTo(7);
    assertThat(both.inputs().get(1).get(1)).isEqualTo(4);
    assertThatThrownBy(() -> Dataset.open(file).feed(List.of(input("x", 2))))
        .hasMessageContaining("input `x`");
  }

  @Test
  void structuredTypesAreRefused() throws IOException {
    String text =
        "{'descr': [('a', '<f4'), ('b', '<i4')], 'fortran_order': False, 'shape': (1,), }";
    refused(write("s.npy", npy(1, text, f4(1, 1))).toString(), "not understood", "[('a'");
  }

  @Test
  void archivesFeedInputsByNameAndFindTheirLabels() throws IOException {
    Path file =
        npz(
            Map.of(
                "y", npy("<i8", false, "(2,)", i8(7, 8)),
                "b", npy("<f4", false, "(2, 1)", f4(10, 20)),
                "a", npy("<f4", false, "(2, 2)", f4(1, 2, 3, 4))));
    Feed feed =
        Dataset.open(file.toString())
            .feed(List.of(input("serving_default_a:0", 1, 2), input("b", 1)));
    Sample sample = feed.get(1);
    assertThat(sample.label()).isEqualTo(8);
    assertThat(sample.inputs().get(0).get(1)).isEqualTo(4);
    assertThat(sample.inputs().get(1).get(0)).isEqualTo(20);
  }

  /**
   * What is called like labels is none where the model has an input of that name, or it is alone.
   */
  @Test
  void arraysCalledLikeLabelsFeedInputsOfThatName() throws IOException {
    byte[] one = npy("<f4", false, "(2, 1)", f4(10, 20));
    byte[] two = npy("<f4", false, "(2, 2)", f4(1, 2, 3, 4));
    for (String name : List.of("y", "label", "labels", "targets", "y_train")) {
      Path both = npz(Map.of("x", one, name, two));
      List<TensorInfo> inputs = List.of(input("x", 1), input("serving_default_" + name + ":0", 2));
      for (String option : List.of("", "?inputs=x," + name)) {
        Feed feed = Dataset.open(both + option).feed(inputs);
        assertThat(feed.get(1).inputs().get(1).get(1)).isEqualTo(4);
        assertThat(feed.get(1).label()).isEqualTo(Sample.NO_LABEL);
      }
      Feed alone = Dataset.open(npz(Map.of(name, two)).toString()).feed(List.of(input("x", 2)));
      assertThat(values(alone, 0)).containsExactly(1, 2);
    }
    Path labelled = npz(Map.of("y", two, "x", one, "label", npy("<i8", false, "(2,)", i8(7, 8))));
    List<TensorInfo> inputs = List.of(input("x", 1), input("y", 2));
    assertThat(Dataset.open(labelled.toString()).feed(inputs).get(0).label()).isEqualTo(7);
    Path numbers = npz(Map.of("x", two, "y", npy("<i8", false, "(2,)", i8(7, 8))));
    assertThat(Dataset.open(numbers.toString()).feed(List.of(input("y", 2))).get(1).label())
        .as("an array that does not fit the input of its name")
        .isEqualTo(8);
  }

  @Test
  void archivesFeedInputsInTheOrderOfAnOption() throws IOException {
    Path file =
        npz(
            Map.of(
                "p", npy("<f4", false, "(2, 1)", f4(10, 20)),
                "q", npy("<f4", false, "(2, 2)", f4(1, 2, 3, 4)),
                "answers", npy("|u1", false, "(2, 1)", bytes(3, 4))));
    Feed feed =
        Dataset.open(file + "?inputs=q,p&labels=answers&label-offset=1")
            .feed(List.of(input("in0", 1, 2), input("in1", 1)));
    assertThat(feed.get(0).inputs().get(0).elements()).isEqualTo(2);
    assertThat(feed.get(0).label()).isEqualTo(4);
  }

  /** As numpy's savez and savez_compressed, and with what other tools put in between. */
  @ParameterizedTest
  @CsvSource({"true, ''", "false, ''", "true, PK\u0005\u0006 is how an end begins", "true, é"})
  void entriesAreReadWhereTheyLieOrUnpacked(boolean stored, String comment) throws IOException {
    Map<String, byte[]> arrays = new LinkedHashMap<>();
    arrays.put("before", npy("<f4", false, "(3, 1)", f4(10, 20, 30)));
    arrays.put("é", npy("<f4", false, "(3, 2)", f4(1, 2, 3, 4, 5, 6)));
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
      zip.setComment(comment);
      for (Map.Entry<String, byte[]> array : arrays.entrySet()) {
        ZipEntry entry = new ZipEntry(array.getKey() + ".npy");
        entry.setComment(comment);
        entry.setExtra(new byte[] {0x11, 0x22, 2, 0, 7, 7});
        if (stored) {
          CRC32 crc = new CRC32();
          crc.update(array.getValue());
          entry.setMethod(ZipEntry.STORED);
          entry.setSize(array.getValue().length);
          entry.setCrc(crc.getValue());
        }
        zip.putNextEntry(entry);
        zip.write(array.getValue());
      }
    }
    Path file = write("set.npz", bytes.toByteArray());
    try (ZipFile zip = new ZipFile(file.toFile())) {
      assertThat(StoredEntry.start(file, zip.getEntry("é.npy")).isPresent()).isEqualTo(stored);
    }
    Feed feed = Dataset.open(file + "?inputs=é").feed(List.of(input("x", 1, 2)));
    assertThat(values(feed, 2)).containsExactly(5, 6);
    assertThat(values(feed, 0)).containsExactly(1, 2);
    if (stored) { // it is not in memory
      Files.write(file, Arrays.copyOf(bytes.toByteArray(), 100));
      assertThatThrownBy(() -> feed.get(2))
          .isInstanceOf(NarrowException.class)
          .hasMessageContaining("ends before byte");
    }
  }

  @Test
  void badArchivesAreRefused() throws IOException {
    byte[] two = npy("<f4", false, "(2, 2)", f4(1, 2, 3, 4));
    byte[] three = npy("<f4", false, "(3, 2)", f4(1, 2, 3, 4, 5, 6));
    byte[] cut = Arrays.copyOf(two, two.length - 4);
    refused(npz(Map.of("a", two)) + "?inputs=nope", "no array `nope`", "`a`");
    refused(npz(Map.of("a", two, "c", three)).toString(), "`a` 2", "`c` 3");
    refused(npz(Map.of("a", cut)).toString(), "a.npy", "announces");
    refused(npz(Map.of("a", two)) + "?labels=a", "no array to feed");
    refused(npz(Map.of("a", two, "y", two)).toString(), "`y`", "[2, 2]", "one label");
    refused(npz(Map.of("a", two)) + "?labels=gone", "gone", "no such file");
    refused(npz(Map.of("c", two, "a", two)).toString(), "`a`", "`c`", "`x`", "inputs=");
    refused(npz(Map.of()).toString(), "without .npy arrays");
    refused(write("no.npz", "text".getBytes()).toString(), "no.npz", "cannot be read");
  }

  private static TensorInfo input(String name, int... shape) {
    return new TensorInfo(name, TensorType.FLOAT32, shape, 0, 0);
  }

  private Path npz(Map<String, byte[]> arrays) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
      for (Map.Entry<String, byte[]> entry : arrays.entrySet()) {
        zip.putNextEntry(new ZipEntry(entry.getKey() + ".npy"));
        zip.write(entry.getValue());
      }
    }
    return write("set.npz", bytes.toByteArray());
  }

  private Path write(String name, byte[] bytes) throws IOException {
    return Files.write(folder.resolve(name), bytes);
  }

  /** Whatever the order, and with little or all of it in memory. */
  @ParameterizedTest
  @ValueSource(ints = {2, 1000, 4096, 1 << 28})
  void compressedEntriesAreReadAtAnyPlace(int most) throws IOException {
    byte[] contents = new byte[10_007];
    Random random = new Random(most);
    for (int i = 0; i < contents.length; i++) {
      contents[i] = (byte) (random.nextInt(4) * i);
    }
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
      zip.putNextEntry(new ZipEntry("x"));
      zip.write(contents);
    }
    Path file = write("set.npz", bytes.toByteArray());
    UnpackedBytes unpacked = new UnpackedBytes(file, "x", contents.length, most);
    for (int i = 0; i < 200; i++) {
      int from = i % 3 == 0 ? random.nextInt(contents.length) : i * 50;
      int length = random.nextInt(Math.min(700, contents.length - from) + 1);
      ByteBuffer memory = ByteBuffer.allocate(length);
      unpacked.read(from, memory);
      assertThat(memory.array()).isEqualTo(Arrays.copyOfRange(contents, from, from + length));
    }
    UnpackedBytes longer = new UnpackedBytes(file, "x", contents.length + 1, most);
    assertThatThrownBy(() -> longer.read(contents.length, ByteBuffer.allocate(1)))
        .isInstanceOf(NarrowException.class)
        .hasMessageContaining("ends before byte 10008");
  }
}
