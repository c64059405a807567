package io.narrow.tflite.rewrite;

import io.narrow.tflite.draft.Draft;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.ops.Lstm;
import io.narrow.tflite.ops.OpRules;
import io.narrow.tflite.plan.ActivationPlan;
import io.narrow.tflite.plan.Encoding;
import io.narrow.tflite.plan.IntegerOperator;
import io.narrow.tflite.plan.Plan;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Rewrites a subgraph for integer activations. The tensors of its boundary keep their numbers and
 * names, so that signatures and metadata still name them; what is converted gets a tensor of its
 * own, computed right after what it is converted from.
 */
final class IntegerGraph {
  /** A tensor in an encoding. */
  private record Held(int tensor, Encoding encoding) {}

  private final Draft.Graph graph;
  private final Contents contents;
  private final Map<Integer, IntegerOperator> integers = new HashMap<>();
  private final Map<Integer, ActivationPlan> activations = new TreeMap<>();
  private final Map<Held, Integer> numbers = new HashMap<>();
  private final Set<Integer> replaced = new HashSet<>(); // constants that stand where they stood

  IntegerGraph(Draft draft, Contents contents, Plan plan, int subgraph) {
    this.graph = draft.graph(subgraph);
    this.contents = contents;
    for (IntegerOperator integer : plan.integerOperators()) {
      if (integer.subgraph() == subgraph) {
        integers.put(integer.operator(), integer);
      }
    }
    for (ActivationPlan activation : plan.activations()) {
      if (activation.subgraph() == subgraph) {
        activations.put(activation.tensor(), activation);
      }
    }
  }

  /** Whether a constant has to stay as it is too: an operator or the caller reads it so. */
  private boolean isReadAsFloat(int constant) {
    return graph.before().isOutput(constant)
        || graph.before().readers(constant).stream()
            .anyMatch(reader -> wanted(reader.operator(), reader.place()).isFloat());
  }

  private Encoding wanted(int operator, int place) {
    IntegerOperator integer = integers.get(operator);
    return integer == null ? Encoding.FLOAT : integer.inputs().get(place);
  }

  void rewrite() {
    activations.values().forEach(this::home);
    int count = graph.before().operators().size();
    for (int i = 0; i < count; i++) {
      write(i);
    }
    for (int i = 0; i < count; i++) {
      read(i);
    }
  }

  /** Retypes the tensor of this number to what it holds from now on. */
  private void home(ActivationPlan activation) {
    int number = activation.tensor();
    numbers.put(new Held(number, activation.stored()), number);
    if (!activation.stored().isFloat()) {
      graph.replace(number, activation.stored().apply(graph.tensor(number)));
    }
  }

  /** Lets an operator write the encodings of the plan, and converts what the boundary wants. */
  private void write(int number) {
    Operator operator = graph.operator(number);
    int[] outputs = operator.outputs();
    for (int place = 0; place < outputs.length; place++) {
      ActivationPlan activation = activations.get(outputs[place]);
      if (activation != null && !activation.produced().equals(activation.stored())) {
        int produced = add(activation.tensor(), activation.produced());
        operator = operator.withOutput(place, produced);
        Encoding source = source(activation.produced(), activation.stored());
        int from = activation(activation.tensor(), source);
        graph.addAfter(number, conversion(from, source, activation.tensor(), activation.stored()));
      }
    }
    graph.replace(number, operator);
  }

  private void read(int number) {
    Operator operator = graph.operator(number);
    int[] inputs = graph.before().operators().get(number).inputs();
    for (int place = 0; place < inputs.length; place++) {
      int tensor = inputs[place];
      Encoding encoding = wanted(number, place);
      if (activations.containsKey(tensor)) {
        operator = operator.withInput(place, activation(tensor, encoding));
      } else if (!encoding.isFloat()) {
        operator = operator.withInput(place, constant(tensor, encoding));
      }
    }
    IntegerOperator integer = integers.get(number);
    graph.replace(number, integer == null ? operator : typed(inside(operator, integer), integer));
  }

  /** The operator with as many intermediates as its kernel wants, which have no contents. */
  private Operator inside(Operator operator, IntegerOperator integer) {
    int count = integer.intermediates().size();
    if (count == 0 || operator.intermediates().length == count) {
      return operator; // those that the model has are among the activations
    }
    int[] numbers = new int[count];
    for (int i = 0; i < count; i++) {
      int output = graph.before().operators().get(integer.operator()).outputs()[0];
      String name = graph.before().tensor(output).name() + "_" + Lstm.INTERMEDIATES.get(i);
      Tensor tensor = Tensor.of(name, TensorType.FLOAT32, new int[] {0});
      numbers[i] = graph.add(integer.intermediates().get(i).apply(tensor));
    }
    return operator.withIntermediates(numbers);
  }

  /** Number of the tensor that holds an activation in an encoding. */
  private int activation(int tensor, Encoding encoding) {
    Integer known = numbers.get(new Held(tensor, encoding));
    if (known != null) {
      return known;
    }
    Encoding source = source(activations.get(tensor).produced(), encoding);
    int from = activation(tensor, source);
    int number = add(tensor, encoding);
    Operator conversion = conversion(from, source, number, encoding);
    graph.addBehind(tensor, conversion);
    return number;
  }

  /** What a conversion starts from: QUANTIZE does not make int16 of int8. */
  private static Encoding source(Encoding produced, Encoding target) {
    boolean widens = target.type() == TensorType.INT16 && produced.type() != TensorType.INT16;
    return widens ? Encoding.FLOAT : produced;
  }

  private int add(int tensor, Encoding encoding) {
    Tensor before = graph.before().tensor(tensor);
    boolean again = encoding.type() == activations.get(tensor).produced().type();
    boolean other = !encoding.equals(activations.get(tensor).produced());
    String suffix = again && other ? "_requantized" : "_" + encoding.type();
    int number = graph.add(encoding.apply(before.withBuffer(0)).withName(before.name() + suffix));
    numbers.put(new Held(tensor, encoding), number);
    return number;
  }

  /** Number of the tensor that holds a constant in an encoding. */
  private int constant(int tensor, Encoding encoding) {
    Integer known = numbers.get(new Held(tensor, encoding));
    if (known != null) {
      return known;
    }
    Tensor before = graph.before().tensor(tensor);
    Tensor stored = encoding.apply(before.withBuffer(contents.store(before, encoding)));
    int number = tensor;
    if (!isReadAsFloat(tensor) && replaced.add(tensor)) {
      graph.replace(tensor, stored);
    } else {
      number = graph.add(stored.withName(before.name() + "_" + encoding.type()));
    }
    numbers.put(new Held(tensor, encoding), number);
    return number;
  }

  private static Operator conversion(int from, Encoding source, int to, Encoding target) {
    return target.isFloat()
        ? OpRules.dequantize(from, source.type(), false, to)
        : OpRules.quantize(from, target.type(), to);
  }

  /** The operator in the version and with the options that its types need. */
  private static Operator typed(Operator operator, IntegerOperator integer) {
    Operator typed = operator.withVersion(integer.version());
    if (!integer.wide()) {
      return typed;
    }
    if (typed.hasOption("quantized_bias_type")) {
      typed = typed.withOption("quantized_bias_type", TensorType.INT64.code());
    }
    return typed.hasOption("pot_scale_int16") ? typed.withOption("pot_scale_int16", false) : typed;
  }
}
