// How far two arrays of floats are apart, AVX-512.
#include "vectors_avx512.h"

namespace narrow {
namespace {

// Adds sixteen floats, as twice eight doubles, to the sums of each kind, which lie two by two. The square of a float is
// exact in float64, so that fusing it with the addition changes no bit; that of a difference is not. max keeps the
// second where one is NaN.
void add(__m512 x_f32x16, __m512 y_f32x16, __m512d* s) {
  const __m256 x[2] = {_mm512_castps512_ps256(x_f32x16), _mm512_extractf32x8_ps(x_f32x16, 1)};
  const __m256 y[2] = {_mm512_castps512_ps256(y_f32x16), _mm512_extractf32x8_ps(y_f32x16, 1)};
  for (int k = 0; k < 2; k++) {
    const __m512d x_f64x8 = _mm512_cvtps_pd(x[k]), y_f64x8 = _mm512_cvtps_pd(y[k]);
    const __m512d d_f64x8 = _mm512_sub_pd(x_f64x8, y_f64x8);
    s[k] = _mm512_fmadd_pd(x_f64x8, x_f64x8, s[k]);
    s[2 + k] = _mm512_fmadd_pd(y_f64x8, y_f64x8, s[2 + k]);
    s[4 + k] = _mm512_add_pd(s[4 + k], _mm512_mul_pd(d_f64x8, d_f64x8));
    s[6 + k] = _mm512_add_pd(s[6 + k], d_f64x8);
    s[8 + k] = _mm512_max_pd(_mm512_abs_pd(d_f64x8), s[8 + k]);
  }
}

int64_t outside(__m512 x_f32x16, Limits limits) {
  return bits_set(static_cast<__mmask16>(_mm512_cmp_ps_mask(x_f32x16, set1(limits.lowest), _CMP_LT_OQ) |
                                         _mm512_cmp_ps_mask(x_f32x16, set1(limits.highest), _CMP_GT_OQ)));
}

}  // namespace

// Lanes beyond the mask are zero: they add +0, which changes no sum, as none is -0.
int64_t f32_difference_avx512(const float* x, const float* y, int64_t n, Limits limits, double* partial) {
  __m512d s[10];
  for (int k = 0; k < 10; k++) s[k] = _mm512_loadu_pd(partial + 8 * k);
  int64_t count = 0, i = 0;
  for (; i + 16 <= n; i += 16) {
    const __m512 x_f32x16 = load16(x + i);
    add(x_f32x16, load16(y + i), s);
    count += outside(x_f32x16, limits);
  }
  if (i < n) {
    const __m512 x_f32x16 = load16(x + i, first16(n - i));
    add(x_f32x16, load16(y + i, first16(n - i)), s);
    count += outside(x_f32x16, limits);
  }
  for (int k = 0; k < 10; k++) _mm512_storeu_pd(partial + 8 * k, s[k]);
  return count;
}

}  // namespace narrow
