package io.narrow.tflite.plan;

import io.narrow.tflite.NarrowException;
import java.util.Locale;

/** What counts more where the smallest weights would make an operator slower than float32 ones. */
public enum Preference {
  /**
   * Speed with weights of eight bits, which costs about 100 bytes for each of them; size with four
   * bits, which who asks for them wants.
   */
  USUAL,
  /** The smallest file. */
  SIZE,
  /** No operator slower than with float32 weights where that can be had with smaller ones. */
  SPEED;

  /**
   * The preference of this name, as the command line has it.
   *
   * @throws NarrowException if there is none
   */
  public static Preference of(String name) {
    return switch (name.toLowerCase(Locale.ROOT)) {
      case "size" -> SIZE;
      case "speed" -> SPEED;
      default -> throw NarrowException.input("preference " + name + ": has to be size or speed");
    };
  }

  boolean speed(int bits) {
    return this == SPEED || this == USUAL && bits == 8;
  }

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
