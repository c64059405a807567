package io.narrow.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.narrow.tflite.files.WholeFile;
import io.narrow.tflite.micro.Arena;
import io.narrow.tflite.micro.MicroSource;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code narrow export}. */
@Command(
    name = "export",
    description =
        "Writes a model as C++ for TensorFlow Lite Micro: the array, the constants of inputs and"
            + " outputs, the operators to register, the size of the arena.",
    mixinStandardHelpOptions = true)
final class ExportCommand extends Output {
  @Parameters(paramLabel = "IN", description = "A model (.tflite, .h5, .keras).")
  private Path input;

  @Option(
      names = "--c",
      required = true,
      description = "As C++ for TensorFlow Lite Micro, the only form there is.")
  private boolean c;

  @Option(
      names = {"-o", "--output"},
      required = true,
      paramLabel = "DIR",
      description = "The folder to write into.")
  private Path folder;

  @Option(
      names = "--name",
      paramLabel = "NAME",
      description = "What files, arrays and the namespace are called (default: the file's name).")
  private String name;

  @Override
  public Integer call() {
    String called = name == null ? WholeFile.stem(input) : name;
    MicroSource source = Bar.during("export", () -> MicroSource.of(ModelInput.read(input), called));
    List<Path> files = Bar.during("write", () -> source.write(folder));
    Arena arena = source.arena();
    if (json) {
      JsonObject document = new JsonObject();
      JsonArray written = new JsonArray();
      files.forEach(file -> written.add(file.toString()));
      document.add("files", written);
      document.addProperty("operators", source.operators());
      document.addProperty("arena", arena.bytes());
      document.addProperty("arena_planned", arena.planned());
      document.addProperty("arena_rest", arena.rest());
      document.addProperty("arena_margin", arena.margin());
      print(document);
      return 0;
    }
    files.forEach(file -> say(file.toString()));
    say("operators  %d", source.operators());
    say(
        "arena      "
            + grouped(arena.bytes())
            + " bytes: "
            + grouped(arena.planned())
            + " planned, about "
            + grouped(arena.rest())
            + " for the interpreter, "
            + grouped(arena.margin())
            + " to spare; without what kernels of CMSIS-NN or ESP-NN ask for");
    return 0;
  }
}
