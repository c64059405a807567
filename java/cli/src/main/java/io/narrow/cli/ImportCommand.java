package io.narrow.cli;

import com.google.gson.JsonObject;
import io.narrow.keras.KerasModel;
import io.narrow.report.ModelDocument;
import io.narrow.tflite.NarrowException;
import io.narrow.tflite.model.Model;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code narrow import}. */
@Command(
    name = "import",
    description = "Turns a Keras model into a float TensorFlow Lite model.",
    mixinStandardHelpOptions = true)
final class ImportCommand extends Output {
  @Parameters(paramLabel = "IN", description = "A Keras model (.h5, .keras).")
  private Path input;

  @Mixin private OutputFile target;

  @Option(
      names = "--batch",
      paramLabel = "N",
      description = "Size of the batch; without it, 1 that can be resized.")
  private Integer batch;

  @Option(
      names = "--input-shape",
      paramLabel = "[NAME=]SHAPE",
      description =
          "Shape of the input without the batch, e.g. 224x224x3, where IN leaves it open; with"
              + " several inputs once for each, e.g. left=96x96x1.")
  private List<String> shapes = List.of();

  @Override
  public Integer call() {
    Path output = output(target, input);
    if (batch != null && batch < 1) {
      throw NarrowException.input("--batch " + batch + ": it must be at least 1");
    }
    KerasModel.Options options = new KerasModel.Options(batch == null ? 0 : batch, sizes());
    Model model =
        Bar.during(
            "import",
            () -> {
              Model read = KerasModel.read(input, options);
              read.write(output);
              return read;
            });
    if (json) {
      JsonObject document = new ModelDocument(model).summary(false);
      document.addProperty("output", output.toString());
      print(document);
      return 0;
    }
    say("%s -> %s", input, output);
    new ModelText(model).lines(false).forEach(this::say);
    return 0;
  }

  private Map<String, List<Integer>> sizes() {
    Map<String, List<Integer>> sizes = new HashMap<>();
    for (String shape : shapes) {
      int name = shape.lastIndexOf('=');
      String numbers = shape.substring(name + 1);
      if (!numbers.matches("\\d{1,9}([x,]\\d{1,9})*")) {
        throw NarrowException.input(
            "--input-shape " + shape + ": write it as 224x224x3 or input=224x224x3");
      }
      sizes.put(
          shape.substring(0, Math.max(0, name)),
          Arrays.stream(numbers.split("[x,]")).map(Integer::valueOf).toList());
    }
    return sizes;
  }
}
