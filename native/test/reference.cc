#include "reference.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace reference {
namespace {

const float kInf = std::numeric_limits<float>::infinity();

uint32_t bits_of(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  return bits;
}

float float_of(uint32_t bits) {
  float x;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}

}  // namespace

void f32_range(const float* x, int64_t n, Range* range) {
  for (int64_t i = 0; i < n; i++) {
    if (std::isnan(x[i])) {
      range->nans++;
    } else if (std::isinf(x[i])) {
      range->infinities++;
    } else {
      if (x[i] < range->min) range->min = x[i];
      if (x[i] > range->max) range->max = x[i];
    }
  }
  if (range->min == 0) range->min = 0.0f;
  if (range->max == 0) range->max = 0.0f;
}
void f32_range_flagged(const float* x, int64_t n, Range* range) { f32_range(x, n, range); }

uint32_t f32_absmax(const float* x, int64_t n) {
  uint32_t most = 0;
  for (int64_t i = 0; i < n; i++) {
    const uint32_t magnitude = bits_of(std::fabs(x[i]));
    if (magnitude > most) most = magnitude;
  }
  return most;
}

void f32_range_rows(const float* x, int64_t rows, int64_t n, float* min, float* max, int64_t* counts) {
  for (int64_t i = 0; i < n && rows > 0; i++) {
    Range range = {min[i], max[i], counts[0], counts[1]};
    for (int64_t r = 0; r < rows; r++) f32_range(x + r * n + i, 1, &range);
    min[i] = range.min;
    max[i] = range.max;
    counts[0] = range.nans;
    counts[1] = range.infinities;
  }
}

int32_t f32_absmax_rows(const float* x, int64_t rows, int64_t n, float* absmax) {
  for (int64_t i = 0; i < rows * n; i++) {
    uint32_t before, now = f32_absmax(x + i, 1);
    std::memcpy(&before, absmax + i % n, sizeof before);
    if (now > before) std::memcpy(absmax + i % n, &now, sizeof now);
  }
  return std::any_of(absmax, absmax + n, [](float most) { return std::isnan(most); });
}

float f32_rounding_error(const float* x, int64_t n, Rounding r) {
  float partial[16] = {};
  for (int64_t i = 0; i < n; i++) {
    const float q = std::nearbyint(std::fmin(std::fmax(x[i] * r.inverse_scale, -r.limit), r.limit));
    const float product = q * r.scale, e = x[i] - product;
    partial[i % 16] += e * e;
  }
  float four[4];
  for (int i = 0; i < 4; i++) four[i] = (partial[i] + partial[i + 8]) + (partial[i + 4] + partial[i + 12]);
  return (four[0] + four[2]) + (four[1] + four[3]);
}

void f64_add_products(const double* a, const double* b, Products p, double* c) {
  for (int64_t k = 0; k < p.depth; k++)
    for (int64_t i = 0; i < p.rows; i++)
      for (int64_t j = 0; j < p.columns; j++) {
        const double product = a[i * p.a_row + k * p.a_step] * b[k * p.b_row + j];
        c[i * p.c_row + j] = c[i * p.c_row + j] + product;
      }
}

void f32_error(const float* x, const float* y, int64_t n, double* partial) {
  for (int64_t i = 0; i < n; i++) {
    const double a = x[i], b = y[i];
    partial[i % 16] += a * a;
    partial[16 + i % 16] += (a - b) * (a - b);
  }
}

int64_t f32_difference(const float* x, const float* y, int64_t n, Limits limits, double* partial) {
  int64_t outside = 0;
  for (int64_t i = 0; i < n; i++) {
    const double a = x[i], b = y[i];
    partial[i % 16] += a * a;
    partial[16 + i % 16] += b * b;
    partial[32 + i % 16] += (a - b) * (a - b);
    partial[48 + i % 16] += a - b;
    partial[64 + i % 16] = std::fmax(partial[64 + i % 16], std::fabs(a - b));
    if (x[i] < limits.lowest || x[i] > limits.highest) outside++;
  }
  return outside;
}

int32_t quantized(float x, float inverse_scale, int32_t zero_point, int32_t qmin, int32_t qmax) {
  const float product = x * inverse_scale;
  if (std::isnan(product)) return zero_point;
  const double q = std::nearbyint(static_cast<double>(product)) + zero_point;
  return static_cast<int32_t>(std::fmin(std::fmax(q, qmin), qmax));
}

