package io.narrow.tflite.targets;

import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * One thing that has to hold, of {@code rules.table}, where the words are explained.
 *
 * @param words the first says what is asked, the others of what
 */
record Requirement(List<String> words) {
  /** A question about an operator. */
  private interface Question {
    boolean holds(Site site, Requirement words);
  }

  private static final Map<String, Question> QUESTIONS =
      Map.ofEntries(
          Map.entry("constant", (site, is) -> is.places().allMatch(site::isConstant)),
          Map.entry(
              "present", (site, is) -> is.places().allMatch(p -> site.operand(p).isPresent())),
          Map.entry("absent", (site, is) -> is.places().allMatch(p -> site.operand(p).isEmpty())),
          Map.entry("inputs", (site, is) -> is.within(1, site.operator().inputs().length)),
          Map.entry("option", (site, is) -> is.within(2, site.operator().option(is.word(1)))),
          Map.entry(
              "real",
              (site, is) -> site.operator().realOption(is.word(1)) == Float.parseFloat(is.word(2))),
          Map.entry(
              "equal",
              (site, is) ->
                  site.operator().option(is.word(1)) == site.operator().option(is.word(2))),
          Map.entry(
              "rank", (site, is) -> first(site).map(t -> is.within(1, t.rank())).orElse(true)),
          Map.entry("moves", (site, is) -> Shapes.moves(site)),
          Map.entry("known", (site, is) -> site.tensors().allMatch(Requirement::isKnown)),
          Map.entry(
              "single", (site, is) -> first(site).map(t -> extent(t, 0, 1) == 1).orElse(true)),
          Map.entry("inner", (site, is) -> Shapes.inner(site, is.number(1))),
          Map.entry(
              "depth",
              (site, is) ->
                  first(site)
                      .map(t -> is.within(1, extent(t, t.rank() - 1, t.rank())))
                      .orElse(true)),
          Map.entry(
              "area",
              (site, is) ->
                  first(site)
                      .map(t -> is.within(1, extent(t, t.rank() - 3, t.rank() - 1)))
                      .orElse(true)),
          Map.entry("pertensor", Scales::perTensor),
          Map.entry("quantized", (site, is) -> Scales.everywhere(site)),
          Map.entry("alike", (site, is) -> Scales.alike(site)),
          Map.entry("scale", (site, is) -> Scales.ofResult(site, is.type(1), is.real(2))),
          Map.entry("zero", (site, is) -> Scales.zeroOfResult(site, is.type(1), is.number(2))),
          Map.entry("symmetric", (site, is) -> Scales.symmetric(site, is.type(1))),
          Map.entry(
              "noint4", (site, is) -> site.tensors().noneMatch(t -> t.type() == TensorType.INT4)),
          Map.entry("resize", (site, is) -> Shapes.resizes(site, is.places().toArray())),
          Map.entry("walks", (site, is) -> Shapes.walks(site)),
          Map.entry("weights", (site, is) -> Scales.sums(site) <= is.number(1)),
          Map.entry("never", (site, is) -> false));

  /** The requirement that a text asks for. */
  static Requirement of(String text) {
    Requirement requirement = new Requirement(List.of(text.trim().split(" +")));
    if (!QUESTIONS.containsKey(requirement.word(0))) {
      throw new IllegalArgumentException("rules.table: " + text);
    }
    return requirement;
  }

  boolean holds(Site site) {
    return QUESTIONS.get(word(0)).holds(site, this);
  }

  /** Whether it asks for one scale of int4. */
  boolean isInt4() {
    return words.size() == 3 && word(0).equals("pertensor") && type(2) == TensorType.INT4;
  }

  String word(int place) {
    return words.get(place);
  }

  int number(int place) {
    return Integer.parseInt(word(place));
  }

  double real(int place) {
    return Double.parseDouble(word(place));
  }

  TensorType type(int place) {
    return TensorType.valueOf(word(place).toUpperCase(Locale.ROOT));
  }

  private IntStream places() {
    return Arrays.stream(word(1).split(",")).mapToInt(Integer::parseInt);
  }

  private boolean within(int place, long value) {
    String range = word(place);
    int dots = range.indexOf("..");
    return value >= Long.parseLong(range.substring(0, dots))
        && value <= Long.parseLong(range.substring(dots + 2));
  }

  /** The first operand that it computes with. */
  static Optional<Tensor> first(Site site) {
    return site.activations().stream().findFirst();
  }

  /** The product of some axes, those before the first taken for 1. */
  private static long extent(Tensor tensor, int from, int to) {
    return IntStream.range(Math.max(0, from), Math.min(to, tensor.rank()))
        .mapToLong(tensor::dimension)
        .reduce(1, Math::multiplyExact);
  }

  private static boolean isKnown(Tensor tensor) {
    return Arrays.stream(tensor.shape()).allMatch(size -> size > 0);
  }
}
