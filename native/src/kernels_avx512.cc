// AVX-512 (F, BW, DQ, VL), with AVX2 and F16C. Tails are masked: the loads touch nothing beyond the mask, and read
// zeros there.
#include <immintrin.h>

#include "kernel_table.h"

namespace narrow {
namespace {

// See kernels_avx2.cc: the block over which a fast loop is tried before the exact one.
constexpr int64_t kBlock = 16384;

__m512 set1(float x) { return _mm512_set1_ps(x); }
__m512i set1(int32_t x) { return _mm512_set1_epi32(x); }
__m512 load16(const float* x) { return _mm512_loadu_ps(x); }
__m512 load16(const float* x, __mmask16 mask) { return _mm512_maskz_loadu_ps(mask, x); }
__m512i load16(const int32_t* x, __mmask16 mask) { return _mm512_maskz_loadu_epi32(mask, x); }

// The first n of 16, 32 or 64 lanes, all where n is larger.
__mmask16 first16(int64_t n) { return static_cast<__mmask16>(n >= 16 ? 0xffff : (1u << n) - 1); }
__mmask32 first32(int64_t n) { return n >= 32 ? 0xffffffffu : (1u << n) - 1; }
__mmask64 first64(int64_t n) { return n >= 64 ? ~uint64_t{0} : (uint64_t{1} << n) - 1; }

int64_t bits_set(__mmask16 mask) { return _mm_popcnt_u32(mask); }

__m512i magnitude(__m512 x_f32x16) { return _mm512_and_epi32(_mm512_castps_si512(x_f32x16), set1(0x7fffffff)); }

// ---- Reductions -----------------------------------------------------------------------------------------------------

struct RangeLanes {
  __m512 min, max;
};

// See kernels_avx2.cc. n is a multiple of 64.
bool range_of_finite(const float* x, int64_t n, RangeLanes* lanes) {
  const __m512 zero = _mm512_setzero_ps();
  __m512 lo[4], hi[4], nan[4];
  for (int k = 0; k < 4; k++) {
    lo[k] = lanes->min;
    hi[k] = lanes->max;
    nan[k] = zero;
  }
  for (int64_t i = 0; i < n; i += 64) {
    for (int k = 0; k < 4; k++) {
      const __m512 x_f32x16 = load16(x + i + 16 * k);
      lo[k] = _mm512_min_ps(x_f32x16, lo[k]);
      hi[k] = _mm512_max_ps(x_f32x16, hi[k]);
      nan[k] = _mm512_fmadd_ps(x_f32x16, zero, nan[k]);
    }
  }
  const __m512 any = _mm512_or_ps(_mm512_or_ps(nan[0], nan[1]), _mm512_or_ps(nan[2], nan[3]));
  if (_mm512_cmp_ps_mask(any, any, _CMP_UNORD_Q) != 0) return false;
  lanes->min = _mm512_min_ps(_mm512_min_ps(lo[0], lo[1]), _mm512_min_ps(lo[2], lo[3]));
  lanes->max = _mm512_max_ps(_mm512_max_ps(hi[0], hi[1]), _mm512_max_ps(hi[2], hi[3]));
  return true;
}

void range_of_any(const float* x, int64_t n, RangeLanes* lanes, Range* range) {
  const __m512i infinity = set1(0x7f800000);
  for (int64_t i = 0; i < n; i += 16) {
    const __mmask16 mask = first16(n - i);
    const __m512 x_f32x16 = load16(x + i, mask);
    const __m512i m_s32x16 = magnitude(x_f32x16);
    const __mmask16 finite = _mm512_mask_cmplt_epi32_mask(mask, m_s32x16, infinity);
    range->nans += bits_set(_mm512_mask_cmpgt_epi32_mask(mask, m_s32x16, infinity));
    range->infinities += bits_set(_mm512_mask_cmpeq_epi32_mask(mask, m_s32x16, infinity));
    lanes->min = _mm512_mask_min_ps(lanes->min, finite, x_f32x16, lanes->min);
    lanes->max = _mm512_mask_max_ps(lanes->max, finite, x_f32x16, lanes->max);
  }
}

void f32_range_avx512(const float* x, int64_t n, Range* range) {
  RangeLanes lanes = {set1(range->min), set1(range->max)};
  const int64_t in_blocks = n & -64;
  for (int64_t i = 0; i < in_blocks; i += kBlock) {
    const int64_t m = in_blocks - i < kBlock ? in_blocks - i : kBlock;
    if (!range_of_finite(x + i, m, &lanes)) range_of_any(x + i, m, &lanes, range);
  }
  if (in_blocks < n) range_of_any(x + in_blocks, n - in_blocks, &lanes, range);
  range->min = _mm512_reduce_min_ps(lanes.min) + 0.0f;  // -0 becomes +0, nothing else changes
  range->max = _mm512_reduce_max_ps(lanes.max) + 0.0f;
}

uint32_t f32_absmax_avx512(const float* x, int64_t n) {
  __m512i most[4] = {_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512()};
  int64_t i = 0;
  for (; i + 64 <= n; i += 64)
    for (int k = 0; k < 4; k++) most[k] = _mm512_max_epu32(most[k], magnitude(load16(x + i + 16 * k)));
  for (; i < n; i += 16) most[0] = _mm512_max_epu32(most[0], magnitude(load16(x + i, first16(n - i))));
  return _mm512_reduce_max_epu32(
      _mm512_max_epu32(_mm512_max_epu32(most[0], most[1]), _mm512_max_epu32(most[2], most[3])));
}

void f32_absmax_each_avx512(const float* x, int64_t n, float* absmax) {
  for (int64_t i = 0; i < n; i += 16) {
    const __mmask16 mask = first16(n - i);
    const __m512i before = _mm512_maskz_loadu_epi32(mask, absmax + i);
    _mm512_mask_storeu_epi32(absmax + i, mask, _mm512_max_epu32(before, magnitude(load16(x + i, mask))));
  }
}

// Lanes beyond the mask are zero and add +0, which changes no sum: none of them is -0.
float f32_rounding_error_avx512(const float* x, int64_t n, Rounding r) {
  const __m512 inverse = set1(r.inverse_scale), scale = set1(r.scale), most = set1(r.limit), least = set1(-r.limit);
  const __m512 to_integer = set1(12582912.0f);  // see kernels_scalar.cc
  __m512 sum_f32x16 = _mm512_setzero_ps();
  for (int64_t i = 0; i < n; i += 16) {
    const __m512 x_f32x16 = load16(x + i, first16(n - i));
    __m512 q_f32x16 = _mm512_max_ps(_mm512_min_ps(_mm512_mul_ps(x_f32x16, inverse), most), least);
    q_f32x16 = _mm512_sub_ps(_mm512_add_ps(q_f32x16, to_integer), to_integer);
    const __m512 e_f32x16 = _mm512_sub_ps(x_f32x16, _mm512_mul_ps(q_f32x16, scale));
    sum_f32x16 = _mm512_add_ps(sum_f32x16, _mm512_mul_ps(e_f32x16, e_f32x16));
  }
  const __m256 s_f32x8 = _mm256_add_ps(_mm512_castps512_ps256(sum_f32x16), _mm512_extractf32x8_ps(sum_f32x16, 1));
  const __m128 s_f32x4 = _mm_add_ps(_mm256_castps256_ps128(s_f32x8), _mm256_extractf128_ps(s_f32x8, 1));
  const __m128 s_f32x2 = _mm_add_ps(s_f32x4, _mm_movehl_ps(s_f32x4, s_f32x4));
  return _mm_cvtss_f32(_mm_add_ss(s_f32x2, _mm_movehdup_ps(s_f32x2)));
}

void f32_error_avx512(const float* x, const float* y, int64_t n, double* partial) {
  __m512d sums[4];
  for (int k = 0; k < 4; k++) sums[k] = _mm512_loadu_pd(partial + 8 * k);
  for (int64_t i = 0; i < n; i += 16) {
    for (int k = 0; k < 2; k++) {
      const __mmask8 mask = static_cast<__mmask8>(first16(n - i) >> (8 * k));
      const __m512d x_f64x8 = _mm512_cvtps_pd(_mm256_maskz_loadu_ps(mask, x + i + 8 * k));
      const __m512d y_f64x8 = _mm512_cvtps_pd(_mm256_maskz_loadu_ps(mask, y + i + 8 * k));
      const __m512d d_f64x8 = _mm512_sub_pd(x_f64x8, y_f64x8);
      sums[k] = _mm512_add_pd(sums[k], _mm512_mul_pd(x_f64x8, x_f64x8));
      sums[2 + k] = _mm512_add_pd(sums[2 + k], _mm512_mul_pd(d_f64x8, d_f64x8));
    }
  }
  for (int k = 0; k < 4; k++) _mm512_storeu_pd(partial + 8 * k, sums[k]);
}

// ---- float32 -> integer ---------------------------------------------------------------------------------------------

// packs_epi16 and its like work on each quarter of a register, so that packing 64 values twice leaves groups of four in
// the order 0 4 8 12 1 5 9 13 ...
__m512i in_order(__m512i packed_twice) {
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  return _mm512_permutexvar_epi32(order, packed_twice);
}

struct S8 {
  using Type = int8_t;
  static constexpr int32_t kMin = -128, kMax = 127;
  static __m512i narrow(__m512i a, __m512i b) { return _mm512_packs_epi16(a, b); }
  static __m512i clamp(__m512i q, __m512i lo, __m512i hi) { return _mm512_min_epi8(_mm512_max_epi8(q, lo), hi); }
};
struct U8 {
  using Type = uint8_t;
  static constexpr int32_t kMin = 0, kMax = 255;
  static __m512i narrow(__m512i a, __m512i b) { return _mm512_packus_epi16(a, b); }
  static __m512i clamp(__m512i q, __m512i lo, __m512i hi) { return _mm512_min_epu8(_mm512_max_epu8(q, lo), hi); }
};

// Any float. Every result lies within 16 bits, so that a product beyond 2^17 is as good as infinite; NaN becomes 0.
__m512i quantize(__m512 x_f32x16, __m512 inverse_scale, __m512i zero_point) {
  const __m512 p = _mm512_mul_ps(x_f32x16, inverse_scale);
  const __mmask16 number = _mm512_cmp_ps_mask(p, p, _CMP_ORD_Q);
  const __m512 near = _mm512_max_ps(_mm512_maskz_min_ps(number, p, set1(131072.0f)), set1(-131072.0f));
  return _mm512_add_epi32(_mm512_cvtps_epi32(near), zero_point);
}

// Where scale and zero point of sixteen elements come from: one for all, or arrays.
struct All {
  __m512 inverse_scale;
  __m512i zero_point;
  explicit All(const Affine& a) : inverse_scale(set1(a.inverse_scale)), zero_point(set1(a.zero_point)) {}
  __m512i quantize16(const float* x, int64_t i, __mmask16 mask) const {
    return quantize(load16(x + i, mask), inverse_scale, zero_point);
  }
};
struct Each {
  AffineEach a;
  explicit Each(const AffineEach& each) : a(each) {}
  __m512i quantize16(const float* x, int64_t i, __mmask16 mask) const {
    return quantize(load16(x + i, mask), load16(a.inverse_scales + i, mask), load16(a.zero_points + i, mask));
  }
};

template <class Q, class Source>
void quantize_bytes(const float* x, int64_t n, Source source, int32_t qmin, int32_t qmax, typename Q::Type* y) {
  const __m512i lo = _mm512_set1_epi8(static_cast<char>(qmin)), hi = _mm512_set1_epi8(static_cast<char>(qmax));
  int64_t i = 0;
  for (; i + 64 <= n; i += 64) {
    __m512i q[4];
    for (int k = 0; k < 4; k++) q[k] = source.quantize16(x, i + 16 * k, 0xffff);
    const __m512i bytes = in_order(Q::narrow(_mm512_packs_epi32(q[0], q[1]), _mm512_packs_epi32(q[2], q[3])));
    _mm512_storeu_si512(y + i, Q::clamp(bytes, lo, hi));
  }
  for (; i < n; i += 16) {
    const __mmask16 mask = first16(n - i);
    const __m512i q = source.quantize16(x, i, mask);
    const __m512i words = _mm512_packs_epi32(q, q);
    const __m512i bytes = Q::clamp(in_order(Q::narrow(words, words)), lo, hi);
    _mm_mask_storeu_epi8(y + i, mask, _mm512_castsi512_si128(bytes));
  }
}

template <class Source>
void quantize_words(const float* x, int64_t n, Source source, int32_t qmin, int32_t qmax, int16_t* y) {
  const __m512i lo = set1(qmin), hi = set1(qmax);
  for (int64_t i = 0; i < n; i += 16) {
    const __mmask16 mask = first16(n - i);
    const __m512i q = _mm512_min_epi32(_mm512_max_epi32(source.quantize16(x, i, mask), lo), hi);
    _mm256_mask_storeu_epi16(y + i, mask, _mm512_cvtepi32_epi16(q));
  }
}

// See kernels_avx2.cc. n is a multiple of 64.
template <class Q, bool kAdd, bool kClamp>
NARROW_NOINLINE void quantize_ordinary(const float* x, int64_t n, const Affine& a, typename Q::Type* y) {
  const __m512 inverse_scale = set1(a.inverse_scale);
  const __m512i zero_point = _mm512_set1_epi16(static_cast<int16_t>(a.zero_point));
  const __m512i lo = _mm512_set1_epi8(static_cast<char>(a.qmin)), hi = _mm512_set1_epi8(static_cast<char>(a.qmax));
  for (int64_t i = 0; i < n; i += 64) {
    __m512i q[4];
    for (int k = 0; k < 4; k++) q[k] = _mm512_cvtps_epi32(_mm512_mul_ps(load16(x + i + 16 * k), inverse_scale));
    __m512i low_s16x32 = _mm512_packs_epi32(q[0], q[1]), high_s16x32 = _mm512_packs_epi32(q[2], q[3]);
    if (kAdd) low_s16x32 = _mm512_adds_epi16(low_s16x32, zero_point);
    if (kAdd) high_s16x32 = _mm512_adds_epi16(high_s16x32, zero_point);
    const __m512i bytes = in_order(Q::narrow(low_s16x32, high_s16x32));
    _mm512_storeu_si512(y + i, kClamp ? Q::clamp(bytes, lo, hi) : bytes);
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

void f32_to_s8_avx512(const float* x, int64_t n, Affine a, int8_t* y) { quantize_bytes_fast<S8>(x, n, a, y); }
void f32_to_u8_avx512(const float* x, int64_t n, Affine a, uint8_t* y) { quantize_bytes_fast<U8>(x, n, a, y); }
void f32_to_s16_avx512(const float* x, int64_t n, Affine a, int16_t* y) {
  quantize_words(x, n, All(a), a.qmin, a.qmax, y);
}
void f32_to_s8_each_avx512(const float* x, int64_t n, AffineEach a, int8_t* y) {
  quantize_bytes<S8>(x, n, Each(a), a.qmin, a.qmax, y);
}
void f32_to_u8_each_avx512(const float* x, int64_t n, AffineEach a, uint8_t* y) {
  quantize_bytes<U8>(x, n, Each(a), a.qmin, a.qmax, y);
}
void f32_to_s16_each_avx512(const float* x, int64_t n, AffineEach a, int16_t* y) {
  quantize_words(x, n, Each(a), a.qmin, a.qmax, y);
}

// ---- integer -> float32 ---------------------------------------------------------------------------------------------

__m512i widen(const int8_t* x, __mmask16 mask) { return _mm512_cvtepi8_epi32(_mm_maskz_loadu_epi8(mask, x)); }
__m512i widen(const uint8_t* x, __mmask16 mask) { return _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(mask, x)); }
__m512i widen(const int16_t* x, __mmask16 mask) { return _mm512_cvtepi16_epi32(_mm256_maskz_loadu_epi16(mask, x)); }

__m512 dequantize(__m512i q_s32x16, __m512 scale, __m512i zero_point) {
  return _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_sub_epi32(q_s32x16, zero_point)), scale);
}

template <class Q>
void dequantize_all(const Q* x, int64_t n, float scale, int32_t zero_point, float* y) {
  const __m512 scale_f32x16 = set1(scale);
  const __m512i zero_point_s32x16 = set1(zero_point);
  for (int64_t i = 0; i < n; i += 16) {
    const __mmask16 mask = first16(n - i);
    _mm512_mask_storeu_ps(y + i, mask, dequantize(widen(x + i, mask), scale_f32x16, zero_point_s32x16));
  }
}

template <class Q>
void dequantize_each(const Q* x, int64_t n, const float* scales, const int32_t* zero_points, float* y) {
  for (int64_t i = 0; i < n; i += 16) {
    const __mmask16 mask = first16(n - i);
    const __m512 y_f32x16 = dequantize(widen(x + i, mask), load16(scales + i, mask), load16(zero_points + i, mask));
    _mm512_mask_storeu_ps(y + i, mask, y_f32x16);
  }
}

#define NARROW_DEQUANTIZE(name, Q)                                                                                   \
  void name##_to_f32_avx512(const Q* x, int64_t n, float scale, int32_t zero_point, float* y) {                      \
    dequantize_all(x, n, scale, zero_point, y);                                                                      \
  }                                                                                                                  \
  void name##_to_f32_each_avx512(const Q* x, int64_t n, const float* scales, const int32_t* zero_points, float* y) { \
    dequantize_each(x, n, scales, zero_points, y);                                                                   \
  }
