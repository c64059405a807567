package io.narrow.tflite.rewrite;

import static io.narrow.tflite.rewrite.IntegerModels.LUT;
import static io.narrow.tflite.rewrite.IntegerModels.end;
import static io.narrow.tflite.rewrite.IntegerModels.one;
import static io.narrow.tflite.rewrite.IntegerModels.options;

import io.narrow.tflite.model.ModelBuilder;
import io.narrow.tflite.model.TensorType;
import io.narrow.tflite.rewrite.IntegerModels.Rows;
import io.narrow.tflite.schema.Table;
import java.util.List;

/** Operators that move values, choose among them, or ask for their shape. */
final class MovingModels {
  private MovingModels() {}

  static void add(Rows rows) {
    rows.add(
        "SHAPE", 60, 60, b -> metadata(b, "SHAPE", options("ShapeOptions").with("out_type", 2), 3));
    rows.add("RANK", 60, 60, b -> metadata(b, "RANK", options("RankOptions")));
    rows.add(
        "RESHAPE",
        30,
        70,
        b -> one(b, "RESHAPE", null, new int[] {1, 4, 6, 8}, new int[] {4, 48}, new int[] {4, 48}));
    rows.add(
        "EXPAND_DIMS",
        30,
        70,
        b ->
            one(
                b,
                "EXPAND_DIMS",
                options("ExpandDimsOptions"),
                new int[] {4, 6},
                new int[] {4, 1, 6},
                new int[] {1}));
    rows.add(
        "SQUEEZE",
        30,
        70,
        b ->
            one(
                b,
                "SQUEEZE",
                options("SqueezeOptions").with("squeeze_dims", new int[] {0}),
                new int[] {1, 4, 6},
                new int[] {4, 6}));
    rows.add(
        "TRANSPOSE",
        30,
        70,
        b ->
            one(
                b,
                "TRANSPOSE",
                options("TransposeOptions"),
                new int[] {2, 4, 6},
                new int[] {6, 2, 4},
                new int[] {2, 0, 1}));
    rows.add(
        "TILE",
        30,
        70,
        b ->
            one(
                b,
                "TILE",
                options("TileOptions"),
                new int[] {2, 4, 6},
                new int[] {2, 8, 6},
                new int[] {1, 2, 1}));
    rows.add(
        "REVERSE_V2",
        30,
        70,
        b ->
            one(
                b,
                "REVERSE_V2",
                options("ReverseV2Options"),
                new int[] {2, 4, 6},
                new int[] {2, 4, 6},
                new int[] {1}));
    rows.add(
        "BROADCAST_TO",
        30,
        70,
        b ->
            one(
                b,
                "BROADCAST_TO",
                options("BroadcastToOptions"),
                new int[] {1, 4, 6},
                new int[] {3, 4, 6},
                new int[] {3, 4, 6}));
    rows.add("PAD", 30, 70, b -> padded(b, "PAD", options("PadOptions"), 10));
    rows.add("MIRROR_PAD", 30, 70, b -> padded(b, "MIRROR_PAD", options("MirrorPadOptions"), 10));
    rows.add("PADV2", 30, 70, b -> padWith(b, 0.75f));
    rows.add("PADV2 beyond the range", LUT, 70, b -> padWith(b, 3));
    rows.add(
        "SLICE",
        30,
        70,
        b -> {
          int x = b.floats("x", 2, 4, 6);
          int begin = b.constant("begin", new int[] {0, 1, 2}, 3);
          int size = b.constant("size", new int[] {2, 2, 3}, 3);
          return end(b, "SLICE", options("SliceOptions"), new int[] {x, begin, size}, x, 2, 2, 3);
        });
    rows.add(
        "STRIDED_SLICE",
        30,
        70,
        b -> {
          int x = b.floats("x", 2, 4, 6);
          int begin = b.constant("begin", new int[] {0, 0, 1}, 3);
          int stop = b.constant("end", new int[] {2, 4, 6}, 3);
          int stride = b.constant("stride", new int[] {1, 2, 2}, 3);
          return end(
              b,
              "STRIDED_SLICE",
              options("StridedSliceOptions"),
              new int[] {x, begin, stop, stride},
              x,
              2,
              2,
              3);
        });
    rows.add(
        "GATHER",
        30,
        70,
        b ->
            one(
                b,
                "GATHER",
                options("GatherOptions").with("axis", 1),
                new int[] {2, 4, 6},
                new int[] {2, 2, 6},
                new int[] {3, 1}));
    rows.add(
        "GATHER of a constant",
        30,
        70,
        b -> {
          int table = b.weights("table", 10, 6);
          int ids = b.tensor("ids", TensorType.INT32, 3);
          return end(b, "GATHER", options("GatherOptions"), new int[] {table, ids}, ids, 3, 6);
        });
    rows.add(
        "GATHER_ND",
        30,
        70,
        b -> {
          int x = b.floats("x", 4, 6);
          int ids = b.constant("ids", new int[] {3, 0, 1}, 3, 1);
          return end(b, "GATHER_ND", options("GatherNdOptions"), new int[] {x, ids}, x, 3, 6);
        });
    rows.add(
        "FILL",
        30,
        70,
        b -> {
          int shape = b.constant("shape", new int[] {2, 3}, 2);
          int x = b.floats("x");
          return end(b, "FILL", options("FillOptions"), new int[] {shape, x}, x, 2, 3);
        });
    rows.add(
        "DYNAMIC_UPDATE_SLICE",
        30,
        70,
        b -> {
          int x = b.floats("x", 4, 6);
          int update = b.floats("update", 2, 3);
          int at = b.constant("at", new int[] {1, 2}, 2);
          int y = b.floats("y", 4, 6);
          return b.operator("DYNAMIC_UPDATE_SLICE", new int[] {x, update, at}, y)
              .inputs(x, update)
              .outputs(y);
        });
    rows.add(
        "RESIZE_BILINEAR",
        LUT,
        50,
        b ->
            one(
                b,
                "RESIZE_BILINEAR",
                options("ResizeBilinearOptions").with("half_pixel_centers", 1),
                new int[] {1, 4, 6, 8},
                new int[] {1, 8, 12, 8},
                new int[] {8, 12}));
    rows.add(
        "RESIZE_NEAREST_NEIGHBOR",
        LUT,
        60,
        b ->
            one(
                b,
                "RESIZE_NEAREST_NEIGHBOR",
                options("ResizeNearestNeighborOptions"),
                new int[] {1, 4, 6, 8},
                new int[] {1, 8, 12, 8},
                new int[] {8, 12}));
    rows.add(
        "DEPTH_TO_SPACE",
        30,
        70,
        b ->
            one(
                b,
                "DEPTH_TO_SPACE",
                options("DepthToSpaceOptions").with("block_size", 2),
                new int[] {1, 4, 6, 8},
                new int[] {1, 8, 12, 2}));
    rows.add(
        "SPACE_TO_DEPTH",
        30,
        70,
        b ->
            one(
                b,
                "SPACE_TO_DEPTH",
                options("SpaceToDepthOptions").with("block_size", 2),
                new int[] {1, 4, 6, 8},
                new int[] {1, 2, 3, 32}));
    rows.add(
        "BATCH_TO_SPACE_ND",
        30,
        70,
        b ->
            blocks(
                b,
                "BATCH_TO_SPACE_ND",
                options("BatchToSpaceNDOptions"),
                new int[] {4, 2, 3, 8},
                new int[] {1, 4, 6, 8}));
    rows.add(
        "SPACE_TO_BATCH_ND",
        30,
        70,
        b ->
            blocks(
                b,
                "SPACE_TO_BATCH_ND",
                options("SpaceToBatchNDOptions"),
                new int[] {1, 4, 6, 8},
                new int[] {4, 2, 3, 8}));
    rows.add(
        "CONCATENATION",
        LUT,
        60,
        b -> several(b, "CONCATENATION", options("ConcatenationOptions").with("axis", 1), 4, 12));
    rows.add(
        "PACK",
        LUT,
        60,
        b ->
            several(
                b,
                "PACK",
                options("PackOptions").with("axis", 0).with("values_count", 2),
                2,
                4,
                6));
    rows.add(
        "UNPACK",
        30,
        70,
        b ->
            split(
                b,
                "UNPACK",
                options("UnpackOptions").with("axis", 0).with("num", 2),
                0,
                new int[] {2, 6},
                new int[] {6}));
    rows.add(
        "SPLIT",
        30,
        70,
        b ->
            split(
                b,
                "SPLIT",
                options("SplitOptions").with("num_splits", 2),
                1,
                new int[] {4, 6},
                new int[] {2, 6}));
    rows.add(
        "SPLIT_V",
        30,
        70,
        b ->
            split(
                b,
                "SPLIT_V",
                options("SplitVOptions").with("num_splits", 2),
                2,
                new int[] {4, 6},
                new int[] {2, 6}));
    rows.add(
        "DILATE",
        30,
        70,
        b -> {
          int x = b.floats("x", 4, 6);
          int by = b.constant("by", new int[] {2, 1}, 2);
          int filler = b.constant("filler", new float[] {.1f});
          return end(b, "DILATE", null, new int[] {x, by, filler}, x, 7, 6);
        });
    rows.add(
        "MATRIX_DIAG",
        0,
        70,
        b ->
            one(
                b,
                "MATRIX_DIAG",
                options("MatrixDiagOptions"),
                new int[] {4, 6},
                new int[] {4, 6, 6}));
    rows.add(
        "MATRIX_SET_DIAG",
        30,
        70,
        b -> {
          int x = b.floats("x", 4, 6, 6);
          int diagonal = b.floats("diagonal", 4, 6);
          int[] in = {x, diagonal};
          return end(b, "MATRIX_SET_DIAG", options("MatrixSetDiagOptions"), in, x, 4, 6, 6)
              .inputs(in);
        });
    rows.add(
        "ONE_HOT",
        30,
        0,
        b -> {
          int at = b.tensor("at", TensorType.INT32, 4);
          int depth = b.constant("depth", new int[] {5});
          int on = b.constant("on", new float[] {.7f});
          int off = b.constant("off", new float[] {.2f});
          Table options = options("OneHotOptions").with("axis", -1);
          return end(b, "ONE_HOT", options, new int[] {at, depth, on, off}, at, 4, 5);
        });
    rows.add(
        "REVERSE_SEQUENCE",
        0,
        70,
        b ->
            one(
                b,
                "REVERSE_SEQUENCE",
                options("ReverseSequenceOptions").with("seq_dim", 1),
                new int[] {4, 6},
                new int[] {4, 6},
                new int[] {3, 2, 6, 1}));
    rows.add(
        "SPARSE_TO_DENSE",
        30,
        0,
        b -> {
          int at = b.constant("at", new int[] {1, 3}, 2);
          int size = b.constant("size", new int[] {5}, 1);
          int x = b.floats("x", 2);
          int filler = b.constant("filler", new float[] {.1f});
          Table options = options("SparseToDenseOptions");
          return end(b, "SPARSE_TO_DENSE", options, new int[] {at, size, x, filler}, x, 5);
        });
    for (String operator : List.of("STABLEHLO_MAXIMUM", "STABLEHLO_MINIMUM")) {
      rows.add(operator, LUT, 60, b -> several(b, operator, null, 4, 6));
    }
    for (String operator : List.of("READ_VARIABLE", "ASSIGN_VARIABLE")) {
      rows.add(operator, 25, 60, b -> variable(b, 1));
      rows.add(operator + " of a wider range", 25, 60, b -> variable(b, 3));
    }
    rows.add("SELECT", LUT, 60, b -> select(b, "SELECT", options("SelectOptions")));
    rows.add("SELECT_V2", LUT, 60, b -> select(b, "SELECT_V2", options("SelectV2Options")));
  }

