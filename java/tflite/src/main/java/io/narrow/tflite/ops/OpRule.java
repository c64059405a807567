package io.narrow.tflite.ops;

import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.schema.Schema;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.IntPredicate;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** A row of the operator table: what quantization has to know about an operator. */
public final class OpRule {
  private static final int CHANNELS_OF_IMAGE = 3;

  /** XNNPACK's XNN_MAX_TENSOR_DIMS. */
  private static final int MOST_AXES = 6;

  private final Row row;
  private final Optional<IntegerRule> integer;
  private final List<Integer> weights;
  private final List<Kernel> kernels;
  private final Map<String, String> conversions;
  private final Map<String, String> releases;
  private final Set<String> fast;
  private final List<Whole> wholes;
  private final BlockRule blocks;
  private final Axis axis;
  private final int bias;

  /**
   * A kernel for quantized weights beside float inputs and outputs.
   *
   * @param weight type of the weights
   * @param version version of the operator that has it
   * @param groupedVersion version that has it for grouped convolution, whose weights have fewer
   *     channels than its input
   */
  public record Kernel(TensorType weight, int version, int groupedVersion) {
    private static Kernel of(Map.Entry<String, String> pair) {
      TensorType type = TensorType.valueOf(pair.getKey().toUpperCase(Locale.ROOT));
      return new Kernel(type, first(pair.getValue()), last(pair.getValue()));
    }
  }

  /** How an operator runs the subgraphs that it calls. */
  public enum Call {
    /** The second as long as the first, given the same, holds. */
    LOOP,
    /** The first or the second, as the first operand says, given the others. */
    BRANCH
  }

  OpRule(Row row) {
    this.row = row;
    this.integer = IntegerRule.of(row);
    this.weights = row.places("weights");
    this.kernels = row.pairs("hybrid").entrySet().stream().map(Kernel::of).toList();
    this.conversions = row.pairs("conversion");
    this.releases = row.pairs("releases");
    this.fast = row.items("xnnpack").collect(Collectors.toSet());
    this.axis = Axis.valueOf(row.word("axis", "none").toUpperCase(Locale.ROOT));
    this.bias = row.number("bias", -1);
    this.wholes =
        row.has("whole")
            ? Stream.of(row.word("whole", "").split(";")).map(Whole::of).toList()
            : List.of();
    this.blocks = new BlockRule(this, row);
  }

  private static int first(String versions) {
    return Integer.parseInt(versions.split("/")[0]);
  }

  private static int last(String versions) {
    return Integer.parseInt(versions.substring(versions.indexOf('/') + 1));
  }

  /** Name of the operator in the schema. */
  public String operator() {
    return row.operator();
  }

  /** How it computes with integer activations, empty if it has no kernel for that. */
  public Optional<IntegerRule> integer() {
    return integer;
  }

  /**
   * How an operator computes with integer activations.
   *
   * @param constant whether a tensor is a constant
   */
  public Optional<IntegerRule> integer(Operator candidate, IntPredicate constant) {
    boolean computed =
        row.has("computed")
            && weights.stream()
                .map(candidate::input)
                .anyMatch(number -> number >= 0 && !constant.test(number));
    return computed ? integer.map(rule -> rule.ofComputed(weights)) : integer;
  }

  /**
   * What computes the same in integers, where it has no kernel for activations of a type; empty if
   * nothing does.
   *
   * @param operand type of the first operand
   */
  public Optional<Expression> instead(TensorType activation, TensorType operand) {
    boolean fits = row.word("of", "float32").equals(operand.toString());
    String text = row.word(activation + "as", row.word("as", ""));
    return fits && !text.isEmpty() ? Optional.of(Expression.of(text)) : Optional.empty();
  }

  /**
   * What computes the same as long as its second operand, which is computed, is not below a bound;
   * empty if it takes any.
   */
  public Optional<Expression> guarded(float least) {
    return row.has("guarded")
        ? Optional.of(
            Expression.of(row.word("guarded", "").replace("least", Float.toString(least))))
        : Optional.empty();
  }

  /** Computations that may end in it and that one operator does whole. */
  public List<Whole> wholes() {
    return wholes;
  }

  /** Why it does not compute with activations of a type, in words. */
  public String missing(TensorType activation) {
    return operator()
        + " "
        + (row.text().isEmpty() ? "has no " + activation + " kernel" : row.text());
  }

  /** Whether a row says anything about weights. */
  public boolean hasWeights() {
    return !weights.isEmpty();
  }

  /** Places of its weights among its inputs. */
  public List<Integer> weights() {
    return weights;
  }

