package io.narrow.tflite.ops;

/** Releases of TensorFlow, compared number by number. */
public final class Releases {
  private Releases() {}

  /** The later of two; empty stands before all. */
  public static String later(String a, String b) {
    String[] left = a.split("\\.");
    String[] right = b.split("\\.");
    for (int i = 0; i < Math.max(left.length, right.length); i++) {
      int order = Integer.compare(number(left, i), number(right, i));
      if (order != 0) {
        return order > 0 ? a : b;
      }
    }
    return a;
  }

  private static int number(String[] parts, int i) {
    return i < parts.length && parts[i].matches("[0-9]{1,9}") ? Integer.parseInt(parts[i]) : 0;
  }
}
