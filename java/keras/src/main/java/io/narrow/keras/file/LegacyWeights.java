package io.narrow.keras.file;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Weights of an {@code .h5} file: a group for each outermost layer, with the names of all weights
 * below it. What comes before the last parts of a name differs between versions of Keras.
 */
public final class LegacyWeights implements Weights {
  private final Hdf5 file;
  private final String root;
  private final Map<String, List<String>> names = new HashMap<>();

  public LegacyWeights(Hdf5 file, String root) {
    this.file = file;
    this.root = root;
  }

  @Override
  public Optional<Array> find(Place place, Part part, String name, int index) {
    String top = place.names().get(0);
    String group = root + top;
    List<String> all = names.computeIfAbsent(top, t -> file.strings(group, "weight_names"));
    List<String> matches =
        all.stream()
            .filter(
                weight -> weight.replaceFirst("^.*/", "").replaceFirst(":\\d+$", "").equals(name))
            .toList();
    for (String inside : part.names()) {
      matches = within(matches, inside);
    }
    if (place.names().size() > 1) {
      matches = inner(matches, place.names());
    }
    if (matches.isEmpty()
        && place.names().size() == 1
        && part == Part.WHOLE
        && index >= 0
        && index < all.size()) {
      matches = List.of(all.get(index));
    }
    if (matches.size() > 1) {
      throw new IllegalStateException(
          "several weights could be its `" + name + "`: " + String.join(", ", matches));
    }
    return matches.isEmpty() ? Optional.empty() : file.floats(group + "/" + matches.get(0));
  }

  /** Those with this layer in their names, or else one that begins with it. */
  private static List<String> within(List<String> candidates, String layer) {
    List<String> found =
        candidates.stream().filter(c -> Arrays.asList(c.split("/")).contains(layer)).toList();
    return found.isEmpty()
        ? candidates.stream()
            .filter(c -> Arrays.stream(c.split("/")).anyMatch(s -> s.startsWith(layer)))
            .toList()
        : found;
  }

  /** Those whose names begin with the most names of the layers around, or else contain the last. */
  private static List<String> inner(List<String> candidates, List<String> path) {
    for (int from = 0; from < path.size(); from++) {
      String prefix = String.join("/", path.subList(from, path.size())) + "/";
      List<String> found = candidates.stream().filter(c -> c.startsWith(prefix)).toList();
      if (!found.isEmpty()) {
        return found;
      }
    }
    for (int from = 0; from < path.size(); from++) {
      String middle = "/" + String.join("/", path.subList(from, path.size())) + "/";
      List<String> found = candidates.stream().filter(c -> c.contains(middle)).toList();
      if (!found.isEmpty()) {
        return found;
      }
    }
    return List.of();
  }
}
