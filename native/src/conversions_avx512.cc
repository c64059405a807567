// AVX-512: kernels that make one number of another.
#include "vectors_avx512.h"

namespace narrow {
namespace {

// ---- float32 -> integer ---------------------------------------------------------------------------------------------

// packs_epi16 and its like work on each quarter of a register, so that packing 64 values twice leaves groups of four in
// the order 0 4 8 12 1 5 9 13 ..., and packing 32 values once leaves groups of four in the order 0 2 4 6 1 3 5 7.
__m512i in_order(__m512i packed_twice) {
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  return _mm512_permutexvar_epi32(order, packed_twice);
}
__m512i in_order_once(__m512i packed) {
  return _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7), packed);
}

// Products to integers that saturate to 16 bits as the products would; NaN becomes 0.
template <Values kValues>
__m512i to_s32(__m512 p_f32x16) {
  if (kValues == kAny) {
    const __mmask16 number = _mm512_cmp_ps_mask(p_f32x16, p_f32x16, _CMP_ORD_Q);
    p_f32x16 = _mm512_maskz_min_ps(number, p_f32x16, set1(1073741824.0f));
  }
  return _mm512_cvtps_epi32(p_f32x16);
}

// The same, near enough to 0 for a zero point of 16 bits to be added; what is beyond 2^17 is as good as infinite.
template <Values kValues>
__m512i near_zero(__m512 p_f32x16) {
  const __mmask16 number = kValues == kAny ? _mm512_cmp_ps_mask(p_f32x16, p_f32x16, _CMP_ORD_Q) : 0xffff;
  // In this order a NaN passes, and is flagged.
  const __m512 near = _mm512_max_ps(set1(-131072.0f), _mm512_maskz_min_ps(number, set1(131072.0f), p_f32x16));
  return _mm512_cvtps_epi32(near);
}

// Where scale and zero point of sixteen elements come from: one for all, or arrays.
struct All {
  using Parameters = Affine;

  __m512 inverse_scale;
  __m512i zero_point_s32x16, zero_point_s16x32;
  explicit All(const Affine& a)
      : inverse_scale(set1(a.inverse_scale)),
        zero_point_s32x16(set1(a.zero_point)),
        zero_point_s16x32(_mm512_set1_epi16(static_cast<int16_t>(a.zero_point))) {}
  template <class... Mask>
  __m512 product(const float* x, int64_t i, Mask... mask) const {
    __m512 p_f32x16 = _mm512_mul_ps(load16(x + i, mask...), inverse_scale);
    NARROW_IN_REGISTER(p_f32x16);
    return p_f32x16;
  }
  template <class... Mask>
  __m512i zero_points(int64_t, Mask...) const {
    return zero_point_s32x16;
  }
  __m512i packed_zero_points(int64_t, int64_t) const { return zero_point_s16x32; }
};
struct Each {
  using Parameters = AffineEach;

  const float* inverse_scales;
  const int32_t* zeros;
  explicit Each(const AffineEach& a) : inverse_scales(a.inverse_scales), zeros(a.zero_points) {}
  template <class... Mask>
  __m512 product(const float* x, int64_t i, Mask... mask) const {
    return _mm512_mul_ps(load16(x + i, mask...), load16(inverse_scales + i, mask...));
  }
  template <class... Mask>
  __m512i zero_points(int64_t i, Mask... mask) const {
    return load16(zeros + i, mask...);
  }
  __m512i packed_zero_points(int64_t i, int64_t j) const {
    return _mm512_packs_epi32(load16(zeros + i), load16(zeros + j));
  }
};

