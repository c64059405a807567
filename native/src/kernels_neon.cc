// NEON (Advanced SIMD) as every arm64 CPU has it. Tails go through the arithmetic of the main loop, in small padded
// buffers. Conversion to integer suits the contract as it is: it saturates, and NaN becomes 0.
#include <arm_neon.h>
#include <string.h>

#include "kernel_table.h"

namespace narrow {
namespace {

// See kernels_avx2.cc: the block over which a fast loop is tried before the exact one.
constexpr int64_t kBlock = 16384;

// N lanes that start with the n < N elements at x; the others are zero.
template <class T, int N = 16>
struct Padded {
  alignas(16) T lanes[N];
  Padded() { memset(lanes, 0, sizeof lanes); }
  Padded(const T* x, int64_t n) : Padded() { memcpy(lanes, x, static_cast<size_t>(n) * sizeof(T)); }
  void store(T* y, int64_t n) const { memcpy(y, lanes, static_cast<size_t>(n) * sizeof(T)); }
};

uint32x4_t magnitude(float32x4_t x_f32x4) { return vandq_u32(vreinterpretq_u32_f32(x_f32x4), vdupq_n_u32(0x7fffffff)); }

// ---- Reductions -----------------------------------------------------------------------------------------------------

struct RangeLanes {
  float32x4_t min, max;
};

// FMIN and FMAX keep a NaN once they saw one. Returns false, and leaves the lanes alone, where there was a NaN or an
// infinity. n is a multiple of 16.
bool range_of_finite(const float* x, int64_t n, RangeLanes* lanes) {
  float32x4_t lo[4], hi[4];
  for (int k = 0; k < 4; k++) lo[k] = hi[k] = vld1q_f32(x);
  for (int64_t i = 0; i < n; i += 16) {
    for (int k = 0; k < 4; k++) {
      const float32x4_t x_f32x4 = vld1q_f32(x + i + 4 * k);
      lo[k] = vminq_f32(lo[k], x_f32x4);
      hi[k] = vmaxq_f32(hi[k], x_f32x4);
    }
  }
  const float32x4_t min = vminq_f32(vminq_f32(lo[0], lo[1]), vminq_f32(lo[2], lo[3]));
  const float32x4_t max = vmaxq_f32(vmaxq_f32(hi[0], hi[1]), vmaxq_f32(hi[2], hi[3]));
  if (vmaxvq_u32(vmaxq_u32(magnitude(min), magnitude(max))) >= 0x7f800000) return false;
  lanes->min = vminq_f32(lanes->min, min);
  lanes->max = vmaxq_f32(lanes->max, max);
  return true;
}

// Values of any kind. n is a multiple of 4. Selected, not vminnmq: that one does not skip signalling NaNs.
void range_of_any(const float* x, int64_t n, RangeLanes* lanes, Range* range) {
  const uint32x4_t infinity = vdupq_n_u32(0x7f800000);
  uint32x4_t nans = vdupq_n_u32(0), infinities = vdupq_n_u32(0);
  for (int64_t i = 0; i < n; i += 4) {
    const float32x4_t x_f32x4 = vld1q_f32(x + i);
    const uint32x4_t m_u32x4 = magnitude(x_f32x4), finite = vcltq_u32(m_u32x4, infinity);
    nans = vsubq_u32(nans, vcgtq_u32(m_u32x4, infinity));
    infinities = vsubq_u32(infinities, vceqq_u32(m_u32x4, infinity));
    lanes->min = vbslq_f32(vandq_u32(finite, vcltq_f32(x_f32x4, lanes->min)), x_f32x4, lanes->min);
    lanes->max = vbslq_f32(vandq_u32(finite, vcgtq_f32(x_f32x4, lanes->max)), x_f32x4, lanes->max);
  }
  range->nans += vaddvq_u32(nans);
  range->infinities += vaddvq_u32(infinities);
}

void f32_range_neon(const float* x, int64_t n, Range* range) {
  RangeLanes lanes = {vdupq_n_f32(range->min), vdupq_n_f32(range->max)};
  const int64_t in_blocks = n & -16;
  for (int64_t i = 0; i < in_blocks; i += kBlock) {
    const int64_t m = in_blocks - i < kBlock ? in_blocks - i : kBlock;
    if (!range_of_finite(x + i, m, &lanes)) range_of_any(x + i, m, &lanes, range);
  }
  if (in_blocks < n) {  // padded with NaNs (all bits set), which are then taken off the count
    const int64_t rest = n - in_blocks;
    alignas(16) float padded[16];
    memset(padded, 0xff, sizeof padded);
    memcpy(padded, x + in_blocks, static_cast<size_t>(rest) * sizeof(float));
    range_of_any(padded, 16, &lanes, range);
    range->nans -= 16 - rest;
  }
  range->min = vminvq_f32(lanes.min) + 0.0f;  // -0 becomes +0, nothing else changes
  range->max = vmaxvq_f32(lanes.max) + 0.0f;
}

uint32_t f32_absmax_neon(const float* x, int64_t n) {
  uint32x4_t most[4] = {vdupq_n_u32(0), vdupq_n_u32(0), vdupq_n_u32(0), vdupq_n_u32(0)};
  int64_t i = 0;
  for (; i + 16 <= n; i += 16)
    for (int k = 0; k < 4; k++) most[k] = vmaxq_u32(most[k], magnitude(vld1q_f32(x + i + 4 * k)));
  if (i < n) {
    const Padded<float> tail(x + i, n - i);
    for (int k = 0; k < 4; k++) most[k] = vmaxq_u32(most[k], magnitude(vld1q_f32(tail.lanes + 4 * k)));
  }
  return vmaxvq_u32(vmaxq_u32(vmaxq_u32(most[0], most[1]), vmaxq_u32(most[2], most[3])));
}

void f32_absmax_each_neon(const float* x, int64_t n, float* absmax) {
  int64_t i = 0;
  for (; i + 4 <= n; i += 4) {
    const uint32x4_t before = vreinterpretq_u32_f32(vld1q_f32(absmax + i));
    vst1q_f32(absmax + i, vreinterpretq_f32_u32(vmaxq_u32(before, magnitude(vld1q_f32(x + i)))));
  }
  if (i < n) {
    Padded<float, 4> most(absmax + i, n - i);
    f32_absmax_each_neon(Padded<float, 4>(x + i, n - i).lanes, 4, most.lanes);
    most.store(absmax + i, n - i);
  }
}

float32x4_t rounding_error_of_4(float32x4_t x_f32x4, Rounding r, float32x4_t sum_f32x4) {
  const float32x4_t to_integer = vdupq_n_f32(12582912.0f);  // see kernels_scalar.cc
  float32x4_t q_f32x4 = vmulq_n_f32(x_f32x4, r.inverse_scale);
  q_f32x4 = vmaxq_f32(vminq_f32(q_f32x4, vdupq_n_f32(r.limit)), vdupq_n_f32(-r.limit));
  q_f32x4 = vsubq_f32(vaddq_f32(q_f32x4, to_integer), to_integer);
  const float32x4_t e_f32x4 = vsubq_f32(x_f32x4, vmulq_n_f32(q_f32x4, r.scale));
  return vaddq_f32(sum_f32x4, vmulq_f32(e_f32x4, e_f32x4));
}

float f32_rounding_error_neon(const float* x, int64_t n, Rounding r) {
  float32x4_t sums[4];
  for (int k = 0; k < 4; k++) sums[k] = vdupq_n_f32(0.0f);
  int64_t i = 0;
  for (; i + 16 <= n; i += 16)
    for (int k = 0; k < 4; k++) sums[k] = rounding_error_of_4(vld1q_f32(x + i + 4 * k), r, sums[k]);
  if (i < n) {
    const Padded<float> rest(x + i, n - i);  // zeros have no error
    for (int k = 0; k < 4; k++) sums[k] = rounding_error_of_4(vld1q_f32(rest.lanes + 4 * k), r, sums[k]);
  }
  const float32x4_t s_f32x4 = vaddq_f32(vaddq_f32(sums[0], sums[2]), vaddq_f32(sums[1], sums[3]));
  const float32x2_t s_f32x2 = vadd_f32(vget_low_f32(s_f32x4), vget_high_f32(s_f32x4));
  return vget_lane_f32(s_f32x2, 0) + vget_lane_f32(s_f32x2, 1);
}

void error_of_16(const float* x, const float* y, float64x2_t* partial) {
  for (int k = 0; k < 8; k++) {
    const float64x2_t x_f64x2 = vcvt_f64_f32(vld1_f32(x + 2 * k)), y_f64x2 = vcvt_f64_f32(vld1_f32(y + 2 * k));
    const float64x2_t d_f64x2 = vsubq_f64(x_f64x2, y_f64x2);
    partial[k] = vaddq_f64(partial[k], vmulq_f64(x_f64x2, x_f64x2));
    partial[8 + k] = vaddq_f64(partial[8 + k], vmulq_f64(d_f64x2, d_f64x2));
  }
}

void f32_error_neon(const float* x, const float* y, int64_t n, double* partial) {
  float64x2_t sums[16];
  for (int k = 0; k < 16; k++) sums[k] = vld1q_f64(partial + 2 * k);
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) error_of_16(x + i, y + i, sums);
  // Zeros add +0, which changes no sum: none of them is -0.
  if (i < n) error_of_16(Padded<float>(x + i, n - i).lanes, Padded<float>(y + i, n - i).lanes, sums);
  for (int k = 0; k < 16; k++) vst1q_f64(partial + 2 * k, sums[k]);
}

// ---- float32 -> integer ---------------------------------------------------------------------------------------------

int16x8_t saturate(int32x4_t a, int32x4_t b) { return vqmovn_high_s32(vqmovn_s32(a), b); }

// Stores 16 values, clamped.
void store16(const int16x8_t* q, int32_t qmin, int32_t qmax, int8_t* y) {
  const int8x16_t lo = vdupq_n_s8(static_cast<int8_t>(qmin)), hi = vdupq_n_s8(static_cast<int8_t>(qmax));
  vst1q_s8(y, vminq_s8(vmaxq_s8(vqmovn_high_s16(vqmovn_s16(q[0]), q[1]), lo), hi));
}
void store16(const int16x8_t* q, int32_t qmin, int32_t qmax, uint8_t* y) {
  const uint8x16_t lo = vdupq_n_u8(static_cast<uint8_t>(qmin)), hi = vdupq_n_u8(static_cast<uint8_t>(qmax));
  vst1q_u8(y, vminq_u8(vmaxq_u8(vqmovun_high_s16(vqmovun_s16(q[0]), q[1]), lo), hi));
}
void store16(const int16x8_t* q, int32_t qmin, int32_t qmax, int16_t* y) {
  const int16x8_t lo = vdupq_n_s16(static_cast<int16_t>(qmin)), hi = vdupq_n_s16(static_cast<int16_t>(qmax));
  for (int k = 0; k < 2; k++) vst1q_s16(y + 8 * k, vminq_s16(vmaxq_s16(q[k], lo), hi));
}

int32x4_t quantize(float32x4_t x_f32x4, float32x4_t inverse_scale, int32x4_t zero_point) {
  return vqaddq_s32(vcvtnq_s32_f32(vmulq_f32(x_f32x4, inverse_scale)), zero_point);
}

template <class Q>
void quantize_all(const float* x, int64_t n, Affine a, Q* y) {
  const float32x4_t inverse_scale = vdupq_n_f32(a.inverse_scale);
  const int32x4_t zero_point = vdupq_n_s32(a.zero_point);
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) {
    int32x4_t q[4];
    for (int k = 0; k < 4; k++) q[k] = quantize(vld1q_f32(x + i + 4 * k), inverse_scale, zero_point);
    const int16x8_t words[2] = {saturate(q[0], q[1]), saturate(q[2], q[3])};
    store16(words, a.qmin, a.qmax, y + i);
  }
  if (i < n) {
    Padded<Q> out;
    quantize_all(Padded<float>(x + i, n - i).lanes, 16, a, out.lanes);
    out.store(y + i, n - i);
  }
}

