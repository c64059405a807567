package io.narrow.tflite.evaluation;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.Progress;
import io.narrow.tflite.data.Dataset;
import io.narrow.tflite.data.NdArray;
import io.narrow.tflite.data.NpyFile;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.runtime.Interpreter;
import io.narrow.tflite.runtime.SignatureInfo;
import io.narrow.tflite.runtime.TensorInfo;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.LongBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;

/** Runs a model once on what is in files. */
public final class Inference {
  /**
   * An output.
   *
   * @param tensor name, type and shape in the model
   * @param values real numbers, dequantized; or what the tensor holds, if codes were asked for
   * @param exact the same as bytes: float32 for real numbers, else as the tensor has them
   * @param type of {@code exact}
   */
  public record Output(TensorInfo tensor, float[] values, ByteBuffer exact, TensorType type) {
    /** Writes the output as a file of numpy's. */
    public void write(Path file) {
      NpyFile.write(file, type, tensor.shape(), exact.duplicate());
    }

    /** The name as one of a file: letters, digits, points and dashes. */
    public String fileName() {
      String plain = tensor.name().replaceAll("[^A-Za-z0-9._-]+", "_").replaceAll("^_|_$", "");
      return plain.isEmpty() ? "output" : plain;
    }
  }

  private static final int STEPS = 3;

  private Inference() {}

  /**
   * Runs a model.
   *
   * @param sources what is fed, each as {@link Dataset#single} takes it: {@code NAME=DATA} for the
   *     input of that name (in the file, without what the converter puts around it, or in the first
   *     signature), DATA alone for the only input, or for all of them by name
   * @param codes whether quantized inputs are given as the model's integers, and outputs are
   *     returned as such; otherwise all are real numbers
   * @return the outputs in their order
   * @throws NarrowException if an input is not fed, is fed twice, or with what does not fit
   */
  public static List<Output> run(
      Path model, List<String> sources, Interpreter.Options options, boolean codes) {
    return run(model, sources, options, codes, Progress.NONE);
  }

  /**
   * As {@link #run(Path, List, Interpreter.Options, boolean)}.
   *
   * @param progress is told of each step: the model is loaded, it is fed, it has been run
   */
  public static List<Output> run(
      Path model,
      List<String> sources,
      Interpreter.Options options,
      boolean codes,
      Progress progress) {
    progress.start("run", STEPS);
    try (Interpreter interpreter = Interpreter.open(model, options)) {
      progress.step();
      feed(model, interpreter, sources, codes);
      progress.step();
      interpreter.run();
      progress.step();
      List<Output> outputs = new ArrayList<>();
      for (int o = 0; o < interpreter.outputs().size(); o++) {
        outputs.add(output(interpreter, o, codes));
      }
      return outputs;
    } finally {
      progress.done();
    }
  }

  private static void feed(
      Path model, Interpreter interpreter, List<String> sources, boolean codes) {
    List<TensorInfo> inputs = interpreter.inputs();
    Map<Integer, NdArray> fed = bind(model, interpreter, inputs, sources, codes);
    List<String> missing =
        IntStream.range(0, inputs.size())
            .filter(i -> !fed.containsKey(i))
            .mapToObj(i -> inputs.get(i).toString())
            .toList();
    if (!missing.isEmpty()) {
      throw NarrowException.input(
          model + ": nothing is given for input " + String.join(", ", missing));
    }
    fed.forEach(
        (input, array) -> {
          if (codes && inputs.get(input).quantized()) {
            writeCodes(model, inputs.get(input), array, interpreter.input(input));
          } else {
            array.writeTo(interpreter, input);
          }
        });
  }

