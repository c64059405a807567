package io.narrow.tflite.snippet;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * A program that runs a model: {@code PROGRAM MODEL INPUT...}, where each input is a file of
 * little-endian float32, which it quantizes if the model takes integers. It prints a line for each
 * output, dequantized if the model gives integers: the numbers of {@code narrow run}.
 */
public final class Snippet {
  /** What a snippet is written in, and what it needs. */
  public enum Language {
    /** {@code narrow-tflite} on the class path. */
    JAVA("java", "java", "//"),
    /** {@code narrow-tflite} on the class path. */
    KOTLIN("kotlin", "kt", "//"),
    /** The packages {@code numpy} and {@code ai-edge-litert}, or {@code tensorflow}. */
    PYTHON("python", "py", "#"),
    /** TensorFlow Lite's C API. */
    C("c", "c", "//");

    private final String word;
    private final String extension;
    private final String comment;

    Language(String word, String extension, String comment) {
      this.word = word;
      this.extension = extension;
      this.comment = comment;
    }

    /**
     * The language of a name.
     *
     * @throws NarrowException if it is none
     */
    public static Language of(String word) {
      return Arrays.stream(values())
          .filter(language -> language.word.equals(word))
          .findFirst()
          .orElseThrow(
              () ->
                  NarrowException.input(
                      "snippet `"
                          + word
                          + "`: known are "
                          + Arrays.stream(values())
                              .map(language -> language.word)
                              .collect(Collectors.joining(", "))));
    }

    /** The name of the program's file. */
    public String fileName() {
      return (this == PYTHON || this == C ? "run_model." : "RunModel.") + extension;
    }
  }

  /**
   * A type as languages name it.
   *
   * @param numpy of numpy
   * @param c of C
   * @param low smallest value of an integer
   * @param high largest value
   */
  private record Type(String numpy, String c, String low, String high) {}

  private static final Map<TensorType, Type> TYPES =
      Map.of(
          TensorType.FLOAT32, new Type("float32", "float", "0", "0"),
          TensorType.FLOAT64, new Type("float64", "double", "0", "0"),
          TensorType.INT8, new Type("int8", "int8_t", "INT8_MIN", "INT8_MAX"),
          TensorType.UINT8, new Type("uint8", "uint8_t", "0", "UINT8_MAX"),
          TensorType.INT16, new Type("int16", "int16_t", "INT16_MIN", "INT16_MAX"),
          TensorType.INT32, new Type("int32", "int32_t", "INT32_MIN", "INT32_MAX"),
          TensorType.INT64, new Type("int64", "int64_t", "INT64_MIN", "INT64_MAX"),
          TensorType.BOOL, new Type("bool", "bool", "0", "1"));

  private final Model model;
  private final Language language;

  private Snippet(Model model, Language language) {
    this.model = model;
    this.language = language;
  }

  /**
   * Writes a program for the first subgraph of a model.
   *
   * @throws NarrowException if an input or output is of a type that such a program has no numbers
   *     for
   */
  public static String of(Model model, Language language) {
    return new Snippet(model, language).text();
  }

  private String text() {
    Subgraph graph = model.subgraphs().get(0);
    return template("program")
        .replace("$MODEL", oneLine(model.name()))
        .replace("$FILE", language.fileName())
        .replace("$COUNT", String.valueOf(graph.inputs().length))
        .replace("$FEED", each("input", graph.inputs()))
        .replace("$READ", each("output", graph.outputs()));
  }

  /** The lines for every input, or every output. */
  private String each(String kind, int[] numbers) {
    List<String> all = new ArrayList<>();
    for (int i = 0; i < numbers.length; i++) {
      all.add(lines(kind, i, model.subgraphs().get(0).tensor(numbers[i])));
    }
    return String.join("", all);
  }

  private String lines(String kind, int position, Tensor tensor) {
    Type type = TYPES.get(tensor.type());
    if (type == null) {
      throw model.problem(
          NarrowException.Kind.UNSUPPORTED,
          "%s `%s`: no snippet feeds or reads %s".formatted(kind, tensor.name(), tensor.type()));
    }
    boolean quantized = tensor.scales().length == 1 && tensor.type() != TensorType.FLOAT32;
    String shape =
        IntStream.of(tensor.shape()).mapToObj(String::valueOf).collect(Collectors.joining(", "));
    String what =
        "%s %d, `%s`: %s[%s]%s"
            .formatted(
                kind,
                position,
                oneLine(tensor.name()),
                tensor.type(),
                shape.replace(" ", ""),
                quantized ? ", " + tensor.quantizationText() : "");
    String part = template(quantized ? kind + ".quantized" : kind);
    return (part.isEmpty() ? template(kind) : part)
        .replace("$WHAT", what)
        .replace("$POSITION", String.valueOf(position))
        .replace("$NEXT", String.valueOf(position + 1))
        .replace("$ARGUMENT", String.valueOf(position + 2))
        .replace("$ELEMENTS", String.valueOf(tensor.elements()))
        .replace("$SHAPE", tensor.rank() == 1 ? shape + "," : shape)
        .replace("$NUMPY", type.numpy)
        .replace("$TYPE", type.c)
        .replace("$LOW", type.low)
        .replace("$HIGH", type.high)
        .replace("$SCALE", quantized ? real(tensor.scales()[0]) : "")
        .replace("$ZERO", quantized ? String.valueOf(tensor.zeroPoints()[0]) : "");
  }

  private static String real(float value) {
    return String.valueOf(value).toLowerCase(Locale.ROOT);
  }

  /** A name in a comment: no line break ends it. */
  private static String oneLine(String name) {
    return name.replaceAll("[\\p{Cntrl}\\\\]|\\*/", " ");
  }

  /** A part of the language's template: what follows a line of comment signs and its name. */
  private String template(String part) {
    String resource = "template." + language.extension;
    try (InputStream in = Snippet.class.getResourceAsStream(resource)) {
      String all = new String(in.readAllBytes(), StandardCharsets.UTF_8);
      String start = language.comment + "---- " + part + "\n";
      int from = all.indexOf(start);
      if (from < 0) {
        return "";
      }
      int end = all.indexOf(language.comment + "---- ", from + start.length());
      return all.substring(from + start.length(), end < 0 ? all.length() : end);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
