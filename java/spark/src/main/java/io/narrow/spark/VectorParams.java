package io.narrow.spark;

import io.narrow.kernels.RangeRule;
import io.narrow.kernels.VectorFormat;
import io.narrow.kernels.VectorQuantizer.Invalid;
import io.narrow.kernels.VectorQuantizer.Scheme;
import io.narrow.kernels.VectorQuantizer.Scope;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;
import org.apache.spark.ml.param.BooleanParam;
import org.apache.spark.ml.param.DoubleParam;
import org.apache.spark.ml.param.IntParam;
import org.apache.spark.ml.param.Param;
import org.apache.spark.ml.param.ParamValidators;
import org.apache.spark.ml.param.Params;

/** Parameters of {@link VectorQuantizer} and {@link VectorQuantizerModel}. */
public interface VectorParams extends Params {
  /** The parameters of one stage. */
  final class Held {
    private final Param<String> inputCol;
    private final Param<String> outputCol;
    private final Param<String> scaleCol;
    private final Param<String> format;
    private final Param<String> scope;
    private final Param<String> scheme;
    private final DoubleParam lower;
    private final DoubleParam upper;
    private final BooleanParam clip;
    private final IntParam dimensions;
    private final Param<String> handleInvalid;

    Held(VectorParams stage) {
      inputCol =
          new Param<>(
              stage,
              "inputCol",
              "vectors: array<float>, array<double>, vector, little-endian binary");
      outputCol = new Param<>(stage, "outputCol", "codes, binary");
      scaleCol = new Param<>(stage, "scaleCol", "scale and zero point, where the scope is ROW");
      format = oneOf(stage, "format", "what a value becomes", VectorFormat.values());
      scope = oneOf(stage, "scope", "which values share a range", Scope.values());
      scheme =
          oneOf(
              stage,
              "scheme",
              "how a range turns values into integers; unless set, AFFINE or what the format has",
              Scheme.values());
      lower = new DoubleParam(stage, "lowerQuantile", "fraction of the values below the range");
      upper = new DoubleParam(stage, "upperQuantile", "fraction of the values not above the range");
      clip =
          new BooleanParam(
              stage, "clip", "whether NaN and infinities become codes, rather than an error");
      dimensions = new IntParam(stage, "dimensions", "values of a row; 0: those of the first row");
      handleInvalid =
          oneOf(
              stage, "handleInvalid", "rows that are null or too long: error, skip, keep as null");
    }

    private static Param<String> oneOf(
        VectorParams stage, String name, String doc, Enum<?>... names) {
      String[] allowed =
          names.length == 0
              ? new String[] {"error", "skip", "keep"}
              : Arrays.stream(names).map(Enum::name).toArray(String[]::new);
      String all = Arrays.stream(allowed).collect(Collectors.joining(", "));
      return new Param<>(
          stage.uid(), name, doc + ": " + all, ParamValidators.<String>inArray(allowed));
    }

    void setDefaults(VectorParams stage) {
      stage.setDefault(format, VectorFormat.INT8.name());
      stage.setDefault(scope, Scope.DIMENSION.name());
      stage.setDefault(scheme, Scheme.AFFINE.name());
      stage.setDefault(lower, 0.0);
      stage.setDefault(upper, 1.0);
      stage.setDefault(clip, false);
      stage.setDefault(dimensions, 0);
      stage.setDefault(handleInvalid, "error");
      stage.setDefault(scaleCol, "");
    }
  }

  /** The parameters of this stage. */
  Held held();

  /** The column of vectors. */
  default Param<String> inputCol() {
    return held().inputCol;
  }

  /** The column of codes. */
  default Param<String> outputCol() {
    return held().outputCol;
  }

  /** The column of scales and zero points; the codes' name and {@code _scale} if it is empty. */
  default Param<String> scaleCol() {
    return held().scaleCol;
  }

  /** The name of a {@link VectorFormat}. */
  default Param<String> format() {
    return held().format;
  }

  /** The name of a {@link Scope}. */
  default Param<String> scope() {
    return held().scope;
  }

  /**
   * The name of a {@link Scheme}; formats without AFFINE have one of their own unless it is set.
   */
  default Param<String> scheme() {
    return held().scheme;
  }

  /** The lower fraction of a {@link RangeRule}. */
  default DoubleParam lowerQuantile() {
    return held().lower;
  }

  /** The upper fraction of a {@link RangeRule}. */
  default DoubleParam upperQuantile() {
    return held().upper;
  }

  /** Whether values are {@linkplain Invalid clipped}. */
  default BooleanParam clip() {
    return held().clip;
  }

  /** Values of a row. */
  default IntParam dimensions() {
    return held().dimensions;
  }

  /** What becomes of rows that are null or of another length. */
  default Param<String> handleInvalid() {
    return held().handleInvalid;
  }

  /** The quantizer of the kernels for rows of so many values. */
  default io.narrow.kernels.VectorQuantizer kernels(int values) {
    io.narrow.kernels.VectorQuantizer known =
        io.narrow.kernels.VectorQuantizer.of(VectorFormat.valueOf(getOrDefault(format())), values);
    return new io.narrow.kernels.VectorQuantizer(
        known.format(),
        values,
        Scope.valueOf(getOrDefault(scope())),
        isSet(scheme()) ? Scheme.valueOf(getOrDefault(scheme())) : known.scheme(),
        new RangeRule(
            (Double) getOrDefault((Param<?>) lowerQuantile()),
            (Double) getOrDefault((Param<?>) upperQuantile())),
        (Boolean) getOrDefault((Param<?>) clip()) ? Invalid.CLIP : Invalid.FAIL);
  }

  /** Whether there is a column of scales. */
  default boolean hasScales() {
    return VectorFormat.valueOf(getOrDefault(format())).isInteger()
        && Scope.valueOf(getOrDefault(scope())) == Scope.ROW;
  }

  /** The name of the column of scales. */
  default String scales() {
    String name = getOrDefault(scaleCol());
    return name.isEmpty() ? getOrDefault(outputCol()) + "_scale" : name;
  }

  /** What {@link #handleInvalid} says. */
  default Rows.Invalid invalidRows() {
    return Rows.Invalid.valueOf(getOrDefault(handleInvalid()).toUpperCase(Locale.ROOT));
  }
}