// 16 bits have room for 8 and a zero point: it is added after packing, to twice as many at once.
template <Values kValues, bool kAdd, class Source>
__m512i words_for_bytes(const Source& source, const float* x, int64_t i, int64_t j) {
  const __m512i words =
      _mm512_packs_epi32(to_s32<kValues>(source.product(x, i)), to_s32<kValues>(source.product(x, j)));
  return kAdd ? _mm512_adds_epi16(words, source.packed_zero_points(i, j)) : words;
}
template <Values kValues, bool kAdd, class Source>
__m512i words(const Source& source, const float* x, int64_t i, int64_t j) {
  if (!kAdd) return words_for_bytes<kValues, false>(source, x, i, j);
  const __m512i a = _mm512_add_epi32(near_zero<kValues>(source.product(x, i)), source.zero_points(i));
  const __m512i b = _mm512_add_epi32(near_zero<kValues>(source.product(x, j)), source.zero_points(j));
  return _mm512_packs_epi32(a, b);
}

// What differs between the integer types.
template <class T>
struct Integer;
template <>
struct Integer<int8_t> {
  static constexpr int32_t kMin = -128, kMax = 127;
  static __m512i set1(int32_t q) { return _mm512_set1_epi8(static_cast<char>(q)); }
  static __m512i at_least(__m512i q, __m512i lo) { return _mm512_max_epi8(q, lo); }
  static __m512i at_most(__m512i q, __m512i hi) { return _mm512_min_epi8(q, hi); }
  static __m512i narrow(__m512i a, __m512i b) { return _mm512_packs_epi16(a, b); }
};
template <>
struct Integer<uint8_t> {
  static constexpr int32_t kMin = 0, kMax = 255;
  static __m512i set1(int32_t q) { return _mm512_set1_epi8(static_cast<char>(q)); }
  static __m512i at_least(__m512i q, __m512i lo) { return _mm512_max_epu8(q, lo); }
  static __m512i at_most(__m512i q, __m512i hi) { return _mm512_min_epu8(q, hi); }
  static __m512i narrow(__m512i a, __m512i b) { return _mm512_packus_epi16(a, b); }
};
template <>
struct Integer<int16_t> {
  static constexpr int32_t kMin = -32768, kMax = 32767;
  static __m512i set1(int32_t q) { return _mm512_set1_epi16(static_cast<int16_t>(q)); }
  static __m512i at_least(__m512i q, __m512i lo) { return _mm512_max_epi16(q, lo); }
  static __m512i at_most(__m512i q, __m512i hi) { return _mm512_min_epi16(q, hi); }
};

// A register full of Q, from x + i on.
template <class Q, Values kValues, bool kAdd, class Source>
__m512i integers(const Source& source, const float* x, int64_t i) {
  if constexpr (sizeof(Q) == 2) {
    return in_order_once(words<kValues, kAdd>(source, x, i, i + 16));
  } else {
    const __m512i a = words_for_bytes<kValues, kAdd>(source, x, i, i + 16);
    const __m512i b = words_for_bytes<kValues, kAdd>(source, x, i + 32, i + 48);
    return in_order(Integer<Q>::narrow(a, b));
  }
}

void store_low(int8_t* y, __mmask16 mask, __m512i q_s32x16) { _mm512_mask_cvtepi32_storeu_epi8(y, mask, q_s32x16); }
void store_low(uint8_t* y, __mmask16 mask, __m512i q_s32x16) { _mm512_mask_cvtepi32_storeu_epi8(y, mask, q_s32x16); }
void store_low(int16_t* y, __mmask16 mask, __m512i q_s32x16) { _mm512_mask_cvtepi32_storeu_epi16(y, mask, q_s32x16); }

// See quantize() in blocks_x86.h; y is aligned where it is streamed to.
template <class Q, class Source, class Output>
struct Loops {
  using Type = Integer<Q>;
  using Parameters = typename Source::Parameters;
  static constexpr int32_t kMin = Type::kMin, kMax = Type::kMax;
  static constexpr int64_t kLanes = 64 / sizeof(Q);

  static void any(const float* x, int64_t n, const Parameters& a, Q* y) {
    has_zero_points(a) ? any<true>(x, n, a, y) : any<false>(x, n, a, y);
  }

