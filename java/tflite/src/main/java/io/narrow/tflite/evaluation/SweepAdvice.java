package io.narrow.tflite.evaluation;

import io.narrow.tflite.NarrowException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.ToDoubleFunction;

/**
 * Which file of a sweep to take.
 *
 * @param smallest the smallest file that is accurate enough; empty if none is
 * @param fastest the fastest of them
 * @param slower the files that run slower than the model they were made of
 * @param frontOfSize the files, the model among them, than which none smaller is as accurate (as
 *     often of the first model's opinion, where there are no labels), smallest first
 * @param frontOfSpeed likewise those than which none faster is as accurate, by the median latency,
 *     fastest first
 */
public record SweepAdvice(
    Optional<Evaluation> smallest,
    Optional<Evaluation> fastest,
    List<Evaluation> slower,
    List<Evaluation> frontOfSize,
    List<Evaluation> frontOfSpeed) {
  /** What takes less than so many times as long is not called slower. */
  private static final double NOISE = 1.2;

  public SweepAdvice {
    slower = List.copyOf(slower);
    frontOfSize = List.copyOf(frontOfSize);
    frontOfSpeed = List.copyOf(frontOfSpeed);
  }

  /**
   * Looks for them.
   *
   * @param results as {@link Sweep#run} gives them, the model first
   * @param maximumDrop by how much the accuracy may be below the model's; without labels, in how
   *     large a share of the samples it may say another class; 0 or more
   * @throws NarrowException if it is not
   */
  public static SweepAdvice of(List<Evaluation> results, double maximumDrop) {
    check(maximumDrop);
    Evaluation first = results.get(0);
    List<Evaluation> others = results.subList(1, results.size());
    List<Evaluation> accurate =
        others.stream().filter(result -> drop(result) <= maximumDrop).toList();
    return new SweepAdvice(
        least(accurate, Evaluation::fileBytes),
        least(accurate, result -> result.latency().p5Millis()),
        others.stream()
            .filter(result -> result.latency().p5Millis() > NOISE * first.latency().p5Millis())
            .toList(),
        front(results, Evaluation::fileBytes),
        front(results, result -> result.latency().p50Millis()));
  }

  /**
   * Whether a drop can be asked for, before the files are made.
   *
   * @throws NarrowException if it is below 0 or not a number
   */
  public static void check(double maximumDrop) {
    if (!(maximumDrop >= 0)) {
      throw NarrowException.input("largest drop " + maximumDrop + ": is below 0");
    }
  }

  /** What is not dominated, in the sense of Pareto, by another that costs no more. */
  private static List<Evaluation> front(
      List<Evaluation> results, ToDoubleFunction<Evaluation> cost) {
    boolean labelled = results.stream().allMatch(result -> result.accuracy().isPresent());
    ToDoubleFunction<Evaluation> good =
        result -> labelled ? result.accuracy().getAsDouble() : result.agreement();
    List<Evaluation> front = new ArrayList<>();
    results.stream()
        .sorted(
            Comparator.comparingDouble(cost)
                .thenComparing(Comparator.comparingDouble(good).reversed()))
        .filter(
            result ->
                front.isEmpty()
                    || good.applyAsDouble(result) > good.applyAsDouble(front.get(front.size() - 1)))
        .forEachOrdered(front::add);
    return front;
  }

  private static double drop(Evaluation result) {
    return PairedDifference.drop(result.change(), result.agreement(), result.samples());
  }

  private static Optional<Evaluation> least(
      List<Evaluation> results, ToDoubleFunction<Evaluation> measure) {
    return results.stream().min(Comparator.comparingDouble(measure));
  }
}
