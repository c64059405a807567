package io.narrow.tflite.comparison;

import io.narrow.tflite.calibration.Distribution;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.plan.Mode;
import io.narrow.tflite.plan.OperatorPlan;
import io.narrow.tflite.plan.TensorPlan;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * How far the tensors of a quantized model are from those of the float model that it was made of.
 *
 * @param floatModel what messages call the float model
 * @param quantizedModel what they call the other
 * @param floatBytes size of its file
 * @param quantizedBytes size of the other's
 * @param mode by which the other looks made, if {@link Comparator.Options#reasons} asks for it and
 *     it looks made by one: {@code rule} of tensors and constants is what it makes of the float
 *     model, as far as that does not depend on data
 * @param graphs for each signature for which there were data; the first subgraph of models that
 *     have none
 */
public record Comparison(
    String floatModel,
    String quantizedModel,
    long floatBytes,
    long quantizedBytes,
    Optional<Mode> mode,
    List<Graph> graphs) {
  public Comparison {
    graphs = List.copyOf(graphs);
  }

  /**
   * What was found in one subgraph.
   *
   * @param signature its name, empty if there is none
   * @param name of the subgraph of the quantized model, {@code main} if it has none
   * @param subgraph its number there
   * @param floatSubgraph number of the float model's
   * @param caller the operator that runs it; empty where a caller of the model does
   * @param samples how many samples both models were run on; of what an operator runs, how often it
   *     was run
   * @param tensors those that were compared, in the order in which the quantized model computes
   *     them, inputs first
   * @param constants weights and biases, as far as both models have them
   * @param unseen what was not compared: a line each
   * @param restored what the output gains by each of the worst operators, worst first, of those in
   *     {@code bodies} too
   * @param bodies what was found in the subgraphs that operators of this one and of those run:
   *     conditions and bodies of WHILE, the branches of IF, as far as they compute real numbers
   */
  public record Graph(
      String signature,
      String name,
      int subgraph,
      int floatSubgraph,
      Optional<Caller> caller,
      int samples,
      List<Tensor> tensors,
      List<Constant> constants,
      List<String> unseen,
      List<Restored> restored,
      List<Graph> bodies) {
    /** The local noise below which an operator is no suspect: a hundredth of the signal. */
    public static final double BAD_SQNR_DB = 20;

    public Graph {
      tensors = List.copyOf(tensors);
      constants = List.copyOf(constants);
      unseen = List.copyOf(unseen);
      restored = List.copyOf(restored);
      bodies = List.copyOf(bodies);
    }

    Graph with(List<Restored> found) {
      return with(tensors, constants, found, bodies);
    }

    Graph with(List<Tensor> ruled, List<Constant> ruledConstants, List<Graph> ruledBodies) {
      return with(ruled, ruledConstants, restored, ruledBodies);
    }

    private Graph with(
        List<Tensor> ruled,
        List<Constant> ruledConstants,
        List<Restored> found,
        List<Graph> ruledBodies) {
      return new Graph(
          signature,
          name,
          subgraph,
          floatSubgraph,
          caller,
          samples,
          ruled,
          ruledConstants,
          unseen,
          found,
          ruledBodies);
    }

    /** This and its bodies. */
    public List<Graph> all() {
      return Stream.concat(Stream.of(this), bodies.stream()).toList();
    }

    /** The tensors that operators compute, those first whose operator alone adds the most noise. */
    public List<Tensor> worst() {
      return tensors.stream()
          .filter(tensor -> tensor.local().isPresent())
          .sorted(Comparator.comparing(tensor -> tensor.local().orElseThrow(), Error.WORST_FIRST))
          .toList();
    }

    /**
     * The first tensor in the order of computation that is bad by its operator's own doing: with
     * less than {@link #BAD_SQNR_DB} of local SQNR, or values that are not finite on one side only.
     */
    public Optional<Tensor> firstBad() {
      return tensors.stream()
          .filter(tensor -> tensor.local().filter(Graph::isBad).isPresent())
          .findFirst();
    }

    private static boolean isBad(Error error) {
      return error.notFinite() > 0 || error.sqnrDb() < BAD_SQNR_DB;
    }
  }

  /**
   * An operator of the quantized model that runs a subgraph.
   *
   * @param subgraph that it is in, by number
   * @param graph name of that
   * @param operator its number there
   * @param operatorName {@code WHILE} or {@code IF}
   */
  public record Caller(int subgraph, String graph, int operator, String operatorName) {}

  /**
   * A constant of the quantized model beside the one of the float model that it was made of.
   *
   * @param number of the tensor in the quantized model
   * @param name in the quantized model
   * @param floatNumber number of the tensor in the float model
   * @param floatName in the float model
   * @param type of its elements in the quantized model
   * @param shape in the quantized model
   * @param error of the values that it stands for
   * @param rule what the mode makes of it, and why, if that is known
   */
  public record Constant(
      int number,
      String name,
      int floatNumber,
      String floatName,
      TensorType type,
      List<Integer> shape,
      Error error,
      Optional<TensorPlan> rule) {
    public Constant {
      shape = List.copyOf(shape);
    }

    Constant with(Optional<TensorPlan> found) {
      return new Constant(number, name, floatNumber, floatName, type, shape, error, found);
    }
  }

  /** What a tensor is to its subgraph. */
  public enum Role {
    INPUT,
    INTERMEDIATE,
    OUTPUT
  }

  /**
   * A tensor of the quantized model beside the one of the float model that holds the same values.
   *
   * @param number of the tensor in the quantized model
   * @param name in the quantized model
   * @param floatNumber number of the tensor in the float model
   * @param floatName in the float model
   * @param role what it is to its subgraph
   * @param operator number of the operator of the quantized model that writes it, -1 for an input
   * @param operatorName e.g. {@code CONV_2D}, empty for an input
   * @param type of its elements in the quantized model
   * @param shape in the quantized model, as it was last run
   * @param scale real value of a step, 0 if the type has none
   * @param zeroPoint the integer that stands for 0
   * @param clipped share of the float values that are further than half a step beyond what the
   *     integers can hold; 0 for floats
   * @param accumulated its error end to end: with what all operators before it have added
   * @param local the error that the operator which writes it adds alone, when it reads the float
   *     model's values, rounded to the encodings of its operands; empty for inputs, and where the
   *     operator could not be run alone
   * @param values of the float model's tensor, if {@link
   *     io.narrow.tflite.comparison.Comparator.Options#histograms} asks for them and there was a
   *     sample without NaN and infinity
   * @param rule what the mode makes of the operator that writes the float model's, and why, if that
   *     is known
   */
  public record Tensor(
      int number,
      String name,
      int floatNumber,
      String floatName,
      Role role,
      int operator,
      String operatorName,
      TensorType type,
      List<Integer> shape,
      float scale,
      int zeroPoint,
      double clipped,
      Error accumulated,
      Optional<Error> local,
      Optional<Distribution> values,
      Optional<OperatorPlan> rule) {
    public Tensor {
      shape = List.copyOf(shape);
    }

    Tensor with(Optional<OperatorPlan> found) {
      return new Tensor(
          number,
          name,
          floatNumber,
          floatName,
          role,
          operator,
          operatorName,
          type,
          shape,
          scale,
          zeroPoint,
          clipped,
          accumulated,
          local,
          values,
          found);
    }

    /** The smallest real value that its integers stand for; NaN if it has none. */
    public double lowest() {
      return real(type.smallest());
    }

    /** The largest real value that its integers stand for; NaN if it has none. */
    public double highest() {
      return real(type.largest());
    }

    private double real(long code) {
      return scale > 0 ? (double) scale * (code - zeroPoint) : Double.NaN;
    }

    /** An error in steps of the scale; NaN if there is none. */
    public double steps(double error) {
      return scale > 0 ? error / scale : Double.NaN;
    }
  }

  /**
   * How far values are from those they stand for: float value minus dequantized value, over all
   * samples. Each figure is computed for a sample and then averaged, which makes it the same
   * whatever the order of the samples and the number of threads.
   *
   * @param meanSquaredError mean of the squares
   * @param signalPower mean of the squares of the float values
   * @param signalToNoise mean of the samples' {@code signalPower / (meanSquaredError + 1e-9)}, as
   *     ai-edge-quantizer has it: a ratio, not decibels
   * @param cosine mean of the samples' cosine of the angle between both as vectors: 1 if both are
   *     zero, 0 if one is
   * @param largest largest absolute error of all samples
   * @param meanLargest mean of the samples' largest absolute error
   * @param mean mean error: the bias
   * @param deviation mean of the samples' standard deviation of the error
   * @param notFinite how many values were NaN or infinite in one of both and another value in the
   *     other; no other figure counts them
   */
  public record Error(
      double meanSquaredError,
      double signalPower,
      double signalToNoise,
      double cosine,
      double largest,
      double meanLargest,
      double mean,
      double deviation,
      long notFinite) {
    /** Values that are not finite come first, then the lower SQNR. */
    static final Comparator<Error> WORST_FIRST =
        Comparator.<Error>comparingLong(error -> -error.notFinite)
            .thenComparingDouble(Error::sqnrDb);

    /**
     * Signal to quantization noise ratio over all samples, {@code 10 log10(signalPower /
     * meanSquaredError)}: {@code +Infinity} where there is no error, {@code -Infinity} where the
     * float values are all 0 and the others are not.
     */
    public double sqnrDb() {
      return meanSquaredError == 0
          ? Double.POSITIVE_INFINITY
          : 10 * Math.log10(signalPower / meanSquaredError);
    }

    /** Root of the mean squared error. */
    public double rootMeanSquare() {
      return Math.sqrt(meanSquaredError);
    }
  }

  /**
   * What the outputs gain when operators compute in float32 again. The signal to quantization noise
   * ratio is that of all outputs together, each with its mean noise in relation to its mean signal.
   *
   * @param operatorName kind of the operator
   * @param name of the float model's tensor that it writes
   * @param localSqnrDb SQNR of what it adds alone
   * @param before SQNR of the outputs of the quantized model, in decibels
   * @param alone the same with this operator restored
   * @param together the same with this one and all that are worse restored
   * @param keepFloat the expression that finds it and no other, for {@code Recipe.keepingFloat}
   * @param problem why it could not be restored, and the other figures are NaN; empty if it was
   */
  public record Restored(
      String operatorName,
      String name,
      double localSqnrDb,
      double before,
      double alone,
      double together,
      String keepFloat,
      String problem) {}
}
