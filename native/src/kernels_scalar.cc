// The scalar reference: the specification of every kernel, and the fallback. Compiled without auto-vectorization, so
// that it stays what it says. Memory is read and written through memcpy, because pointers need no alignment.
#include <string.h>

#include "intervals_row.h"
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

uint32_t bits_of(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

float float_of(uint32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

constexpr uint32_t kMagnitude = 0x7fffffff;
constexpr uint32_t kInfinity = 0x7f800000;

uint32_t magnitude(const float* x, int64_t i) { return bits_of(load(x, i)) & kMagnitude; }

void f32_range_scalar(const float* x, int64_t n, Range* range) {
  Range r = *range;
  for (int64_t i = 0; i < n; i++) {
    const uint32_t m = magnitude(x, i);
    if (m > kInfinity) {
      r.nans++;
    } else if (m == kInfinity) {
      r.infinities++;
    } else {
      const float v = load(x, i);
      r.min = v < r.min ? v : r.min;
      r.max = v > r.max ? v : r.max;
    }
  }
  r.min += 0.0f;  // -0 becomes +0, nothing else changes
  r.max += 0.0f;
  *range = r;
}

void f32_range_flagged_scalar(const float* x, int64_t n, Range* range) { f32_range_scalar(x, n, range); }

uint32_t f32_absmax_scalar(const float* x, int64_t n) {
  uint32_t most = 0;
  for (int64_t i = 0; i < n; i++) {
    const uint32_t m = magnitude(x, i);
    most = m > most ? m : most;
  }
  return most;
}

int32_t f32_absmax_rows_scalar(const float* x, int64_t rows, int64_t n, float* absmax) {
  for (int64_t i = 0; i < rows * n; i++) {
    const uint32_t m = magnitude(x, i);
    if (m > magnitude(absmax, i % n)) store(absmax, i % n, float_of(m));
  }
  return f32_absmax_scalar(absmax, n) > kInfinity;
}

void f32_range_rows_scalar(const float* x, int64_t rows, int64_t n, float* min, float* max, int64_t* counts) {
  for (int64_t i = 0; i < rows * n; i++) {
    Range r = {load(min, i % n), load(max, i % n), load(counts, 0), load(counts, 1)};
    const float value = load(x, i);
    f32_range_scalar(&value, 1, &r);
    store(min, i % n, r.min);
    store(max, i % n, r.max);
    store(counts, 0, r.nans);
    store(counts, 1, r.infinities);
  }
}

// Adding and subtracting 1.5 * 2^23 rounds half to even; it needs no instruction beyond the baseline of any processor.
constexpr float kToInteger = 12582912.0f;

float f32_rounding_error_scalar(const float* x, int64_t n, Rounding r) {
  float partial[16] = {};
  for (int64_t i = 0; i < n; i++) {
    const float v = load(x, i);
    float q = v * r.inverse_scale;
    q = q < r.limit ? q : r.limit;
    q = q > -r.limit ? q : -r.limit;
    q = (q + kToInteger) - kToInteger;
    const float e = v - q * r.scale;
    partial[i % 16] += e * e;
  }
  for (int width = 8; width > 0; width /= 2)
    for (int k = 0; k < width; k++) partial[k] += partial[k + width];
  return partial[0];
}

void f32_error_scalar(const float* x, const float* y, int64_t n, double* partial) {
  for (int64_t i = 0; i < n; i++) {
    const double v = load(x, i), d = v - static_cast<double>(load(y, i));
    partial[i % 16] += v * v;
    partial[16 + i % 16] += d * d;
  }
}

int64_t f32_difference_scalar(const float* x, const float* y, int64_t n, Limits limits, double* partial) {
  int64_t outside = 0;
  for (int64_t i = 0; i < n; i++) {
    const double a = load(x, i), b = load(y, i), d = a - b, size = d < 0 ? -d : d;
    double* lane = partial + i % 16;
    lane[0] += a * a;
    lane[16] += b * b;
    lane[32] += d * d;
    lane[48] += d;
    lane[64] = size > lane[64] ? size : lane[64];
    outside += load(x, i) < limits.lowest || load(x, i) > limits.highest;
  }
  return outside;
}

// Every result lies within 16 bits, so a product beyond 2^17 is as good as infinite, and adding and subtracting 1.5 *
// 2^23 rounds what is left half to even.
int32_t quantize(float x, float inverse_scale, int32_t zero_point, int32_t qmin, int32_t qmax) {
  const float beyond = 131072.0f, round = 12582912.0f;
  float p = x * inverse_scale;
  if (p != p) return zero_point;
  p = p > beyond ? beyond : p;
  p = p < -beyond ? -beyond : p;
  const int32_t q = static_cast<int32_t>((p + round) - round) + zero_point;
  return q < qmin ? qmin : q > qmax ? qmax : q;
}

template <class Q>
void quantize_all(const float* x, int64_t n, Affine a, Q* y) {
  for (int64_t i = 0; i < n; i++)
    store(y, i, static_cast<Q>(quantize(load(x, i), a.inverse_scale, a.zero_point, a.qmin, a.qmax)));
}

template <class Q>
void quantize_each(const float* x, int64_t n, AffineEach a, Q* y) {
  for (int64_t i = 0; i < n; i++) {
    const float inverse_scale = load(a.inverse_scales, i);
    const int32_t zero_point = a.zero_points ? load(a.zero_points, i) : 0;
    store(y, i, static_cast<Q>(quantize(load(x, i), inverse_scale, zero_point, a.qmin, a.qmax)));
  }
}

template <class Q>
void dequantize_all(const Q* x, int64_t n, float scale, int32_t zero_point, float* y) {
  for (int64_t i = 0; i < n; i++) store(y, i, static_cast<float>(load(x, i) - zero_point) * scale);
}

template <class Q>
void dequantize_each(const Q* x, int64_t n, const float* scales, const int32_t* zero_points, float* y) {
  for (int64_t i = 0; i < n; i++) store(y, i, static_cast<float>(load(x, i) - load(zero_points, i)) * load(scales, i));
}

#define NARROW_INTEGER(name, Q)                                                                                      \
  void f32_to_##name##_scalar(const float* x, int64_t n, Affine a, Q* y) { quantize_all(x, n, a, y); }               \
  void f32_to_##name##_each_scalar(const float* x, int64_t n, AffineEach a, Q* y) { quantize_each(x, n, a, y); }     \
  void name##_to_f32_scalar(const Q* x, int64_t n, float scale, int32_t zero_point, float* y) {                      \
    dequantize_all(x, n, scale, zero_point, y);                                                                      \
  }                                                                                                                  \
  void name##_to_f32_each_scalar(const Q* x, int64_t n, const float* scales, const int32_t* zero_points, float* y) { \
    dequantize_each(x, n, scales, zero_points, y);                                                                   \
  }
