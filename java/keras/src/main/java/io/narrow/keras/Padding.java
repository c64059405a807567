package io.narrow.keras;

/** What a window does at the border: the numbers of the file format. */
final class Padding {
  static final int SAME = 0;
  static final int VALID = 1;

  private Padding() {}
}
