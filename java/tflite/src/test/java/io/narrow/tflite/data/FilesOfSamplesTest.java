package io.narrow.tflite.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.runtime.TensorInfo;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;

/** cifar10, idx, csv, raw and random. */
class FilesOfSamplesTest extends DataTest {
  private static final byte[] IDX_IMAGES =
      bytes(0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 10, 20, 30, 255);
  private static final byte[] IDX_LABELS = bytes(0, 0, 8, 1, 0, 0, 0, 2, 5, 9);

  @Test
  void cifarPlanesBecomePixels() throws IOException {
    byte[] records = new byte[2 * 3073];
    records[3073] = 7;
    records[3073 + 1 + 33] = (byte) 200; // red of row 1, column 1
    records[3073 + 1 + 1024 + 33] = 100;
    records[3073 + 1 + 2048 + 33] = 50;
    Path file = write("c.bin", records);
    Feed feed = feed("cifar10:" + file, floats(1, 32, 32, 3));
    assertThat(feed.size()).isEqualTo(2);
    assertThat(feed.get(1).label()).isEqualTo(7);
    double[] pixels = values(feed, 1);
    assertThat(Arrays.copyOfRange(pixels, 99, 102)).containsExactly(200, 100, 50);
    assertThat(Arrays.stream(pixels).sum()).isEqualTo(350);
  }

  @Test
  void cutOrForeignCifarFilesAreRefused() throws IOException {
    Path cut = write("cut.bin", new byte[3073 + 100]);
    refused("cifar10:" + cut, "cut.bin", "3173 bytes", "cut short");
    byte[] foreign = new byte[3073];
    foreign[0] = 77;
    Path file = write("foreign.bin", foreign);
    refused("cifar10:" + file, List.of(floats(32, 32, 3)), "record 0", "label 77");
    refused("cifar10:" + write("empty.bin", new byte[0]), "holds no samples");
  }

  @Test
  void idxLabelsAreFoundByName() throws IOException {
    Path images = write("t-images-idx3-ubyte", IDX_IMAGES);
    Feed unlabelled = feed(images.toString(), floats(1, 1, 2, 1));
    assertThat(unlabelled.get(0).label()).isEqualTo(Sample.NO_LABEL);
    write("t-labels-idx1-ubyte.gz", gzip(IDX_LABELS));
    Feed feed = feed(images.toString(), floats(1, 1, 2, 1));
    assertThat(feed.get(1).label()).isEqualTo(9);
    assertThat(values(feed, 1)).containsExactly(30, 255);
  }

  @Test
  void idxMayBeGzippedAndLabelledByOption() throws IOException {
    Path images = write("pictures.idx.gz", gzip(IDX_IMAGES));
    write("answers-idx1-ubyte", IDX_LABELS);
    Feed feed = feed("idx:" + images + "?labels=answers-idx1-ubyte", floats(2));
    assertThat(feed.get(0).label()).isEqualTo(5);
    assertThat(values(feed, 0)).containsExactly(10, 20);
    write("answers.txt", "3\n4\n".getBytes());
    assertThat(feed("idx:" + images + "?labels=answers.txt", floats(2)).get(1).label())
        .isEqualTo(4);
  }

  @Test
  void badIdxFilesAreRefused() throws IOException {
    refused("idx:" + write("a", Arrays.copyOf(IDX_IMAGES, 19)), "does not fit its 19 bytes");
    refused("idx:" + write("b", Arrays.copyOf(IDX_IMAGES, 6)), "cut short");
    refused("idx:" + write("c", new byte[3]), "not an idx file");
    refused("idx:" + write("d", bytes(0, 0, 7, 1, 0, 0, 0, 0)), "unknown idx type 7");
    refused("idx:" + write("e", bytes(0, 0, 8, 1, 255, 255, 255, 255)), "does not fit");
    refused("idx:" + write("f", Arrays.copyOf(gzip(IDX_IMAGES), 20)), "cannot be read");
    Path images = write("g-images-idx3-ubyte", IDX_IMAGES);
    write("g-labels-idx1-ubyte", bytes(0, 0, 8, 1, 0, 0, 0, 1, 5));
    refused(images.toString(), "g-labels", "[1] labels for 2 samples");
  }

  @Test
  void csvColumnsMayHoldLabels() throws IOException {
    Path file = write("d.csv", "\uFEFFa,b,c\n1,0.5,2\n\n 3 , 4e0 , -5\n".getBytes("UTF-8"));
    Feed feed = feed(file.toString(), floats(1, 3));
    assertThat(feed.size()).isEqualTo(2);
    assertThat(values(feed, 1)).containsExactly(3, 4, -5);
    Feed first = feed(file + "?label=first", floats(1, 2, 1));
    assertThat(first.get(0).label()).isEqualTo(1);
    assertThat(values(first, 0)).containsExactly(0.5, 2);
    Feed last = feed(file + "?label=last&label-offset=6", floats(2));
    assertThat(last.get(0).label()).isEqualTo(8);
    assertThat(last.get(1).label()).isEqualTo(Sample.NO_LABEL); // -5: unknown
  }