NARROW_DEQUANTIZE(s8, int8_t)
NARROW_DEQUANTIZE(u8, uint8_t)
NARROW_DEQUANTIZE(s16, int16_t)

// ---- int4 -----------------------------------------------------------------------------------------------------------

// maddubs adds the products of neighbours: low * 1 + high * 16.
void s4_pack_avx512(const int8_t* x, int64_t n, uint8_t* y) {
  for (int64_t i = 0; i < n; i += 64) {
    const __m512i nibbles = _mm512_and_si512(_mm512_maskz_loadu_epi8(first64(n - i), x + i), _mm512_set1_epi8(15));
    const __m512i words = _mm512_maddubs_epi16(nibbles, _mm512_set1_epi16(0x1001));
    _mm256_mask_storeu_epi8(y + i / 2, first32((n - i + 1) / 2), _mm512_cvtepi16_epi8(words));
  }
}

void s4_unpack_avx512(const uint8_t* x, int64_t n, int8_t* y) {
  const __m512i low_nibble = _mm512_set1_epi16(15), high_nibble = _mm512_set1_epi16(0xf00), sign = _mm512_set1_epi8(8);
  for (int64_t i = 0; i < n; i += 64) {
    const __m512i words = _mm512_cvtepu8_epi16(_mm256_maskz_loadu_epi8(first32((n - i + 1) / 2), x + i / 2));
    const __m512i low = _mm512_and_si512(words, low_nibble);
    const __m512i high = _mm512_and_si512(_mm512_slli_epi16(words, 4), high_nibble);
    const __m512i nibbles = _mm512_xor_si512(_mm512_or_si512(low, high), sign);
    _mm512_mask_storeu_epi8(y + i, first64(n - i), _mm512_sub_epi8(nibbles, sign));
  }
}

