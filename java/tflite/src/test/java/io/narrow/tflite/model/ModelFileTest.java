package io.narrow.tflite.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.narrow.tflite.Examples;
import io.narrow.tflite.NarrowException;
import io.narrow.tflite.Shared;
import io.narrow.tflite.rewrite.RuntimeComparison;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

class ModelFileTest {
  @TempDir private Path folder;

  private static void assertSame(Model a, Model b) {
    assertThat(b.table(List.of())).isEqualTo(a.table(List.of()));
    assertThat(b.buffers().size()).isEqualTo(a.buffers().size());
    for (int i = 0; i < a.buffers().size(); i++) {
      assertThat(b.buffer(i)).isEqualTo(a.buffer(i));
    }
    assertThat(b.tailBytes()).isEqualTo(a.tailBytes());
  }

  private static void assertRunsAlike(Path a, Path b) {
    for (boolean xnnpack : List.of(true, false)) {
      List<float[]> expected = RuntimeComparison.outputs(a, xnnpack);
      List<float[]> actual = RuntimeComparison.outputs(b, xnnpack);
      for (int i = 0; i < expected.size(); i++) {
        assertThat(bits(actual.get(i))).isEqualTo(bits(expected.get(i)));
      }
    }
  }

  private static int[] bits(float[] values) {
    int[] bits = new int[values.length];
    for (int i = 0; i < bits.length; i++) {
      bits[i] = Float.floatToRawIntBits(values[i]);
    }
    return bits;
  }

  @Test
  void writingWhatWasReadChangesNothing() {
    Path copy = folder.resolve("copy.tflite");
    Model model = Model.read(Examples.DIGITS);
    model.write(copy);
    assertSame(model, Model.read(copy));
    assertRunsAlike(Examples.DIGITS, copy);
  }

  /** Models that the stock runtime refuses, or that end the process with some inputs. */
  private static final List<String> NOT_RUN =
      List.of(
          "hair_segmentation_customop.tflite",
          "mp_selfie_segmentation.tflite",
          "odd_custom_op.tflite",
          "odd_topk_runtime_k.tflite",
          "tfmicro_person_detect_i8.tflite",
          // A second a run.
          "edsr_f32b5_qat.tflite");

  @TestFactory
  Stream<DynamicTest> everyModelOfTheZooSurvivesReadingAndWriting() throws IOException {
    Path zoo = Shared.file("models/zoo");
    List<Path> files;
    try (Stream<Path> list = Files.list(zoo)) {
      files = list.filter(file -> file.toString().endsWith(".tflite")).sorted().toList();
    }
    assertThat(files).hasSizeGreaterThanOrEqualTo(84);
    return files.stream()
        .map(
            file ->
                DynamicTest.dynamicTest(
                    file.getFileName().toString(),
                    () -> {
                      Path copy = folder.resolve(file.getFileName());
                      Model model = Model.read(file);
                      model.write(copy);
                      assertSame(model, Model.read(copy));
                      if (!NOT_RUN.contains(file.getFileName().toString())) {
                        assertRunsAlike(file, copy);
                      }
                    }));
  }

  @Test
  void buffersBeyondTheLimitGoAfterTheFlatbuffer() {
    Path copy = folder.resolve("copy.tflite");
    Model model = Model.read(Examples.DIGITS);
    ModelFile.write(model, copy, 1 << 14);
    assertSame(model, Model.read(copy));
    assertRunsAlike(Examples.DIGITS, copy);
  }

  @Test
  void contentsAreAlignedTo16Bytes() {
    for (long limit : List.of(ModelFile.LARGEST_FLATBUFFER, 1L << 14)) {
      Path copy = folder.resolve("copy.tflite");
      ModelFile.write(Model.read(Examples.DIGITS), copy, limit);
      Model written = Model.read(copy);
      for (int i = 0; i < written.buffers().size(); i++) {
        ByteBuffer contents = written.buffer(i);
        if (contents.hasRemaining()) {
          assertThat(contents.alignmentOffset(0, 16)).isZero();
        }
      }
    }
  }

  @Test
  void attachedZipMovesWithTheModel() throws IOException {
    Path attached = folder.resolve("attached.tflite");
    Files.write(attached, withZip(Files.readAllBytes(Examples.DIGITS)));
    Path copy = folder.resolve("copy.tflite");
    Model.read(attached).write(copy);
    assertThat(Files.size(copy)).isNotEqualTo(Files.size(attached));
    try (ZipFile zip = new ZipFile(copy.toFile())) {
      byte[] labels = zip.getInputStream(zip.getEntry("labels.txt")).readAllBytes();
      assertThat(new String(labels, StandardCharsets.UTF_8)).isEqualTo("zero\none\n");
    }
    assertThat(localHeaderAtStatedOffset(Files.readAllBytes(copy))).isTrue();
  }

