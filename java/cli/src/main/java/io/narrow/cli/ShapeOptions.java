package io.narrow.cli;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.shape.InputShapes;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Option;

/** The options that fix shapes which a file leaves open. */
final class ShapeOptions {
  @Option(
      names = "--batch",
      paramLabel = "N",
      description =
          "Size of the first axis of inputs whose file leaves it open. What follows from it is"
              + " written down: shapes of tensors, and arithmetic over shapes (SHAPE, STRIDED_SLICE,"
              + " PACK), which becomes constants. Microcontrollers and NPUs want 1.")
  private Integer batch;

  @Option(
      names = "--input-shape",
      paramLabel = "NAME=SIZES",
      description =
          "All sizes of an input, of which the file leaves some open: image=1,224,224,3. Can be"
              + " given for each input.")
  private List<String> shapes = List.of();

  /**
   * The shapes that were asked for.
   *
   * @throws NarrowException if they are none
   */
  InputShapes shapes() {
    InputShapes all = InputShapes.NONE;
    for (String shape : shapes) {
      all = all.with(shape);
    }
    return batch == null ? all : all.withBatch(batch);
  }

  /** What of this was given, as it stands on a command line. */
  List<String> arguments() {
    List<String> arguments = new ArrayList<>();
    if (batch != null) {
      arguments.addAll(List.of("--batch", batch.toString()));
    }
    shapes.forEach(shape -> arguments.addAll(List.of("--input-shape", shape)));
    return arguments;
  }
}
