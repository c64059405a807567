package io.narrow.tflite.shape;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.narrow.tflite.NarrowException;
import io.narrow.tflite.Quantizer;
import io.narrow.tflite.Shared;
import io.narrow.tflite.model.Model;
import io.narrow.tflite.model.ModelBuilder;
import io.narrow.tflite.model.Operator;
import io.narrow.tflite.model.Subgraph;
import io.narrow.tflite.model.Tensor;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.plan.Mode;
import io.narrow.tflite.plan.Recipe;
import io.narrow.tflite.rewrite.RuntimeComparison;
import io.narrow.tflite.schema.Table;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Shape arithmetic as exporters write it, in the shapes of public reports. */
class StaticShapesTest {
  @TempDir private Path folder;

  private final ModelBuilder builder = new ModelBuilder(3);

  /** A tensor with sizes that are open where they are -1. */
  private int open(String name, TensorType type, int... sizes) {
    return builder.computedLike(
        name, Tensor.of(name, type, new int[sizes.length]).withSizes(sizes));
  }

  private int integers(String name, int... shape) {
    return builder.tensor(name, TensorType.INT32, shape);
  }

  private int list(int... values) {
    return builder.constant("list", values, values.length);
  }

  private int scalar(int value) {
    return builder.constant("scalar", new int[] {value});
  }

  private int shapeOf(int tensor, int rank) {
    int shape = integers("shape", rank);
    builder.operator(
        "SHAPE", Table.of("ShapeOptions").with("out_type", 2), new int[] {tensor}, shape);
    return shape;
  }

  /** One size of a shape, as a scalar. */
  private int sizeOf(int shape, int axis) {
    int size = integers("size");
    builder.operator(
        "STRIDED_SLICE",
        Table.of("StridedSliceOptions").with("shrink_axis_mask", 1),
        new int[] {shape, list(axis), list(axis + 1), list(1)},
        size);
    return size;
  }

  private int pack(int... sizes) {
    int shape = integers("packed", sizes.length);
    builder.operator(
        "PACK", Table.of("PackOptions").with("values_count", sizes.length), sizes, shape);
    return shape;
  }

  private int arithmetic(String operator, int a, int b) {
    int result = integers(operator.toLowerCase(java.util.Locale.ROOT));
    builder.operator(operator, new int[] {a, b}, result);
    return result;
  }

  private static List<String> operators(Model model) {
    return model.subgraphs().get(0).operators().stream().map(Operator::name).toList();
  }

  private static Tensor output(Model model) {
    Subgraph graph = model.subgraphs().get(0);
    return graph.tensor(graph.outputs()[0]);
  }

  /** Both compute the same on the runtime. */
  private void same(Model before, Model after) {
    Path first = folder.resolve("before.tflite");
    Path second = folder.resolve("after.tflite");
    before.write(first);
    after.write(second);
    assertThat(RuntimeComparison.outputs(second, false))
        .usingElementComparator(Arrays::compare)
        .isEqualTo(RuntimeComparison.outputs(first, false));
  }

  private static Model fixed(Model model, InputShapes shapes) {
    return StaticShapes.of(shapes.fix(model)).model();
  }

  private Model folded(Model model, InputShapes shapes) {
    Model folded = fixed(model, shapes);
    same(model, folded);
    return folded;
  }

  private static InputShapes batch(int size) {
    return InputShapes.NONE.withBatch(size);
  }

  /** tflite-micro#197, tensorflow#50241, #45256: Flatten of an open batch. */
  private Model flatten() {
    int x = open("x", TensorType.FLOAT32, -1, 2, 3, 4);
    int y = open("y", TensorType.FLOAT32, -1, 24);
    int wanted = pack(sizeOf(shapeOf(x, 4), 0), scalar(24));
    builder.operator("RESHAPE", new int[] {x, wanted}, y).inputs(x).outputs(y);
    return builder.build();
  }

  @Test
  void flattenKeepsOnlyItsReshape() {
    Model folded = folded(flatten(), batch(1));
    assertThat(operators(folded)).containsExactly("RESHAPE");
    assertThat(output(folded).shapeSignature()).containsExactly(1, 24);
  }

  @Test
  void nothingIsFoldedWithoutTheOption() {
    Model model = flatten();
    assertThat(StaticShapes.of(model).model()).isSameAs(model);
    Model plain = Quantizer.DEFAULT.quantize(model, Recipe.of(Mode.FLOAT32));
    assertThat(operators(plain)).contains("SHAPE", "STRIDED_SLICE", "PACK");
    assertThat(output(plain).shapeSignature()).containsExactly(-1, 24);
  }

