// AVX2: codes between the ends of an interval of each row's own.
#include "intervals_rows.h"
#include "vectors_avx2.h"

namespace narrow {
namespace {

struct Avx2 {
  static constexpr int kLanes = 4, kVectors = 2;
  using F = __m128;
  using D = __m256d;

  static void load(const float* const* rows, int64_t i, F* four) {
    for (int k = 0; k < 4; k++) four[k] = _mm_loadu_ps(rows[k] + i);
    _MM_TRANSPOSE4_PS(four[0], four[1], four[2], four[3]);
  }
  static F from(const float* x) { return _mm_loadu_ps(x); }
  static D from(const double* x) { return _mm256_loadu_pd(x); }
  static F f(float x) { return _mm_set1_ps(x); }
  static D d(double x) { return _mm256_set1_pd(x); }
  static D wide(F v) { return _mm256_cvtps_pd(v); }
  static F narrow(D v) { return _mm256_cvtpd_ps(v); }
  static void store(float* y, F v) { _mm_storeu_ps(y, v); }
  static void store(double* y, D v) { _mm256_storeu_pd(y, v); }

  static F add(F a, F b) { return _mm_add_ps(a, b); }
  static F sub(F a, F b) { return _mm_sub_ps(a, b); }
  static F mul(F a, F b) { return _mm_mul_ps(a, b); }
  static F div(F a, F b) { return _mm_div_ps(a, b); }
  static F min(F a, F b) { return _mm_min_ps(a, b); }
  static F max(F a, F b) { return _mm_max_ps(a, b); }
  static F least(F a, F b) { return _mm_or_ps(_mm_min_ps(a, b), _mm_min_ps(b, a)); }
  static F most(F a, F b) { return _mm_and_ps(_mm_max_ps(a, b), _mm_max_ps(b, a)); }
  static F round(F v) {
    const F down = _mm_floor_ps(v), up = _mm_cmpge_ps(_mm_sub_ps(v, down), f(0.5f));
    return _mm_add_ps(down, _mm_and_ps(up, f(1)));
  }

  static D add(D a, D b) { return _mm256_add_pd(a, b); }
  static D sub(D a, D b) { return _mm256_sub_pd(a, b); }
  static D mul(D a, D b) { return _mm256_mul_pd(a, b); }
  static D div(D a, D b) { return _mm256_div_pd(a, b); }
  static D min(D a, D b) { return _mm256_min_pd(a, b); }
  static D max(D a, D b) { return _mm256_max_pd(a, b); }
  static D round(D v) {
    const D down = _mm256_floor_pd(v), up = _mm256_cmp_pd(_mm256_sub_pd(v, down), d(0.5), _CMP_GE_OQ);
    return _mm256_add_pd(down, _mm256_and_pd(up, d(1)));
  }
};

}  // namespace

void f32_optimized_rows_avx2(const float* x, int64_t rows, int64_t n, Intervals i, uint8_t* y, float* ends,
                             int32_t* sums) {
  optimized<Avx2>({x, n, i, y, ends, sums}, rows);
}

}  // namespace narrow
