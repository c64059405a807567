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
    outside(fast, slow)
        .forEach(
            (reason, kinds) -> {
              double cost =
                  kinds.keySet().stream()
                      .mapToDouble(k -> with.getOrDefault(k, 0.0) - without.getOrDefault(k, 0.0))
                      .sum();
              int all = kinds.values().stream().mapToInt(Integer::intValue).sum();
              costs.merge(
                  counted(kinds) + (all == 1 ? " runs" : " run") + " outside XNNPACK: " + reason,
                  cost,
                  Double::sum);
            });
    Set<String> more = new TreeSet<>(with.keySet());
    more.removeAll(without.keySet());
    slow.left().forEach(left -> more.remove(left.name()));
    if (!more.isEmpty()) {
      costs.put(
          String.join(", ", more) + ": only in the slower model",
          more.stream().mapToDouble(with::get).sum());
    }
    with.forEach(
        (kind, millis) -> {
          double other = without.getOrDefault(kind, millis);
          if (millis > NOISE * other && count(slow, kind) == 0 && count(fast, kind) == 0) {
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

  /** By reason and kind, how many operators XNNPACK left of one model and not of the other. */
  private static Map<String, Map<String, Integer>> outside(Benchmark fast, Benchmark slow) {
    Map<String, Map<String, Integer>> reasons = new LinkedHashMap<>();
    for (Benchmark.Left left : slow.left()) {
      if (count(slow, left.name()) > count(fast, left.name())) {
        reasons
            .computeIfAbsent(left.reason(), reason -> new TreeMap<>())
            .merge(left.name(), 1, Integer::sum);
      }
    }
    return reasons;
  }

  private static long count(Benchmark result, String kind) {
    return result.left().stream().filter(left -> left.name().equals(kind)).count();
  }

  private static String kernels(Benchmark result, String kind) {
    return result.profile().stream()
        .filter(time -> time.kind().equals(kind))
        .map(Benchmark.Time::kernel)
        .distinct()
        .sorted()
        .collect(Collectors.joining(", "));
  }

  private static String counted(Map<String, Integer> kinds) {
    return kinds.entrySet().stream()
        .map(kind -> kind.getValue() + " " + kind.getKey())
        .collect(Collectors.joining(", "));
  }
}
