package io.narrow.tflite.comparison;

import static org.assertj.core.api.Assertions.assertThat;

import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.ModelBuilder;
import io.narrow.tflite.model.Operator;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** An operator is cut loose from what writes its input, where a file says how large that is. */
class LocalModelTest {
  private static final int X = 0;
  private static final int BETWEEN = 1;
  private static final int SIZE = 4;
  private static final GraphValues MODEL = new GraphValues(model());

  private static Model model() {
    ModelBuilder b = new ModelBuilder(1);
    int x = b.floats("x", 1, SIZE);
    int between = b.floats("between", 1, SIZE);
    int y = b.floats("y", 1, SIZE);
    return b.operator("TANH", new int[] {x}, between)
        .operator("LOGISTIC", new int[] {between}, y)
        .inputs(x)
        .outputs(y)
        .build();
  }

  private static LocalModel cut(long elements) {
    return LocalModel.of(
        MODEL, MODEL, Pairing.of(MODEL, MODEL), Map.of(X, (long) SIZE, BETWEEN, elements));
  }

  private static List<Operator> operators(LocalModel cut) {
    return cut.model().subgraphs().get(0).operators();
  }

  @Test
  void theInputIsOneOfTheModel() {
    LocalModel cut = cut(SIZE);
    assertThat(cut.inputs()).containsExactly(X, BETWEEN);
    assertThat(operators(cut).get(1).input(0)).isGreaterThan(BETWEEN);
    assertThat(cut.openText()).isEmpty();
  }

  @Test
  void anotherSizeThanInTheFileIsLeftAndSaid() {
    LocalModel cut = cut(3 * SIZE);
    assertThat(cut.inputs()).containsExactly(X);
    assertThat(operators(cut).get(1).input(0)).isEqualTo(BETWEEN);
    assertThat(cut.openText()).hasValueSatisfying(text -> assertThat(text).contains("`between`"));
  }
}
