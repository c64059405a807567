package io.narrow.tflite.comparison;

import io.narrow.tflite.calibration.Distribution;
import io.narrow.tflite.calibration.TensorTally;
import io.narrow.tflite.comparison.Follower.Pair;
import io.narrow.tflite.observation.Observer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Counts the values of the float model's tensors while it runs, in as many threads as it does. */
final class Distributions {
  private final List<Integer> tensors;
  private final List<Counter> counters = new ArrayList<>();

  private Distributions(List<Integer> tensors) {
    this.tensors = tensors;
  }

  /**
   * @param pairs whose float tensors are counted
   * @param wanted if not, nothing is
   */
  static Distributions of(List<Pair> pairs, boolean wanted) {
    return new Distributions(
        wanted ? pairs.stream().map(Pair::floatNumber).distinct().toList() : List.of());
  }

  /** Of the samples of one thread. */
  private static final class Counter implements Observer {
    private final Map<Integer, TensorTally> tallies = new LinkedHashMap<>();
    private final float[] scratch = new float[TensorTally.COUNTED];

    @Override
    public void after(int sample, Tensors seen) {
      tallies.forEach((tensor, tally) -> tally.add(seen.values(tensor), scratch));
    }
  }

  Observer counter() {
    Counter counter = new Counter();
    tensors.forEach(tensor -> counter.tallies.put(tensor, new TensorTally()));
    counters.add(counter);
    return counter;
  }

  /** By number of the tensor; of those of which there was a sample of finite values. */
  Map<Integer, Distribution> counted() {
    Map<Integer, Distribution> all = new HashMap<>();
    for (Counter counter : counters) {
      counter.tallies.forEach(
          (tensor, tally) ->
              tally
                  .distribution()
                  .ifPresent(found -> all.merge(tensor, found, Distribution::merge)));
    }
    return all;
  }
}
