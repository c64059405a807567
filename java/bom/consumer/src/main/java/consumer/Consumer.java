package consumer;

import io.narrow.kernels.Kernels;
import io.narrow.tflite.Quantizer;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.plan.Recipe;
import java.nio.file.Path;
import java.util.List;

/** Quantizes a model without data and with: {@code MODEL CALIBRATION}. */
final class Consumer {
  private Consumer() {}

  public static void main(String[] arguments) {
    Model model = Model.read(Path.of(arguments[0]));
    int dynamic = Quantizer.DEFAULT.quantize(model, Recipe.dynamic()).bytes().remaining();
    System.out.println("kernels=" + Kernels.active().name() + " dynamic=" + dynamic);
    try {
      Quantizer integers = Quantizer.DEFAULT.withSources(List.of(arguments[1]));
      int int8 = integers.quantize(model, Recipe.int8()).bytes().remaining();
      System.out.println("int8=" + int8);
    } catch (UnsatisfiedLinkError e) {
      System.out.println("lacking: " + e.getMessage());
    }
  }
}
