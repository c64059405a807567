package io.narrow.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.narrow.tflite.evaluation.Inference;
import io.narrow.tflite.files.WholeFile;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.runtime.Interpreter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code narrow run}. */
@Command(
    name = "run",
    description =
        "Runs a model once on what is in files. Real numbers go in and come out, whatever type the"
            + " model's inputs and outputs are of.",
    mixinStandardHelpOptions = true)
final class RunCommand extends Output {
  private static final int SHOWN = 10;

  @Parameters(paramLabel = "MODEL", description = "A model (.tflite).")
  private Path model;

  @Option(
      names = "--input",
      required = true,
      paramLabel = "[NAME=]DATA",
      description =
          "What is fed, as `evaluate` takes data: an array as a whole if it has the input's shape,"
              + " else its first sample. Can be given for each input.")
  private List<String> inputs;

  @Option(
      names = {"-o", "--output"},
      paramLabel = "DIR",
      description = "Folder for the outputs, an .npy file each.")
  private Path folder;

  @Option(
      names = "--codes",
      description =
          "Quantized inputs are given as the model's integers, and outputs returned as such.")
  private boolean codes;

  @Option(names = "--threads", paramLabel = "N", description = "Threads (default 1).")
  private int threads = 1;

  @Option(names = "--no-xnnpack", description = "Use the built-in kernels instead of XNNPACK.")
  private boolean builtIn;

  @Override
  public Integer call() {
    Model.read(model); // a damaged file is named before the runtime sees it
    List<Inference.Output> outputs =
        Inference.run(
            model,
            inputs,
            Interpreter.Options.DEFAULT.withThreads(threads).withXnnpack(!builtIn),
            codes,
            Bar.onTerminal());
    List<Path> files = new ArrayList<>();
    if (folder != null) {
      WholeFile.makeFolder(folder);
      Set<String> taken = new HashSet<>();
      for (Inference.Output output : outputs) {
        String name = output.fileName();
        for (int copy = 2; !taken.add(name); copy++) {
          name = output.fileName() + "-" + copy;
        }
        Path file = folder.resolve(name + ".npy");
        output.write(file);
        files.add(file);
      }
    }
    if (json) {
      print(document(outputs, files));
    } else {
      lines(outputs, files);
    }
    return 0;
  }

  private void lines(List<Inference.Output> outputs, List<Path> files) {
    for (int o = 0; o < outputs.size(); o++) {
      Inference.Output output = outputs.get(o);
      StringBuilder values = new StringBuilder();
      for (int i = 0; i < Math.min(SHOWN, output.values().length); i++) {
        values.append(' ').append(output.values()[i]);
      }
      say("%s", shortened(output.tensor().toString()));
      say("%s%s", values, output.values().length > SHOWN ? " ..." : "");
      if (!files.isEmpty()) {
        say("  -> %s", files.get(o));
      }
    }
  }

  private static JsonArray document(List<Inference.Output> outputs, List<Path> files) {
    JsonArray document = new JsonArray();
    for (int o = 0; o < outputs.size(); o++) {
      Inference.Output output = outputs.get(o);
      JsonObject entry = new JsonObject();
      entry.addProperty("name", output.tensor().name());
      entry.addProperty("type", output.tensor().type().toString());
      JsonArray shape = new JsonArray();
      for (int extent : output.tensor().shape()) {
        shape.add(extent);
      }
      entry.add("shape", shape);
      if (output.tensor().quantized()) {
        entry.addProperty("scale", output.tensor().scale());
        entry.addProperty("zero_point", output.tensor().zeroPoint());
      }
      JsonArray values = new JsonArray();
      for (float value : output.values()) {
        if (Float.isFinite(value)) {
          values.add(value);
        } else {
          values.add(String.valueOf(value)); // JSON has neither NaN nor infinity
        }
      }
      entry.add("values", values);
      if (!files.isEmpty()) {
        entry.addProperty("file", files.get(o).toString());
      }
      document.add(entry);
    }
    return document;
  }
}
