package io.narrow.tflite.micro;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.NarrowException.Kind;
import io.narrow.tflite.files.WholeFile;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.targets.Target;
import io.narrow.tflite.targets.TargetCheck;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SortedSet;
import java.util.stream.Collectors;

/**
 * A model as C++ for TensorFlow Lite Micro: {@code NAME_model_data.h} and {@code .cc} with the
 * array that {@code tflite::GetModel} takes, in the form of TensorFlow Lite Micro's own generator,
 * and {@code NAME_model.h} with what a program has to know: types, shapes, scales and zero points
 * of inputs and outputs, the operators to register, the size of the arena.
 */
public final class MicroSource {
  /** Beyond it compilers take minutes and gigabytes. */
  private static final int LARGEST = 64 << 20;

  private static final int BYTES_PER_LINE = 16;

  private final Model model;
  private final String name;
  private final Arena arena;
  private final SortedSet<String> methods;

  private MicroSource(Model model, String name) {
    this.model = model;
    this.name = name;
    this.arena = Arena.of(model);
    this.methods = Resolver.methods(model);
  }

  /**
   * The source of a model.
   *
   * @param name what files, arrays and the namespace are called; what no C++ name has in it becomes
   *     an underscore
   * @throws NarrowException if it does not run on TensorFlow Lite Micro, with all that is in the
   *     way, or is larger than 64 MiB
   */
  public static MicroSource of(Model model, String name) {
    TargetCheck check = Target.TFLM.check(model);
    if (!check.runs()) {
      throw model.problem(
          Kind.UNSUPPORTED,
          "does not run on TensorFlow Lite Micro: "
              + check.byKind().entrySet().stream()
                  .map(
                      entry ->
                          "%d %s: %s"
                              .formatted(
                                  entry.getValue().size(),
                                  entry.getKey().name(),
                                  entry.getKey().problem()))
                  .collect(Collectors.joining("; ")));
    }
    return new MicroSource(model, identifier(name));
  }

  private static String identifier(String name) {
    String plain = name.replaceAll("[^A-Za-z0-9_]", "_").replaceAll("_+", "_");
    return plain.isEmpty() || Character.isDigit(plain.charAt(0)) ? "model_" + plain : plain;
  }

  /** What files, arrays and the namespace are called. */
  public String name() {
    return name;
  }

  /** How large the tensor arena has to be. */
  public Arena arena() {
    return arena;
  }

  /** How many operators are registered. */
  public int operators() {
    return methods.size();
  }

  /**
   * Writes the files into a folder, which is made if it is not there.
   *
   * @return the files
   * @throws NarrowException if they cannot be written
   */
  public List<Path> write(Path folder) {
    WholeFile.makeFolder(folder);
    return files().entrySet().stream()
        .map(
            file -> {
              Path path = folder.resolve(file.getKey());
              WholeFile.write(path, file.getValue().getBytes(StandardCharsets.US_ASCII));
              return path;
            })
        .toList();
  }

  /** The files by name. */
  public Map<String, String> files() {
    Map<String, String> files = new LinkedHashMap<>();
    files.put(name + "_model.h", guarded("_MODEL_H_", modelHeader()));
    files.put(name + "_model_data.h", guarded("_MODEL_DATA_H_", dataHeader()));
    files.put(name + "_model_data.cc", data());
    return files;
  }

  private String guarded(String end, String text) {
    String guard = name.toUpperCase(Locale.ROOT) + end;
    return head() + "#ifndef " + guard + "\n#define " + guard + "\n\n" + text + "\n#endif\n";
  }

  private String head() {
    return "// " + ascii(model.name()) + " for TensorFlow Lite Micro, written by narrow export.\n";
  }

  private String dataHeader() {
    return """
        extern const unsigned char g_$NAME_model_data[];
        extern const unsigned int g_$NAME_model_data_size;
        """
        .replace("$NAME", name);
  }

  private String data() {
    ByteBuffer bytes = model.bytes();
    if (bytes.remaining() > LARGEST) {
      throw model.problem(
          Kind.UNSUPPORTED, "is larger than 64 MiB, which is too much for an array in C++");
    }
    int size = bytes.remaining();
    StringBuilder text = new StringBuilder(6 * size + 500);
    text.append(head());
    text.append("#include \"").append(name).append("_model_data.h\"\n\n");
    text.append("alignas(16) const unsigned char g_").append(name).append("_model_data[] = {");
    for (int i = 0; i < size; i++) {
      text.append(i % BYTES_PER_LINE == 0 ? "\n    " : " ").append("0x");
      int value = bytes.get() & 0xff;
      text.append(Character.forDigit(value >> 4, 16)).append(Character.forDigit(value & 15, 16));
      text.append(',');
    }
    text.append("\n};\n");
    text.append("const unsigned int g_").append(name).append("_model_data_size = ").append(size);
    return text.append(";\n").toString();
  }

