// How far two arrays of floats are apart, NEON.
#include "vectors_neon.h"

namespace narrow {
namespace {

// Adds sixteen floats, as eight times two doubles, to the sums of each kind, which lie eight by eight. The square of a
// float is exact in float64, so that fusing it with the addition changes no bit; that of a difference is not. The
// maximum is one of comparisons: vmaxq would keep a NaN.
void add(const float* x, const float* y, float64x2_t* s) {
  for (int k = 0; k < 8; k++) {
    const float64x2_t x_f64x2 = vcvt_f64_f32(vld1_f32(x + 2 * k)), y_f64x2 = vcvt_f64_f32(vld1_f32(y + 2 * k));
    const float64x2_t d_f64x2 = vsubq_f64(x_f64x2, y_f64x2), size_f64x2 = vabsq_f64(d_f64x2);
    s[k] = vfmaq_f64(s[k], x_f64x2, x_f64x2);
    s[8 + k] = vfmaq_f64(s[8 + k], y_f64x2, y_f64x2);
    s[16 + k] = vaddq_f64(s[16 + k], vmulq_f64(d_f64x2, d_f64x2));
    s[24 + k] = vaddq_f64(s[24 + k], d_f64x2);
    s[32 + k] = vbslq_f64(vcgtq_f64(size_f64x2, s[32 + k]), size_f64x2, s[32 + k]);
  }
}

// How many of sixteen.
int64_t outside(const float* x, Limits limits) {
  uint32x4_t ones = vdupq_n_u32(0);
  for (int k = 0; k < 4; k++) {
    const float32x4_t x_f32x4 = vld1q_f32(x + 4 * k);
    const uint32x4_t found =
        vorrq_u32(vcltq_f32(x_f32x4, vdupq_n_f32(limits.lowest)), vcgtq_f32(x_f32x4, vdupq_n_f32(limits.highest)));
    ones = vsubq_u32(ones, found);  // all bits set are -1
  }
  return vaddvq_u32(ones);
}

}  // namespace

int64_t f32_difference_neon(const float* x, const float* y, int64_t n, Limits limits, double* partial) {
  float64x2_t s[40];
  for (int k = 0; k < 40; k++) s[k] = vld1q_f64(partial + 2 * k);
  int64_t count = 0, i = 0;
  for (; i + 16 <= n; i += 16) {
    add(x + i, y + i, s);
    count += outside(x + i, limits);
  }
  if (i < n) {  // zeros add +0, which changes no sum, as none is -0
    const Padded<float> rest(x + i, n - i);
    add(rest.lanes, Padded<float>(y + i, n - i).lanes, s);
    count += outside(rest.lanes, limits);
  }
  for (int k = 0; k < 40; k++) vst1q_f64(partial + 2 * k, s[k]);
  return count;
}

}  // namespace narrow
