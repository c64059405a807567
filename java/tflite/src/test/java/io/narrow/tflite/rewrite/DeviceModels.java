package io.narrow.tflite.rewrite;

import io.narrow.tflite.Quantizer;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.ModelBuilder;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.plan.Mode;
import io.narrow.tflite.plan.Preference;
import io.narrow.tflite.plan.Recipe;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.UnaryOperator;

/** Models of one operator in the forms that files have them in, for the tools of devices. */
public final class DeviceModels {
  private static final Recipe INT8 =
      Recipe.int8().withBoundary(TensorType.INT8, TensorType.INT8).withPreference(Preference.SIZE);
  private static final Recipe DYNAMIC =
      Recipe.dynamic().withMinimumElements(0).withPreference(Preference.SIZE);
  private static final Recipe INT16 =
      Recipe.int16x8().withBoundary(TensorType.INT16, TensorType.INT16);

  /** By a word for them. */
  private static final Map<String, Recipe> FORMS =
      Map.of(
          "dynamic", DYNAMIC,
          "dynamic4", DYNAMIC.withBits(4),
          "float16", Recipe.of(Mode.FLOAT16),
          "int8", INT8,
          "int8_of_float", Recipe.int8(),
          "int8_of_uint8", Recipe.int8().withBoundary(TensorType.UINT8, TensorType.UINT8),
          "int8_4", INT8.withBits(4),
          "int16", INT16);

  private DeviceModels() {}

  /** Writes them; returns them by name of file, {@code OPERATOR_variant@form.tflite}. */
  public static Map<String, Model> write(Path folder) {
    Map<String, UnaryOperator<ModelBuilder>> builds = new TreeMap<>();
    OneOperatorTest.MODELS.forEach((name, build) -> builds.put(name, build::apply));
    IntegerModels.MODELS.forEach((name, model) -> builds.put(name, model.build()));
    Map<String, Model> models = new LinkedHashMap<>();
    builds.forEach(
        (name, build) -> {
          Model model = build.apply(new ModelBuilder(7)).build();
          models.put(file(name, "float32"), model);
          Quantizer.Prepared prepared = Quantizer.DEFAULT.prepare(model);
          FORMS.forEach(
              (form, recipe) ->
                  models.put(file(name, form), Rewriter.rewrite(prepared.outline(recipe))));
        });
    models.forEach((name, model) -> model.write(folder.resolve(name)));
    return models;
  }

  private static String file(String name, String form) {
    return name.replace(' ', '_').replace('/', '-') + "@" + form + ".tflite";
  }
}
