package io.narrow.cli;

import com.google.gson.JsonObject;
import io.narrow.kernels.Kernels;
import io.narrow.tflite.runtime.Interpreter;
import java.util.LinkedHashMap;
import java.util.Map;
import picocli.CommandLine.Command;

/** {@code narrow doctor}. */
@Command(
    name = "doctor",
    description = "Tells which versions and kernels are in use, and what was tried while loading.",
    mixinStandardHelpOptions = true)
final class DoctorCommand extends Output {
  @Override
  public Integer call() {
    Map<String, String> facts = new LinkedHashMap<>();
    facts.put("narrow", Narrow.Version.number());
    facts.put("java", Runtime.version() + ", " + System.getProperty("java.vm.name"));
    facts.put("platform", System.getProperty("os.name") + ", " + System.getProperty("os.arch"));
    facts.put("kernels", Kernels.active().name());
    facts.put("kernels available", String.join(", ", Kernels.available()));
    facts.put("kernels loading", Kernels.loading());
    boolean loaded = true;
    try {
      facts.put("TensorFlow Lite", Interpreter.version());
    } catch (UnsatisfiedLinkError | NoClassDefFoundError e) {
      facts.put("TensorFlow Lite", "could not be loaded: " + e.getMessage());
      loaded = false;
    }
    if (json) {
      JsonObject document = new JsonObject();
      facts.forEach((name, value) -> document.addProperty(name.replace(' ', '_'), value));
      print(document);
    } else {
      facts.forEach(
          (name, value) -> say("%-18s %s", name, value.replace("\n", "\n" + " ".repeat(19))));
    }
    return loaded ? 0 : Narrow.MACHINE;
  }
}