#define NARROW_INTEGER(name, Q)                                                                                       \
  void f32_to_##name(const float* x, int64_t n, Affine a, Q* y) {                                                     \
    for (int64_t i = 0; i < n; i++)                                                                                   \
      y[i] = static_cast<Q>(quantized(x[i], a.inverse_scale, a.zero_point, a.qmin, a.qmax));                          \
  }                                                                                                                   \
  void f32_to_##name##_each(const float* x, int64_t n, AffineEach a, Q* y) {                                          \
    for (int64_t i = 0; i < n; i++)                                                                                   \
      y[i] =                                                                                                          \
          static_cast<Q>(quantized(x[i], a.inverse_scales[i], a.zero_points ? a.zero_points[i] : 0, a.qmin, a.qmax)); \
  }                                                                                                                   \
  void name##_to_f32(const Q* x, int64_t n, float scale, int32_t zero_point, float* y) {                              \
    for (int64_t i = 0; i < n; i++)                                                                                   \
      y[i] = static_cast<float>((static_cast<double>(x[i]) - zero_point) * static_cast<double>(scale));               \
  }                                                                                                                   \
  void name##_to_f32_each(const Q* x, int64_t n, const float* scales, const int32_t* zero_points, float* y) {         \
    for (int64_t i = 0; i < n; i++) name##_to_f32(x + i, 1, scales[i], zero_points[i], y + i);                        \
  }
NARROW_INTEGER(s8, int8_t)
NARROW_INTEGER(u8, uint8_t)
NARROW_INTEGER(s16, int16_t)

#define NARROW_STREAMED(name, Q)                                                                          \
  void f32_to_##name##_streamed(const float* x, int64_t n, Affine a, Q* y) { f32_to_##name(x, n, a, y); } \
  void name##_to_f32_streamed(const Q* x, int64_t n, float scale, int32_t zero_point, float* y) {         \
    name##_to_f32(x, n, scale, zero_point, y);                                                            \
  }
NARROW_STREAMED(s8, int8_t)
NARROW_STREAMED(u8, uint8_t)

void s4_pack(const int8_t* x, int64_t n, uint8_t* y) {
  std::memset(y, 0, static_cast<size_t>((n + 1) / 2));
  for (int64_t i = 0; i < n; i++) {
    const int nibble = ((x[i] % 16) + 16) % 16;
    y[i / 2] = static_cast<uint8_t>(y[i / 2] + (i % 2 == 0 ? nibble : 16 * nibble));
  }
}

void s4_unpack(const uint8_t* x, int64_t n, int8_t* y) {
  for (int64_t i = 0; i < n; i++) {
    const int nibble = i % 2 == 0 ? x[i / 2] % 16 : x[i / 2] / 16;
    y[i] = static_cast<int8_t>(nibble < 8 ? nibble : nibble - 16);
  }
}

// The value of a half is a whole number of steps, of 2^-24 up to 2^-13, and of twice as much from each power of two on.
uint16_t half(float x) {
  const uint32_t bits = bits_of(x);
  const uint32_t sign = bits >> 31 ? 0x8000 : 0;
  if (std::isnan(x)) return static_cast<uint16_t>(sign | 0x7e00 | ((bits & 0x7fffff) >> 13));
  const double a = std::fabs(static_cast<double>(x));
  if (a >= 65520) return static_cast<uint16_t>(sign | 0x7c00);
  int doublings = 0;
  while (a >= std::ldexp(1.0, doublings - 13)) doublings++;
  // 2048 steps of one size are 1024 of the next, and so are their codes.
  const double steps = std::nearbyint(std::ldexp(a, 24 - doublings));
  return static_cast<uint16_t>(sign | (1024 * doublings + static_cast<int>(steps)));
}

void f32_to_f16(const float* x, int64_t n, uint16_t* y) {
  for (int64_t i = 0; i < n; i++) y[i] = half(x[i]);
}

int64_t f32_to_f16_saturated(const float* x, int64_t n, uint16_t* y) {
  int64_t saturated = 0;
  for (int64_t i = 0; i < n; i++) {
    const bool beyond = x[i] > 65504 || x[i] < -65504;
    y[i] = half(beyond ? std::copysign(65504.0f, x[i]) : x[i]);
    saturated += beyond;
  }
  return saturated;
}

void f16_to_f32(const uint16_t* x, int64_t n, float* y) {
  for (int64_t i = 0; i < n; i++) {
    const uint32_t sign = (x[i] & 0x8000u) << 16;
    const int exponent = x[i] >> 10 & 31, mantissa = x[i] & 0x3ff;
    uint32_t bits;
    if (exponent == 31) {
      bits = mantissa ? 0x7fc00000u | static_cast<uint32_t>(mantissa) << 13 : bits_of(kInf);
    } else if (exponent == 0) {
      bits = bits_of(static_cast<float>(std::ldexp(mantissa, -24)));
    } else {
      bits = bits_of(static_cast<float>(std::ldexp(1024 + mantissa, exponent - 25)));
    }
    const float value = float_of(sign | bits);
    std::memcpy(y + i, &value, sizeof value);
  }
}

