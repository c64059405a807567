package io.narrow.tflite.micro;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;

/**
 * Where TensorFlow Lite Micro's greedy memory planner puts things: the largest first, each at the
 * lowest place that is free as long as it is needed.
 */
final class GreedyPlan {
  private record Placed(Allocation what, long offset) {
    long end() {
      return offset + what.bytes();
    }
  }

  private GreedyPlan() {}

  /** How many bytes all take together. */
  static long bytes(List<Allocation> allocations) {
    List<Allocation> sorted = new ArrayList<>(allocations);
    Collections.reverse(sorted); // of two as large the later one comes first there
    sorted.sort(Comparator.comparingLong(Allocation::bytes).reversed());
    List<Placed> placed = new ArrayList<>(); // by offset
    long most = 0;
    for (Allocation one : sorted) {
      long offset = 0;
      for (Placed other : placed) {
        if (other.what().meets(one)) {
          if (other.offset() - offset >= one.bytes()) {
            break;
          }
          offset = Math.max(offset, other.end());
        }
      }
      int place = 0;
      while (place < placed.size() && placed.get(place).offset() <= offset) {
        place++;
      }
      placed.add(place, new Placed(one, offset));
      most = Math.max(most, offset + one.bytes());
    }
    return most;
  }
}
