package io.narrow.cli;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.plan.Recipe;
import picocli.CommandLine.Option;

/** The options that make a recipe. */
final class RecipeOptions {
  @Option(
      names = "--mode",
      paramLabel = "MODE",
      defaultValue = "dynamic",
      description =
          "dynamic: int8 weights, inputs quantized as kernels run (default); float16: weights"
              + " stored as float16; weight-only: integer weights that become float32 again; int8 and"
              + " int16x8: int8 weights and int8 or int16 activations, which need calibration.")
  private String mode;

  @Option(
      names = "--bits",
      paramLabel = "8|4",
      defaultValue = "8",
      description = "Bits of a weight (default 8). int4 where a kernel has it, int8 elsewhere.")
  private int bits;

  @Option(
      names = "--min-elements",
      paramLabel = "N",
      description =
          "Weights with fewer elements stay float32 (default 1024 for dynamic, as the TensorFlow"
              + " Lite converter has it; 0 for weight-only).")
  private Long minimumElements;

  @Option(
      names = "--saturate",
      description = "float16: clamp values beyond 65504; otherwise their tensor stays float32.")
  private boolean saturate;

  @Option(
      names = "--io",
      paramLabel = "TYPE",
      defaultValue = "float32",
      description =
          "Type of the model's float inputs and outputs: float32 (default); int8 or uint8 with"
              + " int8; int16 with int16x8.")
  private String boundary;

  @Option(names = "--input-type", paramLabel = "TYPE", description = "As --io, inputs only.")
  private String inputType;

  @Option(names = "--output-type", paramLabel = "TYPE", description = "As --io, outputs only.")
  private String outputType;

  @Option(
      names = "--strict",
      description = "int8, int16x8: fail if an operator would stay float32, and list them all.")
  private boolean strict;

  private TensorType type(String option, String name) {
    if (name == null) {
      return type("--io", boundary);
    }
    for (TensorType type : TensorType.values()) {
      if (type.toString().equals(name)) {
        return type;
      }
    }
    throw NarrowException.input(option + " " + name + ": no such type");
  }

  Recipe recipe() {
    Recipe recipe = Recipe.of(Recipe.Mode.of(mode)).withBits(bits);
    if (minimumElements != null) {
      recipe = recipe.withMinimumElements(minimumElements);
    }
    recipe =
        recipe.withBoundary(type("--input-type", inputType), type("--output-type", outputType));
    if (strict) {
      recipe = recipe.withStrict();
    }
    return saturate ? recipe.withSaturation() : recipe;
  }
}
