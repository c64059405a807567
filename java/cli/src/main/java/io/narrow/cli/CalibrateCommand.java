package io.narrow.cli;

import com.google.gson.JsonObject;
import io.narrow.tflite.Quantizer;
import io.narrow.tflite.calibration.Calibration;
import io.narrow.tflite.calibration.Calibrator;
import io.narrow.tflite.calibration.RangeMethod;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code narrow calibrate}. */
@Command(
    name = "calibrate",
    description =
        "Runs a float model on data and writes the ranges of its activations, for any number of"
            + " recipes.",
    mixinStandardHelpOptions = true)
final class CalibrateCommand extends Output {
  @Parameters(paramLabel = "IN", description = "A float model (.tflite, .h5, .keras).")
  private Path input;

  @Mixin private OutputFile target;

  @Option(
      names = "--data",
      required = true,
      paramLabel = "DATA",
      description =
          "What the model is run on, as `evaluate` takes it; labels are not needed. NAME=DATA is for"
              + " the signature NAME alone, and can be given for each.")
  private List<String> data;

  @Option(names = "--samples", paramLabel = "N", description = "Use the first N samples only.")
  private int samples = Integer.MAX_VALUE;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "Samples that run at a time (default 1); the ranges are the same.")
  private int threads = 1;

  @Option(
      names = "--range",
      paramLabel = "METHOD",
      description =
          "auto (default), minmax, percentile[:99.99], entropy, mse, or moving-average[:0.95]."
              + " Only the last has to be named here: the others can be chosen later from the same"
              + " file.")
  private String method = RangeMethod.AUTO.toString();

  @Mixin private ShapeOptions shapes;

  @Option(
      names = "--ai-edge",
      description = "Write the file as ai-edge-quantizer does: the ranges alone.")
  private boolean aiEdge;

  @Override
  public Integer call() {
    Path output = output(target, input);
    Quantizer.Prepared model =
        Quantizer.DEFAULT
            .withSources(data)
            .withShapes(shapes.shapes())
            .withCalibration(
                Calibrator.Options.DEFAULT
                    .withSamples(samples)
                    .withThreads(threads)
                    .withMethod(RangeMethod.parse(method))
                    .withProgress(Bar.onTerminal()))
            .prepare(ModelInput.read(input));
    Calibration calibration = model.calibration();
    if (aiEdge) {
      calibration.writeAiEdge(output, model.model());
    } else {
      calibration.write(output);
    }
    if (json) {
      print(document(calibration, output));
    } else {
      say("%s -> %s", input, output);
      say("%,d tensors, %,d samples", calibration.tensors(), calibration.samples());
    }
    return 0;
  }

  private JsonObject document(Calibration calibration, Path output) {
    JsonObject document = new JsonObject();
    document.addProperty("input", input.toString());
    document.addProperty("output", output.toString());
    document.addProperty("samples", calibration.samples());
    document.addProperty("tensors", calibration.tensors());
    return document;
  }
}
