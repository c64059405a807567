package io.narrow.keras.graph;

/** What a window does at the border: the numbers of the file format. */
public final class Padding {
  public static final int SAME = 0;
  public static final int VALID = 1;

  private Padding() {}
}