template <class Q>
void quantize_each(const float* x, int64_t n, AffineEach a, Q* y) {
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) {
    int32x4_t q[4];
    for (int k = 0; k < 4; k++) {
      const int64_t j = i + 4 * k;
      q[k] = quantize(vld1q_f32(x + j), vld1q_f32(a.inverse_scales + j), vld1q_s32(a.zero_points + j));
    }
    const int16x8_t words[2] = {saturate(q[0], q[1]), saturate(q[2], q[3])};
    store16(words, a.qmin, a.qmax, y + i);
  }
  if (i < n) {
    const Padded<float> inverse_scales(a.inverse_scales + i, n - i);
    const Padded<int32_t> zero_points(a.zero_points + i, n - i);
    Padded<Q> out;
    quantize_each(Padded<float>(x + i, n - i).lanes, 16,
                  AffineEach{inverse_scales.lanes, zero_points.lanes, a.qmin, a.qmax}, out.lanes);
    out.store(y + i, n - i);
  }
}

// ---- integer -> float32 ---------------------------------------------------------------------------------------------

int16x8_t widen(const int8_t* x) { return vmovl_s8(vld1_s8(x)); }
int16x8_t widen(const uint8_t* x) { return vreinterpretq_s16_u16(vmovl_u8(vld1_u8(x))); }
int16x8_t widen(const int16_t* x) { return vld1q_s16(x); }

