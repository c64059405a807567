package io.narrow.tflite.data;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.model.TensorType;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import javax.imageio.ImageReadParam;
import javax.imageio.ImageReader;
import javax.imageio.stream.ImageInputStream;

/**
 * A folder of pictures, in the order of their names, or one; a sample is [height,width,channels] of
 * 0..255.
 *
 * <p>Options: {@code crop=F} keeps the central fraction F of height and of width, {@code
 * resize=HxW} then scales, {@code filter} says how (without it, all have to be of one size), {@code
 * channels=rgb|gray}. Labels: option {@code labels}, or the sub-folder's place among the
 * sub-folders, or its name if all their names are numbers.
 */
final class ImageSource implements Source {
  /** Pixels; a picture has 3 or 4 bytes for each as it is decoded. */
  private static final long LARGEST = 1 << 26;

  private static final Set<String> SUFFIXES = Set.of("jpg", "jpeg", "png", "bmp", "gif");
  private static final Map<String, Integer> CHANNELS = Map.of("rgb", 3, "gray", 1);

  private final List<Path> files;
  private final int[] labels; // empty if there are none
  private final double crop;
  private final int channels;
  private final boolean resized;
  private final ImageScaler scaler;

  private ImageSource(Spec spec) {
    Path folder = spec.path();
    files = isPicture(folder) ? List.of(folder) : pictures(spec.folder());
    if (files.isEmpty()) {
      throw NarrowException.input(
          folder + ": no pictures (" + String.join(", ", new TreeSet<>(SUFFIXES)) + ")");
    }
    crop = spec.number("crop", 1);
    if (!(crop > 0 && crop <= 1)) {
      throw spec.bad("option `crop`: has to be above 0 and at most 1");
    }
    channels = spec.choice("channels", CHANNELS, "rgb");
    ImageScaler.Filter filter = spec.choice("filter", ImageScaler.FILTERS, "triangle");
    int[] size = size(spec);
    resized = size.length > 0;
    if (!resized) {
      BufferedImage first = decode(files.get(0)); // as it is
      size = new int[] {cropped(first.getHeight()), cropped(first.getWidth())};
    }
    scaler = new ImageScaler(size[0], size[1], filter);
    labels =
        spec.file("labels")
            .map(file -> LabelFile.read(file, names(folder)))
            .orElseGet(() -> folderLabels(folder));
  }

  static Source open(Spec spec) {
    return new ImageSource(spec);
  }

  @Override
  public List<Array> arrays() {
    return List.of(new Array("", TensorType.UINT8, scaler.height(), scaler.width(), channels));
  }

  @Override
  public int size() {
    return files.size();
  }

  @Override
  public List<NdArray> read(int index) {
    BufferedImage image = decode(files.get(index));
    int height = cropped(image.getHeight());
    int width = cropped(image.getWidth());
    if (!resized && (height != scaler.height() || width != scaler.width())) {
      throw NarrowException.input(
          files.get(index)
              + ": "
              + height
              + "x"
              + width
              + ", but "
              + files.get(0)
              + " is "
              + scaler.height()
              + "x"
              + scaler.width()
              + "; give option resize=HxW");
    }
    int top = (image.getHeight() - height) / 2;
    int left = (image.getWidth() - width) / 2;
    float[] scaled =
        scaler.scale(
            y -> Pixels.read(image, left, top + y, width, 1, channels), height, width, channels);
    return List.of(NdArray.wrap(scaled, scaler.height(), scaler.width(), channels));
  }

  @Override
  public int label(int index) {
    return labels.length == 0 ? Sample.NO_LABEL : labels[index];
  }

  // As tf.image.central_crop: what is cut off on each side is rounded down.
  private int cropped(int extent) {
    return extent - 2 * (int) ((extent - extent * crop) / 2);
  }

  private static int[] size(Spec spec) {
    String size = spec.get("resize").orElse("");
    if (size.isEmpty()) {
      return new int[0];
    }
    if (!size.matches("[1-9]\\d{0,3}x[1-9]\\d{0,3}")) {
      throw spec.bad("option `resize`: `" + size + "` is not HEIGHTxWIDTH, like 224x224");
    }
    return Stream.of(size.split("x")).mapToInt(Integer::parseInt).toArray();
  }

  /** Names relative to the folder, with slashes. */
  private List<String> names(Path folder) {
    return files.stream()
        .map(file -> folder.relativize(file).toString().replace('\\', '/'))
        .toList();
  }

  private int[] folderLabels(Path folder) {
    if (files.stream().anyMatch(file -> folder.equals(file.getParent()))) {
      return new int[0];
    }
    List<String> classes = names(folder).stream().map(n -> n.split("/")[0]).toList();
    List<String> sorted = List.copyOf(new TreeSet<>(classes));
    boolean numbers = sorted.stream().allMatch(name -> name.matches("\\d{1,9}"));
    return classes.stream()
        .mapToInt(name -> numbers ? Integer.parseInt(name) : sorted.indexOf(name))
        .toArray();
  }

  private static List<Path> pictures(Path folder) {
    try (Stream<Path> files = Files.walk(folder)) {
      return files.filter(ImageSource::isPicture).sorted().toList();
    } catch (IOException e) {
      throw Bytes.unreadable(folder, e);
    }
  }

  static boolean isPicture(Path file) {
    String name = file.getFileName().toString().toLowerCase(Locale.ROOT);
    return SUFFIXES.contains(name.substring(name.lastIndexOf('.') + 1))
        && Files.isRegularFile(file);
  }

  private BufferedImage decode(Path file) {
    try (ImageInputStream stream = ImageIO.createImageInputStream(file.toFile())) {
      Iterator<ImageReader> readers = ImageIO.getImageReaders(stream);
      if (!readers.hasNext()) {
        throw NarrowException.input(file + ": not a picture of a known format");
      }
      ImageReader reader = readers.next();
      try {
        reader.setInput(stream, true, true);
        ImageReadParam how = reader.getDefaultReadParam();
        int step = step(reader.getHeight(0), reader.getWidth(0));
        how.setSourceSubsampling(step, step, step / 2, step / 2);
        return reader.read(0, how);
      } finally {
        reader.dispose();
      }
    } catch (IOException | RuntimeException e) {
      // the decoders of the JDK throw all kinds of these on damaged files
      throw e instanceof NarrowException problem ? problem : Bytes.unreadable(file, e);
    }
  }

  /** Every how manyth pixel is enough of a picture that is too large to be held. */
  private int step(long height, long width) {
    int step = 1;
    while (resized
        && (height / step) * (width / step) > LARGEST
        && Math.min(height / scaler.height(), width / scaler.width()) >= 2 * (step + 1)) {
      step++;
    }
    return step;
  }
}
