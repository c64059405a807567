// AVX2 and FMA: kernels that many floats go into and few come out of. Tails go through the arithmetic of the main loop,
// in small padded buffers.
#include "rows_x86.h"
#include "vectors_avx2.h"

namespace narrow {
namespace {

template <class Reduce>
uint32_t reduced(__m256i v, Reduce reduce) {
  __m128i a = reduce(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
  a = reduce(a, _mm_shuffle_epi32(a, 0x4e));
  a = reduce(a, _mm_shuffle_epi32(a, 0xb1));
  return static_cast<uint32_t>(_mm_cvtsi128_si32(a));
}

// The ends of a set of floats, in one of two ways, because processors differ in how many ports each takes (the table in
// native/README.md). Both find infinity and NaN at no cost.
//
// By their bits as integers: as signed numbers, floats without a sign come last and in order; as unsigned numbers,
// those with a sign come last and in reverse order. So the largest signed number is the largest float wherever one has
// no sign, the largest unsigned number the smallest float wherever one has a sign, and the smallest unsigned number the
// other end where all have the same sign. Infinity and NaN come after all numbers in both orders.
struct IntegerEnds {
  __m256i signed_most = set1(INT32_MIN), most = _mm256_setzero_si256(), least = set1(-1);  // of no float

  static constexpr int kSets = 2;
  static bool usable() { return true; }
  void extend(__m256 x_f32x8) {
    const __m256i x = _mm256_castps_si256(x_f32x8);
    signed_most = _mm256_max_epi32(signed_most, x);
    most = _mm256_max_epu32(most, x);
    least = _mm256_min_epu32(least, x);
    NARROW_IN_REGISTER(signed_most);
    NARROW_IN_REGISTER(most);
    NARROW_IN_REGISTER(least);
  }
  // Puts in the place of what is not finite what changes no end: all bits where the smallest is looked for (as a signed
  // number this is -1, below every float without a sign, and those with a sign do not count there), else none.
  void extend(__m256 x_f32x8, __m256i finite) {
    const __m256i x = _mm256_castps_si256(x_f32x8), or_ones = _mm256_or_si256(x, _mm256_xor_si256(finite, set1(-1)));
    signed_most = _mm256_max_epi32(signed_most, or_ones);
    least = _mm256_min_epu32(least, or_ones);
    most = _mm256_max_epu32(most, _mm256_and_si256(x, finite));
  }
  void extend(const IntegerEnds& e) {
    signed_most = _mm256_max_epi32(signed_most, e.signed_most);
    most = _mm256_max_epu32(most, e.most);
    least = _mm256_min_epu32(least, e.least);
  }
  bool finite() const {
    const __m256i infinity = set1(0x7f7fffff), negative = set1(static_cast<int32_t>(0xff800000));
    const __m256i beyond = _mm256_cmpgt_epi32(signed_most, infinity);
    const __m256i below = _mm256_cmpeq_epi32(_mm256_max_epu32(most, negative), most);
    return _mm256_testz_si256(_mm256_or_si256(beyond, below), set1(-1)) != 0;
  }
  void extend(Range* range) const {
    extend_by_bits(range, reduced(signed_most, [](__m128i a, __m128i b) { return _mm_max_epi32(a, b); }),
                   reduced(most, [](__m128i a, __m128i b) { return _mm_max_epu32(a, b); }),
                   reduced(least, [](__m128i a, __m128i b) { return _mm_min_epu32(a, b); }));
  }
};

// By minimum and maximum of floats, which give their second operand where one is NaN, and raise the invalid flag then:
// no NaN gets into an end, and the flag is the test for a whole block. Infinity does get into an end.
struct FloatEnds {
  __m256 min = set1(kInfinity), max = set1(-kInfinity);

  static constexpr int kSets = 4;  // 4 cycles until an end is ready, 2 a cycle
  static bool usable() { return flags_nan(); }
  void extend(__m256 x_f32x8) {
    min = _mm256_min_ps(x_f32x8, min);
    max = _mm256_max_ps(x_f32x8, max);
  }
  // Not by a NaN in its place: that would raise the flag.
  void extend(__m256 x_f32x8, __m256i finite) {
    min = _mm256_min_ps(_mm256_blendv_ps(min, x_f32x8, _mm256_castsi256_ps(finite)), min);
    max = _mm256_max_ps(_mm256_blendv_ps(max, x_f32x8, _mm256_castsi256_ps(finite)), max);
  }
  void extend(const FloatEnds& e) {
    min = _mm256_min_ps(e.min, min);
    max = _mm256_max_ps(e.max, max);
  }
  bool finite() {
    NARROW_IN_REGISTER(min);
    NARROW_IN_REGISTER(max);
    const bool nan = take_invalid();
    return !nan && !infinite();
  }
  bool infinite() const {
    return _mm256_movemask_ps(_mm256_or_ps(_mm256_cmp_ps(min, set1(-kInfinity), _CMP_EQ_OQ),
                                           _mm256_cmp_ps(max, set1(kInfinity), _CMP_EQ_OQ))) != 0;
  }
  void extend(Range* range) const {
    const auto bits = [](__m256 v) { return _mm256_castps_si256(v); };
    const auto lesser = [](__m128i a, __m128i b) {
      return _mm_castps_si128(_mm_min_ps(_mm_castsi128_ps(a), _mm_castsi128_ps(b)));
    };
    const auto greater = [](__m128i a, __m128i b) {
      return _mm_castps_si128(_mm_max_ps(_mm_castsi128_ps(a), _mm_castsi128_ps(b)));
    };
    narrow::extend(range, float_of(reduced(bits(min), lesser)), float_of(reduced(bits(max), greater)));
  }
};

template <class Ends>
bool range_of_finite(const float* x, int64_t n, Ends* total) {
  Ends ends[Ends::kSets];
  ends[0] = *total;
  for (int64_t i = 0; i < n; i += 32) {
    for (int k = 0; k < 4; k += Ends::kSets) {
      __m256 x_f32x8[Ends::kSets];
      for (int j = 0; j < Ends::kSets; j++) {
        x_f32x8[j] = load8(x + i + 8 * (k + j));
        NARROW_IN_REGISTER(x_f32x8[j]);
      }
      for (int j = 0; j < Ends::kSets; j++) ends[j].extend(x_f32x8[j]);
    }
  }
  for (int j = 1; j < Ends::kSets; j++) ends[0].extend(ends[j]);
  if (!ends[0].finite()) return false;
  *total = ends[0];
  return true;
}

int64_t sum_of_lanes(__m256i v_s32x8) {
  alignas(32) int32_t lanes[8];
  store256(lanes, v_s32x8);
  int64_t sum = 0;
  for (int32_t lane : lanes) sum += lane;
  return sum;
}

template <class Ends>
NARROW_NOINLINE Ends range_of_any(const float* x, int64_t n, Range* range) {
  const __m256i infinity = set1(0x7f800000);
  Ends ends;
  __m256i nans = _mm256_setzero_si256(), infinities = _mm256_setzero_si256();
  for (int64_t i = 0; i < n; i += 8) {
    alignas(32) float padded[8];
    if (n - i < 8) {  // with NaNs (all bits set), which are then taken off the count
      memset(padded, 0xff, sizeof padded);
      memcpy(padded, x + i, static_cast<size_t>(n - i) * sizeof(float));
      range->nans -= 8 - (n - i);
    }
    const __m256 x_f32x8 = load8(n - i < 8 ? padded : x + i);
    const __m256i m_s32x8 = magnitude(x_f32x8);
    nans = _mm256_sub_epi32(nans, _mm256_cmpgt_epi32(m_s32x8, infinity));
    infinities = _mm256_sub_epi32(infinities, _mm256_cmpeq_epi32(m_s32x8, infinity));
    ends.extend(x_f32x8, _mm256_cmpgt_epi32(infinity, m_s32x8));
  }
  range->nans += sum_of_lanes(nans);
  range->infinities += sum_of_lanes(infinities);
  return ends;
}

}  // namespace

void f32_range_avx2(const float* x, int64_t n, Range* r) {
  if (n >= kWorthFloats && flags_nan()) return range<FloatEnds>(x, n, r);
  range<IntegerEnds>(x, n, r);
}
void f32_range_flagged_avx2(const float* x, int64_t n, Range* r) {
  if (n < kWorthTheFlag) return range<IntegerEnds>(x, n, r);
  range<FloatEnds>(x, n, r);
}

namespace {

struct Most {
  __m256i bits = _mm256_setzero_si256();