  @Test
  void fixedInputsNeedNoOption() {
    int x = builder.floats("x", 1, 2, 12);
    int y = open("y", TensorType.FLOAT32, -1, 24);
    int wanted = pack(sizeOf(shapeOf(x, 3), 0), scalar(24));
    builder.operator("RESHAPE", new int[] {x, wanted}, y).inputs(x).outputs(y);
    Model model = builder.build();
    Model folded = Quantizer.DEFAULT.quantize(model, Recipe.of(Mode.FLOAT32));
    assertThat(operators(folded)).containsExactly("RESHAPE");
    assertThat(output(folded).shapeSignature()).containsExactly(1, 24);
    same(model, folded);
    assertThat(Quantizer.DEFAULT.prepare(model).foldedKinds(Recipe.of(Mode.FLOAT32)))
        .containsExactly("1 given by shapes that are fixed: `packed`");
  }

  /** tensorflow#44905, keras#17337, #17094: Conv2DTranspose computes where its result ends. */
  @Test
  void transposedConvolution() {
    int x = open("x", TensorType.FLOAT32, -1, 3, 3, 2);
    int y = open("y", TensorType.FLOAT32, -1, -1, -1, 5);
    int shape = shapeOf(x, 4);
    int height = arithmetic("MUL", sizeOf(shape, 1), scalar(2));
    int width = arithmetic("ADD", arithmetic("SUB", sizeOf(shape, 2), scalar(1)), scalar(4));
    int wanted = pack(sizeOf(shape, 0), height, width, scalar(5));
    builder
        .operator(
            "TRANSPOSE_CONV",
            Table.of("TransposeConvOptions").with("stride_w", 2).with("stride_h", 2),
            new int[] {wanted, builder.weights("w", 5, 2, 2, 2), x},
            y)
        .inputs(x)
        .outputs(y);
    Model folded = folded(builder.build(), batch(2).withBatch(1));
    assertThat(operators(folded)).containsExactly("TRANSPOSE_CONV");
    assertThat(output(folded).shape()).containsExactly(1, 6, 6, 5);
  }

  /** tensorflow#45090: UpSampling2D gave 1x1 where its size was not folded. */
  @Test
  void upsampling() {
    int x = open("x", TensorType.FLOAT32, -1, 4, 5, 2);
    int y = open("y", TensorType.FLOAT32, -1, -1, -1, 2);
    int sizes = integers("sizes", 2);
    builder.operator(
        "STRIDED_SLICE",
        Table.of("StridedSliceOptions"),
        new int[] {shapeOf(x, 4), list(1), list(3), list(1)},
        sizes);
    int twice = integers("twice", 2);
    builder.operator("MUL", new int[] {sizes, list(2, 3)}, twice);
    builder.operator("RESIZE_NEAREST_NEIGHBOR", new int[] {x, twice}, y).inputs(x).outputs(y);
    Model folded = folded(builder.build(), batch(1));
    assertThat(operators(folded)).containsExactly("RESIZE_NEAREST_NEIGHBOR");
    assertThat(output(folded).shape()).containsExactly(1, 8, 15, 2);
  }

  /** The same by way of floats, as tf.image.resize is exported. */
  @Test
  void sizesThatAreFloatsInBetween() {
    int x = open("x", TensorType.FLOAT32, -1, 4, 5, 2);
    int y = open("y", TensorType.FLOAT32, -1, -1, -1, 2);
    int sizes = integers("sizes", 2);
    builder.operator("SLICE", new int[] {shapeOf(x, 4), list(1), list(2)}, sizes);
    int real = builder.floats("real", 2);
    int times = builder.floats("times", 2);
    int down = builder.floats("down", 2);
    int back = integers("back", 2);
    builder
        .operator("CAST", new int[] {sizes}, real)
        .operator("MUL", new int[] {real, builder.constant("f", new float[] {1.5f})}, times)
        .operator("FLOOR", new int[] {times}, down)
        .operator("CAST", new int[] {down}, back)
        .operator("RESIZE_BILINEAR", new int[] {x, back}, y)
        .inputs(x)
        .outputs(y);
    Model folded = folded(builder.build(), batch(1));
    assertThat(operators(folded)).containsExactly("RESIZE_BILINEAR");
    assertThat(output(folded).shape()).containsExactly(1, 6, 7, 2);
  }

