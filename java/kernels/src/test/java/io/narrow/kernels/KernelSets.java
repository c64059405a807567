package io.narrow.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;

/** Every set of kernels that this machine can run, to be used one after another. */
final class KernelSets {
  private KernelSets() {}

  /** The names, java first. The library was built before the tests: without it they fail. */
  static List<String> names() {
    NativeLibrary library = NativeLibrary.get();
    assertThat(library.isLoaded()).as(() -> String.join("\n", library.trail())).isTrue();
    assertThat(NativeKernels.names()).startsWith("scalar");
    return Kernels.available();
  }

  static Kernels use(String name) {
    return name.equals("java") ? new JavaKernels() : NativeKernels.use(name);
  }

  /** What the process would use of its own accord. */
  static void reset() {
    List<String> names = names();
    use(names.get(names.size() - 1));
  }
}
