package io.narrow.tflite.plan;

import io.narrow.kernels.FloatRange;
import io.narrow.tflite.draft.Draft;
import io.narrow.tflite.model.Buffer;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.ops.OpRule;
import io.narrow.tflite.ops.OpRules;
import io.narrow.tflite.plan.KnownEncodings.Place;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.DoubleSummaryStatistics;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;

/**
 * Constants such as -3.4e38 and -1e9 that are moved, chosen or added until a softmax takes them for
 * nothing: they become the nearest value of which it still says so, beside which integers can hold
 * all others. Tensors of the model keep their numbers.
 */
final class Masks {
  /** What is not above it is a mask, if nothing but a softmax sees it in the end. */
  private static final float MASK = -9999;

  private final Model model;
  private final Recipe recipe;
  private final Ranges ranges;
  private final Draft draft;
  private final Map<Place, FloatRange> computed = new HashMap<>();

  Masks(Model model, Recipe recipe, Ranges ranges) {
    this.model = model;
    this.recipe = recipe;
    this.ranges = ranges;
    this.draft = new Draft(model);
    for (int i = 0; i < model.subgraphs().size(); i++) {
      Subgraph graph = model.subgraphs().get(i);
      if (graph.operators().stream().anyMatch(op -> OpRules.of(op.name()).dwindles())) {
        new Masked(i, graph).clamp();
      }
    }
  }

  /** The model, which may be the same as before. */
  Model model() {
    return computed.isEmpty() ? model : draft.finish();
  }

  /** The ranges of its tensors. */
  Ranges ranges() {
    return ranges.with(computed);
  }

  /** What is masked in a subgraph. */
  private final class Masked {
    private final int number;
    private final Subgraph graph;
    private final Function<Operator, Optional<RecipeRule>> rules;
    private final Map<Integer, FloatRange> others = new HashMap<>(); // of what is masked, the rest
    private final Map<Integer, Float> floors = new HashMap<>();
    private final Set<Integer> whole = new HashSet<>(); // tensors of whole numbers

    Masked(int number, Subgraph graph) {
      this.number = number;
      this.graph = graph;
      this.rules = recipe.lastRule(graph);
    }

    void clamp() {
      graph.operators().forEach(this::follow);
      Deque<Integer> open = new ArrayDeque<>();
      others.keySet().stream().filter(t -> !endsInSoftmax(t)).forEach(open::add);
      while (!open.isEmpty()) { // what is masked together is clamped together or not at all
        int t = open.remove();
        if (others.remove(t) != null) {
          graph.producer(t).ifPresent(writer -> together(writer).forEach(open::add));
          graph.readers(t).forEach(reader -> together(reader.operator()).forEach(open::add));
        }
      }
      for (int i = graph.operators().size() - 1; i >= 0 && !others.isEmpty(); i--) {
        lower(i, graph.operators().get(i));
      }
    }

    /** What is masked of what an operator reads and writes. */
    private IntStream together(int operator) {
      Operator one = graph.operators().get(operator);
      return IntStream.concat(Arrays.stream(one.inputs()), Arrays.stream(one.outputs()))
          .filter(others::containsKey);
    }

    /** Finds what an operator gives that is masked. */
    private void follow(Operator operator) {
      OpRule row = OpRules.of(operator.name());
      if (operator.outputs().length != 1) {
        return;
      }
      int result = operator.outputs()[0];
      if ((row.moves() || row.integral())
          && Arrays.stream(operator.inputs()).filter(t -> t >= 0).allMatch(this::isWhole)) {
        whole.add(result);
      }
      if (row.multiplies()) {
        multiply(operator, result);
        return;
      }
      if (!row.moves() && !row.adds()) {
        return;
      }
      FloatRange rest = FloatRange.EMPTY;
      boolean masked = false;
      for (int place = 0; place < operator.inputs().length; place++) {
        int t = operator.input(place);
        if (t < 0 || !row.integer().orElseThrow().reads(place)) {
          continue;
        }
        Optional<FloatRange> own = rest(t);
        if (own.isEmpty()) {
          return;
        }
        masked |= isMasked(t);
        rest = row.adds() && place > 0 ? plus(rest, own.get()) : rest.merge(own.get());
      }
      if (masked) {
        others.put(result, rest);
      }
    }

    /** A constant times what is 0 or 1 and nothing between. */
    private void multiply(Operator operator, int result) {
      for (int place = 0; place < 2; place++) {
        int factor = operator.input(1 - place);
        boolean flag =
            whole.contains(factor)
                && ranges
                    .range(number, factor, true)
                    .filter(range -> range.min() >= 0 && range.max() <= 1)
                    .isPresent();
        if (flag && isConstant(operator.input(place)) && isMasked(operator.input(place))) {
          FloatRange zero = new FloatRange(0, 0, 0, 0);
          others.put(result, rest(operator.input(place)).orElse(zero).merge(zero));
        }
      }
    }

