package io.narrow.tflite.data;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.runtime.TensorInfo;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.UnaryOperator;

/** Data for the signatures of a model: for some of them by name, and for all others. Immutable. */
public final class Datasets {
  /** None. */
  public static final Datasets NONE = new Datasets(Optional.empty(), new TreeMap<>());

  private final Optional<Dataset> others;
  private final SortedMap<String, Dataset> named;

  private Datasets(Optional<Dataset> others, SortedMap<String, Dataset> named) {
    this.others = others;
    this.named = named;
  }

  /** Data for every signature whose inputs they fit. */
  public static Datasets of(Dataset data) {
    return NONE.withOthers(data);
  }

  /** With data for every signature that has none of its own, if they fit its inputs. */
  public Datasets withOthers(Dataset data) {
    return new Datasets(Optional.of(data), named);
  }

  /** With other data for one signature. */
  public Datasets with(String signature, Dataset data) {
    SortedMap<String, Dataset> more = new TreeMap<>(named);
    more.put(signature, data);
    return new Datasets(others, more);
  }

  /**
   * With data by specification, opened here.
   *
   * @param sources each as {@link Dataset#open} takes it, for one signature after {@code NAME=}
   * @param signatures the names that there are
   * @throws NarrowException if data cannot be opened, or are named twice for the same
   */
  public Datasets withNamed(List<String> sources, List<String> signatures) {
    Datasets all = this;
    Set<Optional<String>> known = new HashSet<>();
    for (String source : sources) {
      Optional<String> signature =
          signatures.stream().filter(name -> source.startsWith(name + "=")).findFirst();
      if (!known.add(signature)) {
        throw NarrowException.input(
            "data `"
                + source
                + "`: there are others already"
                + signature.map(name -> " for signature `" + name + "`").orElse(""));
      }
      int start = signature.map(name -> name.length() + 1).orElse(0);
      Dataset data = Dataset.open(source.substring(start));
      all = signature.isPresent() ? all.with(signature.get(), data) : all.withOthers(data);
    }
    return all;
  }

  /** Whether there are none. */
  public boolean isEmpty() {
    return others.isEmpty() && named.isEmpty();
  }

  /**
   * With names checked.
   *
   * @param signatures the names that there are
   * @throws NarrowException if data are for a signature that there is not
   */
  public void check(List<String> signatures, String model) {
    for (String name : named.keySet()) {
      if (!signatures.contains(name)) {
        throw NarrowException.input(
            model
                + ": no signature `"
                + name
                + "`, it has "
                + (signatures.isEmpty() ? "none" : String.join(", ", signatures)));
      }
    }
  }

  /**
   * The data for a signature.
   *
   * @param signature its name, empty for the first subgraph of a model without signatures
   * @param inputs its inputs
   * @param needed whether data that do not fit are an error even if they are not for this one alone
   * @return empty if there are none
   * @throws NarrowException if they are for this signature and do not fit
   */
  public Optional<Dataset> of(String signature, List<TensorInfo> inputs, boolean needed) {
    Dataset own = named.get(signature);
    Optional<Dataset> data = own == null ? others : Optional.of(own);
    try {
      data.ifPresent(samples -> samples.check(inputs));
      return data;
    } catch (NarrowException e) {
      if (own != null || needed) {
        throw e;
      }
      return Optional.empty();
    }
  }

  /** The first samples of each, at most so many. */
  public Datasets limit(int samples) {
    return map(data -> data.limit(samples));
  }

  /** Each without its first samples, of which all have to have more. */
  public Datasets skip(int samples) {
    return map(data -> data.skip(samples));
  }

  private Datasets map(UnaryOperator<Dataset> change) {
    SortedMap<String, Dataset> changed = new TreeMap<>();
    named.forEach((signature, data) -> changed.put(signature, change.apply(data)));
    return new Datasets(others.map(change), changed);
  }
}
