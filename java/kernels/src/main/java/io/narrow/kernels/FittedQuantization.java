package io.narrow.kernels;

/**
 * What {@link Kernels#quantizeFitted} found and used.
 *
 * @param quantization the scale and zero point of every channel
 * @param nans how many values were NaN, and became the zero point
 * @param infinities how many values were infinite, and became the nearest end
 */
public record FittedQuantization(Quantization quantization, long nans, long infinities) {
  /** Of the channels of this, and then those of another. */
  FittedQuantization followedBy(FittedQuantization next) {
    return new FittedQuantization(
        quantization.followedBy(next.quantization), nans + next.nans, infinities + next.infinities);
  }
}
