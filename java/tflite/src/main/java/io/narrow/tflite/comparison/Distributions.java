package io.narrow.tflite.comparison;

import io.narrow.tflite.calibration.Distribution;
import io.narrow.tflite.calibration.TensorTally;
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

  Distributions(List<Integer> tensors) {
    this.tensors = List.copyOf(tensors);
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