NARROW_INTEGER(s8, int8_t)
NARROW_INTEGER(u8, uint8_t)
NARROW_INTEGER(s16, int16_t)

// Only processors with streaming stores have them.
#define NARROW_STREAMED(name, Q)                                                                                \
  void f32_to_##name##_streamed_scalar(const float* x, int64_t n, Affine a, Q* y) { quantize_all(x, n, a, y); } \
  void name##_to_f32_streamed_scalar(const Q* x, int64_t n, float scale, int32_t zero_point, float* y) {        \
    dequantize_all(x, n, scale, zero_point, y);                                                                 \
  }
NARROW_STREAMED(s8, int8_t)
NARROW_STREAMED(u8, uint8_t)

void s4_pack_scalar(const int8_t* x, int64_t n, uint8_t* y) {
  for (int64_t i = 0; i < n; i += 2) {
    const uint32_t low = static_cast<uint8_t>(x[i]) & 15u;
    const uint32_t high = i + 1 < n ? static_cast<uint8_t>(x[i + 1]) & 15u : 0u;
    y[i / 2] = static_cast<uint8_t>(high << 4 | low);
  }
}

void s4_unpack_scalar(const uint8_t* x, int64_t n, int8_t* y) {
  for (int64_t i = 0; i < n; i++) {
    const int32_t nibble = x[i / 2] >> (i % 2 * 4) & 15;
    y[i] = static_cast<int8_t>((nibble ^ 8) - 8);
  }
}