  /** iree#9764: SPLIT of a shape, RESHAPE to a scalar by an empty list. */
  @Test
  void splitShape() {
    int x = open("x", TensorType.FLOAT32, -1, 16);
    int y = open("y", TensorType.FLOAT32, -1, -1);
    int first = integers("first", 1);
    int second = integers("second", 1);
    int number = integers("number");
    builder
        .operator(
            "SPLIT",
            Table.of("SplitOptions").with("num_splits", 2),
            new int[] {scalar(0), shapeOf(x, 2)},
            first,
            second)
        .operator("RESHAPE", new int[] {first, integers("empty", 0)}, number);
    int wanted = pack(arithmetic("MUL", number, scalar(2)), scalar(8));
    builder.operator("RESHAPE", new int[] {x, wanted}, y).inputs(x).outputs(y);
    Model folded = folded(builder.build(), batch(1));
    assertThat(operators(folded)).containsExactly("RESHAPE");
    assertThat(output(folded).shape()).containsExactly(2, 8);
  }

  /** first-order-model-tf#11: sizes from GATHER, CONCATENATION, REDUCE_PROD and FLOOR_DIV. */
  @ParameterizedTest
  @ValueSource(ints = {1, 3})
  void gatheredAndReduced(int size) {
    int x = open("x", TensorType.FLOAT32, -1, 4, 6);
    int y = open("y", TensorType.FLOAT32, -1, -1);
    int shape = shapeOf(x, 3);
    int inner = integers("inner", 2);
    builder.operator("GATHER", new int[] {shape, list(1, 2)}, inner);
    int product = integers("product");
    builder.operator("REDUCE_PROD", new int[] {inner, list(0)}, product);
    int outer = integers("outer", 1);
    builder.operator("GATHER", new int[] {shape, list(0)}, outer);
    int half = integers("half", 1);
    builder.operator(
        "EXPAND_DIMS", new int[] {arithmetic("FLOOR_DIV", product, scalar(2)), scalar(0)}, half);
    int twice = integers("twice", 1);
    builder.operator("ADD", new int[] {outer, outer}, twice);
    int wanted = integers("wanted", 2);
    builder
        .operator(
            "CONCATENATION", Table.of("ConcatenationOptions"), new int[] {twice, half}, wanted)
        .operator("RESHAPE", new int[] {x, wanted}, y)
        .inputs(x)
        .outputs(y);
    Model folded = fixed(builder.build(), batch(size));
    assertThat(operators(folded)).containsExactly("RESHAPE");
    assertThat(output(folded).shape()).containsExactly(2 * size, 12);
  }

  /** Zero states and positions: FILL, RANGE, TILE and BROADCAST_TO of a computed size. */
  @Test
  void filledAndCounted() {
    int x = open("x", TensorType.FLOAT32, -1, 5);
    int shape = shapeOf(x, 2);
    int positions = open("positions", TensorType.INT32, -1);
    builder.operator("RANGE", new int[] {scalar(0), sizeOf(shape, 1), scalar(1)}, positions);
    int row = open("row", TensorType.INT32, 1, -1);
    builder.operator("EXPAND_DIMS", new int[] {positions, scalar(0)}, row);
    int all = open("all", TensorType.INT32, -1, -1);
    builder.operator("TILE", new int[] {row, pack(sizeOf(shape, 0), scalar(1))}, all);
    int looked = open("looked", TensorType.FLOAT32, -1, -1, 3);
    builder.operator("GATHER", new int[] {builder.weights("table", 5, 3), all}, looked);
    int zeros = open("zeros", TensorType.FLOAT32, -1, 3);
    builder.operator(
        "FILL",
        new int[] {
          pack(sizeOf(shape, 0), scalar(5), scalar(3)), builder.constant("0", new float[1])
        },
        zeros);
    int y = open("y", TensorType.FLOAT32, -1, 5, 3);
    int taken = open("taken", TensorType.FLOAT32, -1, 5, 1);
    int sum = open("sum", TensorType.FLOAT32, -1, 5, 3);
    builder
        .operator("ADD", new int[] {looked, zeros}, sum)
        .operator("EXPAND_DIMS", new int[] {x, scalar(2)}, taken)
        .operator("ADD", new int[] {sum, taken}, y)
        .inputs(x)
        .outputs(y);
    Model folded = folded(builder.build(), batch(1));
    assertThat(operators(folded)).containsExactly("GATHER", "FILL", "ADD", "EXPAND_DIMS", "ADD");
  }

