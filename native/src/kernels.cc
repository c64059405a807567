// The public functions: what is the same on every instruction set. They cut tensors into runs that a kernel can take.
#include "narrow/kernels.h"

#include <string.h>

#include "kernel_table.h"

namespace narrow {
namespace {

template <class T>
T load(const T* x, int64_t i) {
  T value;
  memcpy(&value, reinterpret_cast<const char*>(x) + i * static_cast<int64_t>(sizeof(T)), sizeof(T));
  return value;
}

template <class T>
void store(T* y, int64_t i, T value) {
  memcpy(reinterpret_cast<char*>(y) + i * static_cast<int64_t>(sizeof(T)), &value, sizeof(T));
}

int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

// ---- Channels -------------------------------------------------------------------------------------------------------

// Where element number `first` and those after it stand.
struct Position {
  int64_t channels, inner, channel, in_run;
  Position(int64_t first, int64_t channels, int64_t inner)
      : channels(channels), inner(inner), channel(first / inner % channels), in_run(first % inner) {}
  int64_t run() const { return inner - in_run; }  // how many more elements of this channel follow directly
  void advance(int64_t n) {                       // n <= run()
    in_run += n;
    if (in_run < inner) return;
    in_run = 0;
    channel = channel + 1 < channels ? channel + 1 : 0;
  }
};

// Shorter runs than this are not worth a call each; their parameters are written out element by element instead.
constexpr int64_t kShortRun = 32;
// So many elements at a time, 2 KiB of stack per parameter.
constexpr int64_t kSpread = 512;

// Cuts n elements of which the first is at `position`. Long runs go to run(offset, length, channel). Of short ones,
// whole rows with one element a channel go to row(offset, length, channel of the first); anything else to
// spread(offset, length), after fill(index, length, channel) was called for its runs. Where a few periods fit into
// the buffer they are filled in once for all.
template <class Run, class Row, class Fill, class Spread>
void cut(int64_t n, int64_t first, int64_t channels, int64_t inner, Run run, Row row, Fill fill, Spread spread) {
  if (n == 0) return;
  Position position(first, channels, inner);
  const bool fits = position.channels <= kSpread / position.inner;
  if (position.inner >= kShortRun || position.channels == 1) {
    for (int64_t i = 0, m; i < n; i += m) {
      m = position.channels == 1 ? n : least(position.run(), n - i);
      run(i, m, position.channel);
      position.advance(m);
    }
  } else if (position.inner == 1 && !fits) {
    for (int64_t i = 0, m; i < n; i += m) {
      m = least(position.channels - position.channel, n - i);
      row(i, m, position.channel);
      position.channel = 0;
    }
  } else {
    const int64_t period = position.channels * position.inner;
    const int64_t most = fits ? kSpread / period * period : kSpread;
    for (int64_t i = 0, m; i < n; i += m) {
      m = least(most, n - i);
      for (int64_t j = 0, run_length; j < m && (i == 0 || !fits); j += run_length) {
        run_length = least(position.run(), m - j);
        fill(j, run_length, position.channel);
        position.advance(run_length);
      }
      spread(i, m);
    }
  }
}

// What the channels of one call share.
struct Channels {
  int64_t first, channels, inner;
  const float* scales;
  const int32_t* zero_points;
};

// Calls all(offset, length, scale, zero point) or each(offset, length, scales, zero points).
template <class All, class Each>
void cut_affine(const Channels& c, int64_t n, All all, Each each) {
  float scales[kSpread];
  int32_t zero_points[kSpread];
  cut(
      n, c.first, c.channels, c.inner,
      [&](int64_t i, int64_t m, int64_t channel) { all(i, m, load(c.scales, channel), load(c.zero_points, channel)); },
      [&](int64_t i, int64_t m, int64_t channel) { each(i, m, c.scales + channel, c.zero_points + channel); },
      [&](int64_t j, int64_t m, int64_t channel) {
        const float scale = load(c.scales, channel);
        const int32_t zero_point = load(c.zero_points, channel);
        for (const int64_t end = j + m; j < end; j++) {
          scales[j] = scale;
          zero_points[j] = zero_point;
        }
      },
      [&](int64_t i, int64_t m) { each(i, m, scales, zero_points); });
}

template <class Q>
void quantize(void (*all)(const float*, int64_t, Affine, Q*), void (*each)(const float*, int64_t, AffineEach, Q*),
              const float* x, int64_t n, const Channels& c, int32_t qmin, int32_t qmax, Q* y) {
  cut_affine(
      c, n,
      [=](int64_t i, int64_t m, float scale, int32_t zero_point) {
        all(x + i, m, Affine{scale, zero_point, qmin, qmax}, y + i);
      },
      [=](int64_t i, int64_t m, const float* scales, const int32_t* zero_points) {
        each(x + i, m, AffineEach{scales, zero_points, qmin, qmax}, y + i);
      });
}

template <class Q>
void dequantize(void (*all)(const Q*, int64_t, float, int32_t, float*),
                void (*each)(const Q*, int64_t, const float*, const int32_t*, float*), const Q* x, int64_t n,
                const Channels& c, float* y) {
  cut_affine(
      c, n, [=](int64_t i, int64_t m, float scale, int32_t zero_point) { all(x + i, m, scale, zero_point, y + i); },
      [=](int64_t i, int64_t m, const float* scales, const int32_t* zero_points) {
        each(x + i, m, scales, zero_points, y + i);
      });
}

// ---- int4 -----------------------------------------------------------------------------------------------------------

// int4 passes through int8, so many values at a time: even, so that every piece starts with a byte of its own.
constexpr int64_t kNibbles = 2048;

// Calls to_s8(offset, length, s8), then packs.
template <class ToS8>
void pack(const KernelTable& k, int64_t n, uint8_t* y, ToS8 to_s8) {
  int8_t q[kNibbles];
  for (int64_t i = 0; i < n; i += kNibbles) {
    const int64_t m = least(kNibbles, n - i);
    to_s8(i, m, q);
    k.s4_pack(q, m, y + i / 2);
  }
}

// Unpacks, then calls from_s8(offset, length, s8).
template <class FromS8>
void unpack(const KernelTable& k, const uint8_t* x, int64_t n, FromS8 from_s8) {
  int8_t q[kNibbles];
  for (int64_t i = 0; i < n; i += kNibbles) {
    const int64_t m = least(kNibbles, n - i);
    k.s4_unpack(x + i / 2, m, q);
    from_s8(i, m, q);
  }
}

// ---- Reductions -----------------------------------------------------------------------------------------------------

constexpr uint32_t kInfinity = 0x7f800000, kQuietNan = 0x7fc00000;

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

// The maxima of a stretch of short runs, element by element, until they are merged into their channels.
struct SpreadMaxima {
  float* absmax;
  int64_t filled = 0;
  float maxima[kSpread];
  int64_t channel_of[kSpread];

