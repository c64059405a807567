package io.narrow.cli;

import io.narrow.tflite.data.Dataset;
import io.narrow.tflite.evaluation.Evaluator;
import picocli.CommandLine.Option;

/** The options that say on which data models are run, and how. */
final class DataOptions {
  @Option(
      names = "--data",
      required = true,
      paramLabel = "DATA",
      description =
          "FORMAT:PATH[?key=value&...], or a path whose name tells the format. Formats: cifar10,"
              + " npy, npz, idx, images, csv, raw, random. Keys: scale, offset, mean, std, resize,"
              + " crop, labels ...")
  private String data;

  @Option(names = "--threads", paramLabel = "N", description = "Threads per model (default 1).")
  private int threads = 1;

  @Option(names = "--no-xnnpack", description = "Use the built-in kernels instead of XNNPACK.")
  private boolean builtIn;

  @Option(names = "--markdown", description = "Print the table in Markdown.")
  private boolean markdown;

  boolean markdown() {
    return markdown;
  }

  Dataset data() {
    return Dataset.open(data);
  }

  Evaluator.Options options() {
    return Evaluator.Options.DEFAULT
        .withThreads(threads)
        .withXnnpack(!builtIn)
        .withProgress(Bar.onTerminal());
  }
}