  /** Place of its bias among its inputs, -1 if it has none. */
  public int bias() {
    return bias;
  }

  /** How it computes with weights that have a scale per block. */
  public BlockRule blocks() {
    return blocks;
  }

  /** Which axis of a weight has a scale per channel. */
  public Axis axis() {
    return axis;
  }

  /** What its weights are multiplied with. */
  public Products products() {
    return Products.valueOf(row.word("products", "none").toUpperCase(Locale.ROOT));
  }

  /** Whether its kernels also take weights with one scale where {@link #axis} names an axis. */
  public boolean oneScaleToo() {
    return row.has("onescale") || axis == Axis.NONE;
  }

  /** How many channels its weights of a type must have beside int8 activations. */
  public int fewestChannels(TensorType type) {
    return Integer.parseInt(row.pairs("channels").getOrDefault(type.toString(), "0"));
  }

  /** Whether its weights must all be quantized or none. */
  public boolean together() {
    return row.has("together");
  }

  /** Whether it copies rows of the weight to its output, which so becomes quantized as well. */
  public boolean copiesRows() {
    return row.has("rows");
  }

  /** The kernel for weights of this type. */
  public Optional<Kernel> kernel(TensorType weight) {
    return kernels.stream().filter(kernel -> kernel.weight() == weight).findFirst();
  }

  /** Why an operator has no kernel for quantized weights although its row has; empty if it has. */
  public String objection(Subgraph subgraph, Operator candidate) {
    int inputs = row.number("inputs", 0);
    if (candidate.inputs().length < inputs) {
      return "with fewer than " + inputs + " inputs it has no kernel for quantized weights";
    }
    if (candidate.option("weights_format") != 0) {
      return "its weights are shuffled";
    }
    int number = candidate.input(weights.get(0));
    int rank = row.number("rank", 0);
    if (rank != 0 && number >= 0 && subgraph.tensor(number).rank() != rank) {
      return "its weights have " + subgraph.tensor(number).rank() + " axes instead of " + rank;
    }
    return "";
  }

  /** Version of an operator that has this kernel for its shapes. */
  public int version(Kernel kernel, Subgraph subgraph, Operator candidate) {
    int version = kernel.version();
    if (kernel.groupedVersion() != version) {
      Tensor input = subgraph.tensor(candidate.input(0));
      Tensor weight = subgraph.tensor(candidate.input(weights.get(0)));
      if (input.rank() == weight.rank()
          && input.dimension(CHANNELS_OF_IMAGE) != weight.dimension(CHANNELS_OF_IMAGE)) {
        version = kernel.groupedVersion();
      }
    }
    return Math.max(version, candidate.version());
  }

  /**
   * Whether XNNPACK computes it with activations and weights of these types, which is 1.3 to 100
   * times faster than the built-in kernels are.
   *
   * @param weights type of its weights, that of its activations if it has none
   */
  public boolean fast(TensorType activations, TensorType weights) {
    return fast.contains(
        activations == weights ? activations.toString() : activations + "+" + weights);
  }

  /** Whether XNNPACK computes it with any types. */
  public boolean everFast() {
    return !fast.isEmpty();
  }

  /** Whether XNNPACK, with whatever types, would take this one for its shapes and operands. */
  public boolean canBeFast(Model model, Subgraph subgraph, Operator candidate) {
    int results = candidate.outputs().length;
    int most = row.number("splits", 0);
    if (candidate.option("fused_activation_function") >= IntegerRule.TANH
        || most > 0 && (results < 2 || results > most)) {
      return false;
    }
    for (int place = 0; place < candidate.inputs().length; place++) {
      int number = candidate.input(place);
      boolean constant = bias >= 0 && (place == bias || weights.contains(place));
      if (number >= 0
          && (subgraph.tensor(number).rank() > MOST_AXES
              || constant && !model.isConstant(subgraph.tensor(number)))) {
        return false;
      }
    }
    return true;
  }

  /** Place of the state that it keeps from run to run, -1 if it has none or several. */
  public int state() {
    return row.number("state", -1);
  }

  /** Whether an operator may give other codes in int8 than it gives in uint8, less 128. */
  public boolean roundsApart(Operator candidate) {
    long window = candidate.option("filter_width") * candidate.option("filter_height");
    boolean same = Schema.value("Padding", "SAME") == candidate.option("padding");
    return row.has("apart") && (window % 2 == 0 || same); // means of an odd number have no halves
  }

  /** Whether its kernel for uint8 takes operands of other scales than that of the result. */
  public boolean rescales() {
    return row.has("rescales");
  }

  /** Whether it computes the sum of its two operands. */
  public boolean adds() {
    return row.has("adds");
  }