  explicit SpreadMaxima(float* absmax) : absmax(absmax) { memset(maxima, 0, sizeof maxima); }
  void fill(int64_t j, int64_t m, int64_t channel) {
    if (j == 0) merge();
    for (filled = j + m; j < filled; j++) channel_of[j] = channel;
  }
  void merge() {
    for (int64_t j = 0; j < filled; j++) {
      extend(absmax, channel_of[j], bits_of(maxima[j]));
      maxima[j] = 0.0f;
    }
    filled = 0;
  }
};

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
  kernels().f32_range(x + x_offset, n, &range);
  store(min_max, 0, range.min);
  store(min_max, 1, range.max);
  store(counts, 0, range.nans);
  store(counts, 1, range.infinities);
}

void narrow_f32_absmax(const float* x, int64_t x_offset, int64_t n, int64_t first, int64_t channels, int64_t inner,
                       float* absmax) {
  const KernelTable& k = kernels();
  x += x_offset;
  SpreadMaxima spread(absmax);
  bool rows = false;
  cut(
      n, first, channels, inner,
      [&](int64_t i, int64_t m, int64_t channel) { extend(absmax, channel, k.f32_absmax(x + i, m)); },
      [&](int64_t i, int64_t m, int64_t channel) {
        k.f32_absmax_each(x + i, m, absmax + channel);
        rows = true;
      },
      [&](int64_t j, int64_t m, int64_t channel) { spread.fill(j, m, channel); },
      [&](int64_t i, int64_t m) { k.f32_absmax_each(x + i, m, spread.maxima); });
  spread.merge();
  for (int64_t j = 0; rows && j < least(n, channels); j++)
    extend(absmax, (first + j) % channels, 0);  // one NaN for all
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

// Every integer type but int4 has the same four functions.
#define NARROW_INTEGER(name, Q)                                                                                      \
  void narrow_f32_to_##name(const float* x, int64_t x_offset, int64_t n, float inverse_scale, int32_t zero_point,    \
                            int32_t qmin, int32_t qmax, Q* y, int64_t y_offset) {                                    \
    kernels().f32_to_##name(x + x_offset, n, Affine{inverse_scale, zero_point, qmin, qmax}, y + y_offset);           \
  }                                                                                                                  \
  void narrow_f32_to_##name##_per_channel(                                                                           \
      const float* x, int64_t x_offset, int64_t n, int64_t first, int64_t channels, int64_t inner,                   \
      const float* inverse_scales, const int32_t* zero_points, int32_t qmin, int32_t qmax, Q* y, int64_t y_offset) { \
    const KernelTable& k = kernels();                                                                                \
    quantize(k.f32_to_##name, k.f32_to_##name##_each, x + x_offset, n,                                               \
             Channels{first, channels, inner, inverse_scales, zero_points}, qmin, qmax, y + y_offset);               \
  }                                                                                                                  \
  void narrow_##name##_to_f32(const Q* x, int64_t x_offset, int64_t n, float scale, int32_t zero_point, float* y,    \
                              int64_t y_offset) {                                                                    \
    kernels().name##_to_f32(x + x_offset, n, scale, zero_point, y + y_offset);                                       \
  }                                                                                                                  \
  void narrow_##name##_to_f32_per_channel(const Q* x, int64_t x_offset, int64_t n, int64_t first, int64_t channels,  \
                                          int64_t inner, const float* scales, const int32_t* zero_points, float* y,  \
                                          int64_t y_offset) {                                                        \
    const KernelTable& k = kernels();                                                                                \
    dequantize(k.name##_to_f32, k.name##_to_f32_each, x + x_offset, n,                                               \
               Channels{first, channels, inner, scales, zero_points}, y + y_offset);                                 \
  }