float32x4_t dequantize(int32x4_t q_s32x4, float32x4_t scale, int32x4_t zero_point) {
  return vmulq_f32(vcvtq_f32_s32(vsubq_s32(q_s32x4, zero_point)), scale);
}

template <class Q>
void dequantize_all(const Q* x, int64_t n, float scale, int32_t zero_point, float* y) {
  const float32x4_t scale_f32x4 = vdupq_n_f32(scale);
  const int32x4_t zero_point_s32x4 = vdupq_n_s32(zero_point);
  int64_t i = 0;
  for (; i + 8 <= n; i += 8) {
    const int16x8_t q = widen(x + i);
    vst1q_f32(y + i, dequantize(vmovl_s16(vget_low_s16(q)), scale_f32x4, zero_point_s32x4));
    vst1q_f32(y + i + 4, dequantize(vmovl_high_s16(q), scale_f32x4, zero_point_s32x4));
  }
  if (i < n) {
    Padded<float, 8> out;
    dequantize_all(Padded<Q, 8>(x + i, n - i).lanes, 8, scale, zero_point, out.lanes);
    out.store(y + i, n - i);
  }
}

template <class Q>
void dequantize_each(const Q* x, int64_t n, const float* scales, const int32_t* zero_points, float* y) {
  int64_t i = 0;
  for (; i + 8 <= n; i += 8) {
    const int16x8_t q = widen(x + i);
    vst1q_f32(y + i, dequantize(vmovl_s16(vget_low_s16(q)), vld1q_f32(scales + i), vld1q_s32(zero_points + i)));
    vst1q_f32(y + i + 4, dequantize(vmovl_high_s16(q), vld1q_f32(scales + i + 4), vld1q_s32(zero_points + i + 4)));
  }
  if (i < n) {
    Padded<float, 8> out;
    dequantize_each(Padded<Q, 8>(x + i, n - i).lanes, 8, Padded<float, 8>(scales + i, n - i).lanes,
                    Padded<int32_t, 8>(zero_points + i, n - i).lanes, out.lanes);
    out.store(y + i, n - i);
  }
}

