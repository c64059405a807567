package io.narrow.tflite.evaluation;

import io.narrow.tflite.data.NdArray;
import io.narrow.tflite.data.Sample;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Normalization;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.ops.OpRules;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Where the values that a model is given lie in the ranges that its inputs are meant for. */
final class InputRanges {
  private static final class Seen {
    private final String name;
    private final int place; // in a sample
    private final Optional<Normalization> published;
    private final double low;
    private final double high;
    private double min = Double.POSITIVE_INFINITY;
    private double max = Double.NEGATIVE_INFINITY;
    private long outside;
    private long values;

    Seen(String name, int place, Tensor codes) {
      this.name = name;
      this.place = place;
      this.published = Optional.empty();
      double scale = codes.scales()[0];
      long zeroPoint = codes.zeroPoints()[0];
      double half = scale / 2; // what rounds to the last code lies inside
      this.low = scale * (codes.type().smallest() - zeroPoint) - half;
      this.high = scale * (codes.type().largest() - zeroPoint) + half;
    }

    Seen(String name, int place, Normalization pictures) {
      this.name = name;
      this.place = place;
      this.published = Optional.of(pictures);
      this.low = pictures.lowest();
      this.high = pictures.highest();
    }

    void see(NdArray array) {
      for (int i = 0; i < array.elements(); i++) {
        double value = array.get(i);
        min = Math.min(min, value);
        max = Math.max(max, value);
        outside += value < low || value > high ? 1 : 0;
      }
      values += array.elements();
    }
  }

  private final List<Seen> all = new ArrayList<>();

  /**
   * @param places for each input of the model, the place in a sample
   */
  InputRanges(Model model, int[] places) {
    Subgraph graph = model.subgraphs().get(0);
    Map<Integer, Normalization> published = model.normalizations();
    for (int i = 0; i < places.length; i++) {
      String name = graph.tensor(graph.inputs()[i]).name();
      Optional<Tensor> codes = codes(graph, graph.inputs()[i]);
      if (codes.isPresent()) {
        all.add(new Seen(name, places[i], codes.get()));
      } else if (published.containsKey(graph.inputs()[i])) {
        all.add(new Seen(name, places[i], published.get(graph.inputs()[i])));
      }
    }
  }

  /** What holds the codes of an input: itself, or the one operator that reads it and quantizes. */
  private static Optional<Tensor> codes(Subgraph graph, int input) {
    Tensor codes = graph.tensor(input);
    List<Subgraph.Reader> readers = graph.readers(input);
    if (codes.type() == TensorType.FLOAT32
        && readers.size() == 1
        && OpRules.of(graph.operators().get(readers.get(0).operator()).name()).converts()) {
      codes = graph.tensor(graph.operators().get(readers.get(0).operator()).outputs()[0]);
    }
    boolean integer =
        codes.type() == TensorType.INT8
            || codes.type() == TensorType.UINT8
            || codes.type() == TensorType.INT16;
    return integer && codes.isQuantized() && codes.scales().length == 1
        ? Optional.of(codes)
        : Optional.empty();
  }

  void see(Sample sample) {
    all.forEach(seen -> seen.see(sample.inputs().get(seen.place)));
  }

  List<Evaluation.Input> result() {
    return all.stream()
        .filter(seen -> seen.values > 0)
        .map(
            s ->
                new Evaluation.Input(
                    s.name,
                    s.published,
                    s.low,
                    s.high,
                    s.min,
                    s.max,
                    (double) s.outside / s.values))
        .toList();
  }
}
