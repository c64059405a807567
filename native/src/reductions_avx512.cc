// AVX-512: kernels that many floats go into and few come out of.
#include "rows_x86.h"
#include "vectors_avx512.h"

namespace narrow {
namespace {

// See reductions_avx2.cc for both.
struct IntegerEnds {
  __m512i signed_most = set1(INT32_MIN), most = _mm512_setzero_si512(), least = set1(-1);

  static constexpr int kSets = 4;
  static bool usable() { return true; }
  void extend(__m512 x_f32x16) {
    const __m512i x = _mm512_castps_si512(x_f32x16);
    signed_most = _mm512_max_epi32(signed_most, x);
    most = _mm512_max_epu32(most, x);
    least = _mm512_min_epu32(least, x);
  }
  void extend(__m512 x_f32x16, __mmask16 finite) {
    const __m512i x = _mm512_castps_si512(x_f32x16);
    signed_most = _mm512_mask_max_epi32(signed_most, finite, signed_most, x);
    most = _mm512_mask_max_epu32(most, finite, most, x);
    least = _mm512_mask_min_epu32(least, finite, least, x);
  }
  void extend(const IntegerEnds& e) {
    signed_most = _mm512_max_epi32(signed_most, e.signed_most);
    most = _mm512_max_epu32(most, e.most);
    least = _mm512_min_epu32(least, e.least);
  }
  bool finite() const {
    return (_mm512_cmpgt_epi32_mask(signed_most, set1(0x7f7fffff)) |
            _mm512_cmpge_epu32_mask(most, set1(static_cast<int32_t>(0xff800000)))) == 0;
  }
  void extend(Range* range) const {
    extend_by_bits(range, static_cast<uint32_t>(_mm512_reduce_max_epi32(signed_most)), _mm512_reduce_max_epu32(most),
                   _mm512_reduce_min_epu32(least));
  }
};

struct FloatEnds {
  __m512 min = set1(kInfinity), max = set1(-kInfinity);

  static constexpr int kSets = 8;
  static bool usable() { return flags_nan(); }
  void extend(__m512 x_f32x16) {
    min = _mm512_min_ps(x_f32x16, min);
    max = _mm512_max_ps(x_f32x16, max);
  }
  void extend(__m512 x_f32x16, __mmask16 finite) {
    min = _mm512_mask_min_ps(min, finite, x_f32x16, min);
    max = _mm512_mask_max_ps(max, finite, x_f32x16, max);
  }
  void extend(const FloatEnds& e) {
    min = _mm512_min_ps(e.min, min);
    max = _mm512_max_ps(e.max, max);
  }
  bool finite() {
    NARROW_IN_REGISTER(min);
    NARROW_IN_REGISTER(max);
    const bool nan = take_invalid();
    return !nan && !infinite();
  }
  bool infinite() const {
    return (_mm512_cmp_ps_mask(min, set1(-kInfinity), _CMP_EQ_OQ) |
            _mm512_cmp_ps_mask(max, set1(kInfinity), _CMP_EQ_OQ)) != 0;
  }
  void extend(Range* range) const { narrow::extend(range, _mm512_reduce_min_ps(min), _mm512_reduce_max_ps(max)); }
};

template <class Ends>
bool range_of_finite(const float* x, int64_t n, Ends* total) {
  Ends ends[Ends::kSets];
  ends[0] = *total;
  const auto extend = [&ends, x](int64_t i, int k) {
    __m512 x_f32x16 = load16(x + i + 16 * k);
    NARROW_IN_REGISTER(x_f32x16);
    ends[k].extend(x_f32x16);
  };
  int64_t i = 0;
  for (; i + 16 * Ends::kSets <= n; i += 16 * Ends::kSets)
    for (int k = 0; k < Ends::kSets; k++) extend(i, k);
  for (; i < n; i += 64)
    for (int k = 0; k < 4; k++) extend(i, k);
  for (int apart = Ends::kSets / 2; apart > 0; apart /= 2)
    for (int k = 0; k < apart; k++) ends[k].extend(ends[k + apart]);
  if (!ends[0].finite()) return false;
  *total = ends[0];
  return true;
}

template <class Ends>
NARROW_NOINLINE Ends range_of_any(const float* x, int64_t n, Range* range) {
  const __m512i infinity = set1(0x7f800000);
  Ends ends;
  int64_t nans = 0, infinities = 0;
  for (int64_t i = 0; i < n; i += 16) {
    const __mmask16 mask = first16(n - i);
    const __m512 x_f32x16 = load16(x + i, mask);
    const __m512i m_s32x16 = magnitude(x_f32x16);
    nans += bits_set(_mm512_mask_cmpgt_epi32_mask(mask, m_s32x16, infinity));
    infinities += bits_set(_mm512_mask_cmpeq_epi32_mask(mask, m_s32x16, infinity));
    ends.extend(x_f32x16, _mm512_mask_cmplt_epi32_mask(mask, m_s32x16, infinity));
  }
  range->nans += nans;
  range->infinities += infinities;
  return ends;
}

}  // namespace

void f32_range_avx512(const float* x, int64_t n, Range* r) { range<IntegerEnds>(x, n, r); }
void f32_range_flagged_avx512(const float* x, int64_t n, Range* r) {
  if (n < kWorthTheFlag) return range<IntegerEnds>(x, n, r);
  range<FloatEnds>(x, n, r);
}

namespace {

struct Most {
  __m512i bits = _mm512_setzero_si512();

