package io.narrow.kernels;

import java.util.Locale;
import java.util.Map;

/** The machine's name as JavaCPP spells it, which is the classifier of the native jar. */
final class Platform {
  private static final Map<String, String> ARCHITECTURES =
      Map.of("amd64", "x86_64", "x86_64", "x86_64", "aarch64", "arm64", "arm64", "arm64");

  private Platform() {}

  static String name() {
    String arch = System.getProperty("os.arch").toLowerCase(Locale.ROOT);
    return system() + "-" + ARCHITECTURES.getOrDefault(arch, arch);
  }

  /** One of linux, macosx, windows, or whatever else the machine says. */
  static String system() {
    String os = System.getProperty("os.name").toLowerCase(Locale.ROOT);
    if (os.startsWith("mac")) {
      return "macosx";
    }
    return os.startsWith("windows") ? "windows" : os.replace(' ', '-');
  }
}
