package io.narrow.tflite.data;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.runtime.Inputs;
import io.narrow.tflite.runtime.TensorInfo;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Samples: in files, described by {@code FORMAT:PATH?OPTIONS}, or by a path whose name tells the
 * format ({@link #open}); or in memory ({@link #of}). Read with {@link #samples}. Immutable;
 * nothing stays open between reads, so it can be used from several threads and more than once.
 *
 * <table>
 * <caption>Formats</caption>
 * <tr><th>format</th><th>path, sample</th><th>own options</th></tr>
 * <tr><td>cifar10</td><td>file of 3073-byte records; [32,32,3] of 0..255, labels</td><td></td></tr>
 * <tr><td>npy</td><td>array, first axis the samples</td><td>labels=FILE</td></tr>
 * <tr><td>npz</td><td>arrays of equal first axis, matched to the inputs by name; labels from the
 *   array {@code labels}, {@code label}, {@code y}, {@code y_test}, {@code y_val}, {@code y_train}
 *   or {@code targets}, the first there is that feeds no input</td>
 *   <td>inputs=NAME,NAME (in the model's order), labels=NAME or FILE</td></tr>
 * <tr><td>idx</td><td>MNIST's format, plain or gzipped; labels from the file named alike</td>
 *   <td>labels=FILE</td></tr>
 * <tr><td>images</td><td>folder of jpg, png, bmp, gif, or one of these; [height,width,channels] of 0..255; of more
 *   than 64 million pixels, where resize shrinks them, only every second or so is read; labels from
 *   sub-folders</td><td>resize=HxW, crop=FRACTION, channels=rgb|gray,
 *   filter=triangle|bilinear|nearest, labels=FILE</td></tr>
 * <tr><td>csv</td><td>rows of numbers</td><td>label=first|last|none, labels=FILE</td></tr>
 * <tr><td>raw</td><td>little-endian float32, cut by the model's input</td>
 *   <td>stride=NUMBERS, labels=FILE</td></tr>
 * <tr><td>random</td><td>N or N,FIRST in place of a path: samples FIRST.. of a fixed sequence,
 *   uniform in [-1,1), or 0 and 1 for whole numbers</td><td></td></tr>
 * </table>
 *
 * <p>All formats: {@code scale}, {@code offset}, {@code mean}, {@code std} (numbers or fractions
 * like 1/255; mean and std also one per channel), applied as {@code ((x*scale + offset) - mean) /
 * std} to what feeds a float or quantized input, never to what feeds whole numbers; and {@code
 * label-offset}, added to every label. A label file has one label per line, or a file name and a
 * label, or is an .npy array.
 */
public final class Dataset {
  private final Spec spec;
  private final Formats.Format format;
  private final Preprocessing preprocessing;
  private final int labelOffset;
  private final int first;
  private final int limit;
  private final Optional<Source> source; // absent if it depends on the model

  private Dataset(Spec spec, Formats.Format format) {
    this.spec = spec;
    this.format = format;
    this.preprocessing = new Preprocessing(spec);
    this.labelOffset = spec.integer("label-offset", 0, Integer.MIN_VALUE);
    this.first = 0;
    this.limit = Integer.MAX_VALUE;
    this.source = format.needsInputs() ? Optional.empty() : Optional.of(source(List.of()));
  }

  private Dataset(Dataset data, int first, int limit, Optional<Source> source) {
    this.spec = data.spec;
    this.format = data.format;
    this.preprocessing = data.preprocessing;
    this.labelOffset = data.labelOffset;
    this.first = first;
    this.limit = limit;
    this.source = source;
  }

  /**
   * Opens data.
   *
   * @throws NarrowException if the specification is wrong, or the files are missing, damaged, or
   *     contradict each other
   */
  public static Dataset open(String text) {
    Spec spec = Spec.parse(text, Formats.names());
    Formats.Format format = Formats.of(spec);
    spec.checkKeys(format.name(), format.keys());
    return new Dataset(spec, format);
  }

  /**
   * Samples in memory, taken as they are: nothing is scaled.
   *
   * @param samples at least one, all of the same shapes, each array for the input of its place
   * @throws NarrowException naming the first sample that is not as those before
   */
  public static Dataset of(List<Sample> samples) {
    Source source = MemorySource.of(samples);
    Spec spec = new Spec(MemorySource.NAME, "", "", Map.of());
    return new Dataset(
        spec,
        new Formats.Format(
            MemorySource.NAME, Set.of(), false, false, path -> false, (s, inputs) -> source));
  }

  /**
   * All samples of a stream, as {@link #of(List)} takes them. Data are read more than once, so all
   * are kept: what does not fit into memory is better written to a file.
   */
  public static Dataset of(Stream<Sample> samples) {
    return of(samples.toList());
  }

  /**
   * One sample: the arrays as a whole if they have the shapes of the inputs, else the first of
   * their samples.
   *
   * @param inputs those that are fed
   * @throws NarrowException as {@link #open} and {@link #samples} do
   */
  public static Sample single(String text, List<TensorInfo> inputs) {
    Dataset data = open(text);
    Optional<Source> whole = data.source.map(samples -> samples.whole(inputs));
    return new Dataset(data, 0, 1, whole).feed(inputs).get(0);
  }

  /** The first samples of this, at most {@code samples}. */
  public Dataset limit(int samples) {
    if (samples < 1) {
      throw NarrowException.input("number of samples: " + samples + " is below 1");
    }
    return new Dataset(this, first, Math.min(limit, samples), source);
  }

  /** This without its first samples; if there are no more, no model can be fed with it. */
  public Dataset skip(int samples) {
    if (samples < 0) {
      throw NarrowException.input("number of samples to skip: " + samples + " is below 0");
    }
    int left = limit == Integer.MAX_VALUE ? limit : Math.max(0, limit - samples);
    return new Dataset(this, Math.addExact(first, samples), left, source);
  }

  /**
   * Checks that a model can be fed with this, without reading any sample.
   *
   * @param inputs the model's inputs
   * @throws NarrowException naming everything that does not fit
   */
  public void check(List<TensorInfo> inputs) {
    feed(inputs);
  }

  /**
   * The samples in the order and shapes of a model's inputs, preprocessed. Read when asked for,
   * each time anew.
   *
   * <pre>{@code
   * for (Sample sample : Dataset.open("test.npz?scale=1/255").samples(interpreter.inputs())) {
   *   ...
   * }
   * }</pre>
   *
   * <p>One array feeds the only input, whatever its name. Of several, each feeds the input of its
   * name (without {@code serving_default_} and {@code :0}); arrays without names of their own
   * ({@code arr_0}) and those listed in option {@code inputs} feed the inputs in their order. An
   * array fits if its shape differs from the input's only in leading or trailing dimensions of 1;
   * rows of {@code csv} and {@code raw} fit if they have as many numbers. Whole numbers fit every
   * input, floats only float and quantized ones.
   *
   * @param inputs the model's inputs
   * @throws NarrowException naming everything that does not fit
   */
  public List<Sample> samples(List<TensorInfo> inputs) {
    return feed(inputs);
  }

  /**
   * What writes the samples, as {@link #samples} matches them, to the inputs of a model: where
   * floats lie in a file as the model wants them, without a copy on the way.
   *
   * @param inputs the model's inputs
   * @throws NarrowException naming everything that does not fit
   */
  public Inputs inputs(List<TensorInfo> inputs) {
    return feed(inputs);
  }

  Feed feed(List<TensorInfo> inputs) {
    Source samples = source.map(s -> s.feeding(inputs)).orElseGet(() -> source(inputs));
    if (first > 0 && (samples.size() <= first || limit == 0)) {
      throw spec.bad("has no sample after the first " + Math.min(first, samples.size()));
    }
    boolean ordered = format.needsInputs() || spec.get("inputs").isPresent();
    int[] order =
        Binding.order(spec.text(), samples.arrays(), inputs, ordered, preprocessing.channels());
    return new Feed(spec.text(), samples, inputs, order, preprocessing, labelOffset, first, limit);
  }

  /** An input's name without what TensorFlow's converter puts around the one that the user gave. */
  public static String plainName(TensorInfo input) {
    return Binding.plain(input.name());
  }

  /** The specification this was opened with. */
  @Override
  public String toString() {
    return spec.text();
  }

  private Source source(List<TensorInfo> inputs) {
    Source samples = format.opener().open(spec, inputs);
    if (samples.size() == 0) {
      throw spec.bad("holds no samples");
    }
    // An archive's or an idx file's own labels have been dealt with by its source.
    boolean labelFile = format.labelled() && spec.get("labels").isPresent() && unlabelled(samples);
    return labelFile
        ? samples.withLabels(LabelFile.read(spec.file("labels").orElseThrow(), samples.size()))
        : samples;
  }

  private static boolean unlabelled(Source samples) {
    return samples.label(0) == Sample.NO_LABEL;
  }
}