  template <bool kAdd>
  static void any(const float* x, int64_t n, const Parameters& a, Q* y) {
    const Source source(a);
    const __m512i lo = Type::set1(a.qmin), hi = Type::set1(a.qmax);
    int64_t i = 0;
    for (; i + kLanes <= n; i += kLanes)
      _mm512_storeu_si512(y + i, Type::at_most(Type::at_least(integers<Q, kAny, kAdd>(source, x, i), lo), hi));
    for (; i < n; i += 16) {
      const __mmask16 mask = first16(n - i);
      __m512i q = near_zero<kAny>(source.product(x, i, mask));
      if (kAdd) q = _mm512_add_epi32(q, source.zero_points(i, mask));
      store_low(y + i, mask, _mm512_min_epi32(_mm512_max_epi32(q, set1(a.qmin)), set1(a.qmax)));
    }
  }

  template <bool kAdd, Clamp kClamp>
  NARROW_NOINLINE static void ordinary(const float* x, int64_t n, const Parameters& a, Q* y) {
    const Source source(a);
    const __m512i lo = Type::set1(a.qmin), hi = Type::set1(a.qmax);
    for (int64_t i = 0; i < n; i += 64) {
      for (int64_t j = i; j < i + 64; j += kLanes) {
        __m512i q = integers<Q, kOrdinary, kAdd>(source, x, j);
        if (kClamp != kNeither) q = Type::at_least(q, lo);
        if (kClamp == kBoth) q = Type::at_most(q, hi);
        Output::store(y + j, q);
      }
    }
  }
};

template <class Q>
void quantize_streamed(const float* x, int64_t n, Affine a, Q* y) {
  const int64_t head = until_aligned<64>(y, n);
  quantize<Loops<Q, All, Cached>>(x, head, a, y);
  quantize_aligned<Loops<Q, All, Streamed>>(x + head, n - head, a, y + head);
  _mm_sfence();
}

// ---- integer -> float32 ---------------------------------------------------------------------------------------------

__m512i widen(const int8_t* x) { return _mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(x))); }
__m512i widen(const uint8_t* x) { return _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(x))); }
__m512i widen(const int16_t* x) {
  return _mm512_cvtepi16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(x)));
}
__m512i widen(const int8_t* x, __mmask16 mask) { return _mm512_cvtepi8_epi32(_mm_maskz_loadu_epi8(mask, x)); }
__m512i widen(const uint8_t* x, __mmask16 mask) { return _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(mask, x)); }
__m512i widen(const int16_t* x, __mmask16 mask) { return _mm512_cvtepi16_epi32(_mm256_maskz_loadu_epi16(mask, x)); }

// Sixteen integers, with one scale and zero point or with sixteen.
struct Dequantize {
  __m512 scale_f32x16;
  __m512i zero_point_s32x16;
  Dequantize(float scale, int32_t zero_point) : scale_f32x16(set1(scale)), zero_point_s32x16(set1(zero_point)) {}
  template <class... Mask>
  Dequantize(const float* scales, const int32_t* zero_points, Mask... mask)
      : scale_f32x16(load16(scales, mask...)), zero_point_s32x16(load16(zero_points, mask...)) {}
  template <class Q, class... Mask>
  __m512 operator()(const Q* x, Mask... mask) const {
    return _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_sub_epi32(widen(x, mask...), zero_point_s32x16)), scale_f32x16);
  }
};

template <class Q>
void dequantize_each(const Q* x, int64_t n, const float* scales, const int32_t* zero_points, float* y) {
  int64_t i = 0;
  for (; i + 64 <= n; i += 64)
    for (int64_t k = i; k < i + 64; k += 16) _mm512_storeu_ps(y + k, Dequantize(scales + k, zero_points + k)(x + k));
  for (; i < n; i += 16) {
    const __mmask16 mask = first16(n - i);
    _mm512_mask_storeu_ps(y + i, mask, Dequantize(scales + i, zero_points + i, mask)(x + i, mask));
  }
}

// ---- int4 -----------------------------------------------------------------------------------------------------------

__mmask32 first32(int64_t n) { return n >= 32 ? 0xffffffffu : (1u << n) - 1; }

