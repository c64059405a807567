// NEON: kernels that many floats go into and few come out of. Tails go through the arithmetic of the main loop, in
// small padded buffers.
#include "vectors_neon.h"

namespace narrow {
namespace {

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

}  // namespace

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

void f32_range_flagged_neon(const float* x, int64_t n, Range* range) { f32_range_neon(x, n, range); }

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

// ---- Rows: the same for every column
// ---------------------------------------------------------------------------------

namespace {

// Four columns of a row. What is not finite is counted, and takes no part.
NARROW_NOINLINE void range_of_unusual(const float* x, float* min, float* max, int64_t* counts) {
  RangeLanes lanes = {vld1q_f32(min), vld1q_f32(max)};
  Range range = {0, 0, 0, 0};
  range_of_any(x, 4, &lanes, &range);
  counts[0] += range.nans;
  counts[1] += range.infinities;
  vst1q_f32(min, vaddq_f32(lanes.min, vdupq_n_f32(0.0f)));
  vst1q_f32(max, vaddq_f32(lanes.max, vdupq_n_f32(0.0f)));
}

template <int kRows>
void range_of_rows(const float* x, int64_t n, float* min, float* max, int64_t* counts) {
  int64_t i = 0;
  for (; i + 4 <= n; i += 4) {
    float32x4_t lo = vld1q_f32(min + i), hi = vld1q_f32(max + i);
    float32x4_t lowest = vld1q_f32(x + i), highest = lowest;
    for (int r = 1; r < kRows; r++) {
      lowest = vminq_f32(lowest, vld1q_f32(x + r * n + i));
      highest = vmaxq_f32(highest, vld1q_f32(x + r * n + i));
    }
    if (vmaxvq_u32(vmaxq_u32(magnitude(lowest), magnitude(highest))) >= 0x7f800000) {
      for (int r = 0; r < kRows; r++) range_of_unusual(x + r * n + i, min + i, max + i, counts);
      continue;
    }
    vst1q_f32(min + i, vaddq_f32(vminq_f32(lo, lowest), vdupq_n_f32(0.0f)));  // -0 becomes +0, nothing else changes
    vst1q_f32(max + i, vaddq_f32(vmaxq_f32(hi, highest), vdupq_n_f32(0.0f)));
  }
  if (i == n) return;
  Padded<float, 4> lo(min + i, n - i), hi(max + i, n - i);
  for (int r = 0; r < kRows; r++)
    range_of_unusual(Padded<float, 4>(x + r * n + i, n - i).lanes, lo.lanes, hi.lanes, counts);
  lo.store(min + i, n - i);
  hi.store(max + i, n - i);
}

template <int kRows>
void absmax_of_rows(const float* x, int64_t n, float* absmax) {
  int64_t i = 0;
  for (; i + 4 <= n; i += 4) {
    uint32x4_t most = vreinterpretq_u32_f32(vld1q_f32(absmax + i));
    for (int r = 0; r < kRows; r++) most = vmaxq_u32(most, magnitude(vld1q_f32(x + r * n + i)));
    vst1q_f32(absmax + i, vreinterpretq_f32_u32(most));
  }
  if (i == n) return;
  Padded<float, 4> most(absmax + i, n - i);
  for (int r = 0; r < kRows; r++) absmax_of_rows<1>(Padded<float, 4>(x + r * n + i, n - i).lanes, 4, most.lanes);
  most.store(absmax + i, n - i);
}

}  // namespace

void f32_range_rows_neon(const float* x, int64_t rows, int64_t n, float* min, float* max, int64_t* counts) {
  int64_t r = 0;
  for (; r + 8 <= rows; r += 8) range_of_rows<8>(x + r * n, n, min, max, counts);
  for (; r < rows; r++) range_of_rows<1>(x + r * n, n, min, max, counts);
}

int32_t f32_absmax_rows_neon(const float* x, int64_t rows, int64_t n, float* absmax) {
  int64_t r = 0;
  for (; r + 4 <= rows; r += 4) absmax_of_rows<4>(x + r * n, n, absmax);
  for (; r < rows; r++) absmax_of_rows<1>(x + r * n, n, absmax);
  return f32_absmax_neon(absmax, n) > 0x7f800000;
}

// ---- Sums
// ------------------------------------------------------------------------------------------------------------

namespace {

float32x4_t rounding_error_of_4(float32x4_t x_f32x4, Rounding r, float32x4_t sum_f32x4) {
  const float32x4_t to_integer = vdupq_n_f32(12582912.0f);  // see kernels_scalar.cc
  float32x4_t q_f32x4 = vmulq_n_f32(x_f32x4, r.inverse_scale);
  q_f32x4 = vmaxq_f32(vminq_f32(q_f32x4, vdupq_n_f32(r.limit)), vdupq_n_f32(-r.limit));
  q_f32x4 = vsubq_f32(vaddq_f32(q_f32x4, to_integer), to_integer);
  const float32x4_t e_f32x4 = vsubq_f32(x_f32x4, vmulq_n_f32(q_f32x4, r.scale));
  return vaddq_f32(sum_f32x4, vmulq_f32(e_f32x4, e_f32x4));
}

// The square of a float is exact in float64, so that fusing it with the addition changes no bit. That of a difference
// is not.
void error_of_16(const float* x, const float* y, float64x2_t* partial) {
  for (int k = 0; k < 8; k++) {
    const float64x2_t x_f64x2 = vcvt_f64_f32(vld1_f32(x + 2 * k)), y_f64x2 = vcvt_f64_f32(vld1_f32(y + 2 * k));
    const float64x2_t d_f64x2 = vsubq_f64(x_f64x2, y_f64x2);
    partial[k] = vfmaq_f64(partial[k], x_f64x2, x_f64x2);
    partial[8 + k] = vaddq_f64(partial[8 + k], vmulq_f64(d_f64x2, d_f64x2));
  }
}

}  // namespace

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

void f32_error_neon(const float* x, const float* y, int64_t n, double* partial) {
  float64x2_t sums[16];
  for (int k = 0; k < 16; k++) sums[k] = vld1q_f64(partial + 2 * k);
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) error_of_16(x + i, y + i, sums);
  // Zeros add +0, which changes no sum: none of them is -0.
  if (i < n) error_of_16(Padded<float>(x + i, n - i).lanes, Padded<float>(y + i, n - i).lanes, sums);
  for (int k = 0; k < 16; k++) vst1q_f64(partial + 2 * k, sums[k]);
}

}  // namespace narrow