// Of the two bfloat16 around a number, the nearer, or the one whose bits are even.
void f32_to_bf16(const float* x, int64_t n, uint16_t* y) {
  for (int64_t i = 0; i < n; i++) {
    const uint32_t below = bits_of(x[i]) >> 16;
    if (std::isnan(x[i])) {
      y[i] = static_cast<uint16_t>(below | 0x40);
      continue;
    }
    // The next one beyond the largest stands for 2^128.
    const auto magnitude = [](uint32_t bits) {
      return std::isinf(float_of(bits)) ? std::ldexp(1.0, 128) : std::fabs(static_cast<double>(float_of(bits)));
    };
    const double a = std::fabs(static_cast<double>(x[i])), down = a - magnitude(below << 16);
    const double up = magnitude((below + 1) << 16) - a;
    const bool next = !std::isinf(x[i]) && (up < down || (up == down && below % 2 == 1));
    y[i] = static_cast<uint16_t>(below + next);
  }
}

void bf16_to_f32(const uint16_t* x, int64_t n, float* y) {
  for (int64_t i = 0; i < n; i++) {
    const uint32_t bits = static_cast<uint32_t>(x[i]) * 65536;
    std::memcpy(y + i, &bits, sizeof bits);
  }
}

// ggml's quantize_row_q8_0_ref and quantize_row_q4_0_ref, where every value is finite and 1 / d as well.
static uint8_t* block(const float* x, float scale, bool halves, uint8_t* y) {
  const bool defined = std::isfinite(scale) && std::isfinite(1 / scale);
  int q[32];
  for (int j = 0; j < 32; j++) {
    const float p = defined ? x[j] * (1 / scale) : 0.0f;
    q[j] = halves ? std::min(15, static_cast<int>(p + 8.5f)) : static_cast<int>(std::round(p));
  }
  const uint16_t d = std::isnan(scale) ? 0x7e00 : half(scale);
  *y++ = static_cast<uint8_t>(d % 256);
  *y++ = static_cast<uint8_t>(d / 256);
  if (halves)
    for (int j = 0; j < 16; j++) *y++ = static_cast<uint8_t>(q[j] + 16 * q[j + 16]);
  else
    for (int v : q) *y++ = static_cast<uint8_t>(v);
  return y;
}

void f32_to_q8_0(const float* x, int64_t n, uint8_t* y) {
  for (int64_t i = 0; i < n; i += 32) {
    float most = 0.0f;
    for (int j = 0; j < 32; j++)
      most = std::isnan(x[i + j]) ? NAN : std::fabs(x[i + j]) > most ? std::fabs(x[i + j]) : most;
    y = block(x + i, most / 127, false, y);
  }
}

void f32_to_q4_0(const float* x, int64_t n, uint8_t* y) {
  for (int64_t i = 0; i < n; i += 32) {
    float amax = 0.0f, max = 0.0f;
    for (int j = 0; j < 32; j++) {
      if (std::fabs(x[i + j]) > amax) amax = std::fabs(max = x[i + j]);
      if (std::isnan(x[i + j])) amax = max = NAN;
    }
    y = block(x + i, max / -8, true, y);
  }
}

static float block_value(const uint8_t* x, int q) {
  const uint16_t bits = static_cast<uint16_t>(x[0] + 256 * x[1]);
  float d;
  f16_to_f32(&bits, 1, &d);
  const float value = static_cast<float>(q) * d;
  return std::isnan(value) ? float_of(0x7fc00000) : value;
}

void q8_0_to_f32(const uint8_t* x, int64_t n, float* y) {
  for (int64_t i = 0; i < n; i++) {
    const uint8_t* b = x + i / 32 * 34;
    y[i] = block_value(b, static_cast<int8_t>(b[2 + i % 32]));
  }
}

void q4_0_to_f32(const uint8_t* x, int64_t n, float* y) {
  for (int64_t i = 0; i < n; i++) {
    const uint8_t* b = x + i / 32 * 18;
    const int q = i % 32 < 16 ? b[2 + i % 32] % 16 : b[2 + i % 32 - 16] / 16;
    y[i] = block_value(b, q - 8);
  }
}

void f32_to_b1_low_first(const float* x, int64_t n, uint8_t* y) {
  for (int64_t i = 0; i < n; i += 8) {
    int bits = 0;
    for (int64_t j = std::min(n, i + 8) - 1; j >= i; j--) bits = 2 * bits + (x[j] > 0);
    *y++ = static_cast<uint8_t>(bits);
  }
}

void f32_to_b1_high_first(const float* x, int64_t n, uint8_t* y) {
  for (int64_t i = 0; i < n; i += 8) {
    int bits = 0;
    for (int64_t j = i; j < i + 8; j++) bits = 2 * bits + (j < n && x[j] > 0);
    *y++ = static_cast<uint8_t>(bits);
  }
}

void f32_to_f16_streamed(const float* x, int64_t n, uint16_t* y) { f32_to_f16(x, n, y); }
void f16_to_f32_streamed(const uint16_t* x, int64_t n, float* y) { f16_to_f32(x, n, y); }

}  // namespace reference
