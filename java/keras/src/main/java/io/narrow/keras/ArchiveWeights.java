package io.narrow.keras;

import java.util.Optional;

/** Weights of a {@code .keras} archive: numbered within each layer. */
record ArchiveWeights(Hdf5 file) implements Weights {
  @Override
  public Optional<Array> find(Place place, Part part, String name, int index) {
    String inner = part.archive().isEmpty() ? "" : "/" + part.archive();
    return file.floats(place.archive() + inner + "/vars/" + index);
  }
}
