// The public functions that many floats go into and few come out of: what is the same on every instruction set.
#include <math.h>

#include "channels.h"
#include "narrow/kernels.h"

namespace narrow {
namespace {

constexpr uint32_t kInfinity = 0x7f800000, kQuietNan = 0x7fc00000;
constexpr float kHighest = HUGE_VALF;  // infinity

uint32_t bits_of(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

// absmax[channel] becomes the larger of itself and a magnitude (as bits: infinity beats numbers, NaN infinity).
void extend(float* absmax, int64_t channel, uint32_t magnitude) {
  const uint32_t before = bits_of(load(absmax, channel));
  uint32_t after = before > magnitude ? before : magnitude;
  if (after > kInfinity) after = kQuietNan;
  if (after == before) return;
  float extended;
  memcpy(&extended, &after, sizeof extended);
  store(absmax, channel, extended);
}

// Extends min and max of a channel by a range, in which a zero is +0.
void extend(float* min, float* max, int64_t channel, float lowest, float highest) {
  if (lowest < load(min, channel)) store(min, channel, lowest);
  if (highest > load(max, channel)) store(max, channel, highest);
}

// What was found in a row of short runs, element by element, until it is merged into the channels.
struct Columns {
  int64_t filled = 0;
  int64_t channel_of[kSpread];

  // Calls merge(element, channel) for all elements before others take their places.
  template <class Merge>
  void fill(int64_t j, int64_t m, int64_t channel, Merge merge) {
    if (j == 0) this->merge(merge);
    for (filled = j + m; j < filled; j++) channel_of[j] = channel;
  }
  void repeat(int64_t j, int64_t m) {
    memcpy(channel_of + j, channel_of, static_cast<size_t>(m) * sizeof *channel_of);
    filled = j + m;
  }
  template <class Merge>
  void merge(Merge merge) {
    for (int64_t j = 0; j < filled; j++) merge(j, channel_of[j]);
    filled = 0;
  }
};

// Calls kernel(x, how many rows) for rows of n elements, which it goes over side by side. Where they end behind so many
// elements that no cache held them all, a few at a time, after reading them in order: from memory that is two or three
// times as fast, because a row is too short for the processor to see it coming.
template <class Kernel>
void by_rows(const float* x, int64_t rows, int64_t n, int64_t end, Kernel kernel) {
  constexpr int64_t kFromMemory = int64_t{1} << 21, kSideBySide = 4;
  if (end < kFromMemory) return kernel(x, rows);
  for (int64_t m; rows > 0; rows -= m, x += m * n) {
    m = least(rows, kSideBySide);
    const volatile char* bytes = reinterpret_cast<const volatile char*>(x);
    for (int64_t i = 0; i < m * n * static_cast<int64_t>(sizeof *x); i += 64) (void)bytes[i];
    kernel(x, m);
  }
}

double sum_of_16(const double* partial) {
  double sums[16];
  memcpy(sums, partial, sizeof sums);
  for (int apart = 8; apart > 0; apart /= 2)
    for (int i = 0; i < apart; i++) sums[i] += sums[i + apart];
  return sums[0];
}

void add(double* sums, int64_t i, double more) {
  const uint64_t quiet_nan = 0x7ff8000000000000;
  double sum = load(sums, i) + more;
  if (sum != sum) memcpy(&sum, &quiet_nan, sizeof sum);
  store(sums, i, sum);
}

}  // namespace
}  // namespace narrow

using namespace narrow;

void narrow_f32_range(const float* x, int64_t x_offset, int64_t n, float* min_max, int64_t* counts) {
  if (n == 0) return;
  Range range = {load(min_max, 0), load(min_max, 1), load(counts, 0), load(counts, 1)};
  const KernelTable& k = kernels();
  (k.*(*range_in_use.load(std::memory_order_relaxed)))(x + x_offset, n, &range);
  store(min_max, 0, range.min);
  store(min_max, 1, range.max);
  store(counts, 0, range.nans);
  store(counts, 1, range.infinities);
}

void narrow_f32_range_per_channel(const float* x, int64_t x_offset, int64_t n, int64_t first, int64_t channels,
                                  int64_t inner, float* min, float* max, int64_t* counts) {
  const KernelTable& k = kernels();
  const RangeKernel range_kernel = *range_in_use.load(std::memory_order_relaxed);
  x += x_offset;
  Columns columns;
  float lowest[kSpread], highest[kSpread];
  int64_t unusual[2] = {load(counts, 0), load(counts, 1)};
  const auto merge = [&](int64_t j, int64_t channel) { extend(min, max, channel, lowest[j], highest[j]); };
  const auto empty = [&](int64_t j, int64_t m) {
    for (const int64_t end = j + m; j < end; j++) {
      lowest[j] = kHighest;
      highest[j] = -kHighest;
    }
  };
  cut(
      n, first, channels, inner,
      [&](int64_t i, int64_t m, int64_t channel) {
        Range range = {kHighest, -kHighest, unusual[0], unusual[1]};
        (k.*range_kernel)(x + i, m, &range);
        extend(min, max, channel, range.min, range.max);
        unusual[0] = range.nans;
        unusual[1] = range.infinities;
      },
      [&](int64_t i, int64_t rows, int64_t m, int64_t channel) {
        by_rows(x + i, rows, m, first + n, [&](const float* from, int64_t count) {
          k.f32_range_rows(from, count, m, min + channel, max + channel, unusual);
        });
      },
      [&](int64_t j, int64_t m, int64_t channel) {
        columns.fill(j, m, channel, merge);
        empty(j, m);
      },
      [&](int64_t j, int64_t m) {
        columns.repeat(j, m);
        empty(j, m);
      },
      [&](int64_t i, int64_t rows, int64_t m) { k.f32_range_rows(x + i, rows, m, lowest, highest, unusual); });
  columns.merge(merge);
  store(counts, 0, unusual[0]);
  store(counts, 1, unusual[1]);
}

void narrow_f32_absmax(const float* x, int64_t x_offset, int64_t n, int64_t first, int64_t channels, int64_t inner,
                       float* absmax) {
  const KernelTable& k = kernels();
  x += x_offset;
  Columns columns;
  float maxima[kSpread];
  const auto merge = [&](int64_t j, int64_t channel) { extend(absmax, channel, bits_of(maxima[j])); };
  cut(
      n, first, channels, inner,
      [&](int64_t i, int64_t m, int64_t channel) { extend(absmax, channel, k.f32_absmax(x + i, m)); },
      [&](int64_t i, int64_t rows, int64_t m, int64_t channel) {
        bool nan = false;
        by_rows(x + i, rows, m, first + n, [&](const float* from, int64_t count) {
          nan |= k.f32_absmax_rows(from, count, m, absmax + channel) != 0;
        });
        if (nan)
          for (int64_t j = channel; j < channel + m; j++) extend(absmax, j, 0);  // one NaN for all
      },
      [&](int64_t j, int64_t m, int64_t channel) {
        columns.fill(j, m, channel, merge);
        memset(maxima + j, 0, static_cast<size_t>(m) * sizeof(float));
      },
      [&](int64_t j, int64_t m) {
        columns.repeat(j, m);
        memset(maxima + j, 0, static_cast<size_t>(m) * sizeof(float));
      },
      [&](int64_t i, int64_t rows, int64_t m) { k.f32_absmax_rows(x + i, rows, m, maxima); });
  columns.merge(merge);
}

void narrow_f32_error(const float* x, int64_t x_offset, const float* y, int64_t y_offset, int64_t n, double* sums) {
  if (n == 0) return;
  double partial[32] = {};
  kernels().f32_error(x + x_offset, y + y_offset, n, partial);
  add(sums, 0, sum_of_16(partial));
  add(sums, 1, sum_of_16(partial + 16));
}

void narrow_f32_least_error_scales(const float* x, int64_t x_offset, int64_t channels, int64_t inner, int32_t limit,
                                   int32_t steps, float step, float* scales, int64_t scales_offset) {
  const KernelTable& table = kernels();
  for (int64_t c = 0; c < channels; c++) {
    const float whole = load(scales, scales_offset + c);
    float best = whole, least = 0.0f;
    for (int32_t k = 0; k < steps; k++) {
      const float scale = whole * (1.0f - static_cast<float>(k) * step);
      const Rounding rounding = {1.0f / scale, scale, static_cast<float>(limit)};
      const float error = table.f32_rounding_error(x + x_offset + c * inner, inner, rounding);
      if (k == 0 || error < least) {
        least = error;
        best = scale;
      }
    }
    store(scales, scales_offset + c, best);
  }
}