  /** Whether it computes the product of its two operands. */
  public boolean multiplies() {
    return row.has("multiplies");
  }

  /** Whether all that it gives are values of its operands, moved or chosen. */
  public boolean moves() {
    return !row.has("computes") && integer.filter(rule -> rule.scales().same()).isPresent();
  }

  /** Whether it gives the larger of its operands. */
  public boolean takesLarger() {
    return row.has("larger");
  }

  /** Whether it gives whole numbers where its operands are such. */
  public boolean integral() {
    return row.has("integral");
  }

  /**
   * To which power its result is the difference of its operands, which is small where they are
   * nearly equal; 0 for an operator that computes no difference.
   */
  public int cancels() {
    return row.number("cancels", 0);
  }

  /** Whether only e to the power of a value less the largest counts of its operand. */
  public boolean dwindles() {
    return row.has("dwindles");
  }

  /** Which probabilities it makes of its operand. */
  public Probabilities probabilities() {
    return Probabilities.valueOf(row.word("probabilities", "none").toUpperCase(Locale.ROOT));
  }

  /** Place of the operand that says how many results it gives, -1 if none does. */
  public int count() {
    return row.number("count", -1);
  }

  /** Whether its first operand is rows as long as those of its weights. */
  public boolean goesByRows() {
    return row.has("rowwise");
  }

  /** Whether an operand may be missing, as far as is known of the operator. */
  public boolean mayLack(int place) {
    return row.has("opaque") || row.has("decomposes") || row.places("optional").contains(place);
  }

  /** Whether it reads a variable, or assigns to it; its first operand says which. */
  public boolean usesVariable() {
    return integer.filter(rule -> rule.scales() == IntegerRule.Scales.VARIABLE).isPresent();
  }

  /** Whether what it computes depends on the shape of its operand, not on its values. */
  public boolean ofShape() {
    return row.has("extent");
  }

  /** Whether what it computes depends on what ran before, or on chance. */
  public boolean stateful() {
    return row.has("stateful");
  }

  /** Whether it goes along a sequence both ways, as two of {@link #oneWay()} do. */
  public boolean goesBothWays() {
    return row.has("oneway");
  }

  /** The operator that goes one way. */
  public String oneWay() {
    return row.word("oneway", "");
  }

  /**
   * Its operands that are those of the operator that goes one way, in the order of that.
   *
   * @param way 0 for there, 1 for back
   */
  public List<Integer> oneWay(int way) {
    return row.places(way == 0 ? "there" : "back");
  }

  /** Place of the auxiliary input of an operator that goes both ways. */
  public int auxiliary() {
    return row.number("auxiliary", -1);
  }

  /** Places of the weights of that, a gate after the other, of the way there and then back. */
  public List<Integer> auxiliaryWeights() {
    return row.places("auxiliaryweights");
  }

  /** How it runs the subgraphs that it calls; empty if it calls none, or once only. */
  public Optional<Call> call() {
    return row.items("calls").map(kind -> Call.valueOf(kind.toUpperCase(Locale.ROOT))).findFirst();
  }

  /** Whether it computes what the subgraph that it calls does, and nothing else. */
  public boolean decomposes() {
    return row.has("decomposes");
  }

  /** Whether nobody knows what it does with its operands. */
  public boolean opaque() {
    return row.has("opaque");
  }

  /** Whether it only makes another type of values. */
  public boolean converts() {
    return !conversions.isEmpty();
  }

  /** Version of a conversion from or to integers of a type. */
  public int conversionVersion(TensorType type, boolean perChannel) {
    String versions = conversions.get(type.toString());
    return perChannel ? last(versions) : first(versions);
  }

  /** Its name in the recipes of ai-edge-quantizer. */
  public String alias() {
    return row.word("alias", operator());
  }

  /** First TensorFlow release that runs a version of it, empty if the table does not have it. */
  String release(int version) {
    return releases.getOrDefault(Integer.toString(version), "");
  }

  /** First TensorFlow release that runs an operator, as far as the table knows. */
  public String release(Operator candidate, Subgraph subgraph) {
    String release =
        Releases.later(release(candidate.version()), blocks.release(candidate, subgraph));
    for (Map.Entry<String, String> type : row.pairs("since").entrySet()) {
      boolean has =
          IntStream.concat(IntStream.of(candidate.inputs()), IntStream.of(candidate.outputs()))
              .filter(number -> number >= 0)
              .anyMatch(number -> subgraph.tensor(number).type().toString().equals(type.getKey()));
      release = has ? Releases.later(release, type.getValue()) : release;
    }
    return release;
  }
}
