package io.narrow.tflite.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.narrow.tflite.Shared;
import io.narrow.tflite.runtime.TensorInfo;
import java.awt.image.BufferedImage;
import java.awt.image.DataBufferByte;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;

class ImagesTest extends DataTest {
  @Test
  void pixelsAreReadAsTheyAreWritten() throws IOException {
    BufferedImage image = new BufferedImage(3, 2, BufferedImage.TYPE_INT_RGB);
    image.setRGB(2, 1, 0x0A141E);
    image.setRGB(0, 0, 0xFF0001);
    for (String format : List.of("png", "bmp")) {
      write(image, format + "/a." + format);
      double[] pixels = values(feed("images:" + folder + "/" + format, floats(1, 2, 3, 3)), 0);
      assertThat(pixels).containsExactly(255, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 20, 30);
    }
  }

  @Test
  void grayIsNotBrightened() throws IOException {
    BufferedImage image = new BufferedImage(2, 1, BufferedImage.TYPE_BYTE_GRAY);
    image.getRaster().setSample(0, 0, 0, 100);
    image.getRaster().setSample(1, 0, 0, 7);
    write(image, "g/a.png");
    assertThat(values(feed("images:" + folder + "/g", floats(1, 2, 3)), 0))
        .containsExactly(100, 100, 100, 7, 7, 7);
    assertThat(values(feed("images:" + folder + "/g?channels=gray", floats(1, 2, 1)), 0))
        .containsExactly(100, 7);
  }

  @Test
  void colourBecomesGrayByLuma() throws IOException {
    BufferedImage image = new BufferedImage(3, 1, BufferedImage.TYPE_INT_RGB);
    image.setRGB(0, 0, 0xFF0000);
    image.setRGB(1, 0, 0x00FF00);
    image.setRGB(2, 0, 0x0000FF);
    write(image, "l/a.png");
    // Pillow's convert("L") of the three
    assertThat(values(feed("images:" + folder + "/l?channels=gray", floats(1, 3, 1)), 0))
        .containsExactly(76, 150, 29);
  }

  @Test
  void shrinkingAveragesByTheTriangle() throws IOException {
    BufferedImage image = new BufferedImage(4, 1, BufferedImage.TYPE_INT_RGB);
    int[] reds = {70, 140, 210, 28};
    for (int x = 0; x < 4; x++) {
      image.setRGB(x, 0, reds[x] << 16);
    }
    write(image, "s/a.png");
    // by hand: weights 3 3 1 of the nearest three pixels, over 7
    double[] triangle = values(feed("images:" + folder + "/s?resize=1x2", floats(1, 2, 3)), 0);
    assertThat(triangle[0]).isCloseTo((3 * 70 + 3 * 140 + 210) / 7.0, within(1e-4));
    assertThat(triangle[3]).isCloseTo((140 + 3 * 210 + 3 * 28) / 7.0, within(1e-4));
    double[] bilinear =
        values(feed("images:" + folder + "/s?resize=1x2&filter=bilinear", floats(1, 2, 3)), 0);
    assertThat(bilinear[0]).isCloseTo(105, within(1e-4));
    assertThat(bilinear[3]).isCloseTo(119, within(1e-4));
    double[] nearest =
        values(feed("images:" + folder + "/s?resize=1x2&filter=nearest", floats(1, 2, 3)), 0);
    assertThat(nearest[0]).isEqualTo(140);
    assertThat(nearest[3]).isEqualTo(28);
  }

  @Test
  void enlargingKeepsConstantPictures() throws IOException {
    BufferedImage image = new BufferedImage(3, 5, BufferedImage.TYPE_INT_RGB);
    for (int i = 0; i < 15; i++) {
      image.setRGB(i % 3, i / 3, 0x326496);
    }
    write(image, "e/a.png");
    double[] pixels = values(feed("images:" + folder + "/e?resize=7x11", floats(7, 11, 3)), 0);
    for (int i = 0; i < pixels.length; i++) {
      assertThat(pixels[i]).isCloseTo(50 * (i % 3 + 1), within(1e-4));
    }
  }

  @Test
  void cropKeepsTheCentre() throws IOException {
    BufferedImage image = new BufferedImage(8, 8, BufferedImage.TYPE_INT_RGB);
    for (int i = 0; i < 64; i++) {
      image.setRGB(i % 8, i / 8, i << 16);
    }
    write(image, "c/a.png");
    double[] pixels = values(feed("images:" + folder + "/c?crop=0.25", floats(2, 2, 3)), 0);
    assertThat(new double[] {pixels[0], pixels[3], pixels[6], pixels[9]})
        .containsExactly(27, 28, 35, 36);
  }

