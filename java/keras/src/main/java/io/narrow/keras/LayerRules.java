package io.narrow.keras;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The layer table: one row for every class of layers that can be imported. */
final class LayerRules {
  private static final Map<String, Rule> ROWS = new HashMap<>();

  static {
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
        .forEach(ROWS::putAll);
  }

  private LayerRules() {}

  static Optional<Rule> of(String kind) {
    return Optional.ofNullable(ROWS.get(kind));
  }
}
