package io.narrow.tflite.plan;

import io.narrow.tflite.NarrowException;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/** How the codes of weights are chosen where there are data. */
public enum Rounding {
  /** {@link #SECOND_ORDER} where that takes about a minute at most, {@link #NEAREST} elsewhere. */
  AUTO,
  /** Each weight to its nearest code. */
  NEAREST,
  /**
   * Together, so that their errors cancel in the sums of products that they are a part of, as far
   * as samples held out bear it out. (Frantar et al., "Optimal brain compression", 2022, and
   * "GPTQ", 2023.)
   */
  SECOND_ORDER;

  /**
   * The one of a name.
   *
   * @throws NarrowException if none is called so
   */
  public static Rounding parse(String name) {
    return Arrays.stream(values())
        .filter(rounding -> rounding.toString().equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                NarrowException.input(
                    "rounding "
                        + name
                        + ": has to be "
                        + Arrays.stream(values())
                            .map(Rounding::toString)
                            .collect(Collectors.joining(" or "))));
  }

  /** As a command line has it: {@code second-order}. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