  private static ModelBuilder metadata(
      ModelBuilder b, String operator, Table options, int... shape) {
    int x = b.floats("x", 2, 4, 6);
    int y = b.tensor("y", TensorType.INT32, shape);
    return b.operator(operator, options, new int[] {x}, y).inputs(x).outputs(y);
  }

  private static ModelBuilder padded(ModelBuilder b, String operator, Table options, int width) {
    int x = b.floats("x", 1, 6, 6, 8);
    int by = b.constant("by", new int[] {0, 0, 2, 2, 2, 2, 0, 0}, 4, 2);
    return end(b, operator, options, new int[] {x, by}, x, 1, width, width, 8);
  }

  private static ModelBuilder padWith(ModelBuilder b, float value) {
    int x = b.floats("x", 1, 6, 6, 8);
    int by = b.constant("by", new int[] {0, 0, 2, 2, 2, 2, 0, 0}, 4, 2);
    int c = b.constant("c", new float[] {value});
    return end(b, "PADV2", options("PadV2Options"), new int[] {x, by, c}, x, 1, 10, 10, 8);
  }

  private static ModelBuilder blocks(
      ModelBuilder b, String operator, Table options, int[] from, int[] to) {
    int x = b.floats("x", from);
    int block = b.constant("block", new int[] {2, 2}, 2);
    int margins = b.constant("margins", new int[] {0, 0, 0, 0}, 2, 2);
    return end(b, operator, options, new int[] {x, block, margins}, x, to);
  }