// Both formats share the layout sign, exponent, mantissa; the exponents differ by 112, the mantissas by 13 bits.
uint16_t half_of(uint32_t bits) {
  const uint32_t sign = bits >> 16 & 0x8000, m = bits & kMagnitude;
  uint32_t h;
  if (m > kInfinity) {
    h = 0x7e00 | (m >> 13 & 0x3ff);
  } else if (m >= 0x477ff000) {  // 65520, halfway between the largest half and the next power of two
    h = 0x7c00;
  } else if (m >= 0x38800000) {  // 2^-14, the smallest normal half; a carry out of the mantissa is right as it falls
    const uint32_t rebiased = m - (112u << 23);
    h = (rebiased + 0xfff + (rebiased >> 13 & 1)) >> 13;
  } else if (m >= 0x33000000) {  // 2^-25, half the smallest subnormal
    const uint32_t significand = (m & 0x7fffff) | 0x800000, shift = 126 - (m >> 23);
    h = (significand + (1u << (shift - 1)) - 1 + (significand >> shift & 1)) >> shift;
  } else {
    h = 0;
  }
  return static_cast<uint16_t>(sign | h);
}

uint32_t bits_of_half(uint16_t half) {
  const uint32_t sign = (half & 0x8000u) << 16, h = half & 0x7fffu;
  if (h > 0x7c00) return sign | kInfinity | 0x400000 | h << 13;
  if (h == 0x7c00) return sign | kInfinity;
  if (h >= 0x400) return sign | ((h << 13) + (112u << 23));
  return sign | bits_of(static_cast<float>(h) * 0x1p-24f);
}

void f32_to_f16_scalar(const float* x, int64_t n, uint16_t* y) {
  for (int64_t i = 0; i < n; i++) store(y, i, half_of(bits_of(load(x, i))));
}

int64_t f32_to_f16_saturated_scalar(const float* x, int64_t n, uint16_t* y) {
  const uint32_t largest = 0x477fe000;  // 65504
  int64_t saturated = 0;
  for (int64_t i = 0; i < n; i++) {
    uint32_t bits = bits_of(load(x, i));
    const uint32_t m = bits & kMagnitude;
    if (m > largest && m <= kInfinity) {
      bits = (bits & ~kMagnitude) | largest;
      saturated++;
    }
    store(y, i, half_of(bits));
  }
  return saturated;
}

void f16_to_f32_scalar(const uint16_t* x, int64_t n, float* y) {
  for (int64_t i = 0; i < n; i++) store(y, i, float_of(bits_of_half(load(x, i))));
}

// A carry out of the mantissa is right as it falls.
void f32_to_bf16_scalar(const float* x, int64_t n, uint16_t* y) {
  for (int64_t i = 0; i < n; i++) {
    const uint32_t bits = bits_of(load(x, i));
    const bool nan = (bits & kMagnitude) > kInfinity;
    store(y, i, static_cast<uint16_t>(nan ? bits >> 16 | 0x40 : (bits + 0x7fff + (bits >> 16 & 1)) >> 16));
  }
}

void bf16_to_f32_scalar(const uint16_t* x, int64_t n, float* y) {
  for (int64_t i = 0; i < n; i++) store(y, i, float_of(static_cast<uint32_t>(load(x, i)) << 16));
}

// ---- Blocks of 32 values with a scale ----

constexpr uint32_t kNan = 0x7fc00000;

float inverse_or_zero(float scale) {
  const float inverse = 1.0f / scale;
  return (bits_of(inverse) & kMagnitude) < kInfinity ? inverse : 0.0f;
}

// 0 where a block has no inverse scale because of a NaN or an infinity.
float finite_product(float x, float inverse) {
  const float product = x * inverse;
  return product == product ? product : 0.0f;
}

float not_nan(float x) { return x == x ? x : float_of(kNan); }

void f32_to_q8_0_scalar(const float* x, int64_t n, uint8_t* y) {
  const float below_half = 0x1.fffffep-2f;  // a half, added to the float below a half, would be rounded to 1
  for (int64_t i = 0; i < n; i += 32, y += 34) {
    const float scale = not_nan(float_of(f32_absmax_scalar(x + i, 32)) / 127.0f), inverse = inverse_or_zero(scale);
    const uint16_t half = half_of(bits_of(scale));
    memcpy(y, &half, sizeof half);
    for (int64_t j = 0; j < 32; j++) {
      const float p = finite_product(load(x, i + j), inverse);
      y[2 + j] = static_cast<uint8_t>(static_cast<int8_t>(p + (p < 0.0f ? -below_half : below_half)));
    }
  }
}

