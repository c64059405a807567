package io.narrow.kernels.internal;

/**
 * Stands in for JavaCPP's {@code Loader} in the generated class {@link NativeFunctions}.
 *
 * <p>JavaCPP generates {@code static { Loader.load(); }} and imports its own {@code Loader} on
 * demand; a class of the same package takes precedence. The library is loaded before, explicitly,
 * where its failure can be told to the user: a static initializer could only throw.
 */
final class Loader {
  private Loader() {}

  static void load() {}
}