#define NARROW_INTEGER(name, Q)                                                                                    \
  void f32_to_##name##_neon(const float* x, int64_t n, Affine a, Q* y) { quantize_all(x, n, a, y); }               \
  void f32_to_##name##_each_neon(const float* x, int64_t n, AffineEach a, Q* y) { quantize_each(x, n, a, y); }     \
  void name##_to_f32_neon(const Q* x, int64_t n, float scale, int32_t zero_point, float* y) {                      \
    dequantize_all(x, n, scale, zero_point, y);                                                                    \
  }                                                                                                                \
  void name##_to_f32_each_neon(const Q* x, int64_t n, const float* scales, const int32_t* zero_points, float* y) { \
    dequantize_each(x, n, scales, zero_points, y);                                                                 \
  }
NARROW_INTEGER(s8, int8_t)
NARROW_INTEGER(u8, uint8_t)
NARROW_INTEGER(s16, int16_t)

// ---- int4 -----------------------------------------------------------------------------------------------------------

void s4_pack_neon(const int8_t* x, int64_t n, uint8_t* y) {
  int64_t i = 0;
  for (; i + 32 <= n; i += 32) {
    const int8x16x2_t pairs = vld2q_s8(x + i);  // even elements, odd elements
    vst1q_u8(y + i / 2, vsliq_n_u8(vandq_u8(vreinterpretq_u8_s8(pairs.val[0]), vdupq_n_u8(15)),
                                   vreinterpretq_u8_s8(pairs.val[1]), 4));
  }
  if (i < n) {
    Padded<uint8_t> out;
    s4_pack_neon(Padded<int8_t, 32>(x + i, n - i).lanes, 32, out.lanes);
    out.store(y + i / 2, (n - i + 1) / 2);
  }
}

