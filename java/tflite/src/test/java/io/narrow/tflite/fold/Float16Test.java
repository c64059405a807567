package io.narrow.tflite.fold;

import static org.assertj.core.api.Assertions.assertThat;

import io.narrow.kernels.FloatRange;
import io.narrow.tflite.Examples;
import io.narrow.tflite.Quantizer;
import io.narrow.tflite.Shared;
import io.narrow.tflite.calibration.Calibrator;
import io.narrow.tflite.draft.Draft;
import io.narrow.tflite.model.Buffer;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.plan.Mode;
import io.narrow.tflite.plan.Planner;
import io.narrow.tflite.plan.Ranges;
import io.narrow.tflite.plan.Recipe;
import io.narrow.tflite.rewrite.Rewriter;
import io.narrow.tflite.schema.HalfFloat;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** From float16 comes what comes from float32 of the same values, byte for byte but for names. */
class Float16Test {
  private static final Ranges RANGES =
      (subgraph, tensor, whole) -> Optional.of(new FloatRange(-3, 5, 0, 0));

  @TempDir private Path folder;

  @ParameterizedTest
  @EnumSource(Mode.class)
  void modelThatNarrowStoredAsFloat16(Mode mode) {
    // What runs float16 is not older, and the oldest runtime that a file states stays.
    Model rounded = rounded(Model.read(Examples.DIGITS)).withMinimumRuntime("1.15.0");
    Model half = Rewriter.rewrite(Planner.plan(rounded, Recipe.float16()));
    Quantizer quantizer =
        Quantizer.DEFAULT
            .withSources(List.of(Examples.DIGITS_TEST + "?scale=1/16"))
            .withCalibration(Calibrator.Options.DEFAULT.withSamples(8));
    same(quantizer.quantize(half, Recipe.of(mode)), quantizer.quantize(rounded, Recipe.of(mode)));
  }

  @ParameterizedTest
  @ValueSource(strings = {"yunet_f16", "mp_hand_landmark_lite", "mp_selfie_segmentation"})
  void modelThatTheConverterStoredAsFloat16(String name) {
    Model half = Model.read(Shared.file("models/zoo/" + name + ".tflite"));
    Path file = folder.resolve("wide.tflite");
    widened(half).write(file);
    Model wide = Model.read(file);
    for (Mode mode : Mode.values()) {
      same(quantized(half, mode), quantized(wide, mode));
    }
  }

  private static Model quantized(Model model, Mode mode) {
    Folded folded = Fold.of(model);
    return Rewriter.rewrite(Planner.plan(folded.model(), Recipe.of(mode), RANGES, folded.known()));
  }

  private static void same(Model from, Model wide) {
    assertThat(unnamed(from)).isEqualTo(unnamed(wide));
  }

  private static ByteBuffer unnamed(Model model) {
    Draft draft = new Draft(model);
    for (int i = 0; i < model.subgraphs().size(); i++) {
      Draft.Graph graph = draft.graph(i);
      for (int t = 0; t < graph.before().tensors().size(); t++) {
        graph.replace(t, graph.tensor(t).withName(Integer.toString(t)));
      }
    }
    return draft.finish().bytes();
  }

  /** The model with the nearest float16 in place of every constant. */
  private static Model rounded(Model model) {
    Draft draft = new Draft(model);
    for (int i = 0; i < model.subgraphs().size(); i++) {
      Draft.Graph graph = draft.graph(i);
      for (int t = 0; t < graph.before().tensors().size(); t++) {
        Tensor tensor = graph.tensor(t);
        if (tensor.type() == TensorType.FLOAT32 && model.isConstant(tensor)) {
          ByteBuffer values = model.contents(tensor);
          ByteBuffer nearest = allocate(values.remaining());
          while (values.hasRemaining()) {
            nearest.putFloat(nearest(values.getFloat()));
          }
          graph.replace(t, tensor.withBuffer(draft.addBuffer(Buffer.of(nearest.flip()))));
        }
      }
    }
    return draft.finish();
  }

  /** Of all that a binary search finds among the positive ones. */
  private static float nearest(float value) {
    float magnitude = Math.abs(value);
    int low = 0;
    int high = 0x7BFF;
    while (high - low > 1) {
      int middle = (low + high) / 2;
      if (HalfFloat.toFloat((short) middle) <= magnitude) {
        low = middle;
      } else {
        high = middle;
      }
    }
    float below = HalfFloat.toFloat((short) low);
    float above = HalfFloat.toFloat((short) high);
    return Math.copySign(magnitude - below <= above - magnitude ? below : above, value);
  }

  /** The model with float32 where float16 stood, as somebody would do it by hand. */
  private static Model widened(Model model) {
    Draft draft = new Draft(model);
    Draft.Graph graph = draft.graph(0);
    List<Operator> operators = graph.before().operators();
    for (int i = 0; i < operators.size(); i++) {
      int half = operators.get(i).input(0);
      if (!operators.get(i).name().equals("DEQUANTIZE")
          || graph.tensor(half).type() != TensorType.FLOAT16) {
        continue;
      }
      ByteBuffer stored = model.contents(graph.tensor(half));
      ByteBuffer values = allocate(2 * stored.remaining());
      while (stored.hasRemaining()) {
        values.putFloat(HalfFloat.toFloat(stored.getShort()));
      }
      int number = draft.addBuffer(Buffer.of(values.flip()));
      graph.replace(half, graph.tensor(half).withType(TensorType.FLOAT32).withBuffer(number));
      int output = operators.get(i).outputs()[0];
      for (int reader = 0; reader < operators.size(); reader++) {
        Operator changed = graph.operator(reader);
        for (int place = 0; place < changed.inputs().length; place++) {
          changed = changed.input(place) == output ? changed.withInput(place, half) : changed;
        }
        graph.replace(reader, changed);
      }
      graph.remove(i);
    }
    return draft.finish(); // with the outputs of the operators, which nothing reads or writes
  }

  private static ByteBuffer allocate(int bytes) {
    return ByteBuffer.allocateDirect(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }
}