// maddubs adds the products of neighbours: low * 1 + high * 16.
__m256i pack_nibbles(__m512i x_s8x64) {
  const __m512i nibbles = _mm512_and_si512(x_s8x64, _mm512_set1_epi8(15));
  return _mm512_cvtepi16_epi8(_mm512_maddubs_epi16(nibbles, _mm512_set1_epi16(0x1001)));
}

__m512i unpack_nibbles(__m256i x_u8x32) {
  const __m512i low_nibble = _mm512_set1_epi16(15), high_nibble = _mm512_set1_epi16(0xf00), sign = _mm512_set1_epi8(8);
  const __m512i words = _mm512_cvtepu8_epi16(x_u8x32), low = _mm512_and_si512(words, low_nibble);
  const __m512i high = _mm512_and_si512(_mm512_slli_epi16(words, 4), high_nibble);
  return _mm512_sub_epi8(_mm512_xor_si512(_mm512_or_si512(low, high), sign), sign);
}

// ---- 16-bit floats
// --------------------------------------------------------------------------------------------------------

__m256i half(__m512 x_f32x16) {
  __m256i h_f16x16 = _mm512_cvtps_ph(x_f32x16, _MM_FROUND_TO_NEAREST_INT);
  NARROW_IN_REGISTER(h_f16x16);
  return h_f16x16;
}

struct ToHalf {
  template <class... Mask>
  __m256i operator()(const float* x, Mask... mask) const {
    return half(load16(x, mask...));
  }
};
struct FromHalf {
  __m512 operator()(const uint16_t* x) const {
    return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(x)));
  }
  __m512 operator()(const uint16_t* x, __mmask16 mask) const {
    return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(mask, x));
  }
};

struct ToBFloat {
  template <class... Mask>
  __m256i operator()(const float* x, Mask... mask) const {
    const __m512 x_f32x16 = load16(x, mask...);
    const __m512i bits = _mm512_castps_si512(x_f32x16), upper = _mm512_srli_epi32(bits, 16);
    const __m512i up = _mm512_add_epi32(set1(0x7fff), _mm512_and_si512(upper, set1(1)));
    const __m512i rounded = _mm512_srli_epi32(_mm512_add_epi32(bits, up), 16);
    const __mmask16 nan = _mm512_cmp_ps_mask(x_f32x16, x_f32x16, _CMP_UNORD_Q);
    return _mm512_cvtepi32_epi16(_mm512_mask_or_epi32(rounded, nan, upper, set1(0x40)));
  }
};
struct FromBFloat {
  __m512 operator()(const uint16_t* x) const { return floats(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(x))); }
  __m512 operator()(const uint16_t* x, __mmask16 mask) const { return floats(_mm256_maskz_loadu_epi16(mask, x)); }
  static __m512 floats(__m256i x_u16x16) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(x_u16x16), 16));
  }
};

// Values none of which is beyond 65504, or NaN; returns whether that was so. n is a multiple of 64.
bool halves_in_range(const float* x, int64_t n, uint16_t* y) {
  __m512i most[2] = {_mm512_setzero_si512(), _mm512_setzero_si512()};
  for (int64_t i = 0; i < n; i += 64) {
    for (int k = 0; k < 64; k += 16) {
      const __m512 x_f32x16 = load16(x + i + k);
      most[k / 16 % 2] = _mm512_max_epi32(most[k / 16 % 2], magnitude(x_f32x16));
      Cached::store(y + i + k, half(x_f32x16));
    }
  }
  return _mm512_cmpgt_epi32_mask(_mm512_max_epi32(most[0], most[1]), set1(0x477fe000)) == 0;
}

// min_ps and max_ps return the second operand where one is NaN: NaN passes.
int64_t halves_saturated(const float* x, int64_t n, uint16_t* y) {
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

}  // namespace

