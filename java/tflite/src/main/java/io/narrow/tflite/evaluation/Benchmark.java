package io.narrow.tflite.evaluation;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * How fast a model runs, and on which kernels.
 *
 * @param model the file
 * @param fileBytes its size
 * @param openMillis how long it took to open it and to prepare its tensors
 * @param firstMillis how long the first run took
 * @param warmUp of the runs before those that count, the first among them
 * @param inference of the runs that count
 * @param runMillis those of {@code inference}, in order
 * @param operators how many operators subgraph 0 has
 * @param parts in how many parts XNNPACK runs those that it took
 * @param left the operators of subgraph 0 that XNNPACK did not take
 * @param profile time by kernel in a run, in the order of execution, measured in runs of their own;
 *     empty if it was not asked for
 * @param profiledMillis 5 of 100 of those took no longer runs, which listening made longer
 */
public record Benchmark(
    Path model,
    long fileBytes,
    double openMillis,
    double firstMillis,
    Latency warmUp,
    Latency inference,
    List<Double> runMillis,
    int operators,
    int parts,
    List<Left> left,
    List<Time> profile,
    double profiledMillis) {
  public Benchmark {
    runMillis = List.copyOf(runMillis);
    left = List.copyOf(left);
    profile = List.copyOf(profile);
  }

  /** How many operators XNNPACK took. */
  public int taken() {
    return operators - left.size();
  }

  /**
   * An operator that XNNPACK did not take.
   *
   * @param operator its number in the file
   * @param name its name in the schema
   * @param reason why, in words
   */
  public record Left(int operator, String name, String reason) {
    /** How many of each name there are for each reason, in the order of the first of each. */
    public static Map<String, SortedMap<String, Integer>> byReason(List<Left> all) {
      Map<String, SortedMap<String, Integer>> reasons = new LinkedHashMap<>();
      for (Left left : all) {
        reasons
            .computeIfAbsent(left.reason, reason -> new TreeMap<>())
            .merge(left.name, 1, Integer::sum);
      }
      return reasons;
    }

    /** Names with how many there are of each: {@code 4 ADD, 10 CONV_2D}. */
    public static String counted(Map<String, Integer> names) {
      return names.entrySet().stream()
          .map(name -> name.getValue() + " " + name.getKey())
          .collect(Collectors.joining(", "));
    }
  }

  /**
   * Time of a kernel in a run that nothing disturbs: 5 of 100 calls took no longer.
   *
   * @param kernel the operator's name in the schema, or XNNPACK's own name of what it made of one
   *     or more operators
   * @param kind the operator in the schema that this computes; the kernel if it is not plain
   * @param xnnpack whether XNNPACK ran it
   * @param operator its number in the file, -1 where that is not known
   * @param millis how long its calls took in a run, without what they called
   * @param calls how often it ran in an average run
   */
  public record Time(
      String kernel, String kind, boolean xnnpack, int operator, double millis, double calls) {}
}