  private static ModelBuilder several(ModelBuilder b, String operator, Table options, int... to) {
    int x = b.floats("x", 4, 6);
    int z = b.floats("z", 4, 6);
    int y = b.floats("y", to);
    return IntegerModels.call(b, operator, options, new int[] {x, z}, y).inputs(x, z).outputs(y);
  }

  /** What comes in is added to half of what a variable holds, and that is kept. */
  private static ModelBuilder variable(ModelBuilder b, float kept) {
    int handle = handle(b);
    int before = b.floats("before", 4, 6);
    int half = b.constant("half", new float[] {.5f / kept});
    int faded = b.floats("faded", 4, 6);
    int x = b.floats("x", 4, 6);
    int y = b.floats("y", 4, 6);
    int by = b.constant("by", new float[] {kept});
    int after = b.floats("after", 4, 6);
    b.operator("CALL_ONCE", options("CallOnceOptions").with("init_subgraph_index", 1), new int[0])
        .operator("READ_VARIABLE", options("ReadVariableOptions"), new int[] {handle}, before)
        .operator("MUL", options("MulOptions"), new int[] {before, half}, faded)
        .operator("ADD", options("AddOptions"), new int[] {faded, x}, y)
        .operator("MUL", options("MulOptions"), new int[] {y, by}, after)
        .operator("ASSIGN_VARIABLE", options("AssignVariableOptions"), new int[] {handle, after})
        .inputs(x)
        .outputs(y)
        .subgraph();
    int first = handle(b);
    int zeros = b.constant("zeros", new float[24], 4, 6);
    return b.operator(
        "ASSIGN_VARIABLE", options("AssignVariableOptions"), new int[] {first, zeros});
  }

  private static int handle(ModelBuilder b) {
    int handle = b.tensor("handle", TensorType.RESOURCE);
    b.operator(
        "VAR_HANDLE", options("VarHandleOptions").with("shared_name", "v"), new int[0], handle);
    return handle;
  }

  private static ModelBuilder split(
      ModelBuilder b, String operator, Table options, int form, int[] from, int[] to) {
    int x = b.floats("x", from);
    int axis = b.constant("axis", new int[] {0});
    int sizes = b.constant("sizes", new int[] {2, 2}, 2);
    int[][] in = {{x}, {axis, x}, {x, sizes, axis}};
    int y = b.floats("y", to);
    int z = b.floats("z", to);
    return b.operator(operator, options, in[form], y, z).inputs(x).outputs(y, z);
  }

  private static ModelBuilder select(ModelBuilder b, String operator, Table options) {
    int choice = b.tensor("choice", TensorType.BOOL, 4, 60);
    int x = b.floats("x", 4, 60);
    int z = b.floats("z", 4, 60);
    int y = b.floats("y", 4, 60);
    return b.operator(operator, options, new int[] {choice, x, z}, y)
        .inputs(choice, x, z)
        .outputs(y);
  }
}