  bool extend_by_numbers(const float* x, int64_t n) {
    __m256 most[4] = {set1(0.0f), set1(0.0f), set1(0.0f), set1(0.0f)};
    for (int64_t i = 0; i < n; i += 32) {
      for (int k = 0; k < 4; k++) {
        __m256 x_f32x8 = load8(x + i + 8 * k);
        NARROW_IN_REGISTER(x_f32x8);
        most[k] = _mm256_max_ps(_mm256_castsi256_ps(magnitude(x_f32x8)), most[k]);
      }
    }
    __m256 all = _mm256_max_ps(_mm256_max_ps(most[0], most[1]), _mm256_max_ps(most[2], most[3]));
    NARROW_IN_REGISTER(all);
    bits = _mm256_max_epu32(bits, _mm256_castps_si256(all));
    return !take_invalid();
  }
  void extend_by_any(const float* x, int64_t n) {
    __m256i most[4] = {bits, bits, bits, bits};
    int64_t i = 0;
    for (; i + 32 <= n; i += 32) {
      for (int k = 0; k < 4; k++) {
        most[k] = _mm256_max_epu32(most[k], magnitude(load8(x + i + 8 * k)));
        NARROW_IN_REGISTER(most[k]);
      }
    }
    for (; i + 8 <= n; i += 8) most[0] = _mm256_max_epu32(most[0], magnitude(load8(x + i)));
    if (i < n) most[1] = _mm256_max_epu32(most[1], magnitude(load8(Padded<float>(x + i, n - i).lanes)));
    bits = _mm256_max_epu32(_mm256_max_epu32(most[0], most[1]), _mm256_max_epu32(most[2], most[3]));
  }
  uint32_t reduce() const {
    return reduced(bits, [](__m128i a, __m128i b) { return _mm_max_epu32(a, b); });
  }
};

}  // namespace

uint32_t f32_absmax_avx2(const float* x, int64_t n) { return absmax<Most>(x, n); }

// ---- Rows: the same for every column
// ----------------------------------------------------------------------------------

namespace {

struct Lanes {
  using Floats = __m256;
  static constexpr int64_t kLanes = 8;

