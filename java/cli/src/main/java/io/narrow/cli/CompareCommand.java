package io.narrow.cli;

import com.google.gson.JsonObject;
import io.narrow.report.ModelDocument;
import io.narrow.report.Page;
import io.narrow.tflite.comparison.Comparator;
import io.narrow.tflite.comparison.Comparison;
import io.narrow.tflite.comparison.ComparisonFile;
import io.narrow.tflite.data.Datasets;
import io.narrow.tflite.files.WholeFile;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Signature;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code narrow compare}. */
@Command(
    name = "compare",
    description =
        "Says where a quantized model loses accuracy: the error of every tensor, that of its"
            + " operator alone (local) and end to end (accumulated).",
    mixinStandardHelpOptions = true)
final class CompareCommand extends Output {
  @Parameters(index = "0", paramLabel = "FLOAT", description = "The float model (.tflite, .h5).")
  private Path floats;

  @Parameters(
      index = "1",
      paramLabel = "QUANT",
      description = "What was made of it, by whatever tool (.tflite).")
  private Path quantized;

  @Option(
      names = "--data",
      required = true,
      paramLabel = "DATA",
      description =
          "Samples for the float model, as `evaluate` takes them. NAME=DATA is for the signature"
              + " NAME alone, and can be given for each.")
  private List<String> data;

  @Option(names = "--samples", paramLabel = "N", description = "Use the first N samples only.")
  private int samples = Integer.MAX_VALUE;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "Samples that run at a time (default: processors); the result is the same.")
  private int threads = Runtime.getRuntime().availableProcessors();

  @Option(names = "--no-xnnpack", description = "Use the built-in kernels instead of XNNPACK.")
  private boolean builtIn;

  @Option(
      names = "--no-local",
      description = "Leave out the error of each operator alone, which takes a third of the time.")
  private boolean endToEnd;

  @Option(
      names = "--restore",
      paramLabel = "N",
      description =
          "Put the N worst operators back to float, one after another, and show what the output"
              + " gains.")
  private int restored;

  @Option(
      names = "--why",
      description =
          "Say what the mode by which QUANT looks made has to say of every operator: why it is or"
              + " stays float32. With --html the page says it.")
  private boolean why;

  @Option(
      names = "--top",
      paramLabel = "N",
      description = "Show the N worst tensors (default ${DEFAULT-VALUE}; 0 for all).")
  private int top = 20;

  @Option(
      names = "--csv",
      paramLabel = "FILE",
      description = "Write the columns of TensorFlow's QuantizationDebugger.")
  private Path csv;

  @Option(
      names = "--model-explorer",
      paramLabel = "FILE",
      description = "Write node data for Model Explorer, to lay over the graph of QUANT.")
  private Path modelExplorer;

  @Option(
      names = "--html",
      paramLabel = "FILE",
      description =
          "Write a page to look at: the graph of QUANT by error, worst tensors first, histograms of"
              + " the values that they stand for. It needs no network. --json prints what it holds.")
  private Path page;

  @Override
  public Integer call() {
    OutputFile.apart("--csv", csv, floats, quantized);
    OutputFile.apart("--model-explorer", modelExplorer, floats, quantized);
    OutputFile.apart("--html", page, floats, quantized);
    Model reference = ModelInput.read(floats);
    List<String> signatures = reference.signatures().stream().map(Signature::key).toList();
    Model made = Model.read(quantized);
    Comparison comparison =
        Comparator.compare(
            reference,
            made,
            Datasets.NONE.withNamed(data, signatures),
            Comparator.Options.DEFAULT
                .withSamples(samples)
                .withThreads(threads)
                .withXnnpack(!builtIn)
                .withLocal(!endToEnd)
                .withRestored(restored)
                .withHistograms(page != null)
                .withReasons(why || page != null)
                .withProgress(Bar.onTerminal()));
    Optional.ofNullable(csv).ifPresent(file -> write(file, ComparisonFile.csv(comparison)));
    Optional.ofNullable(modelExplorer)
        .ifPresent(file -> write(file, ComparisonFile.modelExplorer(comparison)));
    Optional<JsonObject> shown =
        Optional.ofNullable(page)
            .map(file -> new ModelDocument(made).withComparison(comparison).graph());
    shown.ifPresent(document -> write(page, Page.html(document, Bar.onTerminal())));
    if (!json) {
      new ComparisonText(comparison, top).lines().forEach(this::say);
      shown.ifPresent(document -> say("page: " + page));
    } else if (shown.isPresent()) {
      print(shown.get());
    } else {
      say(ComparisonFile.json(comparison));
    }
    return 0;
  }

  private static void write(Path file, String text) {
    WholeFile.write(file, text.getBytes(StandardCharsets.UTF_8));
  }
}