void s4_unpack_neon(const uint8_t* x, int64_t n, int8_t* y) {
  int64_t i = 0;
  for (; i + 32 <= n; i += 32) {
    const int8x16_t bytes = vreinterpretq_s8_u8(vld1q_u8(x + i / 2));
    int8x16x2_t pairs;
    pairs.val[0] = vshrq_n_s8(vshlq_n_s8(bytes, 4), 4);
    pairs.val[1] = vshrq_n_s8(bytes, 4);
    vst2q_s8(y + i, pairs);
  }
  if (i < n) {
    Padded<int8_t, 32> out;
    s4_unpack_neon(Padded<uint8_t>(x + i / 2, (n - i + 1) / 2).lanes, 32, out.lanes);
    out.store(y + i, n - i);
  }
}

// ---- float16 --------------------------------------------------------------------------------------------------------

uint16x8_t half(float32x4_t a, float32x4_t b) { return vreinterpretq_u16_f16(vcvt_high_f16_f32(vcvt_f16_f32(a), b)); }

void f32_to_f16_neon(const float* x, int64_t n, uint16_t* y) {
  int64_t i = 0;
  for (; i + 8 <= n; i += 8) vst1q_u16(y + i, half(vld1q_f32(x + i), vld1q_f32(x + i + 4)));
  if (i < n) {
    Padded<uint16_t, 8> out;
    f32_to_f16_neon(Padded<float, 8>(x + i, n - i).lanes, 8, out.lanes);
    out.store(y + i, n - i);
  }
}

// What is beyond +-65504, but no NaN, becomes 65504 with its sign.
float32x4_t saturate(float32x4_t x_f32x4, int64_t* saturated) {
  const uint32x4_t m_u32x4 = magnitude(x_f32x4), largest = vdupq_n_u32(0x477fe000), infinity = vdupq_n_u32(0x7f800000);
  const uint32x4_t beyond = vandq_u32(vcgtq_u32(m_u32x4, largest), vcleq_u32(m_u32x4, infinity));
  *saturated += vaddvq_u32(vshrq_n_u32(beyond, 31));
  const uint32x4_t sign_kept = vbslq_u32(vdupq_n_u32(0x80000000), vreinterpretq_u32_f32(x_f32x4), largest);
  return vbslq_f32(beyond, vreinterpretq_f32_u32(sign_kept), x_f32x4);
}

int64_t f32_to_f16_saturated_neon(const float* x, int64_t n, uint16_t* y) {
  int64_t saturated = 0, i = 0;
  for (; i + 8 <= n; i += 8) {
    const float32x4_t low = saturate(vld1q_f32(x + i), &saturated), high = saturate(vld1q_f32(x + i + 4), &saturated);
    vst1q_u16(y + i, half(low, high));
  }
  if (i < n) {
    Padded<uint16_t, 8> out;
    saturated += f32_to_f16_saturated_neon(Padded<float, 8>(x + i, n - i).lanes, 8, out.lanes);
    out.store(y + i, n - i);
  }
  return saturated;
}

void f16_to_f32_neon(const uint16_t* x, int64_t n, float* y) {
  int64_t i = 0;
  for (; i + 4 <= n; i += 4) vst1q_f32(y + i, vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(x + i))));
  if (i < n) {
    Padded<float, 4> out;
    f16_to_f32_neon(Padded<uint16_t, 4>(x + i, n - i).lanes, 4, out.lanes);
    out.store(y + i, n - i);
  }
}

}  // namespace

const KernelTable kernels_neon = {"neon",
#define NARROW_ENTRY(name, result, parameters) name##_neon,
                                  NARROW_KERNELS(NARROW_ENTRY)
#undef NARROW_ENTRY
};

}  // namespace narrow