  bool extend_by_numbers(const float* x, int64_t n) {
    __m512 most[4] = {set1(0.0f), set1(0.0f), set1(0.0f), set1(0.0f)};
    for (int64_t i = 0; i < n; i += 64) {
      for (int k = 0; k < 4; k++) {
        __m512 x_f32x16 = load16(x + i + 16 * k);
        NARROW_IN_REGISTER(x_f32x16);
        most[k] = _mm512_max_ps(_mm512_castsi512_ps(magnitude(x_f32x16)), most[k]);
      }
    }
    __m512 all = _mm512_max_ps(_mm512_max_ps(most[0], most[1]), _mm512_max_ps(most[2], most[3]));
    NARROW_IN_REGISTER(all);
    bits = _mm512_max_epu32(bits, _mm512_castps_si512(all));
    return !take_invalid();
  }
  void extend_by_any(const float* x, int64_t n) {
    __m512i most[4] = {bits, bits, bits, bits};
    int64_t i = 0;
    for (; i + 64 <= n; i += 64)
      for (int k = 0; k < 4; k++) most[k] = _mm512_max_epu32(most[k], magnitude(load16(x + i + 16 * k)));
    for (; i < n; i += 16) most[0] = _mm512_max_epu32(most[0], magnitude(load16(x + i, first16(n - i))));
    bits = _mm512_max_epu32(_mm512_max_epu32(most[0], most[1]), _mm512_max_epu32(most[2], most[3]));
  }
  uint32_t reduce() const { return _mm512_reduce_max_epu32(bits); }
};

}  // namespace

uint32_t f32_absmax_avx512(const float* x, int64_t n) { return absmax<Most>(x, n); }

// ---- Rows: the same for every column
// ----------------------------------------------------------------------------------

namespace {

struct Lanes {
  using Floats = __m512;
  static constexpr int64_t kLanes = 16;

  static Floats set1(float x) { return _mm512_set1_ps(x); }
  static Floats load(const float* x) { return load16(x); }
  static void store(float* y, Floats v) { _mm512_storeu_ps(y, v); }
  static Floats magnitude(Floats v) { return _mm512_castsi512_ps(narrow::magnitude(v)); }
  static Floats min(Floats a, Floats b) { return _mm512_min_ps(a, b); }
  static Floats max(Floats a, Floats b) { return _mm512_max_ps(a, b); }
  static Floats multiply_add(Floats a, Floats b, Floats c) { return _mm512_fmadd_ps(a, b, c); }

  // What is not finite takes no part.
  NARROW_NOINLINE static void range_of_any(const float* x, int64_t n, float* min, float* max, int64_t* counts) {
    const __m512i infinity = narrow::set1(0x7f800000);
    for (int64_t i = 0; i < n; i += 16) {
      const __mmask16 mask = first16(n - i);
      const __m512 x_f32x16 = load16(x + i, mask);
      const __m512i m_s32x16 = narrow::magnitude(x_f32x16);
      const __mmask16 finite = _mm512_cmplt_epi32_mask(m_s32x16, infinity);
      FloatEnds ends;
      ends.min = load16(min + i, mask);
      ends.max = load16(max + i, mask);
      ends.extend(x_f32x16, finite);
      _mm512_mask_storeu_ps(min + i, mask, _mm512_add_ps(ends.min, _mm512_setzero_ps()));
      _mm512_mask_storeu_ps(max + i, mask, _mm512_add_ps(ends.max, _mm512_setzero_ps()));
      if (finite == 0xffff) continue;
      counts[0] += bits_set(_mm512_cmpgt_epi32_mask(m_s32x16, infinity));
      counts[1] += bits_set(_mm512_cmpeq_epi32_mask(m_s32x16, infinity));
    }
  }

