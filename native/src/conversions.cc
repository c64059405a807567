// The public functions that make one number of another: what is the same on every instruction set.
#include "channels.h"
#include "narrow/kernels.h"

namespace narrow {
namespace {

// What the channels of one call share.
struct Channels {
  int64_t first, channels, inner;
  const float* scales;
  const int32_t* zero_points;
};

// Whether all zero points are 0, as those of weights are; false where it would take long to know.
bool all_zero(const Channels& c, int64_t n) {
  if (c.channels > n / 4) return false;
  int32_t any = 0;
  for (int64_t i = 0; i < c.channels; i++) any |= load(c.zero_points, i);
  return any == 0;
}

// Calls all(offset, length, scale, zero point) or each(offset, length, scales, zero points).
template <class All, class Each>
void cut_affine(const Channels& c, int64_t n, All all, Each each) {
  float scales[kSpread];
  int32_t zero_points[kSpread];
  const auto rows = [&](int64_t i, int64_t count, int64_t m, const float* s, const int32_t* z) {
    for (; count > 0; count--, i += m) each(i, m, s, z);
  };
  cut(
      n, c.first, c.channels, c.inner,
      [&](int64_t i, int64_t m, int64_t channel) { all(i, m, load(c.scales, channel), load(c.zero_points, channel)); },
      [&](int64_t i, int64_t count, int64_t m, int64_t channel) {
        rows(i, count, m, c.scales + channel, c.zero_points + channel);
      },
      [&](int64_t j, int64_t m, int64_t channel) {
        const float scale = load(c.scales, channel);
        const int32_t zero_point = load(c.zero_points, channel);
        for (const int64_t end = j + m; j < end; j++) {
          scales[j] = scale;
          zero_points[j] = zero_point;
        }
      },
      [&](int64_t j, int64_t m) {
        memcpy(scales + j, scales, static_cast<size_t>(m) * sizeof *scales);
        memcpy(zero_points + j, zero_points, static_cast<size_t>(m) * sizeof *zero_points);
      },
      [&](int64_t i, int64_t count, int64_t m) { rows(i, count, m, scales, zero_points); });
}

template <class Q>
void quantize(void (*all)(const float*, int64_t, Affine, Q*), void (*each)(const float*, int64_t, AffineEach, Q*),
              const float* x, int64_t n, const Channels& c, int32_t qmin, int32_t qmax, Q* y) {
  const bool zeros = all_zero(c, n);
  cut_affine(
      c, n,
      [=](int64_t i, int64_t m, float scale, int32_t zero_point) {
        all(x + i, m, Affine{scale, zero_point, qmin, qmax}, y + i);
      },
      [=](int64_t i, int64_t m, const float* scales, const int32_t* zero_points) {
        each(x + i, m, AffineEach{scales, zeros ? nullptr : zero_points, qmin, qmax}, y + i);
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

}  // namespace
}  // namespace narrow

using namespace narrow;

// The kernel, or the one that writes around the caches where that many bytes are written.
template <class Kernel>
Kernel streamed(Kernel kernel, Kernel streamed, int64_t bytes) {
  return bytes < least_streamed.load(std::memory_order_relaxed) ? kernel : streamed;
}

// Every integer type but int4 has the same four functions.
#define NARROW_INTEGER(name, Q, all, back)                                                                           \
  void narrow_f32_to_##name(const float* x, int64_t x_offset, int64_t n, float inverse_scale, int32_t zero_point,    \
                            int32_t qmin, int32_t qmax, Q* y, int64_t y_offset) {                                    \
    const KernelTable& k = kernels();                                                                                \
    all(x + x_offset, n, Affine{inverse_scale, zero_point, qmin, qmax}, y + y_offset);                               \
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
    const KernelTable& k = kernels();                                                                                \
    back(x + x_offset, n, scale, zero_point, y + y_offset);                                                          \
  }                                                                                                                  \
  void narrow_##name##_to_f32_per_channel(const Q* x, int64_t x_offset, int64_t n, int64_t first, int64_t channels,  \
                                          int64_t inner, const float* scales, const int32_t* zero_points, float* y,  \
                                          int64_t y_offset) {                                                        \
    const KernelTable& k = kernels();                                                                                \
    dequantize(k.name##_to_f32, k.name##_to_f32_each, x + x_offset, n,                                               \
               Channels{first, channels, inner, scales, zero_points}, y + y_offset);                                 \
  }
#define NARROW_STREAMED(name, bytes) streamed(k.name, k.name##_streamed, n* bytes)
NARROW_INTEGER(s8, int8_t, NARROW_STREAMED(f32_to_s8, 1), NARROW_STREAMED(s8_to_f32, 4))
NARROW_INTEGER(u8, uint8_t, NARROW_STREAMED(f32_to_u8, 1), NARROW_STREAMED(u8_to_f32, 4))
NARROW_INTEGER(s16, int16_t, k.f32_to_s16, k.s16_to_f32)

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
  const KernelTable& k = kernels();
  NARROW_STREAMED(f32_to_f16, 2)(x + x_offset, n, y + y_offset);
}

int64_t narrow_f32_to_f16_saturated(const float* x, int64_t x_offset, int64_t n, uint16_t* y, int64_t y_offset) {
  return kernels().f32_to_f16_saturated(x + x_offset, n, y + y_offset);
}

void narrow_f16_to_f32(const uint16_t* x, int64_t x_offset, int64_t n, float* y, int64_t y_offset) {
  const KernelTable& k = kernels();
  NARROW_STREAMED(f16_to_f32, 4)(x + x_offset, n, y + y_offset);
}

void narrow_f32_to_bf16(const float* x, int64_t x_offset, int64_t n, uint16_t* y, int64_t y_offset) {
  kernels().f32_to_bf16(x + x_offset, n, y + y_offset);
}

void narrow_bf16_to_f32(const uint16_t* x, int64_t x_offset, int64_t n, float* y, int64_t y_offset) {
  kernels().bf16_to_f32(x + x_offset, n, y + y_offset);
}
