package io.narrow.keras;

import java.util.Optional;

/** Weights of a {@code .keras} archive: numbered within each layer. */
record ArchiveWeights(Hdf5 file) implements Weights {
  @Override
  public Optional<Array> find(Place place, Part part, String name, int index) {
    String inner = part.archive().isEmpty() ? "" : "/" + part.archive();
    // Keras 2 calls some layers inside others by their private fields.
    String hidden = inner.replaceFirst("/([^/]*)$", "/_$1");
    Optional<Array> found = file.floats(place.archive() + inner + "/vars/" + index);
    return found.isPresent() ? found : file.floats(place.archive() + hidden + "/vars/" + index);
  }
}
