package io.narrow.keras.layers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.narrow.keras.graph.Padding;
import io.narrow.keras.graph.Shapes;
import org.junit.jupiter.api.Test;

/** Sizes of what windows and broadcasting give, counted one by one. */
class WindowTest {
  @Test
  void validWindowStandsWhereAllOfItIsInside() {
    for (int in = 1; in < 12; in++) {
      for (int kernel = 1; kernel < 5; kernel++) {
        for (int stride = 1; stride < 4; stride++) {
          for (int dilation = 1; dilation < 4; dilation++) {
            int count = 0;
            for (int at = 0; at + (kernel - 1) * dilation < in; at += stride) {
              count++;
            }
            assertSize(in, kernel, stride, dilation, Padding.VALID, count);
          }
        }
      }
    }
  }

  @Test
  void sameWindowStandsAtEveryStep() {
    for (int in = 1; in < 12; in++) {
      for (int stride = 1; stride < 5; stride++) {
        int count = 0;
        for (int at = 0; at < in; at += stride) {
          count++;
        }
        assertSize(in, 9, stride, 2, Padding.SAME, count);
      }
    }
  }

  private static void assertSize(
      int in, int kernel, int stride, int dilation, int padding, int count) {
    if (count == 0) {
      assertThatThrownBy(() -> Window.size(in, kernel, stride, dilation, padding))
          .hasMessage("its window of " + kernel + " is larger than its input of " + in);
    } else {
      assertThat(Window.size(in, kernel, stride, dilation, padding)).isEqualTo(count);
    }
  }

  @Test
  void shapesBroadcastFromTheRight() {
    assertThat(Shapes.broadcast(new int[] {4, 1, 3}, new int[] {2, 1})).containsExactly(4, 2, 3);
    assertThat(Shapes.broadcast(new int[0], new int[] {2, 5})).containsExactly(2, 5);
    assertThat(Shapes.broadcast(new int[] {1}, new int[] {1, 1})).containsExactly(1, 1);
    assertThatThrownBy(() -> Shapes.broadcast(new int[] {4, 3}, new int[] {4}))
        .hasMessage("shapes [4, 3] and [4] do not go together");
  }

  @Test
  void openSizeOfAShapeIsWhatTheElementsLeave() {
    assertThat(Shapes.filled(new int[] {2, -1, 3}, 24)).containsExactly(2, 4, 3);
    assertThat(Shapes.filled(new int[] {4, 6}, 24)).containsExactly(4, 6);
    int[][] impossible = {{2, -1, 5}, {-1, -1}, {4, 5}, {0, -1}};
    for (int[] shape : impossible) {
      assertThatThrownBy(() -> Shapes.filled(shape, 24))
          .hasMessageContaining("has not the elements of its input");
    }
  }

  @Test
  void axesCountFromBothEndsAndNoFurther() {
    assertThat(Shapes.axes(4, -1, 3, 0, -4, 1)).containsExactly(0, 1, 3);
    for (int axis : new int[] {4, -5}) {
      assertThatThrownBy(() -> Shapes.axis(4, axis)).hasMessage("its input has no axis " + axis);
    }
  }
}
