// AVX2 and F16C. Tails go through the arithmetic of the main loop, in small padded buffers.
#include <immintrin.h>
#include <string.h>

#include "kernel_table.h"

namespace narrow {
namespace {

// Kernels with a fast loop for ordinary values and an exact one for the rest decide block by block. 16 Ki floats are
// long enough for the decision to cost nothing, and still lie in the second-level cache when the exact loop follows.
constexpr int64_t kBlock = 16384;

__m256 set1(float x) { return _mm256_set1_ps(x); }
__m256i set1(int32_t x) { return _mm256_set1_epi32(x); }
__m256 load8(const float* x) { return _mm256_loadu_ps(x); }
__m256i load256(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }
__m128i load128(const void* p) { return _mm_loadu_si128(static_cast<const __m128i*>(p)); }
__m128i load64(const void* p) { return _mm_loadl_epi64(static_cast<const __m128i*>(p)); }
void store256(void* p, __m256i v) { _mm256_storeu_si256(static_cast<__m256i*>(p), v); }
void store128(void* p, __m128i v) { _mm_storeu_si128(static_cast<__m128i*>(p), v); }
void store64(void* p, __m128i v) { _mm_storel_epi64(static_cast<__m128i*>(p), v); }

// N lanes that start with the n < N elements at x; the others are zero.
template <class T, int N = 8>
struct Padded {
  alignas(32) T lanes[N];
  Padded() { memset(lanes, 0, sizeof lanes); }
  Padded(const T* x, int64_t n) : Padded() { memcpy(lanes, x, static_cast<size_t>(n) * sizeof(T)); }
  void store(T* y, int64_t n) const { memcpy(y, lanes, static_cast<size_t>(n) * sizeof(T)); }
};

__m256i magnitude(__m256 x_f32x8) { return _mm256_and_si256(_mm256_castps_si256(x_f32x8), set1(0x7fffffff)); }

// ---- Reductions -----------------------------------------------------------------------------------------------------

struct RangeLanes {
  __m256 min, max;
};

// x * 0 is 0 for numbers and NaN for NaN and infinity, and a sum that is NaN stays so: one multiply-add a vector finds
// both, on ports that minimum and maximum leave free, where a compare would slow them down. Returns false, and leaves
// the lanes alone, where there was one. n is a multiple of 32.
bool range_of_finite(const float* x, int64_t n, RangeLanes* lanes) {
  const __m256 zero = _mm256_setzero_ps();
  __m256 lo[4], hi[4], nan[4];
  for (int k = 0; k < 4; k++) {
    lo[k] = lanes->min;
    hi[k] = lanes->max;
    nan[k] = zero;
  }
  for (int64_t i = 0; i < n; i += 32) {
    for (int k = 0; k < 4; k++) {
      const __m256 x_f32x8 = load8(x + i + 8 * k);
      lo[k] = _mm256_min_ps(x_f32x8, lo[k]);
      hi[k] = _mm256_max_ps(x_f32x8, hi[k]);
      nan[k] = _mm256_fmadd_ps(x_f32x8, zero, nan[k]);
    }
  }
  const __m256 any = _mm256_or_ps(_mm256_or_ps(nan[0], nan[1]), _mm256_or_ps(nan[2], nan[3]));
  if (_mm256_movemask_ps(_mm256_cmp_ps(any, any, _CMP_UNORD_Q)) != 0) return false;
  lanes->min = _mm256_min_ps(_mm256_min_ps(lo[0], lo[1]), _mm256_min_ps(lo[2], lo[3]));
  lanes->max = _mm256_max_ps(_mm256_max_ps(hi[0], hi[1]), _mm256_max_ps(hi[2], hi[3]));
  return true;
}

int64_t sum_of_lanes(__m256i v_s32x8) {
  alignas(32) int32_t lanes[8];
  store256(lanes, v_s32x8);
  int64_t sum = 0;
  for (int32_t lane : lanes) sum += lane;
  return sum;
}

float min_of_lanes(__m256 v) {
  __m128 a = _mm_min_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  a = _mm_min_ps(a, _mm_movehl_ps(a, a));
  return _mm_cvtss_f32(_mm_min_ss(a, _mm_movehdup_ps(a)));
}

float max_of_lanes(__m256 v) {
  __m128 a = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  a = _mm_max_ps(a, _mm_movehl_ps(a, a));
  return _mm_cvtss_f32(_mm_max_ss(a, _mm_movehdup_ps(a)));
}

// Values of any kind. n is a multiple of 8.
void range_of_any(const float* x, int64_t n, RangeLanes* lanes, Range* range) {
  const __m256i infinity = set1(0x7f800000);
  const __m256 highest = _mm256_castsi256_ps(infinity), lowest = _mm256_castsi256_ps(set1(-0x800000));
  __m256i nans = _mm256_setzero_si256(), infinities = _mm256_setzero_si256();
  for (int64_t i = 0; i < n; i += 8) {
    const __m256 x_f32x8 = load8(x + i);
    const __m256i m_s32x8 = magnitude(x_f32x8);
    const __m256 finite = _mm256_castsi256_ps(_mm256_cmpgt_epi32(infinity, m_s32x8));
    nans = _mm256_sub_epi32(nans, _mm256_cmpgt_epi32(m_s32x8, infinity));
    infinities = _mm256_sub_epi32(infinities, _mm256_cmpeq_epi32(m_s32x8, infinity));
    lanes->min = _mm256_min_ps(_mm256_blendv_ps(highest, x_f32x8, finite), lanes->min);
    lanes->max = _mm256_max_ps(_mm256_blendv_ps(lowest, x_f32x8, finite), lanes->max);
  }
  range->nans += sum_of_lanes(nans);
  range->infinities += sum_of_lanes(infinities);
}

void f32_range_avx2(const float* x, int64_t n, Range* range) {
  RangeLanes lanes = {set1(range->min), set1(range->max)};
  const int64_t in_blocks = n & -32, in_vectors = n & -8;
  for (int64_t i = 0; i < in_blocks; i += kBlock) {
    const int64_t m = in_blocks - i < kBlock ? in_blocks - i : kBlock;
    if (!range_of_finite(x + i, m, &lanes)) range_of_any(x + i, m, &lanes, range);
  }
  if (in_blocks < in_vectors) range_of_any(x + in_blocks, in_vectors - in_blocks, &lanes, range);
  if (in_vectors < n) {  // padded with NaNs (all bits set), which are then taken off the count
    const int64_t rest = n - in_vectors;
    alignas(32) float padded[8];
    memset(padded, 0xff, sizeof padded);
    memcpy(padded, x + in_vectors, static_cast<size_t>(rest) * sizeof(float));
    range_of_any(padded, 8, &lanes, range);
    range->nans -= 8 - rest;
  }
  range->min = min_of_lanes(lanes.min) + 0.0f;  // -0 becomes +0, nothing else changes
  range->max = max_of_lanes(lanes.max) + 0.0f;
}

uint32_t f32_absmax_avx2(const float* x, int64_t n) {
  __m256i most[4] = {_mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256()};
  int64_t i = 0;
  for (; i + 32 <= n; i += 32)
    for (int k = 0; k < 4; k++) most[k] = _mm256_max_epi32(most[k], magnitude(load8(x + i + 8 * k)));
  for (; i + 8 <= n; i += 8) most[0] = _mm256_max_epi32(most[0], magnitude(load8(x + i)));
  if (i < n) most[1] = _mm256_max_epi32(most[1], magnitude(load8(Padded<float>(x + i, n - i).lanes)));
  alignas(32) uint32_t lanes[8];
  store256(lanes, _mm256_max_epi32(_mm256_max_epi32(most[0], most[1]), _mm256_max_epi32(most[2], most[3])));
  for (uint32_t lane : lanes) lanes[0] = lane > lanes[0] ? lane : lanes[0];
  return lanes[0];
}

void f32_absmax_each_avx2(const float* x, int64_t n, float* absmax) {
  int64_t i = 0;
  for (; i + 8 <= n; i += 8) store256(absmax + i, _mm256_max_epi32(load256(absmax + i), magnitude(load8(x + i))));
  if (i < n) {
    Padded<float> most(absmax + i, n - i);
    f32_absmax_each_avx2(Padded<float>(x + i, n - i).lanes, 8, most.lanes);
    most.store(absmax + i, n - i);
  }
}

__m256 rounding_error_of_8(__m256 x_f32x8, Rounding r, __m256 sum_f32x8) {
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

void error_of_16(const float* x, const float* y, __m256d* partial) {
  for (int k = 0; k < 4; k++) {
    const __m256d x_f64x4 = _mm256_cvtps_pd(_mm_loadu_ps(x + 4 * k)),
                  y_f64x4 = _mm256_cvtps_pd(_mm_loadu_ps(y + 4 * k));
    const __m256d d_f64x4 = _mm256_sub_pd(x_f64x4, y_f64x4);
    partial[k] = _mm256_add_pd(partial[k], _mm256_mul_pd(x_f64x4, x_f64x4));
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

// ---- float32 -> integer ---------------------------------------------------------------------------------------------

// packs_epi16 and its like work on each half of a register, so that packing 32 values twice leaves groups of four in
// the order 0 2 4 6 1 3 5 7.
__m256i in_order(__m256i packed_twice) {
  return _mm256_permutevar8x32_epi32(packed_twice, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}

// What differs between the integer types: how 16 bits (or 32) narrow, and the clamp.
struct S8 {
  using Type = int8_t;
  static constexpr int32_t kMin = -128, kMax = 127;
  static __m256i narrow(__m256i a, __m256i b) { return _mm256_packs_epi16(a, b); }
  static __m256i set1(int32_t q) { return _mm256_set1_epi8(static_cast<char>(q)); }
  static __m256i clamp(__m256i q, __m256i lo, __m256i hi) { return _mm256_min_epi8(_mm256_max_epi8(q, lo), hi); }
};
struct U8 {
  using Type = uint8_t;
  static constexpr int32_t kMin = 0, kMax = 255;
  static __m256i narrow(__m256i a, __m256i b) { return _mm256_packus_epi16(a, b); }
  static __m256i set1(int32_t q) { return _mm256_set1_epi8(static_cast<char>(q)); }
  static __m256i clamp(__m256i q, __m256i lo, __m256i hi) { return _mm256_min_epu8(_mm256_max_epu8(q, lo), hi); }
};
struct S16 {
  using Type = int16_t;
  static __m256i set1(int32_t q) { return _mm256_set1_epi16(static_cast<int16_t>(q)); }
  static __m256i clamp(__m256i q, __m256i lo, __m256i hi) { return _mm256_min_epi16(_mm256_max_epi16(q, lo), hi); }
};

// Any float. Every result lies within 16 bits, so that a product beyond 2^17 is as good as infinite; NaN becomes 0.
__m256i quantize(__m256 x_f32x8, __m256 inverse_scale, __m256i zero_point) {
  const __m256 p = _mm256_mul_ps(x_f32x8, inverse_scale);
  const __m256 number = _mm256_and_ps(p, _mm256_cmp_ps(p, p, _CMP_ORD_Q));
  const __m256 near = _mm256_max_ps(_mm256_min_ps(number, set1(131072.0f)), set1(-131072.0f));
  return _mm256_add_epi32(_mm256_cvtps_epi32(near), zero_point);
}

// Where scale and zero point of eight elements come from: one for all, or arrays.
struct All {
  __m256 inverse_scale;
  __m256i zero_point;
  explicit All(const Affine& a) : inverse_scale(set1(a.inverse_scale)), zero_point(set1(a.zero_point)) {}
  __m256i quantize8(const float* x, int64_t i) const { return quantize(load8(x + i), inverse_scale, zero_point); }
  __m256i quantize_tail(const float* x, int64_t i, int64_t n) const {
    return quantize(load8(Padded<float>(x + i, n).lanes), inverse_scale, zero_point);
  }
};
struct Each {
  AffineEach a;
  explicit Each(const AffineEach& each) : a(each) {}
  __m256i quantize8(const float* x, int64_t i) const {
    return quantize(load8(x + i), load8(a.inverse_scales + i), load256(a.zero_points + i));
  }
  __m256i quantize_tail(const float* x, int64_t i, int64_t n) const {
    return quantize(load8(Padded<float>(x + i, n).lanes), load8(Padded<float>(a.inverse_scales + i, n).lanes),
                    load256(Padded<int32_t>(a.zero_points + i, n).lanes));
  }
};

template <class Q, class Source>
void quantize_bytes(const float* x, int64_t n, Source source, int32_t qmin, int32_t qmax, typename Q::Type* y) {
  const __m256i lo = Q::set1(qmin), hi = Q::set1(qmax);
  int64_t i = 0;
  for (; i + 32 <= n; i += 32) {
    const __m256i a = _mm256_packs_epi32(source.quantize8(x, i), source.quantize8(x, i + 8));
    const __m256i b = _mm256_packs_epi32(source.quantize8(x, i + 16), source.quantize8(x, i + 24));
    store256(y + i, Q::clamp(in_order(Q::narrow(a, b)), lo, hi));
  }
  for (; i < n; i += 8) {
    const __m256i q = n - i < 8 ? source.quantize_tail(x, i, n - i) : source.quantize8(x, i);
    const __m256i a = _mm256_packs_epi32(q, q);
    const __m128i bytes = _mm256_castsi256_si128(Q::clamp(in_order(Q::narrow(a, a)), lo, hi));
    if (n - i < 8) {
      Padded<typename Q::Type> out;
      store64(out.lanes, bytes);
      out.store(y + i, n - i);
    } else {
      store64(y + i, bytes);
    }
  }
}

template <class Source>
void quantize_words(const float* x, int64_t n, Source source, int32_t qmin, int32_t qmax, int16_t* y) {
  const __m256i lo = S16::set1(qmin), hi = S16::set1(qmax);
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) {
    const __m256i q = _mm256_packs_epi32(source.quantize8(x, i), source.quantize8(x, i + 8));
    store256(y + i, S16::clamp(_mm256_permute4x64_epi64(q, 0xd8), lo, hi));
  }
  for (; i < n; i += 8) {
    const __m256i q = n - i < 8 ? source.quantize_tail(x, i, n - i) : source.quantize8(x, i);
    const __m256i twice = _mm256_permute4x64_epi64(_mm256_packs_epi32(q, q), 0xd8);
    const __m128i words = _mm256_castsi256_si128(S16::clamp(twice, lo, hi));
    if (n - i < 8) {
      Padded<int16_t> out;
      store128(out.lanes, words);
      out.store(y + i, n - i);
    } else {
      store128(y + i, words);
    }
  }
}

// The fast loop for bytes compares and clamps no float: packs_epi32 and packs_epi16 saturate. Lost is only what cvtps
// cannot represent, NaN and products of 2^31 and beyond: it makes them INT_MIN, and raises the invalid flag. That flag
// is the test for a whole block, and it is free. Not inlined, so that nothing moves past the reading of the flag.
// n is a multiple of 64.
template <class Q, bool kAdd, bool kClamp>
NARROW_NOINLINE void quantize_ordinary(const float* x, int64_t n, const Affine& a, typename Q::Type* y) {
  const __m256 inverse_scale = set1(a.inverse_scale);
  const __m256i zero_point = _mm256_set1_epi16(static_cast<int16_t>(a.zero_point));
  const __m256i lo = Q::set1(a.qmin), hi = Q::set1(a.qmax);
  for (int64_t i = 0; i < n; i += 64) {
    for (int64_t j = i; j < i + 64; j += 32) {
      __m256i q[4];
      for (int k = 0; k < 4; k++) q[k] = _mm256_cvtps_epi32(_mm256_mul_ps(load8(x + j + 8 * k), inverse_scale));
      __m256i low_s16x16 = _mm256_packs_epi32(q[0], q[1]), high_s16x16 = _mm256_packs_epi32(q[2], q[3]);
      if (kAdd) low_s16x16 = _mm256_adds_epi16(low_s16x16, zero_point);
      if (kAdd) high_s16x16 = _mm256_adds_epi16(high_s16x16, zero_point);
      const __m256i bytes = in_order(Q::narrow(low_s16x16, high_s16x16));
      store256(y + j, kClamp ? Q::clamp(bytes, lo, hi) : bytes);
    }
  }
}

// Whether the invalid flag was raised; it no longer is.
bool take_invalid() {
  const uint32_t state = _mm_getcsr(), flag = _MM_EXCEPT_INVALID;
  if ((state & flag) == 0) return false;
  _mm_setcsr(state & ~flag);
  return true;
}

template <class Q, bool kAdd, bool kClamp>
void quantize_in_blocks(const float* x, int64_t n, const Affine& a, typename Q::Type* y) {
  const int64_t in_blocks = invalid_is_flagged ? n & -64 : 0;
  bool ours = false;  // until the flag was read once, it may have been raised by somebody else
  for (int64_t i = 0; i < in_blocks; i += kBlock) {
    const int64_t m = in_blocks - i < kBlock ? in_blocks - i : kBlock;
    quantize_ordinary<Q, kAdd, kClamp>(x + i, m, a, y + i);
    bool lost = take_invalid();
    if (lost && !ours) {
      quantize_ordinary<Q, kAdd, kClamp>(x + i, m, a, y + i);
      lost = take_invalid();
    }
    ours = true;
    if (lost) quantize_bytes<Q>(x + i, m, All(a), a.qmin, a.qmax, y + i);
  }
  if (in_blocks < n) quantize_bytes<Q>(x + in_blocks, n - in_blocks, All(a), a.qmin, a.qmax, y + in_blocks);
}

template <class Q>
void quantize_bytes_fast(const float* x, int64_t n, const Affine& a, typename Q::Type* y) {
  const bool clamp = a.qmin != Q::kMin || a.qmax != Q::kMax;
  if (a.zero_point == 0) {
    clamp ? quantize_in_blocks<Q, false, true>(x, n, a, y) : quantize_in_blocks<Q, false, false>(x, n, a, y);
  } else {
    clamp ? quantize_in_blocks<Q, true, true>(x, n, a, y) : quantize_in_blocks<Q, true, false>(x, n, a, y);
  }
}

void f32_to_s8_avx2(const float* x, int64_t n, Affine a, int8_t* y) { quantize_bytes_fast<S8>(x, n, a, y); }
void f32_to_u8_avx2(const float* x, int64_t n, Affine a, uint8_t* y) { quantize_bytes_fast<U8>(x, n, a, y); }
void f32_to_s16_avx2(const float* x, int64_t n, Affine a, int16_t* y) {
  quantize_words(x, n, All(a), a.qmin, a.qmax, y);
}
void f32_to_s8_each_avx2(const float* x, int64_t n, AffineEach a, int8_t* y) {
  quantize_bytes<S8>(x, n, Each(a), a.qmin, a.qmax, y);
}
void f32_to_u8_each_avx2(const float* x, int64_t n, AffineEach a, uint8_t* y) {
  quantize_bytes<U8>(x, n, Each(a), a.qmin, a.qmax, y);
}
void f32_to_s16_each_avx2(const float* x, int64_t n, AffineEach a, int16_t* y) {
  quantize_words(x, n, Each(a), a.qmin, a.qmax, y);
}

// ---- integer -> float32 ---------------------------------------------------------------------------------------------

__m256i widen(const int8_t* x) { return _mm256_cvtepi8_epi32(load64(x)); }
__m256i widen(const uint8_t* x) { return _mm256_cvtepu8_epi32(load64(x)); }
__m256i widen(const int16_t* x) { return _mm256_cvtepi16_epi32(load128(x)); }

__m256 dequantize(__m256i q_s32x8, __m256 scale, __m256i zero_point) {
  return _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_sub_epi32(q_s32x8, zero_point)), scale);
}

template <class Q>
void dequantize_all(const Q* x, int64_t n, float scale, int32_t zero_point, float* y) {
  const __m256 scale_f32x8 = set1(scale);
  const __m256i zero_point_s32x8 = set1(zero_point);
  int64_t i = 0;
  for (; i + 8 <= n; i += 8) _mm256_storeu_ps(y + i, dequantize(widen(x + i), scale_f32x8, zero_point_s32x8));
  if (i < n) {
    Padded<float> out;
    _mm256_store_ps(out.lanes, dequantize(widen(Padded<Q>(x + i, n - i).lanes), scale_f32x8, zero_point_s32x8));
    out.store(y + i, n - i);
  }
}

template <class Q>
void dequantize_each(const Q* x, int64_t n, const float* scales, const int32_t* zero_points, float* y) {
  int64_t i = 0;
  for (; i + 8 <= n; i += 8)
    _mm256_storeu_ps(y + i, dequantize(widen(x + i), load8(scales + i), load256(zero_points + i)));
  if (i < n) {
    Padded<float> out;
    dequantize_each(Padded<Q>(x + i, n - i).lanes, 8, Padded<float>(scales + i, n - i).lanes,
                    Padded<int32_t>(zero_points + i, n - i).lanes, out.lanes);
    out.store(y + i, n - i);
  }
}

#define NARROW_DEQUANTIZE(name, Q)                                                                                 \
  void name##_to_f32_avx2(const Q* x, int64_t n, float scale, int32_t zero_point, float* y) {                      \
    dequantize_all(x, n, scale, zero_point, y);                                                                    \
  }                                                                                                                \
  void name##_to_f32_each_avx2(const Q* x, int64_t n, const float* scales, const int32_t* zero_points, float* y) { \
    dequantize_each(x, n, scales, zero_points, y);                                                                 \
  }
NARROW_DEQUANTIZE(s8, int8_t)
NARROW_DEQUANTIZE(u8, uint8_t)
NARROW_DEQUANTIZE(s16, int16_t)

// ---- int4 -----------------------------------------------------------------------------------------------------------

// maddubs adds the products of neighbours: low * 1 + high * 16.
__m128i pack_nibbles(__m256i x_s8x32) {
  const __m256i nibbles = _mm256_and_si256(x_s8x32, _mm256_set1_epi8(15));
  const __m256i words = _mm256_maddubs_epi16(nibbles, _mm256_set1_epi16(0x1001));
  return _mm256_castsi256_si128(_mm256_permute4x64_epi64(_mm256_packus_epi16(words, words), 0xd8));
}

void s4_pack_avx2(const int8_t* x, int64_t n, uint8_t* y) {
  int64_t i = 0;
  for (; i + 32 <= n; i += 32) store128(y + i / 2, pack_nibbles(load256(x + i)));
  if (i < n) {
    Padded<uint8_t, 16> out;
    store128(out.lanes, pack_nibbles(load256(Padded<int8_t, 32>(x + i, n - i).lanes)));
    out.store(y + i / 2, (n - i + 1) / 2);
  }
}

__m256i unpack_nibbles(__m128i x_u8x16) {
  const __m128i low = _mm_and_si128(x_u8x16, _mm_set1_epi8(15));
  const __m128i high = _mm_and_si128(_mm_srli_epi16(x_u8x16, 4), _mm_set1_epi8(15));
  const __m256i nibbles = _mm256_set_m128i(_mm_unpackhi_epi8(low, high), _mm_unpacklo_epi8(low, high));
  const __m256i sign = _mm256_set1_epi8(8);
  return _mm256_sub_epi8(_mm256_xor_si256(nibbles, sign), sign);
}

void s4_unpack_avx2(const uint8_t* x, int64_t n, int8_t* y) {
  int64_t i = 0;
  for (; i + 32 <= n; i += 32) store256(y + i, unpack_nibbles(load128(x + i / 2)));
  if (i < n) {
    Padded<int8_t, 32> out;
    store256(out.lanes, unpack_nibbles(load128(Padded<uint8_t, 16>(x + i / 2, (n - i + 1) / 2).lanes)));
    out.store(y + i, n - i);
  }
}

// ---- float16 --------------------------------------------------------------------------------------------------------

__m128i half(__m256 x_f32x8) { return _mm256_cvtps_ph(x_f32x8, _MM_FROUND_TO_NEAREST_INT); }

void f32_to_f16_avx2(const float* x, int64_t n, uint16_t* y) {
  int64_t i = 0;
  for (; i + 32 <= n; i += 32)
    for (int k = 0; k < 32; k += 8) store128(y + i + k, half(load8(x + i + k)));
  for (; i + 8 <= n; i += 8) store128(y + i, half(load8(x + i)));
  if (i < n) {
    Padded<uint16_t> out;
    store128(out.lanes, half(load8(Padded<float>(x + i, n - i).lanes)));
    out.store(y + i, n - i);
  }
}

// min_ps and max_ps return the second operand where one is NaN: NaN passes.
__m128i half_saturated(__m256 x_f32x8, int64_t* saturated) {
  const __m256 largest = set1(65504.0f), magnitude_f32x8 = _mm256_castsi256_ps(magnitude(x_f32x8));
  const __m256 beyond = _mm256_cmp_ps(magnitude_f32x8, largest, _CMP_GT_OQ);
  *saturated += _mm_popcnt_u32(static_cast<uint32_t>(_mm256_movemask_ps(beyond)));
  return half(_mm256_max_ps(set1(-65504.0f), _mm256_min_ps(largest, x_f32x8)));
}

int64_t f32_to_f16_saturated_avx2(const float* x, int64_t n, uint16_t* y) {
  int64_t saturated = 0, i = 0;
  for (; i + 8 <= n; i += 8) store128(y + i, half_saturated(load8(x + i), &saturated));
  if (i < n) {
    Padded<uint16_t> out;
    store128(out.lanes, half_saturated(load8(Padded<float>(x + i, n - i).lanes), &saturated));
    out.store(y + i, n - i);
  }
  return saturated;
}

void f16_to_f32_avx2(const uint16_t* x, int64_t n, float* y) {
  int64_t i = 0;
  for (; i + 8 <= n; i += 8) _mm256_storeu_ps(y + i, _mm256_cvtph_ps(load128(x + i)));
  if (i < n) {
    Padded<float> out;
    _mm256_store_ps(out.lanes, _mm256_cvtph_ps(load128(Padded<uint16_t>(x + i, n - i).lanes)));
    out.store(y + i, n - i);
  }
}

}  // namespace

const KernelTable kernels_avx2 = {"avx2",
#define NARROW_ENTRY(name, result, parameters) name##_avx2,
                                  NARROW_KERNELS(NARROW_ENTRY)
#undef NARROW_ENTRY
};

}  // namespace narrow