  private String modelHeader() {
    Subgraph graph = model.subgraphs().get(0);
    StringBuilder tensors = new StringBuilder();
    constants(tensors, "Input", graph, graph.inputs());
    constants(tensors, "Output", graph, graph.outputs());
    String registrations =
        methods.stream()
            .map(method -> "  if (resolver." + method + "() != kTfLiteOk) return kTfLiteError;\n")
            .collect(Collectors.joining());
    return """
        #include <cstddef>
        #include <cstdint>

        #include "$NAME_model_data.h"
        #include "tensorflow/lite/micro/micro_mutable_op_resolver.h"

        namespace $NAME {

        // Bytes of the tensor arena, to be aligned to 16: $PLANNED for what is given and computed, where the greedy planner
        // puts it; an estimate of $REST for the interpreter with pointers of 64 bits (with 32 about half) and $MARGIN for what
        // that misses. Not in it: what kernels of CMSIS-NN, ESP-NN or an NPU ask for while they run, resource variables,
        // profilers. interpreter.arena_used_bytes() says what is used.
        constexpr size_t kArenaSize = $ARENA;

        // What the model is made of.
        constexpr unsigned int kOperators = $COUNT;
        inline TfLiteStatus RegisterOperators(tflite::MicroMutableOpResolver<kOperators>& resolver) {
        $ADD  return kTfLiteOk;
        }
        $TENSORS
        }  // namespace $NAME
        """
        .replace("$PLANNED", String.valueOf(arena.planned()))
        .replace("$REST", String.valueOf(arena.rest()))
        .replace("$MARGIN", String.valueOf(arena.margin()))
        .replace("$ARENA", String.valueOf(arena.bytes()))
        .replace("$COUNT", String.valueOf(methods.size()))
        .replace("$ADD", registrations)
        .replace("$TENSORS", tensors)
        .replace("$NAME", name);
  }

  private void constants(StringBuilder text, String kind, Subgraph graph, int[] numbers) {
    for (int i = 0; i < numbers.length; i++) {
      Tensor tensor = graph.tensor(numbers[i]);
      String prefix = "constexpr %s k" + kind + i;
      text.append("\n// ").append(kind).append(' ').append(i).append(", `");
      text.append(ascii(tensor.name())).append("`: ").append(tensor.type());
      text.append(tensor.shapeText());
      if (!tensor.quantizationText().isEmpty()) {
        text.append(", ").append(tensor.quantizationText());
      }
      text.append("\nusing ").append(kind).append(i).append("Type = ").append(type(tensor));
      text.append(";\n").append(prefix.formatted("size_t")).append("Elements = ");
      text.append(tensor.elements()).append(";\n");
      text.append(prefix.formatted("int")).append("Rank = ").append(tensor.rank()).append(";\n");
      if (tensor.rank() > 0) {
        text.append(prefix.formatted("int")).append("Shape[] = {");
        text.append(
            Arrays.stream(tensor.shape())
                .mapToObj(String::valueOf)
                .collect(Collectors.joining(", ")));
        text.append("};\n");
      }
      if (tensor.scales().length == 1 && tensor.zeroPoints().length == 1) {
        text.append(prefix.formatted("float")).append("Scale = ");
        text.append(tensor.scales()[0]).append("f;\n");
        text.append(prefix.formatted("int")).append("ZeroPoint = ");
        text.append(tensor.zeroPoints()[0]).append(";\n");
      }
    }
  }

  private String type(Tensor tensor) {
    TensorType type = tensor.type();
    return switch (type) {
      case FLOAT32 -> "float";
      case BOOL -> "bool";
      case INT8, UINT8, INT16, INT32, INT64 -> type + "_t";
      default ->
          throw model.problem(
              Kind.UNSUPPORTED,
              "`" + tensor.name() + "`: no input or output of TensorFlow Lite Micro is " + type);
    };
  }

  /** A name in a comment: nothing in it ends that. */
  private static String ascii(String name) {
    return name.replaceAll("[^ -~]|\\\\", "?");
  }
}
