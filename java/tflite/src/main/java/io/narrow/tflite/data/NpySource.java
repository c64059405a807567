package io.narrow.tflite.data;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.runtime.TensorInfo;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/** Samples from one .npy array, or from the arrays of an .npz archive. */
final class NpySource implements Source {
  /** Names under which an archive's labels are looked for, in this order. */
  static final List<String> LABEL_NAMES =
      List.of("labels", "label", "y", "y_test", "y_val", "y_train", "targets");

  private static final String SUFFIX = ".npy";

  private final String source;
  private final List<NpyArray> inputs; // as arrays
  private final boolean guessesLabels; // among the arrays
  private final List<Array> arrays;
  private final int size;

  private NpySource(String source, Map<String, NpyArray> inputs, boolean guessesLabels) {
    this.source = source;
    this.guessesLabels = guessesLabels;
    this.inputs = List.copyOf(inputs.values());
    this.arrays =
        inputs.entrySet().stream().map(e -> array(e.getKey(), e.getValue().header())).toList();
    this.size = inputs.values().iterator().next().header().rows();
    for (Map.Entry<String, NpyArray> entry : inputs.entrySet()) {
      if (entry.getValue().header().rows() != size) {
        throw NarrowException.input(
            source
                + ": arrays of different numbers of samples: "
                + String.join(
                    ", ",
                    inputs.entrySet().stream()
                        .map(e -> "`" + e.getKey() + "` " + e.getValue().header().rows())
                        .toList()));
      }
    }
  }

  static Source npy(Spec spec) {
    Path file = spec.file();
    Map<String, NpyArray> only = Map.of("", NpyArray.of(file.toString(), Bytes.of(file)));
    return new NpySource(file.toString(), only, false);
  }

  /**
   * The arrays of an archive: those that option {@code inputs} names, in that order, else all but
   * the labels. Labels: the array that option {@code labels} names, else the first of {@link
   * #LABEL_NAMES} that is no input.
   */
  static Source npz(Spec spec) {
    Path file = spec.file();
    Map<String, NpyArray> all = archive(file);
    Optional<String> labels = spec.get("labels");
    Optional<String> inputs = spec.get("inputs");
    if (inputs.isPresent()) {
      Map<String, NpyArray> chosen = new LinkedHashMap<>();
      for (String name : inputs.get().split(",", -1)) {
        if (!all.containsKey(name)) {
          throw NarrowException.input(
              file
                  + ": no array `"
                  + name
                  + "`; there are `"
                  + String.join("`, `", all.keySet())
                  + "`");
        }
        chosen.put(name, all.get(name));
      }
      Optional<String> usual = usualLabels(all, chosen.keySet());
      return labelled(file.toString(), chosen, all, labels.isPresent() ? labels : usual);
    }
    if (labels.isPresent()) {
      return labelled(file.toString(), all, all, labels);
    }
    return new NpySource(file.toString(), all, true);
  }

  /** With the labels that a model leaves, where none were named. */
  @Override
  public Source feeding(List<TensorInfo> fed) {
    if (!guessesLabels) {
      return this;
    }
    Set<String> taken = new HashSet<>();
    for (Array array : arrays) {
      if (arrays.size() == 1 || fed.stream().anyMatch(input -> feeds(array, input))) {
        taken.add(array.name());
      }
    }
    Map<String, NpyArray> all = new LinkedHashMap<>();
    for (int i = 0; i < arrays.size(); i++) {
      all.put(arrays.get(i).name(), inputs.get(i));
    }
    return labelled(source, all, all, usualLabels(all, taken));
  }

  @Override
  public Source whole(List<TensorInfo> fed) {
    Map<String, NpyArray> all = new LinkedHashMap<>();
    for (int i = 0; i < arrays.size(); i++) {
      String name = arrays.get(i).name();
      int[] shape = inputs.get(i).header().shape();
      List<TensorInfo> candidates =
          arrays.size() == 1 || fed.size() == 1
              ? fed
              : fed.stream().filter(input -> Binding.isNamed(input, name)).toList();
      if (candidates.stream().noneMatch(input -> Binding.sameShape(shape, input.shape()))) {
        return this;
      }
      all.put(name, inputs.get(i).asRow());
    }
    return new NpySource(source, all, guessesLabels);
  }

