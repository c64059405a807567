package io.narrow.tflite.data;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.runtime.TensorInfo;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/** Decides which array of a sample feeds which input of a model, and whether it can. */
final class Binding {
  private Binding() {}

  /**
   * For each input the array that feeds it.
   *
   * @param ordered whether the arrays are known to be in the order of the inputs
   * @param channels numbers of mean and std, 1 if they are not per channel
   */
  static int[] order(
      String source,
      List<Source.Array> arrays,
      List<TensorInfo> inputs,
      boolean ordered,
      int channels) {
    int[] order = match(source, arrays, inputs, ordered);
    List<String> problems = new ArrayList<>();
    for (int i = 0; i < order.length; i++) {
      Source.Array got = arrays.get(order[i]);
      TensorInfo want = inputs.get(i);
      boolean fits =
          got.flat() ? got.elements() == want.elements() : sameShape(got.shape(), want.shape());
      if (!fits || !typeFits(got.type(), want)) {
        problems.add(
            "input `" + want.name() + "`: got " + got.describe() + ", want " + want.describe());
      } else if (want.real() && channels > 1 && lastAxis(got.shape(), want) != channels) {
        problems.add(
            "input `"
                + want.name()
                + "`: "
                + want.describe()
                + " has "
                + lastAxis(got.shape(), want)
                + " channels, mean or std "
                + channels);
      }
    }
    if (!problems.isEmpty()) {
      throw NarrowException.input("data `" + source + "`: " + String.join("; ", problems));
    }
    return order;
  }

  private static int[] match(
      String source, List<Source.Array> arrays, List<TensorInfo> inputs, boolean ordered) {
    int[] byName = inputs.stream().mapToInt(input -> indexOf(arrays, input)).toArray();
    boolean numbered =
        IntStream.range(0, arrays.size()).allMatch(i -> arrays.get(i).name().equals("arr_" + i));
    boolean positional = ordered || numbered || arrays.size() == 1;
    if (positional && arrays.size() == inputs.size()) {
      return IntStream.range(0, inputs.size()).toArray();
    }
    if (!ordered && Arrays.stream(byName).allMatch(i -> i >= 0)) {
      return byName;
    }
    throw NarrowException.input(
        "data `"
            + source
            + "`: arrays "
            + String.join(", ", arrays.stream().map(a -> "`" + a.name() + "`").toList())
            + " do not match the inputs "
            + String.join(", ", inputs.stream().map(TensorInfo::toString).toList())
            + (numbered ? "" : " by name; option inputs=NAME,... puts them in order"));
  }

  private static int indexOf(List<Source.Array> arrays, TensorInfo input) {
    for (int i = 0; i < arrays.size(); i++) {
      if (isNamed(input, arrays.get(i).name())) {
        return i;
      }
    }
    return -1;
  }

  /** Whether an array of this name feeds an input. */
  static boolean isNamed(TensorInfo input, String name) {
    return name.equals(input.name()) || name.equals(plain(input.name()));
  }

  // What TensorFlow's converter puts around the name that the user gave.
  static String plain(String name) {
    return name.replaceFirst("^serving_default_", "").replaceFirst(":\\d+$", "");
  }

  private static boolean typeFits(TensorType got, TensorInfo want) {
    boolean fraction = new TensorInfo("", got, new int[0], 0, 0).real();
    return want.type() != TensorType.STRING && (want.real() || !fraction);
  }

  /** Whether two shapes differ in leading and trailing dimensions of 1 at most. */
  static boolean sameShape(int[] a, int[] b) {
    return Arrays.equals(core(a), core(b));
  }

  /** A shape without leading and trailing ones. */
  private static int[] core(int[] shape) {
    int start = 0;
    int end = shape.length;
    while (start < end && shape[start] == 1) {
      start++;
    }
    while (end > start && shape[end - 1] == 1) {
      end--;
    }
    return Arrays.copyOfRange(shape, start, end);
  }

  private static int lastAxis(int[] got, TensorInfo want) {
    int[] shape = want.shape().length > 0 ? want.shape() : got;
    return shape.length == 0 ? 1 : shape[shape.length - 1];
  }
}
