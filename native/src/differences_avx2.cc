// How far two arrays of floats are apart, AVX2.
#include "vectors_avx2.h"

namespace narrow {
namespace {

// The sums are twenty registers, four more than there are, and were each written and read again with every sixteen
// floats: so differences are kept, of as many floats as leave them in the first cache, between two passes.
constexpr int64_t kKept = 512;

// Floats by which the memory of x is asked for ahead: 8 KiB. Tensors that a model left in memory take 0.465 ns a value
// where they took 0.576 (int8, Zen 3); what lies in a cache takes as long as before.
constexpr int64_t kAhead = 2048;

// Squares of x and y are added to eight sums: the square of a float is exact in float64, so that fusing it with the
// addition changes no bit. n is a multiple of 16. Returns how many x are outside.
int64_t add_squares(const float* x, const float* y, int64_t n, Limits limits, double* partial, double* differences) {
  __m256d s[8];
  for (int k = 0; k < 8; k++) s[k] = _mm256_loadu_pd(partial + 4 * k);
  __m256i outside_s32x8 = _mm256_setzero_si256();
  for (int64_t i = 0; i < n; i += 16) {
    _mm_prefetch(reinterpret_cast<const char*>(reinterpret_cast<uintptr_t>(x + i) + kAhead * sizeof(float)),
                 _MM_HINT_T0);
    for (int k = 0; k < 4; k++) {
      const __m256d x_f64x4 = _mm256_cvtps_pd(_mm_loadu_ps(x + i + 4 * k)),
                    y_f64x4 = _mm256_cvtps_pd(_mm_loadu_ps(y + i + 4 * k));
      s[k] = _mm256_fmadd_pd(x_f64x4, x_f64x4, s[k]);
      s[4 + k] = _mm256_fmadd_pd(y_f64x4, y_f64x4, s[4 + k]);
      _mm256_store_pd(differences + i + 4 * k, _mm256_sub_pd(x_f64x4, y_f64x4));
    }
    for (int k = 0; k < 2; k++) {
      const __m256 x_f32x8 = load8(x + i + 8 * k);
      const __m256 found = _mm256_or_ps(_mm256_cmp_ps(x_f32x8, set1(limits.lowest), _CMP_LT_OQ),
                                        _mm256_cmp_ps(x_f32x8, set1(limits.highest), _CMP_GT_OQ));
      outside_s32x8 = _mm256_sub_epi32(outside_s32x8, _mm256_castps_si256(found));  // all bits set are -1
    }
  }
  for (int k = 0; k < 8; k++) _mm256_storeu_pd(partial + 4 * k, s[k]);
  alignas(32) int32_t outside[8];
  store256(outside, outside_s32x8);
  int64_t count = 0;
  for (int32_t of : outside) count += of;
  return count;
}

// Squares of the differences, which are not exact, they themselves and their largest size are added to twelve sums. max
// keeps the second where one is NaN.
void add_differences(const double* differences, int64_t n, double* partial) {
  const __m256d sign = _mm256_set1_pd(-0.0);
  __m256d s[12];
  for (int k = 0; k < 12; k++) s[k] = _mm256_loadu_pd(partial + 4 * k);
  for (int64_t i = 0; i < n; i += 16) {
    for (int k = 0; k < 4; k++) {
      const __m256d d_f64x4 = _mm256_load_pd(differences + i + 4 * k);
      s[k] = _mm256_add_pd(s[k], _mm256_mul_pd(d_f64x4, d_f64x4));
      s[4 + k] = _mm256_add_pd(s[4 + k], d_f64x4);
      s[8 + k] = _mm256_max_pd(_mm256_andnot_pd(sign, d_f64x4), s[8 + k]);
    }
  }
  for (int k = 0; k < 12; k++) _mm256_storeu_pd(partial + 4 * k, s[k]);
}

}  // namespace

int64_t f32_difference_avx2(const float* x, const float* y, int64_t n, Limits limits, double* partial) {
  alignas(32) double differences[kKept];
  int64_t count = 0, i = 0;
  while (i + 16 <= n) {
    const int64_t m = (n - i < kKept ? n - i : kKept) & ~INT64_C(15);
    count += add_squares(x + i, y + i, m, limits, partial, differences);
    add_differences(differences, m, partial + 32);
    i += m;
  }
  if (i < n) {  // zeros add +0, which changes no sum, as none is -0
    const Padded<float, 16> x_rest(x + i, n - i), y_rest(y + i, n - i);
    count += add_squares(x_rest.lanes, y_rest.lanes, 16, limits, partial, differences);
    add_differences(differences, 16, partial + 32);
  }
  return count;
}

}  // namespace narrow
