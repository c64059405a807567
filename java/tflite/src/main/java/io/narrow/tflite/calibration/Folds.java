package io.narrow.tflite.calibration;

import io.narrow.tflite.calibration.TensorStatistics.Place;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.IntStream;

/**
 * What calibration found in parts of the samples, so that ranges of some can be judged on others.
 * Which part a sample is in follows from its contents. Immutable.
 */
public final class Folds {
  /** Without parts. */
  public static final Folds NONE = new Folds(Parts.ONE, new TreeMap<>());

  /** Into so many folds the parts are put together to be judged on. */
  public static final int COUNT = 4;

  /** Of fewer parts nothing is to be learnt about others; to judge that it takes one more. */
  private static final int FEWEST = 2;

  private final Parts parts;
  private final SortedMap<Integer, Calibration> found; // by part

  Folds(Parts parts, SortedMap<Integer, Calibration> found) {
    this.parts = parts;
    this.found = found;
  }

  /** The number of folds: {@link #COUNT}, or as many as there are parts; 0 if these are too few. */
  public int count() {
    return found.size() <= FEWEST ? 0 : Math.min(COUNT, found.size());
  }

  /** Whether there are enough parts to tell what ranges lack. */
  boolean tell() {
    return found.size() >= FEWEST;
  }

  /**
   * The fold that a sample is in.
   *
   * @param hash {@linkplain #hash of what the inputs} of the first subgraph hold
   */
  public int of(long hash) {
    int part = parts.of(hash);
    return found.headMap(part).size() % count();
  }

  /** A number that follows from what inputs hold. */
  public static long hash(List<ByteBuffer> inputs) {
    return Parts.hash(inputs);
  }

  /** The calibration of all samples but those of a fold. */
  public Calibration without(int fold) {
    SortedMap<Integer, Calibration> rest = new TreeMap<>();
    int place = 0;
    for (Map.Entry<Integer, Calibration> part : found.entrySet()) {
      if (place++ % count() != fold) {
        rest.put(part.getKey(), part.getValue());
      }
    }
    return merged(rest.values().stream().toList()).with(new Folds(parts, rest));
  }

  private static Calibration merged(List<Calibration> some) {
    return some.stream().reduce(Calibration.EMPTY, Calibration::merge);
  }

  /** What the ranges of each tensor lack, of those that lack something. */
  Map<Place, Headroom> headroom() {
    int groups = Math.min(Parts.MOST, found.size());
    List<List<Calibration>> grouped = new ArrayList<>();
    IntStream.range(0, groups).forEach(group -> grouped.add(new ArrayList<>()));
    int place = 0;
    for (Calibration part : found.values()) {
      grouped.get(place++ % groups).add(part);
    }
    Map<Place, List<TensorStatistics>> byPlace = new HashMap<>();
    for (List<Calibration> group : grouped) {
      for (TensorStatistics tensor : merged(group).statistics()) {
        byPlace.computeIfAbsent(tensor.place(), key -> new ArrayList<>()).add(tensor);
      }
    }
    Map<Place, Headroom> rooms = new TreeMap<>(Comparator.naturalOrder());
    byPlace.entrySet().parallelStream()
        .map(tensor -> Map.entry(tensor.getKey(), Headroom.of(tensor.getValue())))
        .filter(tensor -> !tensor.getValue().isNone())
        .sequential()
        .toList()
        .forEach(tensor -> rooms.put(tensor.getKey(), tensor.getValue()));
    return rooms;
  }
}