// ---- float16 --------------------------------------------------------------------------------------------------------

__m256i half(__m512 x_f32x16) { return _mm512_cvtps_ph(x_f32x16, _MM_FROUND_TO_NEAREST_INT); }

void f32_to_f16_avx512(const float* x, int64_t n, uint16_t* y) {
  int64_t i = 0;
  for (; i + 64 <= n; i += 64)
    for (int k = 0; k < 64; k += 16)
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(y + i + k), half(load16(x + i + k)));
  for (; i < n; i += 16) {
    const __mmask16 mask = first16(n - i);
    _mm256_mask_storeu_epi16(y + i, mask, half(load16(x + i, mask)));
  }
}

// min_ps and max_ps return the second operand where one is NaN: NaN passes.
int64_t f32_to_f16_saturated_avx512(const float* x, int64_t n, uint16_t* y) {
  const __m512 largest = set1(65504.0f), lowest = set1(-65504.0f);
  int64_t saturated = 0;
  for (int64_t i = 0; i < n; i += 16) {
    const __mmask16 mask = first16(n - i);
    const __m512 x_f32x16 = load16(x + i, mask);
    saturated += bits_set(_mm512_cmp_ps_mask(_mm512_castsi512_ps(magnitude(x_f32x16)), largest, _CMP_GT_OQ));
    _mm256_mask_storeu_epi16(y + i, mask, half(_mm512_max_ps(lowest, _mm512_min_ps(largest, x_f32x16))));
  }
  return saturated;
}

void f16_to_f32_avx512(const uint16_t* x, int64_t n, float* y) {
  for (int64_t i = 0; i < n; i += 16) {
    const __mmask16 mask = first16(n - i);
    _mm512_mask_storeu_ps(y + i, mask, _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(mask, x + i)));
  }
}

}  // namespace

const KernelTable kernels_avx512 = {"avx512",
#define NARROW_ENTRY(name, result, parameters) name##_avx512,
                                    NARROW_KERNELS(NARROW_ENTRY)
#undef NARROW_ENTRY
};

}  // namespace narrow
