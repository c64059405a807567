package io.narrow.kernels;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The machine's name as JavaCPP spells it, which is the classifier of the native jar. */
final class Platform {
  private static final Map<String, String> ARCHITECTURES =
      Map.of("amd64", "x86_64", "x86_64", "x86_64", "aarch64", "arm64", "arm64", "arm64");

  /** What there are jars for. */
  private static final List<String> BUILT =
      List.of("linux-x86_64", "linux-arm64", "windows-x86_64", "macosx-arm64", "macosx-x86_64");

  private Platform() {}

  static boolean isBuilt(String platform) {
    return BUILT.contains(platform);
  }

  static String name() {
    String arch = System.getProperty("os.arch").toLowerCase(Locale.ROOT);
    return system() + "-" + ARCHITECTURES.getOrDefault(arch, arch);
  }

  /** One of linux, macosx, windows, android, or whatever else the machine says. */
  static String system() {
    String os = System.getProperty("os.name").toLowerCase(Locale.ROOT);
    if (os.startsWith("mac")) {
      return "macosx";
    }
    if (os.startsWith("windows")) {
      return "windows";
    }
    return isAndroid() ? "android" : os.replace(' ', '-');
  }

  static boolean isAndroid() {
    return System.getProperty("java.vm.name", "").equals("Dalvik");
  }

  /** Whether this process runs on musl, the C library of Alpine, rather than on glibc. */
  static boolean isMusl() {
    String arch = System.getProperty("os.arch");
    String loader = "/lib/ld-musl-" + (arch.equals("amd64") ? "x86_64" : arch) + ".so.1";
    return system().equals("linux") && isMusl(Path.of(loader), Path.of("/proc/self/maps"));
  }

  /** A system with glibc may have musl's loader as well, but no process maps both. */
  static boolean isMusl(Path loader, Path maps) {
    return Files.exists(loader) && read(maps).contains("/ld-musl-");
  }

  /**
   * The options of the mount that a file is on, such as {@code noexec}, and where it is mounted;
   * empty where the system does not tell.
   */
  static String mount(Path file) {
    String mount = "";
    String options = "";
    for (String line : read(Path.of("/proc/self/mounts")).split("\n")) {
      String[] fields = line.split(" ");
      if (fields.length > 3) {
        String point = fields[1].replace("\\040", " ").replace("\\011", "\t");
        // Of two mounts on the same directory, the later one is seen.
        if (file.startsWith(point) && point.length() >= mount.length()) {
          mount = point;
          options = fields[3];
        }
      }
    }
    return mount.isEmpty() ? "" : options + " on " + mount;
  }

  private static String read(Path file) {
    try {
      return new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      return "";
    }
  }
}