  /** tflite-micro#867, #3112: where a slice begins is an input; that stays. */
  @Test
  void slicesByValuesStay() {
    int x = builder.floats("x", 1, 8);
    int begin = integers("begin", 2);
    int y = open("y", TensorType.FLOAT32, 1, -1);
    builder
        .operator(
            "STRIDED_SLICE",
            Table.of("StridedSliceOptions").with("end_mask", 3),
            new int[] {x, begin, list(0, 0), list(1, 1)},
            y)
        .inputs(x, begin)
        .outputs(y);
    Model model = builder.build();
    assertThat(batch(1).fix(model).subgraphs().get(0).tensor(y).shapeSignature())
        .containsExactly(1, -1);
    assertThat(operators(batch(1).fix(model))).containsExactly("STRIDED_SLICE");
  }

  /** tensorflow#29590, #48915: an axis that stays open, beside one that is fixed. */
  @Test
  void oneAxisStaysOpen() {
    int x = open("x", TensorType.FLOAT32, -1, -1, 4);
    int y = open("y", TensorType.FLOAT32, -1, -1);
    int shape = shapeOf(x, 3);
    int wanted = pack(sizeOf(shape, 0), arithmetic("MUL", sizeOf(shape, 1), scalar(4)));
    builder.operator("RESHAPE", new int[] {x, wanted}, y).inputs(x).outputs(y);
    Model model = builder.build();
    Model fixed = folded(model, batch(1));
    assertThat(operators(fixed)).contains("SHAPE", "MUL", "PACK", "RESHAPE");
    assertThat(output(fixed).shapeSignature()).containsExactly(1, -1);
    Model both = fixed(model, InputShapes.NONE.with("x=1,7,4"));
    assertThat(operators(both)).containsExactly("RESHAPE");
    assertThat(output(both).shape()).containsExactly(1, 28);
  }

  /** A shape that is read twice, one of a computed tensor, and one that is a result. */
  @Test
  void shapesOfWhatIsComputed() {
    int x = open("x", TensorType.FLOAT32, -1, 4);
    int relu = open("relu", TensorType.FLOAT32, -1, 4);
    builder.operator("RELU", new int[] {x}, relu);
    int shape = shapeOf(relu, 2);
    int y = open("y", TensorType.FLOAT32, -1, -1, 2);
    int z = open("z", TensorType.FLOAT32, -1, -1);
    builder
        .operator("RESHAPE", new int[] {relu, pack(sizeOf(shape, 0), scalar(2), scalar(2))}, y)
        .operator("RESHAPE", new int[] {y, shape}, z)
        .inputs(x)
        .outputs(y, z, shape);
    Model folded = folded(builder.build(), batch(1));
    assertThat(operators(folded)).containsExactly("RELU", "SHAPE", "RESHAPE", "RESHAPE");
  }