  static uint32_t absmax(const float* x, int64_t n) { return f32_absmax_avx512(x, n); }
  NARROW_NOINLINE static void absmax_of_unusual(const float* x, int64_t rows, int64_t n, int64_t columns,
                                                float* absmax) {
    for (int64_t i = 0; i < columns; i += 16) {
      const __mmask16 mask = first16(columns - i);
      __m512i most = _mm512_castps_si512(load16(absmax + i, mask));
      for (int64_t r = 0; r < rows; r++) most = _mm512_max_epu32(most, narrow::magnitude(load16(x + r * n + i, mask)));
      _mm512_mask_storeu_epi32(absmax + i, mask, most);
    }
  }
};

}  // namespace

void f32_range_rows_avx512(const float* x, int64_t rows, int64_t n, float* min, float* max, int64_t* counts) {
  range_rows<Lanes>(x, rows, n, {min, max}, counts);
}

int32_t f32_absmax_rows_avx512(const float* x, int64_t rows, int64_t n, float* absmax) {
  return absmax_rows<Lanes>(x, rows, n, absmax);
}

// ---- Sums
// -------------------------------------------------------------------------------------------------------------

namespace {

__m512 rounding_error_of_16(__m512 x_f32x16, Rounding r, __m512 sum_f32x16) {
  const __m512 to_integer = set1(12582912.0f);  // see kernels_scalar.cc
  __m512 q_f32x16 = _mm512_mul_ps(x_f32x16, set1(r.inverse_scale));
  q_f32x16 = _mm512_max_ps(_mm512_min_ps(q_f32x16, set1(r.limit)), set1(-r.limit));
  q_f32x16 = _mm512_sub_ps(_mm512_add_ps(q_f32x16, to_integer), to_integer);
  const __m512 e_f32x16 = _mm512_sub_ps(x_f32x16, _mm512_mul_ps(q_f32x16, set1(r.scale)));
  return _mm512_add_ps(sum_f32x16, _mm512_mul_ps(e_f32x16, e_f32x16));
}

// Adds to sums[0] and sums[1] the squares of eight and eight floats, to the others those of their differences. See
// reductions_avx2.cc for the fused one.
void error_of_16(const __m256* x, const __m256* y, __m512d* sums) {
  for (int k = 0; k < 2; k++) {
    const __m512d x_f64x8 = _mm512_cvtps_pd(x[k]), y_f64x8 = _mm512_cvtps_pd(y[k]);
    const __m512d d_f64x8 = _mm512_sub_pd(x_f64x8, y_f64x8);
    sums[k] = _mm512_fmadd_pd(x_f64x8, x_f64x8, sums[k]);
    sums[2 + k] = _mm512_add_pd(sums[2 + k], _mm512_mul_pd(d_f64x8, d_f64x8));
  }
}

}  // namespace

// Lanes beyond the mask are zero and add +0, which changes no sum: none of them is -0.
float f32_rounding_error_avx512(const float* x, int64_t n, Rounding r) {
  __m512 sum_f32x16 = _mm512_setzero_ps();
  int64_t i = 0;
  for (; i + 64 <= n; i += 64)
    for (int64_t k = i; k < i + 64; k += 16) sum_f32x16 = rounding_error_of_16(load16(x + k), r, sum_f32x16);
  for (; i < n; i += 16) sum_f32x16 = rounding_error_of_16(load16(x + i, first16(n - i)), r, sum_f32x16);
  const __m256 s_f32x8 = _mm256_add_ps(_mm512_castps512_ps256(sum_f32x16), _mm512_extractf32x8_ps(sum_f32x16, 1));
  const __m128 s_f32x4 = _mm_add_ps(_mm256_castps256_ps128(s_f32x8), _mm256_extractf128_ps(s_f32x8, 1));
  const __m128 s_f32x2 = _mm_add_ps(s_f32x4, _mm_movehl_ps(s_f32x4, s_f32x4));
  return _mm_cvtss_f32(_mm_add_ss(s_f32x2, _mm_movehdup_ps(s_f32x2)));
}

void f32_error_avx512(const float* x, const float* y, int64_t n, double* partial) {
  __m512d sums[4];
  for (int k = 0; k < 4; k++) sums[k] = _mm512_loadu_pd(partial + 8 * k);
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) {
    const __m256 x_f32x8[2] = {_mm256_loadu_ps(x + i), _mm256_loadu_ps(x + i + 8)};
    const __m256 y_f32x8[2] = {_mm256_loadu_ps(y + i), _mm256_loadu_ps(y + i + 8)};
    error_of_16(x_f32x8, y_f32x8, sums);
  }
  if (i < n) {
    const __mmask8 low = static_cast<__mmask8>(first16(n - i)), high = static_cast<__mmask8>(first16(n - i) >> 8);
    const __m256 x_f32x8[2] = {_mm256_maskz_loadu_ps(low, x + i), _mm256_maskz_loadu_ps(high, x + i + 8)};
    const __m256 y_f32x8[2] = {_mm256_maskz_loadu_ps(low, y + i), _mm256_maskz_loadu_ps(high, y + i + 8)};
    error_of_16(x_f32x8, y_f32x8, sums);
  }
  for (int k = 0; k < 4; k++) _mm512_storeu_pd(partial + 8 * k, sums[k]);
}

}  // namespace narrow
