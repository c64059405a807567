package io.narrow.tflite.calibration;

import io.narrow.tflite.calibration.Activation.Role;
import io.narrow.tflite.data.Feed;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.ops.OpRule;
import io.narrow.tflite.ops.OpRules;
import java.util.List;

/**
 * The samples that ranges are judged on, in parts: what comes of the samples of all other parts is
 * judged on those of one, as values that were not seen are what a range is for.
 */
public final class Folds {
  /** Number of parts; fewer samples than that are not judged on. */
  public static final int COUNT = 4;

  /** More samples tell little that these do not. */
  private static final int MOST = 32;

  /** The most multiplications that judging may cost: some seconds. */
  private static final double BUDGET = 8e10;

  /** How much memory the tensors of all samples may take. */
  private static final long MEMORY = 256 << 20;

  /** What an operator costs beside its multiplications, to run and to load. */
  private static final double RUN = 1e4;

  private static final double LOAD = 1e5;

  private Folds() {}

  /**
   * The samples of a feed that ranges are judged on: the {@code i}th is in part {@code i} modulo
   * {@link #COUNT}. They follow from the contents of the samples, not from their order. None if
   * there are too few samples, or if judging by these few would be too much work: it is counted, so
   * that every machine decides alike.
   *
   * @param model subgraph 0 of which is fed
   */
  public static int[] judged(Model model, Feed feed) {
    long fitting = MEMORY / Math.max(1, bytes(model.subgraphs().get(0)));
    int most = (int) Math.min(Math.min(feed.size(), fitting), affordable(model));
    return most < COUNT ? new int[0] : feed.smallest(most);
  }

  /**
   * For how many samples there is time to run what follows each activation once with either range.
   */
  private static int affordable(Model model) {
    List<Operator> operators = model.subgraphs().get(0).operators();
    if (operators.stream().anyMatch(operator -> !operator.calls().isEmpty())) {
      return 0; // how often a loop runs is not known
    }
    int[] cut = new int[operators.size() + 1]; // how many activations come before an operator
    for (Activation activation : Activation.of(model)) {
      if (activation.role() == Role.INPUT) {
        cut[0]++;
      } else if (activation.role() == Role.OUTPUT) {
        cut[model.subgraphs().get(0).producer(activation.tensor()).orElse(0) + 1]++;
      }
    }
    double run = 0;
    double load = 0;
    int before = 0;
    for (int i = 0; i < operators.size(); i++) {
      before += cut[i];
      run += 2.0 * before * (RUN + multiplications(model.subgraphs().get(0), operators.get(i)));
      load += LOAD * before;
    }
    return (int) Math.min(MOST, Math.max(0, (BUDGET - load) / run));
  }

  /** The most bytes of a sample that later operators read. */
  private static long bytes(Subgraph graph) {
    long[] change = new long[graph.operators().size() + 2];
    for (int tensor = 0; tensor < graph.tensors().size(); tensor++) {
      int written = graph.isInput(tensor) ? -1 : graph.producer(tensor).orElse(change.length);
      int read =
          graph.readers(tensor).stream().mapToInt(Subgraph.Reader::operator).max().orElse(-1);
      if (written < read) {
        long bytes = Math.max(0, graph.tensor(tensor).elements()) * Float.BYTES;
        change[written + 1] += bytes;
        change[read + 1] -= bytes;
      }
    }
    long most = 0;
    long now = 0;
    for (long each : change) {
      now += each;
      most = Math.max(most, now);
    }
    return most;
  }

  private static double multiplications(Subgraph graph, Operator operator) {
    double results = 0;
    for (int output : operator.outputs()) {
      results += output < 0 ? 0 : Math.max(0, graph.tensor(output).elements());
    }
    OpRule rule = OpRules.of(operator.name());
    double each = rule.weights().isEmpty() ? 1 : 0; // for each result
    for (int place : rule.weights()) {
      int tensor = operator.input(place);
      if (tensor >= 0) {
        Tensor weights = graph.tensor(tensor);
        int axis = Math.max(0, rule.axis().of(operator, weights));
        double channels = weights.rank() == 0 ? 1 : Math.max(1, weights.dimension(axis));
        each += Math.max(0, weights.elements()) / channels;
      }
    }
    return results * each;
  }
}
