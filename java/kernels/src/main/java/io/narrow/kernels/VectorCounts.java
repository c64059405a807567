package io.narrow.kernels;

import java.io.Serializable;

/**
 * What happened to unusual values. Counts of parts can be merged.
 *
 * @param rows rows seen
 * @param nans values that were NaN
 * @param infinities values that were infinite
 * @param clipped finite values beyond the range of the codes, which became the nearest
 */
public record VectorCounts(long rows, long nans, long infinities, long clipped)
    implements Serializable {
  /** The counts of no rows. */
  public static final VectorCounts NONE = new VectorCounts(0, 0, 0, 0);

  /** The counts of both. */
  public VectorCounts merge(VectorCounts other) {
    return new VectorCounts(
        rows + other.rows,
        nans + other.nans,
        infinities + other.infinities,
        clipped + other.clipped);
  }
}