  static Floats set1(float x) { return _mm256_set1_ps(x); }
  static Floats load(const float* x) { return load8(x); }
  static void store(float* y, Floats v) { _mm256_storeu_ps(y, v); }
  static Floats magnitude(Floats v) { return _mm256_castsi256_ps(narrow::magnitude(v)); }
  static Floats min(Floats a, Floats b) { return _mm256_min_ps(a, b); }
  static Floats max(Floats a, Floats b) { return _mm256_max_ps(a, b); }
  static Floats multiply_add(Floats a, Floats b, Floats c) { return _mm256_fmadd_ps(a, b, c); }

  // A vector of columns. What is not finite takes no part.
  static void range_of_8(const float* x, float* min, float* max, int64_t* counts) {
    const __m256i infinity = narrow::set1(0x7f800000);
    const __m256 x_f32x8 = load8(x);
    const __m256i m_s32x8 = narrow::magnitude(x_f32x8);
    const __m256i finite = _mm256_cmpgt_epi32(infinity, m_s32x8);
    FloatEnds ends;
    ends.min = load8(min);
    ends.max = load8(max);
    ends.extend(x_f32x8, finite);
    store(min, _mm256_add_ps(ends.min, _mm256_setzero_ps()));
    store(max, _mm256_add_ps(ends.max, _mm256_setzero_ps()));
    const auto set = [](__m256i lanes) {
      return static_cast<uint32_t>(_mm256_movemask_ps(_mm256_castsi256_ps(lanes)));
    };
    if (set(finite) == 0xff) return;
    counts[0] += _mm_popcnt_u32(set(_mm256_cmpgt_epi32(m_s32x8, infinity)));
    counts[1] += _mm_popcnt_u32(set(_mm256_cmpeq_epi32(m_s32x8, infinity)));
  }
  NARROW_NOINLINE static void range_of_any(const float* x, int64_t n, float* min, float* max, int64_t* counts) {
    int64_t i = 0;
    for (; i + 8 <= n; i += 8) range_of_8(x + i, min + i, max + i, counts);
    if (i == n) return;
    Padded<float> lo(min + i, n - i), hi(max + i, n - i);
    range_of_8(Padded<float>(x + i, n - i).lanes, lo.lanes, hi.lanes, counts);
    lo.store(min + i, n - i);
    hi.store(max + i, n - i);
  }

