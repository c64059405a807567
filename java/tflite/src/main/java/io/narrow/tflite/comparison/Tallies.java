package io.narrow.tflite.comparison;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.comparison.Follower.Pair;
import io.narrow.tflite.observation.Observer;
import io.narrow.tflite.runtime.TensorInfo;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** Counts the errors of pairs of tensors in one thread. */
final class Tallies {
  private final String model;
  private final List<Pair> pairs;
  private final Tally.Scratch scratch;
  private final List<Tally> all = new ArrayList<>();
  private final List<TensorInfo> infos = new ArrayList<>();

  /**
   * @param model what messages call the one that is beside the float model
   */
  Tallies(String model, List<Pair> pairs, Tally.Scratch scratch) {
    this.model = model;
    this.pairs = pairs;
    this.scratch = scratch;
  }

  /** For each pair; none before the first sample. */
  List<Tally> all() {
    return all;
  }

  /** How the tensors of the pairs were when they were first run, likewise. */
  List<TensorInfo> infos() {
    return infos;
  }

  /**
   * Adds what both models have computed.
   *
   * @throws NarrowException if a tensor is not of the float model's size
   */
  void add(Observer.Tensors floats, Observer.Tensors mine) {
    if (infos.isEmpty()) {
      for (Pair pair : pairs) {
        TensorInfo info = mine.info(pair.number());
        infos.add(info);
        all.add(new Tally(TensorCodec.of(info, model)));
      }
    }
    for (int i = 0; i < pairs.size(); i++) {
      Pair pair = pairs.get(i);
      if (!all.get(i).add(floats.values(pair.floatNumber()), mine.values(pair.number()), scratch)) {
        throw Follower.misfit(model, infos.get(i));
      }
    }
  }

  /** What was counted of the same pairs in several threads. */
  static Tallies sum(Stream<Tallies> parts) {
    Tallies sum = new Tallies("", List.of(), new Tally.Scratch());
    parts.forEach(sum::add);
    return sum;
  }

  private void add(Tallies other) {
    if (infos.isEmpty()) {
      infos.addAll(other.infos);
      all.addAll(other.all);
    } else {
      for (int i = 0; i < other.all.size(); i++) {
        all.get(i).add(other.all.get(i));
      }
    }
  }
}
