package io.narrow.keras.file;

import io.narrow.keras.graph.Floats;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The weights of a file, by layer. */
public interface Weights {
  /** Values in row-major order, and their shape. */
  record Array(Floats floats, int[] shape) {}

  /**
   * Where a layer is.
   *
   * @param names names of the models around it from the outermost on, and its own
   * @param archive its path in a {@code .keras} archive
   */
  record Place(List<String> names, String archive) {
    public String path() {
      return String.join("/", names);
    }
  }

  /**
   * One weight of a layer.
   *
   * @param part the layer or cell within the layer that has it, empty if it is the layer itself
   * @param name its own name, e.g. {@code kernel}
   * @param index its place among the weights of the layer or part, from the end if it is negative
   */
  Optional<Array> find(Place place, Part part, String name, int index);

  /**
   * A layer or cell within a layer.
   *
   * @param names what segments of the names of its weights begin with in {@code .h5} files
   * @param archive its path below the layer in {@code .keras} archives
   * @param moved weights that archives hold with the layer instead: their names, and their places
   *     there
   */
  record Part(List<String> names, String archive, Map<String, Integer> moved) {
    public static final Part WHOLE = new Part(List.of(), "");

    public Part(List<String> names, String archive) {
      this(names, archive, Map.of());
    }
  }
}
