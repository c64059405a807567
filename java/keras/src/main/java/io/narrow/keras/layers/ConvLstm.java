package io.narrow.keras.layers;

import io.narrow.keras.file.Weights.Part;
import io.narrow.keras.graph.Cell;
import io.narrow.keras.graph.Floats;
import io.narrow.keras.graph.Graph;
import io.narrow.keras.graph.Padding;
import io.narrow.keras.graph.Shapes;
import io.narrow.keras.graph.Value;
import io.narrow.keras.rule.Call;
import java.util.Arrays;
import java.util.List;

/** The cell of ConvLSTM1D, 2D and 3D: an LSTM whose products are convolutions. */
final class ConvLstm implements Cell {
  private final Call call;
  private final Part part;
  private final int dimensions;
  private final int filters;
  private final int[] kernel;

  /**
   * @param dimensions those of an image or volume that is one step
   */
  ConvLstm(Call call, Part part, int dimensions) {
    this.call = call;
    this.part = part;
    this.dimensions = dimensions;
    this.filters = call.config().integer("filters", 0);
    this.kernel = ConvolutionLayers.sizes(call, "kernel_size", dimensions);
  }

  @Override
  public List<int[]> states(int[] step) {
    Window window = Window.of(call, dimensions);
    int[] state = Arrays.copyOfRange(step, 1, step.length);
    int skipped = window.strides().length - dimensions;
    for (int i = 0; i < dimensions; i++) {
      state[i] =
          Window.size(
              step[i + 1],
              kernel[i],
              window.strides()[i + skipped],
              window.dilations()[i + skipped],
              window.padding());
    }
    state[dimensions] = filters;
    return List.of(state, state);
  }

  /** All steps are samples of one convolution. */
  @Override
  public Value project(Graph g, Value x) {
    int[] merged = Arrays.copyOfRange(x.shape, 1, x.rank());
    merged[0] = Math.multiplyExact(x.size(0), x.size(1));
    Value bias =
        call.config().flag("use_bias", true)
            ? g.constant("bias", call.weight(part, "bias", 2, 4 * filters).floats(), 4 * filters)
            : null;
    Window window = Window.of(call, dimensions);
    Value all = convolve(g, g.reshape(x, merged), "kernel", 0, bias, window);
    int[] shape = Shapes.inserted(all.shape, 1, x.size(1));
    shape[0] = x.size(0);
    return g.reshape(all, shape);
  }

  private Value convolve(Graph g, Value x, String name, int index, Value bias, Window window) {
    int[] inFile = Arrays.copyOf(kernel, dimensions + 2);
    inFile[dimensions] = x.channels();
    inFile[dimensions + 1] = 4 * filters;
    Floats numbers = call.weight(part, name, index, inFile).floats();
    if (dimensions == 3) {
      return window.conv3(g, x, g.constant(name, numbers, inFile), bias);
    }
    boolean line = dimensions == 1;
    Value image = line ? g.reshape(x, x.size(0), 1, x.size(1), x.size(2)) : x;
    int rows = numbers.size() / (4 * filters);
    Value weights =
        g.constant(
            name,
            numbers.transposed(rows, 4 * filters),
            4 * filters,
            line ? 1 : kernel[0],
            kernel[dimensions - 1],
            x.channels());
    Value out = window.conv(g, image, weights, bias, 1);
    return line ? g.reshape(out, out.size(0), out.size(2), out.size(3)) : out;
  }

  @Override
  public List<Value> step(Graph g, Value projected, List<Value> states) {
    int[] ones = new int[Math.max(2, dimensions)];
    Arrays.fill(ones, 1);
    Window still = new Window(ones, ones, Padding.SAME);
    Value recurrent = convolve(g, states.get(0), "recurrent_kernel", 1, null, still);
    Value sum = g.binary("ADD", projected, recurrent);
    return Cells.lstm(
        g,
        g.split(sum, sum.rank() - 1, 4),
        states.get(1),
        Cells.activation(call, "activation", "tanh"),
        Cells.activation(call, "recurrent_activation", "sigmoid"));
  }
}
