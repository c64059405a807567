package io.narrow.keras.layers;

import io.narrow.keras.operations.Operations;
import io.narrow.keras.operations.ShapeOperations;
import io.narrow.keras.operations.SliceOperations;
import io.narrow.keras.rule.Rule;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The layer table: one row for every class of layers that can be imported. */
public final class LayerRules {
  /** The rules by class. */
  public static final Map<String, Rule> ROWS = rows();

  private LayerRules() {}

  private static Map<String, Rule> rows() {
    Map<String, Rule> rows = new HashMap<>();
    List.of(
            ActivationLayers.ROWS,
            ConvolutionLayers.ROWS,
            TransposedLayers.ROWS,
            DenseLayers.ROWS,
            PoolingLayers.ROWS,
            ShapeLayers.ROWS,
            ResizeLayers.ROWS,
            MergeLayers.ROWS,
            NormalizationLayers.ROWS,
            RecurrentLayers.ROWS,
            OptimizationLayers.ROWS,
            AttentionLayers.ROWS,
            Operations.ROWS,
            ShapeOperations.ROWS,
            SliceOperations.ROWS)
        .forEach(rows::putAll);
    return Collections.unmodifiableMap(rows);
  }
}