  @Test
  void labelsComeFromFolders() throws IOException {
    BufferedImage image = new BufferedImage(1, 1, BufferedImage.TYPE_INT_RGB);
    for (String name : List.of("dog/1.png", "cat/1.png", "cat/2.png", "emu/deep/1.png")) {
      write(image, "named/" + name);
    }
    assertThat(labels("images:" + folder + "/named")).containsExactly(0, 0, 1, 2);
    for (String name : List.of("10/a.png", "9/a.png")) {
      write(image, "numbered/" + name);
    }
    assertThat(labels("images:" + folder + "/numbered")).containsExactly(10, 9);
  }

  @Test
  void labelsComeFromFiles() throws IOException {
    BufferedImage image = new BufferedImage(1, 1, BufferedImage.TYPE_INT_RGB);
    write(image, "p/b.png");
    write(image, "p/a.png");
    Files.writeString(
        folder.resolve("p/l.csv"), "file,class,name\nb.png,4,x\nc.png,1,y\na.png,3,z\n");
    Files.writeString(folder.resolve("p/l.txt"), "5\n6\n");
    assertThat(labels("images:" + folder + "/p?labels=l.csv&label-offset=1")).containsExactly(4, 5);
    assertThat(labels("images:" + folder + "/p?labels=" + folder + "/p/l.txt"))
        .containsExactly(5, 6);
    assertThat(labels("images:" + folder + "/p")).containsExactly(-1, -1);
    Files.writeString(folder.resolve("p/few.csv"), "b.png,4\n");
    refused("images:" + folder + "/p?labels=few.csv", "no label for 1 of 2", "a.png");
    Files.writeString(folder.resolve("p/short.txt"), "5\n");
    refused("images:" + folder + "/p?labels=short.txt", "1 labels for 2 samples");
  }

  @Test
  void badPicturesAndOptionsAreNamed() throws IOException {
    Path bad = folder.resolve("bad");
    Files.createDirectories(bad);
    Files.writeString(bad.resolve("a.jpg"), "no picture");
    refused("images:" + bad + "?resize=1x2", List.of(floats(1, 2, 3)), "a.jpg");
    String[] options = {
      "resize=224", "resize=0x1", "crop=0", "crop=1.5", "channels=cmyk", "filter=x"
    };
    for (String option : options) {
      refused("images:" + bad + "?" + option, "option `" + option.split("=")[0] + "`");
    }
  }

  @Test
  void photographsOfAllKindsAreDecoded() {
    Path photos = Shared.file("data/photos");
    Feed feed = feed("images:" + photos + "?resize=32x32&crop=0.875", floats(1, 32, 32, 3));
    assertThat(feed.size()).isGreaterThan(20);
    for (Sample sample : feed) {
      for (int i = 0; i < sample.inputs().get(0).elements(); i++) {
        assertThat(sample.inputs().get(0).get(i)).isBetween(0.0, 255.001);
      }
    }
  }

  @Test
  void picturesOfDifferentSizesHaveToBeResized() throws IOException {
    write(new BufferedImage(2, 1, BufferedImage.TYPE_INT_RGB), "d/a.png");
    write(new BufferedImage(3, 1, BufferedImage.TYPE_INT_RGB), "d/b.png");
    List<TensorInfo> inputs = List.of(floats(1, 2, 3));
    refused("images:" + folder + "/d", inputs, "b.png: 1x3, but", "a.png is 1x2", "resize=HxW");
    assertThat(feed("images:" + folder + "/d?resize=1x2", floats(1, 2, 3))).hasSize(2);
  }

  private static int[] labels(String spec) {
    Feed feed = feed(spec, floats(1, 1, 1, 3));
    return IntStream.range(0, feed.size()).map(i -> feed.get(i).label()).toArray();
  }

  private void write(BufferedImage image, String name) throws IOException {
    File file = folder.resolve(name).toFile();
    Files.createDirectories(file.toPath().getParent());
    assertThat(ImageIO.write(image, name.substring(name.lastIndexOf('.') + 1), file)).isTrue();
  }

  /** Black on the left third, white on the right: more pixels than are held in memory. */
  @Test
  void aPictureTooLargeToBeHeldIsReadInPart() throws IOException {
    int extent = 12_000;
    BufferedImage image = new BufferedImage(extent, extent, BufferedImage.TYPE_BYTE_BINARY);
    byte[] bits = ((DataBufferByte) image.getRaster().getDataBuffer()).getData();
    for (int i = 0; i < bits.length; i++) {
      bits[i] = (byte) (i % (extent / 8) < extent / 24 ? 0 : 0xFF);
    }
    write(image, "large/a.png");
    assertThat(
            values(
                feed(
                    "images:" + folder + "/large?resize=1x3&channels=gray&filter=nearest",
                    floats(1, 1, 3, 1)),
                0))
        .containsExactly(0, 255, 255);
    double[] pixels =
        values(feed("images:" + folder + "/large?resize=2x6&channels=gray", floats(1, 2, 6, 1)), 0);
    double[] slow = {0, 255 / 8., 255 * 7 / 8., 255, 255, 255}; // the triangle reaches half over
    for (int i = 0; i < 12; i++) {
      assertThat(pixels[i]).isCloseTo(slow[i % 6], within(0.5));
    }
  }
}