  static uint32_t absmax(const float* x, int64_t n) { return f32_absmax_avx2(x, n); }
  NARROW_NOINLINE static void absmax_of_unusual(const float* x, int64_t rows, int64_t n, int64_t columns,
                                                float* absmax) {
    int64_t i = 0;
    for (; i + 8 <= columns; i += 8) {
      __m256i most = load256(absmax + i);
      for (int64_t r = 0; r < rows; r++) most = _mm256_max_epu32(most, narrow::magnitude(load8(x + r * n + i)));
      store256(absmax + i, most);
    }
    if (i == columns) return;
    Padded<float> most(absmax + i, columns - i);
    for (int64_t r = 0; r < rows; r++) {
      const Padded<float> rest(x + r * n + i, columns - i);
      store256(most.lanes, _mm256_max_epu32(load256(most.lanes), narrow::magnitude(load8(rest.lanes))));
    }
    most.store(absmax + i, columns - i);
  }
};

}  // namespace

void f32_range_rows_avx2(const float* x, int64_t rows, int64_t n, float* min, float* max, int64_t* counts) {
  range_rows<Lanes>(x, rows, n, {min, max}, counts);
}

int32_t f32_absmax_rows_avx2(const float* x, int64_t rows, int64_t n, float* absmax) {
  return absmax_rows<Lanes>(x, rows, n, absmax);
}

// ---- Sums
// -------------------------------------------------------------------------------------------------------------

static __m256 rounding_error_of_8(__m256 x_f32x8, Rounding r, __m256 sum_f32x8) {
  const __m256 to_integer = set1(12582912.0f);  // see kernels_scalar.cc
  __m256 q_f32x8 = _mm256_mul_ps(x_f32x8, set1(r.inverse_scale));
  q_f32x8 = _mm256_max_ps(_mm256_min_ps(q_f32x8, set1(r.limit)), set1(-r.limit));
  q_f32x8 = _mm256_sub_ps(_mm256_add_ps(q_f32x8, to_integer), to_integer);
  const __m256 e_f32x8 = _mm256_sub_ps(x_f32x8, _mm256_mul_ps(q_f32x8, set1(r.scale)));
  return _mm256_add_ps(sum_f32x8, _mm256_mul_ps(e_f32x8, e_f32x8));
}

float f32_rounding_error_avx2(const float* x, int64_t n, Rounding r) {
  __m256 sums[2] = {_mm256_setzero_ps(), _mm256_setzero_ps()};
  int64_t i = 0;
  for (; i + 16 <= n; i += 16)
    for (int k = 0; k < 2; k++) sums[k] = rounding_error_of_8(load8(x + i + 8 * k), r, sums[k]);
  if (i < n) {
    const Padded<float, 16> rest(x + i, n - i);  // zeros have no error
    for (int k = 0; k < 2; k++) sums[k] = rounding_error_of_8(load8(rest.lanes + 8 * k), r, sums[k]);
  }
  const __m256 s_f32x8 = _mm256_add_ps(sums[0], sums[1]);
  const __m128 s_f32x4 = _mm_add_ps(_mm256_castps256_ps128(s_f32x8), _mm256_extractf128_ps(s_f32x8, 1));
  const __m128 s_f32x2 = _mm_add_ps(s_f32x4, _mm_movehl_ps(s_f32x4, s_f32x4));
  return _mm_cvtss_f32(_mm_add_ss(s_f32x2, _mm_movehdup_ps(s_f32x2)));
}

// The square of a float is exact in float64, so that fusing it with the addition changes no bit. That of a difference
// is not.
static void error_of_16(const float* x, const float* y, __m256d* partial) {
  for (int k = 0; k < 4; k++) {
    const __m256d x_f64x4 = _mm256_cvtps_pd(_mm_loadu_ps(x + 4 * k)),
                  y_f64x4 = _mm256_cvtps_pd(_mm_loadu_ps(y + 4 * k));
    const __m256d d_f64x4 = _mm256_sub_pd(x_f64x4, y_f64x4);
    partial[k] = _mm256_fmadd_pd(x_f64x4, x_f64x4, partial[k]);
    partial[4 + k] = _mm256_add_pd(partial[4 + k], _mm256_mul_pd(d_f64x4, d_f64x4));
  }
}

void f32_error_avx2(const float* x, const float* y, int64_t n, double* partial) {
  __m256d sums[8];
  for (int k = 0; k < 8; k++) sums[k] = _mm256_loadu_pd(partial + 4 * k);
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) error_of_16(x + i, y + i, sums);
  // Zeros add +0, which changes no sum: none of them is -0.
  if (i < n) error_of_16(Padded<float, 16>(x + i, n - i).lanes, Padded<float, 16>(y + i, n - i).lanes, sums);
  for (int k = 0; k < 8; k++) _mm256_storeu_pd(partial + 4 * k, sums[k]);
}

}  // namespace narrow