  /** The file with an archive whose offsets count from the start of the file. */
  private static byte[] withZip(byte[] file) throws IOException {
    ByteArrayOutputStream archive = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(archive)) {
      zip.putNextEntry(new ZipEntry("labels.txt"));
      zip.write("zero\none\n".getBytes(StandardCharsets.UTF_8));
    }
    ByteBuffer bytes = ByteBuffer.wrap(archive.toByteArray()).order(ByteOrder.LITTLE_ENDIAN);
    int end = bytes.limit() - 22;
    int directory = bytes.getInt(end + 16);
    bytes.putInt(end + 16, directory + file.length);
    bytes.putInt(directory + 42, bytes.getInt(directory + 42) + file.length);
    return ByteBuffer.allocate(file.length + bytes.limit()).put(file).put(bytes.array()).array();
  }

  private static boolean localHeaderAtStatedOffset(byte[] file) {
    ByteBuffer bytes = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
    int directory = bytes.getInt(file.length - 22 + 16);
    int header = bytes.getInt(directory + 42);
    return bytes.getInt(directory) == 0x02014b50 && bytes.getInt(header) == 0x04034b50;
  }

  @Test
  void oldOperatorCodesAreRead() {
    Model seed = Model.read(Shared.file("models/seed/cifar10_resnet18_pruned.tflite"));
    assertThat(seed.subgraphs().get(0).operators().get(0).name()).isEqualTo("CONV_2D");
  }

  @Test
  void unknownFieldIsRefusedByItsPlace() throws IOException {
    // A root table whose vtable has a field 10; the schema ends at 9.
    ByteBuffer bytes = ByteBuffer.allocate(64).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putInt(40).put("TFL3".getBytes(StandardCharsets.US_ASCII));
    bytes.putShort((short) 26).putShort((short) 12);
    bytes.putShort(8 + 4, (short) 8).putShort(8 + 4 + 20, (short) 4);
    bytes.putInt(40, 40 - 8).putInt(44, 7).putInt(48, 3);
    Path file = folder.resolve("newer.tflite");
    Files.write(file, bytes.array());
    assertThatThrownBy(() -> Model.read(file))
        .isInstanceOf(NarrowException.class)
        .hasMessageContaining("newer.tflite: is damaged: Model uses field 10 of table Model");
  }

  @Test
  void filesThatAreNoModelsGetOneLine() throws IOException {
    Path empty = Files.createFile(folder.resolve("empty.tflite"));
    Path text = Files.writeString(folder.resolve("text.tflite"), "This is not a model.\n");
    assertThatThrownBy(() -> Model.read(empty)).hasMessage(empty + ": is empty");
    assertThatThrownBy(() -> Model.read(text))
        .hasMessage(text + ": is not a TensorFlow Lite model: bytes 4 to 7 are not TFL3");
    assertThatThrownBy(() -> Model.read(folder))
        .hasMessage(folder + ": is a directory, not a model");
    assertThatThrownBy(() -> Model.read(folder.resolve("none")))
        .hasMessage(folder.resolve("none") + ": cannot be read: no such file or folder");
  }

  @Test
  void failedWriteLeavesTheOldFileAndNothingElse() throws IOException {
    Model model = Model.read(Examples.DIGITS);
    Path directory = Files.createDirectory(folder.resolve("out"));
    Path kept = Files.writeString(directory.resolve("kept"), "old");
    assertThatThrownBy(() -> model.write(directory)).hasMessageContaining("is a directory");
    assertThatThrownBy(() -> model.write(kept.resolve("x.tflite")))
        .isInstanceOf(NarrowException.class)
        .hasMessageContaining("cannot be written");
    assertThat(kept).hasContent("old");
    try (Stream<Path> files = Files.list(folder)) {
      assertThat(files).containsExactly(directory);
    }
  }

  @Test
  void outputReplacesAnExistingFile() throws IOException {
    Path file = Files.writeString(folder.resolve("x.tflite"), "old");
    Model.read(Examples.DIGITS).write(file);
    assertThat(Model.read(file).subgraphs()).hasSize(1);
  }

  @Test
  void readOnlyFolderIsNamed() throws IOException {
    Path locked = Files.createDirectory(folder.resolve("locked"));
    assumeThat(locked.toFile().setWritable(false)).isTrue();
    assumeThat(Files.isWritable(locked)).as("the superuser may write everywhere").isFalse();
    assertThatThrownBy(() -> Model.read(Examples.DIGITS).write(locked.resolve("x.tflite")))
        .hasMessageContaining("permission denied");
  }
}