void f32_to_q4_0_scalar(const float* x, int64_t n, uint8_t* y) {
  for (int64_t i = 0; i < n; i += 32, y += 18) {
    const uint32_t most = f32_absmax_scalar(x + i, 32);
    int64_t first = i;
    while (magnitude(x, first) != most) first++;
    const float scale = not_nan((load(x, first) + 0.0f) / -8.0f), inverse = inverse_or_zero(scale);
    const uint16_t half = half_of(bits_of(scale));
    memcpy(y, &half, sizeof half);
    for (int64_t j = 0; j < 16; j++) {
      const int32_t low = static_cast<int32_t>(finite_product(load(x, i + j), inverse) + 8.5f);
      const int32_t high = static_cast<int32_t>(finite_product(load(x, i + 16 + j), inverse) + 8.5f);
      y[2 + j] = static_cast<uint8_t>((low < 15 ? low : 15) | (high < 15 ? high : 15) << 4);
    }
  }
}

float scale_of_block(const uint8_t* x) {
  uint16_t half;
  memcpy(&half, x, sizeof half);
  return float_of(bits_of_half(half));
}

void q8_0_to_f32_scalar(const uint8_t* x, int64_t n, float* y) {
  for (int64_t i = 0; i < n; i += 32, x += 34)
    for (int64_t j = 0; j < 32; j++)
      store(y, i + j, not_nan(static_cast<float>(static_cast<int8_t>(x[2 + j])) * scale_of_block(x)));
}

void q4_0_to_f32_scalar(const uint8_t* x, int64_t n, float* y) {
  for (int64_t i = 0; i < n; i += 32, x += 18)
    for (int64_t j = 0; j < 32; j++) {
      const int32_t q = (x[2 + j % 16] >> j / 16 * 4) & 15;
      store(y, i + j, not_nan(static_cast<float>(q - 8) * scale_of_block(x)));
    }
}

void f32_to_b1_low_first_scalar(const float* x, int64_t n, uint8_t* y) {
  memset(y, 0, static_cast<size_t>((n + 7) / 8));
  for (int64_t i = 0; i < n; i++) y[i / 8] |= static_cast<uint8_t>((load(x, i) > 0.0f) << i % 8);
}

void f32_to_b1_high_first_scalar(const float* x, int64_t n, uint8_t* y) {
  memset(y, 0, static_cast<size_t>((n + 7) / 8));
  for (int64_t i = 0; i < n; i++) y[i / 8] |= static_cast<uint8_t>((load(x, i) > 0.0f) << (7 - i % 8));
}

void f64_add_products_scalar(const double* a, const double* b, Products p, double* c) {
  for (int64_t i = 0; i < p.rows; i++)
    for (int64_t j = 0; j < p.columns; j++) {
      double sum = load(c, i * p.c_row + j);
      for (int64_t k = 0; k < p.depth; k++) sum += load(a, i * p.a_row + k * p.a_step) * load(b, k * p.b_row + j);
      store(c, i * p.c_row + j, sum);
    }
}

void f32_optimized_rows_scalar(const float* x, int64_t rows, int64_t n, Intervals i, uint8_t* y, float* ends,
                               int32_t* sums) {
  for (int64_t row = 0; row < rows; row++) optimized_row({x, n, i, y, ends, sums}, row);
}

void f32_to_f16_streamed_scalar(const float* x, int64_t n, uint16_t* y) { f32_to_f16_scalar(x, n, y); }
void f16_to_f32_streamed_scalar(const uint16_t* x, int64_t n, float* y) { f16_to_f32_scalar(x, n, y); }

}  // namespace

const KernelTable kernels_scalar = {"scalar",
#define NARROW_ENTRY(name, result, parameters) name##_scalar,
                                    NARROW_KERNELS(NARROW_ENTRY)
#undef NARROW_ENTRY
};

}  // namespace narrow
