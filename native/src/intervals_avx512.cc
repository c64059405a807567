// AVX-512: codes between the ends of an interval of each row's own.
#include "intervals_rows.h"
#include "vectors_avx512.h"

namespace narrow {
namespace {

struct Avx512 {
  static constexpr int kLanes = 8, kVectors = 2;
  using F = __m256;
  using D = __m512d;

  static void load(const float* const* rows, int64_t i, F* four) {
    __m128 half[2][4];
    for (int h = 0; h < 2; h++) {
      for (int k = 0; k < 4; k++) half[h][k] = _mm_loadu_ps(rows[4 * h + k] + i);
      _MM_TRANSPOSE4_PS(half[h][0], half[h][1], half[h][2], half[h][3]);
    }
    for (int k = 0; k < 4; k++) four[k] = _mm256_insertf128_ps(_mm256_castps128_ps256(half[0][k]), half[1][k], 1);
  }
  static F from(const float* x) { return _mm256_loadu_ps(x); }
  static D from(const double* x) { return _mm512_loadu_pd(x); }
  static F f(float x) { return _mm256_set1_ps(x); }
  static D d(double x) { return _mm512_set1_pd(x); }
  static D wide(F v) { return _mm512_cvtps_pd(v); }
  static F narrow(D v) { return _mm512_cvtpd_ps(v); }
  static void store(float* y, F v) { _mm256_storeu_ps(y, v); }
  static void store(double* y, D v) { _mm512_storeu_pd(y, v); }

  static F add(F a, F b) { return _mm256_add_ps(a, b); }
  static F sub(F a, F b) { return _mm256_sub_ps(a, b); }
  static F mul(F a, F b) { return _mm256_mul_ps(a, b); }
  static F div(F a, F b) { return _mm256_div_ps(a, b); }
  static F min(F a, F b) { return _mm256_min_ps(a, b); }
  static F max(F a, F b) { return _mm256_max_ps(a, b); }
  static F least(F a, F b) { return _mm256_or_ps(_mm256_min_ps(a, b), _mm256_min_ps(b, a)); }
  static F most(F a, F b) { return _mm256_and_ps(_mm256_max_ps(a, b), _mm256_max_ps(b, a)); }
  static F round(F v) {
    const F down = _mm256_floor_ps(v), up = _mm256_cmp_ps(_mm256_sub_ps(v, down), f(0.5f), _CMP_GE_OQ);
    return _mm256_add_ps(down, _mm256_and_ps(up, f(1)));
  }

  static D add(D a, D b) { return _mm512_add_pd(a, b); }
  static D sub(D a, D b) { return _mm512_sub_pd(a, b); }
  static D mul(D a, D b) { return _mm512_mul_pd(a, b); }
  static D div(D a, D b) { return _mm512_div_pd(a, b); }
  static D min(D a, D b) { return _mm512_min_pd(a, b); }
  static D max(D a, D b) { return _mm512_max_pd(a, b); }
  static D round(D v) {
    const D down = _mm512_roundscale_pd(v, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
    return _mm512_mask_add_pd(down, _mm512_cmp_pd_mask(_mm512_sub_pd(v, down), d(0.5), _CMP_GE_OQ), down, d(1));
  }
};

}  // namespace

void f32_optimized_rows_avx512(const float* x, int64_t rows, int64_t n, Intervals i, uint8_t* y, float* ends,
                               int32_t* sums) {
  optimized<Avx512>({x, n, i, y, ends, sums}, rows);
}

}  // namespace narrow