    private boolean isWhole(int t) {
      return graph.tensor(t).type() != TensorType.FLOAT32
          || whole.contains(t)
          || isConstant(t) && values(t).allMatch(v -> v == Math.rint(v));
    }

    private FloatRange plus(FloatRange a, FloatRange b) {
      return a.isEmpty() || b.isEmpty()
          ? FloatRange.EMPTY
          : new FloatRange(a.min() + b.min(), a.max() + b.max(), 0, 0);
    }

    private boolean isConstant(int t) {
      return model.isConstant(graph.tensor(t)) && !graph.tensor(t).isEncoded();
    }

    private boolean isMasked(int t) {
      if (!isConstant(t)) {
        return others.containsKey(t);
      }
      return graph.tensor(t).type() == TensorType.FLOAT32 && values(t).anyMatch(v -> v <= MASK);
    }

    private DoubleStream values(int t) {
      FloatBuffer values = model.contents(graph.tensor(t)).asFloatBuffer();
      return IntStream.range(0, values.remaining()).mapToDouble(values::get);
    }

    /** The range of what is not masked, empty if it is not known. */
    private Optional<FloatRange> rest(int t) {
      if (graph.tensor(t).type() != TensorType.FLOAT32) {
        return Optional.empty();
      }
      if (isConstant(t)) {
        DoubleSummaryStatistics rest = values(t).filter(v -> v > MASK).summaryStatistics();
        return Optional.of(
            rest.getCount() == 0
                ? FloatRange.EMPTY
                : new FloatRange((float) rest.getMin(), (float) rest.getMax(), 0, 0));
      }
      return others.containsKey(t)
          ? Optional.of(others.get(t))
          : ranges
              .range(number, t, true)
              .filter(r -> r.isEmpty() || r.min() > MASK && r.nans() + r.infinities() == 0);
    }

    private boolean endsInSoftmax(int t) {
      return !graph.isOutput(t)
          && graph.readers(t).stream()
              .allMatch(
                  reader -> {
                    Operator operator = graph.operators().get(reader.operator());
                    boolean ends = OpRules.of(operator.name()).dwindles() && wanted(operator);
                    return ends
                        || operator.outputs().length == 1
                            && others.containsKey(operator.outputs()[0]);
                  });
    }

    private Optional<OperatorConfiguration> configuration(Operator operator) {
      return rules.apply(operator).map(RecipeRule::configuration);
    }

    private boolean wanted(Operator operator) {
      return configuration(operator)
          .filter(configuration -> configuration.mode().integer())
          .isPresent();
    }

    /** Lets an operator read masks that are as low as what it gives has to be, and no lower. */
    private void lower(int at, Operator operator) {
      OpRule row = OpRules.of(operator.name());
      int first = operator.input(0);
      if (row.dwindles() && others.containsKey(first)) {
        TensorType type = configuration(operator).orElseThrow().mode().activation();
        float half = row.integer().orElseThrow().scales().scale(type) / 2;
        Tensor tensor = graph.tensor(first);
        int count = Math.max(1, tensor.dimension(tensor.rank() - 1));
        float steep = operator.realOption("beta");
        // So many that are masked together add less than half a step to the sum of all others.
        double margin = Math.log(count / half) / (steep > 0 ? steep : 1);
        FloatRange rest = others.get(first);
        demand(first, (float) ((rest.isEmpty() ? 0 : rest.min()) - margin));
        return;
      }
      int result = operator.outputs().length == 1 ? operator.outputs()[0] : -1;
      if (!others.containsKey(result) || !floors.containsKey(result)) {
        return; // nothing reads it
      }
      float floor = floors.get(result);
      computed.put(new Place(number, result), new FloatRange(floor, above(result, floor), 0, 0));
      Operator changed = operator;
      for (int place = 0; place < operator.inputs().length; place++) {
        int t = operator.input(place);
        if (t < 0 || !row.integer().orElseThrow().reads(place) || !isMasked(t)) {
          continue;
        }
        float low = row.adds() ? floor - above(operator.input(1 - place), 0) : floor;
        if (isConstant(t)) {
          changed = changed.withInput(place, clamped(t, low));
        } else {
          demand(t, low);
        }
      }
      draft.graph(number).replace(at, changed);
    }

    private float above(int t, float otherwise) {
      FloatRange rest = rest(t).orElse(FloatRange.EMPTY);
      return rest.isEmpty() ? otherwise : rest.max();
    }

    private void demand(int t, float floor) {
      floors.merge(t, floor, Math::min);
    }

    private int clamped(int t, float floor) {
      Tensor tensor = graph.tensor(t);
      ByteBuffer values =
          ByteBuffer.allocateDirect(Math.toIntExact(tensor.elements()) * Float.BYTES)
              .order(ByteOrder.LITTLE_ENDIAN);
      values(t).forEach(v -> values.putFloat(v <= MASK ? Math.max(floor, (float) v) : (float) v));
      int buffer = draft.addBuffer(Buffer.of(values.flip()));
      return draft.graph(number).add(tensor.withBuffer(buffer));
    }
  }
}
