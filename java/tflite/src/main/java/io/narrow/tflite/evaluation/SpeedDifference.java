package io.narrow.tflite.evaluation;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * Why one model is slower than another, or faster: by kind of operator, and in words.
 *
 * @param kinds the operators by kind, the largest difference first
 * @param causes what makes the slower of the two slow, a line each, the most costly first; empty if
 *     none of what is known explains it
 */
public record SpeedDifference(List<Kind> kinds, List<String> causes) {
  /** What takes less than this share of the slower model's time is no cause. */
  private static final double SHARE = 0.02;

  /** Kernels within this of each other are equally fast, as far as one run can tell. */
  private static final double NOISE = 1.1;

  /**
   * Time in operators of a kind.
   *
   * @param kind name in the schema, or XNNPACK's if it is not plain what that computes
   * @param firstMillis in the first model, 0 if it has none
   * @param secondMillis in the second
   */
  public record Kind(String kind, double firstMillis, double secondMillis) {
    /** How much longer the second takes. */
    public double difference() {
      return secondMillis - firstMillis;
    }
  }

  public SpeedDifference {
    kinds = List.copyOf(kinds);
    causes = List.copyOf(causes);
  }

  /** Compares two results that have profiles. */
  public static SpeedDifference of(Benchmark first, Benchmark second) {
    Map<String, Double> before = millis(first);
    Map<String, Double> after = millis(second);
    Set<String> names = new TreeSet<>(before.keySet());
    names.addAll(after.keySet());
    List<Kind> kinds = new ArrayList<>();
    for (String name : names) {
      kinds.add(new Kind(name, before.getOrDefault(name, 0.0), after.getOrDefault(name, 0.0)));
    }
    kinds.sort(Comparator.comparingDouble(kind -> -Math.abs(kind.difference())));
    boolean slower = second.inference().p5Millis() > first.inference().p5Millis();
    return new SpeedDifference(kinds, slower ? causes(first, second) : causes(second, first));
  }

  private static Map<String, Double> millis(Benchmark result) {
    return result.profile().stream()
        .collect(
            Collectors.groupingBy(
                Benchmark.Time::kind,
                TreeMap::new,
                Collectors.summingDouble(Benchmark.Time::millis)));
  }

  private static List<String> causes(Benchmark fast, Benchmark slow) {
    Map<String, Double> costs = new LinkedHashMap<>();
    double enough = SHARE * slow.inference().p5Millis();
    Map<String, Double> without = millis(fast);
    Map<String, Double> with = millis(slow);
    Map<String, Long> leftOfFast = left(fast);
    Map<String, Long> leftOfSlow = left(slow);
    List<Benchmark.Left> more =
        slow.left().stream()
            .filter(left -> leftOfSlow.get(left.name()) > leftOfFast.getOrDefault(left.name(), 0L))
            .toList();
    Benchmark.Left.byReason(more)
        .forEach(
            (reason, kinds) -> {
              double cost =
                  kinds.keySet().stream()
                      .mapToDouble(k -> with.getOrDefault(k, 0.0) - without.getOrDefault(k, 0.0))
                      .sum();
              int all = kinds.values().stream().mapToInt(Integer::intValue).sum();
              costs.merge(
                  Benchmark.Left.counted(kinds)
                      + (all == 1 ? " runs" : " run")
                      + " outside XNNPACK: "
                      + reason,
                  cost,
                  Double::sum);
            });
    Set<String> only = new TreeSet<>(with.keySet());
    only.removeAll(without.keySet());
    only.removeAll(leftOfSlow.keySet());
    if (!only.isEmpty()) {
      costs.put(
          String.join(", ", only) + ": only in the slower model",
          only.stream().mapToDouble(with::get).sum());
    }
    with.forEach(
        (kind, millis) -> {
          double other = without.getOrDefault(kind, millis);
          if (millis > NOISE * other
              && !leftOfSlow.containsKey(kind)
              && !leftOfFast.containsKey(kind)) {
            costs.put(
                kind
                    + " runs on XNNPACK in both: "
                    + kernels(slow, kind)
                    + " beside "
                    + kernels(fast, kind),
                millis - other);
          }
        });
    return costs.entrySet().stream()
        .filter(cost -> cost.getValue() > enough)
        .sorted(Map.Entry.<String, Double>comparingByValue().reversed())
        .map(cost -> String.format(Locale.ROOT, "%s (+%.3f ms)", cost.getKey(), cost.getValue()))
        .toList();
  }

  /** How many operators of each kind XNNPACK left. */
  private static Map<String, Long> left(Benchmark result) {
    return result.left().stream()
        .collect(Collectors.groupingBy(Benchmark.Left::name, Collectors.counting()));
  }

  private static String kernels(Benchmark result, String kind) {
    return result.profile().stream()
        .filter(time -> time.kind().equals(kind))
        .map(Benchmark.Time::kernel)
        .distinct()
        .sorted()
        .collect(Collectors.joining(", "));
  }
}