  @Test
  void csvOfWholeNumbersFeedsThem() throws IOException {
    Path file = write("ids.csv", "1;2;9007199254740993\n4;5;6\n".getBytes());
    NdArray row = feed(file.toString(), input(TensorType.INT64, 1, 3)).get(0).inputs().get(0);
    assertThat(row.longs().get(2)).isEqualTo(9007199254740993L);
    assertThat(values(feed(file.toString(), floats(3)), 1)).containsExactly(4, 5, 6);
    Path fractions = write("f.csv", "1,2,0.5\n".getBytes());
    refused(
        fractions.toString(),
        List.of(input(TensorType.INT32, 1, 3)),
        "got float32[3], want int32[1,3]");
  }

  @Test
  void badCsvIsRefusedByLine() throws IOException {
    refused(write("a.csv", "1,2\n3,4,5\n".getBytes()).toString(), "line 2: 3 cells, but 2");
    refused(write("b.csv", "1,2\n3,x\n".getBytes()).toString(), "line 2: `x` is not a number");
    refused(write("c.csv", "only,a,header\n".getBytes()).toString(), "no rows");
    refused(write("d.csv", "1\n2\n".getBytes()) + "?label=first", "one column");
    refused(write("e.csv", "0.5,1\n".getBytes()) + "?label=first", "label `0.5`");
    refused(
        write("f.csv", "1,NaN\n".getBytes()).toString(), "sample 0, input `x`: NaN", "element 1");
    refused(write("g.csv", "1,1e300\n".getBytes()).toString(), "Infinity at element 1");
  }

  @Test
  void rawIsCutByTheInput() throws IOException {
    Path file = write("r.bin", f4(0, 1, 2, 3, 4, 5));
    Feed feed = feed("raw:" + file, floats(1, 2));
    assertThat(feed.size()).isEqualTo(3);
    assertThat(values(feed, 2)).containsExactly(4, 5);
    Feed windows = feed("raw:" + file + "?stride=1", floats(1, 3));
    assertThat(windows.size()).isEqualTo(4);
    assertThat(values(windows, 3)).containsExactly(3, 4, 5);
    write("l.txt", "0\n1\n2\n".getBytes());
    assertThat(feed("raw:" + file + "?labels=l.txt", floats(2)).get(2).label()).isEqualTo(2);
    refused("raw:" + file, List.of(floats(4)), "24 bytes", "samples of 4 float32");
    refused("raw:" + file, List.of(floats(7)), "24 bytes");
    refused("raw:" + file, List.of(floats(2), floats(2)), "feed one input");
    refused("raw:" + file + "?labels=l.txt", List.of(floats(3)), "3 labels for 2 samples");
  }

  @Test
  void labelFilesHaveToBeAsLongAsTheData() throws IOException {
    Path data = write("x.npy", npy("<f4", false, "(3, 2)", f4(1, 2, 3, 4, 5, 6)));
    write("short.txt", "1\n2\n".getBytes());
    refused(data + "?labels=short.txt", "short.txt: 2 labels for 3 samples");
    write("names.csv", "file,label\na,1\nb,2\nc,x\n".getBytes());
    refused(data + "?labels=names.csv", "line 4: `x` is not a whole number");
    write("y.npy", npy("<f8", false, "(3,)", new byte[24]));
    assertThat(feed(data + "?labels=y.npy", floats(2)).get(2).label()).isZero();
  }

  @Test
  void randomSamplesAreAFixedSequence() {
    List<TensorInfo> inputs = List.of(floats(1, 1000), input(TensorType.INT32, 1000));
    Feed feed = Dataset.open("random:3").feed(inputs);
    Feed later = Dataset.open("random:2,1").feed(inputs);
    assertThat(feed.size()).isEqualTo(3);
    assertThat(values(later, 0)).containsExactly(values(feed, 1)).isNotEqualTo(values(feed, 0));
    double[] numbers = values(feed, 0);
    assertThat(Arrays.stream(numbers).allMatch(v -> v >= -1 && v < 1)).isTrue();
    assertThat(Arrays.stream(numbers).average().orElseThrow()).isCloseTo(0, within(0.1));
    NdArray bits = feed.get(0).inputs().get(1);
    long ones = 0;
    for (int i = 0; i < 1000; i++) {
      assertThat(bits.longs().get(i)).isBetween(0L, 1L);
      ones += bits.longs().get(i);
    }
    assertThat(ones).isBetween(400L, 600L);
    // first output of the published SplitMix64 code for seed 0: 0xE220A8397B1DCDAF
    assertThat(numbers[0]).isEqualTo((0xE220A8397B1DCDAFL >>> 40) * 0x1p-23 - 1);
    refused("random:x", "`x` is not of the form N or N,FIRST");
    refused("random:0", "holds no samples");
  }

  private Path write(String name, byte[] bytes) throws IOException {
    return Files.write(folder.resolve(name), bytes);
  }

  private static byte[] gzip(byte[] bytes) throws IOException {
    ByteArrayOutputStream packed = new ByteArrayOutputStream();
    try (GZIPOutputStream stream = new GZIPOutputStream(packed)) {
      stream.write(bytes);
    }
    return packed.toByteArray();
  }
}
