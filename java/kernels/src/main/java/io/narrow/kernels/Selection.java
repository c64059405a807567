package io.narrow.kernels;

import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.List;

/** Which kernels run: one choice per process, made at the first use. */
final class Selection {
  static final String PROPERTY = "narrow.kernels";
  static final String STREAMING = "narrow.kernels.streaming";

  private static final List<String> NAMES =
      List.of("auto", "java", "scalar", "neon", "avx2", "avx512");

  private static volatile Kernels active;

  private Selection() {}

  static Kernels active() {
    Kernels kernels = active;
    return kernels != null ? kernels : choose();
  }

  private static synchronized Kernels choose() {
    if (active == null) {
      active = choose(System.getProperty(PROPERTY, "auto"));
    }
    return active;
  }

  private static void warn(String line) {
    if (Platform.isAndroid()) {
      System.err.println(line); // into the system's log
    } else {
      log(line);
    }
  }

  @DesktopOnly
  private static void log(String line) {
    System.getLogger("io.narrow.kernels").log(Level.WARNING, line);
  }

  private static Kernels choose(String wanted) {
    if (!NAMES.contains(wanted)) {
      throw new IllegalArgumentException(
          "%s=%s names no kernels; available here: %s, or auto"
              .formatted(PROPERTY, wanted, String.join(", ", available())));
    }
    if (wanted.equals("java")) {
      return new JavaKernels();
    }
    NativeLibrary library = NativeLibrary.get();
    if (wanted.equals("auto") && !library.isLoaded()) {
      warn(library.warning());
      return new JavaKernels();
    }
    if (!wanted.equals("auto") && !available().contains(wanted)) {
      throw new IllegalStateException(
          "%s=%s cannot run here; available: %s%s"
              .formatted(
                  PROPERTY,
                  wanted,
                  String.join(", ", available()),
                  library.isLoaded() ? "" : ". " + library.warning()));
    }
    NativeKernels.stream(streaming(System.getProperty(STREAMING)));
    return wanted.equals("auto") ? NativeKernels.fastest() : NativeKernels.use(wanted);
  }

  static long streaming(String bytes) {
    if (bytes == null) {
      return Long.MAX_VALUE;
    }
    if (!bytes.matches("[1-9][0-9]{0,17}")) {
      throw new IllegalArgumentException(
          "%s=%s is no number of bytes, at least 1".formatted(STREAMING, bytes));
    }
    return Long.parseLong(bytes);
  }

  static List<String> available() {
    List<String> names = new ArrayList<>();
    names.add("java");
    if (NativeLibrary.get().isLoaded()) {
      names.addAll(NativeKernels.names());
    }
    return List.copyOf(names);
  }

  static String loading() {
    NativeLibrary library = NativeLibrary.get();
    return "available: "
        + String.join(", ", available())
        + "\n"
        + String.join("\n", library.trail());
  }
}