  private static boolean feeds(Array array, TensorInfo input) {
    return Binding.isNamed(input, array.name()) && array.elements() == input.elements();
  }

  private static Optional<String> usualLabels(Map<String, NpyArray> all, Set<String> inputs) {
    return LABEL_NAMES.stream()
        .filter(name -> all.containsKey(name) && !inputs.contains(name))
        .findFirst();
  }

  /**
   * @param name of the array of labels; of a file of labels if there is no such array
   */
  private static Source labelled(
      String source,
      Map<String, NpyArray> inputs,
      Map<String, NpyArray> all,
      Optional<String> name) {
    Optional<NpyArray> labels = name.map(all::get);
    Map<String, NpyArray> samples = new LinkedHashMap<>(inputs);
    if (inputs == all) {
      name.ifPresent(samples::remove);
    }
    if (samples.isEmpty()) {
      throw NarrowException.input(source + ": no array to feed");
    }
    Source unlabelled = new NpySource(source, samples, false);
    return labels.isEmpty()
        ? unlabelled
        : unlabelled.withLabels(
            labels(source + ": array `" + name.get() + "`", labels.get(), unlabelled.size()));
  }

  /** Whole numbers, one per sample, from an array of shape [n] or [n,1]. */
  static int[] labels(String source, NpyArray array, int size) {
    NpyArray.Header header = array.header();
    if (header.rowElements() != 1 || header.rows() != size) {
      throw NarrowException.input(
          source
              + ": shape "
              + Arrays.toString(header.shape())
              + " is not one label for each of "
              + size
              + " samples");
    }
    int[] labels = new int[size];
    for (int i = 0; i < size; i++) {
      double label = array.row(i).get(0);
      labels[i] = (int) label;
      if (labels[i] != label) {
        throw NarrowException.input(source + ": label " + label + " is not a whole number");
      }
    }
    return labels;
  }

  @Override
  public List<Array> arrays() {
    return arrays;
  }

  @Override
  public int size() {
    return size;
  }

  @Override
  public List<NdArray> read(int index) {
    return inputs.stream().map(array -> array.row(index)).toList();
  }

  @Override
  public boolean read(int index, int array, ByteBuffer memory) {
    return inputs.get(array).row(index, memory);
  }

  private static Array array(String name, NpyArray.Header header) {
    return new Array(name, header.type().tensorType(), header.rowShape());
  }

  private static Map<String, NpyArray> archive(Path file) {
    Map<String, NpyArray> arrays = new LinkedHashMap<>();
    try (ZipFile zip = new ZipFile(file.toFile())) {
      List<ZipEntry> entries = new ArrayList<>(zip.stream().toList());
      for (ZipEntry entry : entries) {
        if (entry.getName().endsWith(SUFFIX)) {
          String name = entry.getName().substring(0, entry.getName().length() - SUFFIX.length());
          arrays.put(name, array(file, zip, entry));
        }
      }
    } catch (IOException e) {
      throw Bytes.unreadable(file, e);
    }
    if (arrays.isEmpty()) {
      throw NarrowException.input(file + ": an archive without .npy arrays");
    }
    return arrays;
  }

  private static NpyArray array(Path file, ZipFile zip, ZipEntry entry) throws IOException {
    String source = file + ": " + entry.getName();
    try (InputStream stream = zip.getInputStream(entry)) {
      byte[] head = stream.readNBytes(NpyArray.headerLimit());
      NpyArray.Header header = NpyArray.header(source, ByteBuffer.wrap(head));
      if (entry.getSize() >= 0 && entry.getSize() != header.start() + header.bytes()) {
        throw NpyArray.wrongSize(source, header, entry.getSize());
      }
      OptionalLong start = StoredEntry.start(file, entry);
      if (start.isPresent()) {
        Bytes inPlace = Bytes.of(file, start.getAsLong(), entry.getSize());
        return new NpyArray(source, header, () -> inPlace);
      }
      // A compressed entry cannot be read at any place.
      Bytes unpacked = new UnpackedBytes(file, entry.getName(), header.start() + header.bytes());
      return new NpyArray(source, header, () -> unpacked);
    }
  }
}
