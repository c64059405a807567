// How far two arrays of floats are apart, AVX2.
#include "vectors_avx2.h"

namespace narrow {
namespace {

// Adds sixteen floats, as four times four doubles, to the sums of each kind, which lie four by four. The square of a
// float is exact in float64, so that fusing it with the addition changes no bit; that of a difference is not. max keeps
// the second where one is NaN.
void add(const float* x, const float* y, __m256d* s) {
  const __m256d sign = _mm256_set1_pd(-0.0);
  for (int k = 0; k < 4; k++) {
    const __m256d x_f64x4 = _mm256_cvtps_pd(_mm_loadu_ps(x + 4 * k)),
                  y_f64x4 = _mm256_cvtps_pd(_mm_loadu_ps(y + 4 * k));
    const __m256d d_f64x4 = _mm256_sub_pd(x_f64x4, y_f64x4);
    s[k] = _mm256_fmadd_pd(x_f64x4, x_f64x4, s[k]);
    s[4 + k] = _mm256_fmadd_pd(y_f64x4, y_f64x4, s[4 + k]);
    s[8 + k] = _mm256_add_pd(s[8 + k], _mm256_mul_pd(d_f64x4, d_f64x4));
    s[12 + k] = _mm256_add_pd(s[12 + k], d_f64x4);
    s[16 + k] = _mm256_max_pd(_mm256_andnot_pd(sign, d_f64x4), s[16 + k]);
  }
}

// How many of sixteen.
int64_t outside(const float* x, Limits limits) {
  int bits = 0;
  for (int k = 0; k < 2; k++) {
    const __m256 x_f32x8 = load8(x + 8 * k);
    const __m256 found = _mm256_or_ps(_mm256_cmp_ps(x_f32x8, set1(limits.lowest), _CMP_LT_OQ),
                                      _mm256_cmp_ps(x_f32x8, set1(limits.highest), _CMP_GT_OQ));
    bits |= _mm256_movemask_ps(found) << (8 * k);
  }
  return _mm_popcnt_u32(static_cast<unsigned>(bits));
}

}  // namespace

int64_t f32_difference_avx2(const float* x, const float* y, int64_t n, Limits limits, double* partial) {
  __m256d s[20];
  for (int k = 0; k < 20; k++) s[k] = _mm256_loadu_pd(partial + 4 * k);
  int64_t count = 0, i = 0;
  for (; i + 16 <= n; i += 16) {
    add(x + i, y + i, s);
    count += outside(x + i, limits);
  }
  if (i < n) {  // zeros add +0, which changes no sum, as none is -0
    const Padded<float, 16> rest(x + i, n - i);
    add(rest.lanes, Padded<float, 16>(y + i, n - i).lanes, s);
    count += outside(rest.lanes, limits);
  }
  for (int k = 0; k < 20; k++) _mm256_storeu_pd(partial + 4 * k, s[k]);
  return count;
}

}  // namespace narrow