NARROW_INTEGER(s8, int8_t)
NARROW_INTEGER(u8, uint8_t)
NARROW_INTEGER(s16, int16_t)

void narrow_f32_to_s4(const float* x, int64_t x_offset, int64_t n, float inverse_scale, int32_t zero_point,
                      int32_t qmin, int32_t qmax, uint8_t* y, int64_t y_offset) {
  const KernelTable& k = kernels();
  pack(k, n, y + y_offset / 2, [&](int64_t i, int64_t m, int8_t* q) {
    k.f32_to_s8(x + x_offset + i, m, Affine{inverse_scale, zero_point, qmin, qmax}, q);
  });
}

void narrow_f32_to_s4_per_channel(const float* x, int64_t x_offset, int64_t n, int64_t first, int64_t channels,
                                  int64_t inner, const float* inverse_scales, const int32_t* zero_points, int32_t qmin,
                                  int32_t qmax, uint8_t* y, int64_t y_offset) {
  const KernelTable& k = kernels();
  pack(k, n, y + y_offset / 2, [&](int64_t i, int64_t m, int8_t* q) {
    const Channels c = {first + i, channels, inner, inverse_scales, zero_points};
    quantize(k.f32_to_s8, k.f32_to_s8_each, x + x_offset + i, m, c, qmin, qmax, q);
  });
}

void narrow_s4_to_f32(const uint8_t* x, int64_t x_offset, int64_t n, float scale, int32_t zero_point, float* y,
                      int64_t y_offset) {
  const KernelTable& k = kernels();
  unpack(k, x + x_offset / 2, n,
         [&](int64_t i, int64_t m, const int8_t* q) { k.s8_to_f32(q, m, scale, zero_point, y + y_offset + i); });
}

void narrow_s4_to_f32_per_channel(const uint8_t* x, int64_t x_offset, int64_t n, int64_t first, int64_t channels,
                                  int64_t inner, const float* scales, const int32_t* zero_points, float* y,
                                  int64_t y_offset) {
  const KernelTable& k = kernels();
  unpack(k, x + x_offset / 2, n, [&](int64_t i, int64_t m, const int8_t* q) {
    const Channels c = {first + i, channels, inner, scales, zero_points};
    dequantize(k.s8_to_f32, k.s8_to_f32_each, q, m, c, y + y_offset + i);
  });
}

void narrow_f32_to_f16(const float* x, int64_t x_offset, int64_t n, uint16_t* y, int64_t y_offset) {
  kernels().f32_to_f16(x + x_offset, n, y + y_offset);
}

int64_t narrow_f32_to_f16_saturated(const float* x, int64_t x_offset, int64_t n, uint16_t* y, int64_t y_offset) {
  return kernels().f32_to_f16_saturated(x + x_offset, n, y + y_offset);
}

void narrow_f16_to_f32(const uint16_t* x, int64_t x_offset, int64_t n, float* y, int64_t y_offset) {
  kernels().f16_to_f32(x + x_offset, n, y + y_offset);
}
