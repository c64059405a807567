// Ranges, scales and codes in one call.
#include <math.h>

#include "channels.h"
#include "narrow/kernels.h"

namespace narrow {
namespace {

// So many values are looked at twice: 64 KiB, which the second-level cache holds with room to spare.
constexpr int64_t kTwice = 16384;

// Of numbers that are small enough for it: adding and subtracting 1.5 * 2^52 rounds half to even.
double rounded(double x) { return (x + 6755399441055744.0) - 6755399441055744.0; }

struct Scale {
  float scale;
  int32_t zero_point;
};

Scale scale_of(const Range& range, bool symmetric, int32_t qmin, int32_t qmax) {
  const double min = range.min < 0.0f ? static_cast<double>(range.min) : 0.0;
  const double max = range.max > 0.0f ? static_cast<double>(range.max) : 0.0;
  const int32_t middle = (qmin + qmax + 1) / 2;
  const double exact = symmetric ? (-min > max ? -min : max) / (qmax - middle) : (max - min) / (qmax - qmin);
  const float smallest = 0x1p-126f, scale = static_cast<float>(exact) > smallest ? static_cast<float>(exact) : smallest;
  if (symmetric) return {scale, middle};
  const double zero_point = rounded(qmin - min / static_cast<double>(scale));
  return {scale, zero_point > qmax ? qmax : zero_point < qmin ? qmin : static_cast<int32_t>(zero_point)};
}

template <class Q>
using PerChannel = void (*)(const float*, int64_t, int64_t, int64_t, int64_t, int64_t, const float*, const int32_t*,
                            int32_t, int32_t, Q*, int64_t);

constexpr int64_t kMostChannels = 512;  // at a time, 4 KiB of stack

// What a call has besides x and y.
struct Fit {
  int64_t channels, inner;
  bool symmetric;
  int32_t qmin, qmax;
  float* scales;
  int32_t* zero_points;
  int64_t* counts;
};

// `packed` codes share an element of y.
template <class Q>
void quantize_fitted(PerChannel<Q> quantize, int64_t packed, const float* x, const Fit& f, Q* y, int64_t y_offset) {
  if (f.channels == 0 || f.inner == 0) return;
  const KernelTable& k = kernels();
  const RangeKernel range_kernel = *range_in_use.load(std::memory_order_relaxed);
  // Whole elements of y, whatever the length of a channel.
  const int64_t several = least(kTwice / f.inner, kMostChannels) / packed * packed;
  float inverse_scales[kMostChannels];
  int32_t zero_points[kMostChannels];
  int64_t unusual[2] = {load(f.counts, 0), load(f.counts, 1)};
  for (int64_t first = 0, m; first < f.channels; first += m) {
    m = least(several > 0 ? several : packed, f.channels - first);
    for (int64_t c = 0; c < m; c++) {
      Range range = {HUGE_VALF, -HUGE_VALF, unusual[0], unusual[1]};
      (k.*range_kernel)(x + (first + c) * f.inner, f.inner, &range);
      unusual[0] = range.nans;
      unusual[1] = range.infinities;
      const Scale scale = scale_of(range, f.symmetric, f.qmin, f.qmax);
      inverse_scales[c] = 1.0f / scale.scale;
      zero_points[c] = scale.zero_point;
      store(f.scales, first + c, scale.scale);
      store(f.zero_points, first + c, scale.zero_point);
    }
    quantize(x, first * f.inner, m * f.inner, 0, m, f.inner, inverse_scales, zero_points, f.qmin, f.qmax, y,
             y_offset + first * f.inner);
  }
  store(f.counts, 0, unusual[0]);
  store(f.counts, 1, unusual[1]);
}

}  // namespace
}  // namespace narrow

#define NARROW_FITTED(name, Q, packed)                                                                             \
  void narrow_f32_to_##name##_fitted(const float* x, int64_t x_offset, int64_t channels, int64_t inner,            \
                                     int32_t symmetric, int32_t qmin, int32_t qmax, float* scales,                 \
                                     int32_t* zero_points, int64_t scales_offset, int64_t* counts, Q* y,           \
                                     int64_t y_offset) {                                                           \
    const narrow::Fit fit = {                                                                                      \
        channels, inner, symmetric != 0, qmin, qmax, scales + scales_offset, zero_points + scales_offset, counts}; \
    narrow::quantize_fitted(narrow_f32_to_##name##_per_channel, packed, x + x_offset, fit, y, y_offset);           \
  }
NARROW_FITTED(s8, int8_t, 1)
NARROW_FITTED(u8, uint8_t, 1)
NARROW_FITTED(s16, int16_t, 1)
NARROW_FITTED(s4, uint8_t, 2)

void narrow_f32_optimized_rows(const float* x, int64_t x_offset, int64_t rows, int64_t n, const float* centroid,
                               int32_t bits, uint8_t* y, int64_t y_offset, float* ends, int32_t* sums) {
  narrow::kernels().f32_optimized_rows(x + x_offset, rows, n, {centroid, bits}, y + y_offset, ends, sums);
}