  /** What runs in a loop keeps the sizes that do not change, and no others. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void loops(boolean grows) {
    int i = integers("i");
    int x = open("x", TensorType.FLOAT32, -1, 3);
    int after = integers("after");
    int y = open("y", TensorType.FLOAT32, -1, 3);
    builder
        .operator(
            "WHILE",
            Table.of("WhileOptions").with("cond_subgraph_index", 1).with("body_subgraph_index", 2),
            new int[] {i, x},
            after,
            y)
        .inputs(i, x)
        .outputs(y);
    builder.subgraph();
    int number = integers("number");
    int unused = open("unused", TensorType.FLOAT32, -1, 3);
    int more = builder.tensor("more", TensorType.BOOL);
    builder
        .operator("LESS", new int[] {number, scalar(2)}, more)
        .inputs(number, unused)
        .outputs(more);
    builder.subgraph();
    int turn = integers("turn");
    int state = open("state", TensorType.FLOAT32, -1, 3);
    int next = integers("next");
    builder.operator("ADD", new int[] {turn, scalar(1)}, next);
    int wide = open("wide", TensorType.FLOAT32, -1, -1);
    int seen = open("seen", TensorType.FLOAT32, -1, 3);
    int wanted = pack(sizeOf(shapeOf(state, 2), 0), scalar(3));
    builder.operator("RESHAPE", new int[] {state, wanted}, seen);
    builder
        .operator(
            "CONCATENATION",
            Table.of("ConcatenationOptions").with("axis", 0),
            grows ? new int[] {seen, seen} : new int[] {seen},
            wide)
        .inputs(turn, state)
        .outputs(next, wide);
    Model model = builder.build();
    Model folded = folded(model, batch(1));
    List<String> body = folded.subgraphs().get(2).operators().stream().map(Operator::name).toList();
    assertThat(body.contains("SHAPE")).isEqualTo(grows);
    assertThat(output(folded).shapeSignature()).containsExactly(grows ? -1 : 1, 3);
  }

  /** A subgraph that two operators call with other shapes knows only what these share. */
  @Test
  void branchesAndBodiesThatAreShared() {
    int which = builder.tensor("which", TensorType.BOOL);
    int x = open("x", TensorType.FLOAT32, -1, 3);
    int w = open("w", TensorType.FLOAT32, 2, 3);
    int a = open("a", TensorType.FLOAT32, -1, 3);
    int b = open("b", TensorType.FLOAT32, -1, 3);
    Table options =
        Table.of("IfOptions").with("then_subgraph_index", 1).with("else_subgraph_index", 1);
    builder
        .operator("IF", options, new int[] {which, x}, a)
        .operator("IF", options, new int[] {which, w}, b)
        .inputs(which, x, w)
        .outputs(a, b);
    builder.subgraph();
    int in = open("in", TensorType.FLOAT32, -1, 3);
    int out = open("out", TensorType.FLOAT32, -1, 3);
    int wanted = pack(sizeOf(shapeOf(in, 2), 0), scalar(3));
    builder.operator("RESHAPE", new int[] {in, wanted}, out).inputs(in).outputs(out);
    Model model = builder.build();
    Model folded = folded(model, batch(1));
    assertThat(folded.subgraphs().get(1).operators()).hasSize(4);
    Model alike = fixed(model, batch(2));
    assertThat(alike.subgraphs().get(1).operators()).hasSize(1);
  }

