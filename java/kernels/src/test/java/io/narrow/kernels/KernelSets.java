package io.narrow.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** Every set of kernels that this machine can run, to be used one after another. */
final class KernelSets {
  private KernelSets() {}

  private static final String PARALLEL = " parallel";
  private static final ExecutorService THREADS =
      Executors.newCachedThreadPool(
          task -> {
            Thread thread = new Thread(task);
            thread.setDaemon(true);
            return thread;
          });

  /** The names, java first, and the first and the last once more on several threads. */
  static List<String> names() {
    load();
    assertThat(NativeKernels.names()).startsWith("scalar");
    List<String> names = new ArrayList<>(Kernels.available());
    names.add(names.get(0) + PARALLEL);
    names.add(names.get(names.size() - 2) + PARALLEL);
    return names;
  }

  /** The library was built before the tests: without it they fail. */
  private static void load() {
    NativeLibrary library = NativeLibrary.get();
    assertThat(library.isLoaded()).as(() -> String.join("\n", library.trail())).isTrue();
  }

  static Kernels use(String name) {
    if (name.endsWith(PARALLEL)) {
      Kernels kernels = use(name.substring(0, name.length() - PARALLEL.length()));
      return new ParallelKernels(kernels, THREADS, 3, 1);
    }
    return name.equals("java") ? new JavaKernels() : NativeKernels.use(name);
  }

  /** What the process would use of its own accord. */
  static void reset() {
    load();
    NativeKernels.fastest();
  }
}