  private static Map<Integer, NdArray> bind(
      Path model,
      Interpreter interpreter,
      List<TensorInfo> inputs,
      List<String> sources,
      boolean codes) {
    Map<String, Integer> names = names(interpreter, inputs);
    Map<Integer, NdArray> fed = new TreeMap<>();
    for (String source : sources) {
      String name =
          names.keySet().stream().filter(n -> source.startsWith(n + "=")).findFirst().orElse("");
      String data = name.isEmpty() ? source : source.substring(name.length() + 1);
      int[] places =
          name.isEmpty()
              ? IntStream.range(0, inputs.size()).toArray()
              : new int[] {names.get(name)};
      List<TensorInfo> wanted =
          IntStream.of(places)
              .mapToObj(inputs::get)
              .map(input -> codes && input.quantized() ? unscaled(input) : input)
              .toList();
      checkName(model, data, names);
      List<NdArray> arrays = Dataset.single(data, wanted).inputs();
      for (int i = 0; i < places.length; i++) {
        if (fed.put(places[i], arrays.get(i)) != null) {
          throw NarrowException.input(model + ": input " + inputs.get(places[i]) + " is fed twice");
        }
      }
    }
    return fed;
  }

  /** Codes are whole numbers, to which nothing is done. */
  private static TensorInfo unscaled(TensorInfo input) {
    return new TensorInfo(input.name(), input.type(), input.shape(), 0, 0);
  }

  /** What stands before an equals sign is a name, unless it is part of a file's or its options. */
  private static void checkName(Path model, String data, Map<String, Integer> names) {
    int equals = data.indexOf('=');
    int question = data.indexOf('?');
    boolean named = equals > 0 && (question < 0 || equals < question);
    if (named && !Files.exists(Path.of(data))) {
      throw NarrowException.input(
          model
              + ": no input `"
              + data.substring(0, equals)
              + "`; it has `"
              + String.join("`, `", names.keySet())
              + "`");
    }
  }

  private static Map<String, Integer> names(Interpreter interpreter, List<TensorInfo> inputs) {
    Map<String, Integer> names = new LinkedHashMap<>();
    for (int i = 0; i < inputs.size(); i++) {
      names.putIfAbsent(inputs.get(i).name(), i);
    }
    for (int i = 0; i < inputs.size(); i++) {
      names.putIfAbsent(Dataset.plainName(inputs.get(i)), i);
    }
    for (SignatureInfo signature : interpreter.signatures()) {
      if (signature.subgraph() == 0) {
        signature
            .inputs()
            .forEach(
                (name, tensor) -> {
                  TensorInfo info = interpreter.tensor(tensor);
                  if (inputs.contains(info)) {
                    names.putIfAbsent(name, inputs.indexOf(info));
                  }
                });
      }
    }
    return names;
  }

  private static void writeCodes(Path model, TensorInfo info, NdArray array, ByteBuffer memory) {
    int bits = info.type().bits();
    if (!array.whole()) {
      throw NarrowException.input(
          model + ": input " + info + ": codes are whole numbers, the file has floats");
    }
    LongBuffer values = array.longs();
    for (int i = 0; i < values.limit(); i++) {
      long value = values.get(i);
      if (value < info.type().smallest() || value > info.type().largest()) {
        throw NarrowException.input(
            model + ": input `" + info.name() + "`: " + value + " is not of type " + info.type());
      }
      if (bits == Byte.SIZE) {
        memory.put(i, (byte) value);
      } else {
        memory.putShort(i * Short.BYTES, (short) value);
      }
    }
  }

  private static Output output(Interpreter interpreter, int place, boolean codes) {
    TensorInfo info = interpreter.outputs().get(place);
    float[] values = interpreter.read(place);
    if (info.real() && !(codes && info.quantized())) {
      ByteBuffer exact =
          ByteBuffer.allocate(values.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
      exact.asFloatBuffer().put(values);
      return new Output(info, values, exact, TensorType.FLOAT32);
    }
    ByteBuffer memory = interpreter.output(place);
    ByteBuffer exact = ByteBuffer.allocate(memory.remaining()).order(ByteOrder.LITTLE_ENDIAN);
    exact.put(memory).flip();
    if (info.quantized()) {
      for (int i = 0; i < values.length; i++) {
        values[i] = Math.round(values[i] / info.scale()) + info.zeroPoint();
      }
    }
    return new Output(info, values, exact, info.type());
  }
}