  @Test
  void signaturesOfDifferentShapes() {
    Model model = Model.read(Shared.file("models/zoo/odd_multi_signature.tflite"));
    Model fixed = batch(1).fix(model);
    assertThat(fixed.signatures()).isEqualTo(model.signatures());
    assertThat(fixed.entries()).isEqualTo(model.entries());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "x=1,2,3,5 | built.tflite: input `x` has the shape [?, 2, 3, 4], which cannot be [1, 2, 3, 5]",
        "x=1,24 | built.tflite: input `x` has the shape [?, 2, 3, 4], which cannot be [1, 24]",
        "z=1,2 | built.tflite: input shape of `z`: the inputs are `x`",
        "x | input shape `x`: has to be NAME=1,224,224,3, with sizes of 1 or more",
        "x=1,-1 | input shape `x=1,-1`: has to be NAME=1,224,224,3, with sizes of 1 or more",
        "x=1,99999999999 | input shape `x=1,99999999999`: has to be NAME=1,224,224,3, with sizes of 1"
            + " or more"
      })
  void wrongShapesAreOneLine(String shape, String message) {
    Model model = flatten();
    assertThatThrownBy(() -> InputShapes.NONE.with(shape).fix(model))
        .isInstanceOf(NarrowException.class)
        .hasMessage(message);
  }

  /** tflite-micro#3070: an operator behind does not take it. */
  @Test
  void whatDoesNotFitNamesTheOperator() {
    int x = open("x", TensorType.FLOAT32, -1, 4);
    int y = builder.floats("y", 1, 8);
    builder.operator("RESHAPE", new int[] {x, list(1, 8)}, y).inputs(x).outputs(y);
    Model model = builder.build();
    assertThat(output(batch(2).fix(model)).shape()).containsExactly(1, 8);
    assertThatThrownBy(() -> batch(1).fix(model))
        .hasMessage(
            "built.tflite: with batch 1: RESHAPE `y`: a shape of [1, 4] does not become [1, 8]");
    assertThatThrownBy(() -> InputShapes.NONE.with("x=2147483647,4").fix(model))
        .hasMessageContaining("RESHAPE `y`");
  }

  private Optional<String> problem(String operator, Table options, int... in) {
    int y = open("y", TensorType.FLOAT32);
    builder.operator(operator, options, in, y).inputs(in).outputs(y);
    return Inference.of(builder.build()).problem();
  }

  /** As damaged files say; nothing of that size is made. */
  @ParameterizedTest
  @CsvSource({
    "UNPACK, UnpackOptions, num, 2147483647",
    "UNPACK, UnpackOptions, num, -1",
    "SPLIT, SplitOptions, num_splits, 2147483647",
    "SPLIT, SplitOptions, num_splits, 0",
    "SPLIT_V, SplitVOptions, num_splits, 2147483647",
    "SPLIT_V, SplitVOptions, num_splits, 2"
  })
  void otherResultsThanTheOperatorWritesAreRefused(
      String operator, String options, String option, int count) {
    int x = open("x", TensorType.FLOAT32, -1, 4);
    assertThat(problem(operator, Table.of(options).with(option, count), x, x, x))
        .hasValue(operator + " `y`: " + count + " results, but writes 1");
  }

  @ParameterizedTest
  @CsvSource({"RESHAPE, ReshapeOptions", "STRIDED_SLICE, StridedSliceOptions"})
  void moreAxesThanATensorHasAreRefused(String operator, String options) {
    int x = open("x", TensorType.FLOAT32, -1, 4);
    int many = integers("many", Integer.MAX_VALUE);
    assertThat(problem(operator, Table.of(options), x, many, many, many))
        .hasValue(operator + " `y`: 2147483647 axes");
  }

  @Test
  void hugeShapesAreRefused() {
    int x = open("x", TensorType.FLOAT32, -1, -1, -1);
    int y = open("y", TensorType.FLOAT32, -1, -1, -1);
    builder.operator("RELU", new int[] {x}, y).inputs(x).outputs(y);
    Model model = builder.build();
    assertThatThrownBy(() -> InputShapes.NONE.with("x=2147483647,2147483647,2147483647").fix(model))
        .isInstanceOf(NarrowException.class)
        .hasMessageContaining("larger than any memory");
  }

  @Test
  void nothingToFixIsSaid() {
    int x = builder.floats("x", 2, 4);
    int y = builder.floats("y", 2, 4);
    builder.operator("RELU", new int[] {x}, y).inputs(x).outputs(y);
    Model model = builder.build();
    assertThat(batch(1).fix(model)).isNotNull();
    assertThat(batch(1).withoutEffect(model))
        .containsExactly("without effect: batch 1, as no input has a first axis of open size");
    assertThat(batch(1).withoutEffect(flattenOther())).isEmpty();
  }

  private static Model flattenOther() {
    return new StaticShapesTest().flatten();
  }

  /** Slices of a list, against Python's rules written the slow way. */
  @Test
  void slicesOfAllKinds() {
    int[] values = {10, 11, 12, 13, 14};
    for (int begin = -6; begin <= 6; begin++) {
      for (int end = -6; end <= 6; end++) {
        for (int step : new int[] {-3, -2, -1, 1, 2, 3}) {
          for (int masks = 0; masks < 4; masks++) {
            Table options =
                Table.of("StridedSliceOptions")
                    .with("begin_mask", masks & 1)
                    .with("end_mask", masks >> 1);
            ModelBuilder one = new ModelBuilder(1);
            IntStream.range(0, 5).forEach(t -> one.tensor("t" + t, TensorType.INT32, 1));
            Operator operator =
                one.operator("STRIDED_SLICE", options, new int[] {0, 1, 2, 3}, 4)
                    .build()
                    .subgraphs()
                    .get(0)
                    .operators()
                    .get(0);
            Node node =
                new Node(
                    operator,
                    List.of(
                        Fact.vector(Arrays.stream(values).asDoubleStream().toArray()),
                        Fact.vector(begin),
                        Fact.vector(end),
                        Fact.vector(step)),
                    TensorType.INT32);
            double[] expected =
                python(
                    values, (masks & 1) != 0 ? null : begin, (masks & 2) != 0 ? null : end, step);
            assertThat(Slices.TABLE.get("STRIDED_SLICE").of(node).get(0).values())
                .as("[%d:%d:%d], masks %d", begin, end, step, masks)
                .containsExactly(expected);
          }
        }
      }
    }
  }

  private static double[] python(int[] values, Integer begin, Integer end, int step) {
    int size = values.length;
    int low = step > 0 ? 0 : -1;
    int high = step > 0 ? size : size - 1;
    int first = begin == null ? step > 0 ? 0 : size - 1 : begin < 0 ? begin + size : begin;
    int last = end == null ? step > 0 ? size : -1 : end < 0 ? end + size : end;
    first = Math.max(low, Math.min(high, first));
    last = end == null ? last : Math.max(low, Math.min(high, last));
    int stop = last;
    return IntStream.iterate(first, i -> step > 0 ? i < stop : i > stop, i -> i + step)
        .mapToDouble(i -> values[i])
        .toArray();
  }
}
