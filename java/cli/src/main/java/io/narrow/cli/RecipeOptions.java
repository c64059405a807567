package io.narrow.cli;

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
              + " stored as float16; weight-only: integer weights that become float32 again.")
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

  Recipe recipe() {
    Recipe recipe = Recipe.of(Recipe.Mode.of(mode)).withBits(bits);
    if (minimumElements != null) {
      recipe = recipe.withMinimumElements(minimumElements);
    }
    return saturate ? recipe.withSaturation() : recipe;
  }
}