#define NARROW_INTEGER(name, Q)                                                                                      \
  void f32_to_##name##_avx512(const float* x, int64_t n, Affine a, Q* y) {                                           \
    n < kWorthParts ? quantize<Loops<Q, All, Cached>>(x, n, a, y) : quantize<Loops<Q, All, InParts>>(x, n, a, y);    \
  }                                                                                                                  \
  void f32_to_##name##_each_avx512(const float* x, int64_t n, AffineEach a, Q* y) {                                  \
    quantize<Loops<Q, Each, Cached>>(x, n, a, y);                                                                    \
  }                                                                                                                  \
  void name##_to_f32_avx512(const Q* x, int64_t n, float scale, int32_t zero_point, float* y) {                      \
    convert(x, n, y, Dequantize(scale, zero_point));                                                                 \
  }                                                                                                                  \
  void name##_to_f32_each_avx512(const Q* x, int64_t n, const float* scales, const int32_t* zero_points, float* y) { \
    dequantize_each(x, n, scales, zero_points, y);                                                                   \
  }
NARROW_INTEGER(s8, int8_t)
NARROW_INTEGER(u8, uint8_t)
NARROW_INTEGER(s16, int16_t)

#define NARROW_STREAMED(name, Q)                                                                         \
  void f32_to_##name##_streamed_avx512(const float* x, int64_t n, Affine a, Q* y) {                      \
    quantize_streamed<Q>(x, n, a, y);                                                                    \
  }                                                                                                      \
  void name##_to_f32_streamed_avx512(const Q* x, int64_t n, float scale, int32_t zero_point, float* y) { \
    convert_streamed(x, n, y, Dequantize(scale, zero_point));                                            \
  }
NARROW_STREAMED(s8, int8_t)
NARROW_STREAMED(u8, uint8_t)

void s4_pack_avx512(const int8_t* x, int64_t n, uint8_t* y) {
  for (int64_t i = 0; i < n; i += 64)
    _mm256_mask_storeu_epi8(y + i / 2, first32((n - i + 1) / 2),
                            pack_nibbles(_mm512_maskz_loadu_epi8(first64(n - i), x + i)));
}

void s4_unpack_avx512(const uint8_t* x, int64_t n, int8_t* y) {
  for (int64_t i = 0; i < n; i += 64)
    _mm512_mask_storeu_epi8(y + i, first64(n - i),
                            unpack_nibbles(_mm256_maskz_loadu_epi8(first32((n - i + 1) / 2), x + i / 2)));
}

void f32_to_f16_avx512(const float* x, int64_t n, uint16_t* y) { convert(x, n, y, ToHalf()); }
void f32_to_f16_streamed_avx512(const float* x, int64_t n, uint16_t* y) { convert_streamed(x, n, y, ToHalf()); }
void f16_to_f32_avx512(const uint16_t* x, int64_t n, float* y) { convert(x, n, y, FromHalf()); }
void f16_to_f32_streamed_avx512(const uint16_t* x, int64_t n, float* y) { convert_streamed(x, n, y, FromHalf()); }

void f32_to_bf16_avx512(const float* x, int64_t n, uint16_t* y) { convert(x, n, y, ToBFloat()); }
void bf16_to_f32_avx512(const uint16_t* x, int64_t n, float* y) { convert(x, n, y, FromBFloat()); }

int64_t f32_to_f16_saturated_avx512(const float* x, int64_t n, uint16_t* y) {
  const int64_t in_blocks = n & -64;
  int64_t saturated = 0;
  for (int64_t i = 0; i < in_blocks; i += kBlock) {
    const int64_t m = in_blocks - i < kBlock ? in_blocks - i : kBlock;
    if (!halves_in_range(x + i, m, y + i)) saturated += halves_saturated(x + i, m, y + i);
  }
  return saturated + halves_saturated(x + in_blocks, n - in_blocks, y + in_blocks);
}

const KernelTable kernels_avx512 = {"avx512",
#define NARROW_ENTRY(name, result, parameters) name##_avx512,
                                    NARROW_KERNELS(NARROW_ENTRY)
#undef NARROW_ENTRY
};

}  // namespace narrow
