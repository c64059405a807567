package io.narrow.tflite.data;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.runtime.TensorInfo;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.function.Predicate;

/** The formats that data can have; one row per format. */
final class Formats {
  /** Opens a specification, given the inputs of the model that is to be fed. */
  interface Opener {
    Source open(Spec spec, List<TensorInfo> inputs);
  }

  /**
   * One format.
   *
   * @param options its own, beside those of all formats
   * @param labelled whether option {@code labels} names a file with one label per sample
   * @param needsInputs whether nothing can be said about it without a model
   * @param recognizes whether a path is plainly of this format
   */
  record Format(
      String name,
      Set<String> options,
      boolean labelled,
      boolean needsInputs,
      Predicate<Path> recognizes,
      Opener opener) {
    Set<String> keys() {
      Set<String> keys = new TreeSet<>(options);
      keys.addAll(Preprocessing.KEYS);
      keys.add("label-offset");
      if (labelled) {
        keys.add("labels");
      }
      return keys;
    }
  }

  private static final Map<String, Format> FORMATS = new TreeMap<>();

  static {
    add("cifar10", Set.of(), false, path -> false, Cifar10Source::open);
    add("npy", Set.of(), true, named(".npy"), NpySource::npy);
    add("npz", Set.of("inputs"), true, named(".npz"), NpySource::npz);
    add("idx", Set.of(), true, named("-ubyte", "-ubyte.gz", ".idx"), IdxSource::open);
    add(
        "images",
        Set.of("resize", "crop", "channels", "filter", "labels"),
        false,
        path -> Files.isDirectory(path) || ImageSource.isPicture(path),
        ImageSource::open);
    add("csv", Set.of("label"), true, named(".csv", ".tsv"), CsvSource::open);
    put(new Format("raw", Set.of("stride"), true, true, path -> false, RawSource::open));
    put(new Format("random", Set.of(), false, true, path -> false, RandomSource::open));
  }

  private Formats() {}

  static Set<String> names() {
    return FORMATS.keySet();
  }

  /** The format of a specification: as it says, else as its path looks. */
  static Format of(Spec spec) {
    if (!spec.format().isEmpty()) {
      return FORMATS.get(spec.format());
    }
    Path path = Spec.path(spec.argument(), spec.text());
    if (!Files.exists(path)) {
      throw NarrowException.input(path + ": no such file or folder");
    }
    return FORMATS.values().stream()
        .filter(format -> format.recognizes.test(path))
        .findFirst()
        .orElseThrow(
            () ->
                spec.bad(
                    "the format is not plain from the name; write FORMAT:PATH with one of "
                        + String.join(", ", names())));
  }

  private static void add(
      String name,
      Set<String> options,
      boolean labelled,
      Predicate<Path> recognizes,
      Function<Spec, Source> opener) {
    Opener ignoringInputs = (spec, inputs) -> opener.apply(spec);
    put(new Format(name, options, labelled, false, recognizes, ignoringInputs));
  }

  private static void put(Format format) {
    FORMATS.put(format.name, format);
  }

  private static Predicate<Path> named(String... suffixes) {
    return path -> {
      String name = path.getFileName().toString().toLowerCase(Locale.ROOT);
      return List.of(suffixes).stream().anyMatch(name::endsWith);
    };
  }
}
