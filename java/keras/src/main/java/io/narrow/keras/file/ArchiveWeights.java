package io.narrow.keras.file;

import java.util.Optional;

/** Weights of a {@code .keras} archive: numbered within each layer. */
public record ArchiveWeights(Hdf5 file) implements Weights {
  @Override
  public Optional<Array> find(Place place, Part part, String name, int index) {
    if (part.moved().containsKey(name)) {
      return find(place, Part.WHOLE, name, part.moved().get(name));
    }
    int number = index - part.moved().size(); // those that are moved come first
    String inner = part.archive().isEmpty() ? "" : "/" + part.archive();
    // Keras 2 calls some layers inside others by their private fields.
    String hidden = inner.replaceFirst("/([^/]*)$", "/_$1");
    Optional<Array> found = variable(place.archive() + inner, number);
    return found.isPresent() ? found : variable(place.archive() + hidden, number);
  }

  private Optional<Array> variable(String group, int index) {
    int place = index < 0 ? file.size(group + "/vars") + index : index;
    return place < 0 ? Optional.empty() : file.floats(group + "/vars/" + place);
  }
}
