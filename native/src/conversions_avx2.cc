// AVX2 and F16C: kernels that make one number of another. Tails go through the arithmetic of the main loop, in small
// padded buffers.
#include "vectors_avx2.h"

namespace narrow {
namespace {

// ---- float32 -> integer ---------------------------------------------------------------------------------------------

// packs_epi16 and its like work on each half of a register, so that packing 32 values twice leaves groups of four in
// the order 0 2 4 6 1 3 5 7.
__m256i in_order(__m256i packed_twice) {
  return _mm256_permutevar8x32_epi32(packed_twice, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}
__m256i in_order_once(__m256i packed) { return _mm256_permute4x64_epi64(packed, 0xd8); }

// Products to integers that saturate to 16 bits as the products would; NaN becomes 0.
template <Values kValues>
__m256i to_s32(__m256 p_f32x8) {
  if (kValues == kAny) {
    const __m256 number = _mm256_and_ps(p_f32x8, _mm256_cmp_ps(p_f32x8, p_f32x8, _CMP_ORD_Q));
    p_f32x8 = _mm256_min_ps(number, set1(1073741824.0f));
  }
  return _mm256_cvtps_epi32(p_f32x8);
}

// The same, near enough to 0 for a zero point of 16 bits to be added; what is beyond 2^17 is as good as infinite.
template <Values kValues>
__m256i near_zero(__m256 p_f32x8) {
  if (kValues == kAny) p_f32x8 = _mm256_and_ps(p_f32x8, _mm256_cmp_ps(p_f32x8, p_f32x8, _CMP_ORD_Q));
  // In this order a NaN passes, and is flagged.
  const __m256 near = _mm256_max_ps(set1(-131072.0f), _mm256_min_ps(set1(131072.0f), p_f32x8));
  return _mm256_cvtps_epi32(near);
}

// Where scale and zero point of eight elements come from: one for all, or arrays.
struct All {
  using Parameters = Affine;
  struct Rest {
    Affine a;
    Rest(const Affine& all, int64_t, int64_t) : a(all) {}
    Affine parameters() const { return a; }
  };

  __m256 inverse_scale;
  __m256i zero_point_s32x8, zero_point_s16x16;
  explicit All(const Affine& a)
      : inverse_scale(set1(a.inverse_scale)),
        zero_point_s32x8(set1(a.zero_point)),
        zero_point_s16x16(_mm256_set1_epi16(static_cast<int16_t>(a.zero_point))) {}
  __m256 product(const float* x, int64_t i) const { return _mm256_mul_ps(load8(x + i), inverse_scale); }
  __m256i zero_points(int64_t) const { return zero_point_s32x8; }
  __m256i packed_zero_points(int64_t, int64_t) const { return zero_point_s16x16; }
};
struct Each {
  using Parameters = AffineEach;
  struct Rest {
    Padded<float> inverse_scales;
    Padded<int32_t> zero_points;
    int32_t qmin, qmax;
    Rest(const AffineEach& a, int64_t i, int64_t n)
        : inverse_scales(a.inverse_scales + i, n), qmin(a.qmin), qmax(a.qmax) {
      if (a.zero_points) zero_points = Padded<int32_t>(a.zero_points + i, n);
    }
    AffineEach parameters() const { return {inverse_scales.lanes, zero_points.lanes, qmin, qmax}; }
  };

  const float* inverse_scales;
  const int32_t* zeros;
  explicit Each(const AffineEach& a) : inverse_scales(a.inverse_scales), zeros(a.zero_points) {}
  __m256 product(const float* x, int64_t i) const { return _mm256_mul_ps(load8(x + i), load8(inverse_scales + i)); }
  __m256i zero_points(int64_t i) const { return load256(zeros + i); }
  __m256i packed_zero_points(int64_t i, int64_t j) const {
    return _mm256_packs_epi32(load256(zeros + i), load256(zeros + j));
  }
};

// 16 bits have room for 8 and a zero point: it is added after packing, to twice as many at once.
template <Values kValues, bool kAdd, class Source>
__m256i words_for_bytes(const Source& source, const float* x, int64_t i, int64_t j) {
  const __m256i words =
      _mm256_packs_epi32(to_s32<kValues>(source.product(x, i)), to_s32<kValues>(source.product(x, j)));
  return kAdd ? _mm256_adds_epi16(words, source.packed_zero_points(i, j)) : words;
}
template <Values kValues, bool kAdd, class Source>
__m256i words(const Source& source, const float* x, int64_t i, int64_t j) {
  if (!kAdd) return words_for_bytes<kValues, false>(source, x, i, j);
  const __m256i a = _mm256_add_epi32(near_zero<kValues>(source.product(x, i)), source.zero_points(i));
  const __m256i b = _mm256_add_epi32(near_zero<kValues>(source.product(x, j)), source.zero_points(j));
  return _mm256_packs_epi32(a, b);
}

// What differs between the integer types: 32 bytes of them from floats, eight of them, and the clamp.
template <class T>
struct Integer;
template <>
struct Integer<int8_t> {
  static constexpr int32_t kMin = -128, kMax = 127;
  static __m256i set1(int32_t q) { return _mm256_set1_epi8(static_cast<char>(q)); }
  static __m256i at_least(__m256i q, __m256i lo) { return _mm256_max_epi8(q, lo); }
  static __m256i at_most(__m256i q, __m256i hi) { return _mm256_min_epi8(q, hi); }
  static __m256i narrow(__m256i a, __m256i b) { return _mm256_packs_epi16(a, b); }
};
template <>
struct Integer<uint8_t> {
  static constexpr int32_t kMin = 0, kMax = 255;
  static __m256i set1(int32_t q) { return _mm256_set1_epi8(static_cast<char>(q)); }
  static __m256i at_least(__m256i q, __m256i lo) { return _mm256_max_epu8(q, lo); }
  static __m256i at_most(__m256i q, __m256i hi) { return _mm256_min_epu8(q, hi); }
  static __m256i narrow(__m256i a, __m256i b) { return _mm256_packus_epi16(a, b); }
};
template <>
struct Integer<int16_t> {
  static constexpr int32_t kMin = -32768, kMax = 32767;
  static __m256i set1(int32_t q) { return _mm256_set1_epi16(static_cast<int16_t>(q)); }
  static __m256i at_least(__m256i q, __m256i lo) { return _mm256_max_epi16(q, lo); }
  static __m256i at_most(__m256i q, __m256i hi) { return _mm256_min_epi16(q, hi); }
};

// A register full of Q, from x + i on; only the first eight are right where kEight.
template <class Q, Values kValues, bool kAdd, bool kEight = false, class Source>
__m256i integers(const Source& source, const float* x, int64_t i) {
  constexpr int kNext = kEight ? 0 : 8;
  if constexpr (sizeof(Q) == 2) {
    return in_order_once(words<kValues, kAdd>(source, x, i, i + kNext));
  } else {
    const __m256i a = words_for_bytes<kValues, kAdd>(source, x, i, i + kNext);
    const __m256i b = kEight ? a : words_for_bytes<kValues, kAdd>(source, x, i + 16, i + 24);
    return in_order(Integer<Q>::narrow(a, b));
  }
}

// See quantize() in blocks_x86.h; y is aligned where it is streamed to.
template <class Q, class Source, class Output>
struct Loops {
  using Type = Integer<Q>;
  using Parameters = typename Source::Parameters;
  static constexpr int32_t kMin = Type::kMin, kMax = Type::kMax;
  static constexpr int64_t kLanes = 32 / sizeof(Q);

  static void any(const float* x, int64_t n, const Parameters& a, Q* y) {
    has_zero_points(a) ? any<true>(x, n, a, y) : any<false>(x, n, a, y);
  }

  template <bool kAdd>
  static void any(const float* x, int64_t n, const Parameters& a, Q* y) {
    const Source source(a);
    const __m256i lo = Type::set1(a.qmin), hi = Type::set1(a.qmax);
    int64_t i = 0;
    for (; i + kLanes <= n; i += kLanes)
      store256(y + i, Type::at_most(Type::at_least(integers<Q, kAny, kAdd>(source, x, i), lo), hi));
    for (; i + 8 <= n; i += 8) {
      const __m256i q = Type::at_most(Type::at_least(integers<Q, kAny, kAdd, true>(source, x, i), lo), hi);
      memcpy(y + i, &q, 8 * sizeof(Q));
    }
    if (i < n) {
      const typename Source::Rest rest(a, i, n - i);
      Padded<Q> out;
      any<kAdd>(Padded<float>(x + i, n - i).lanes, 8, rest.parameters(), out.lanes);
      out.store(y + i, n - i);
    }
  }

  template <bool kAdd, Clamp kClamp>
  NARROW_NOINLINE static void ordinary(const float* x, int64_t n, const Parameters& a, Q* y) {
    const Source source(a);
    const __m256i lo = Type::set1(a.qmin), hi = Type::set1(a.qmax);
    for (int64_t i = 0; i < n; i += 64) {
      for (int64_t j = i; j < i + 64; j += kLanes) {
        __m256i q = integers<Q, kOrdinary, kAdd>(source, x, j);
        if (kClamp != kNeither) q = Type::at_least(q, lo);
        if (kClamp == kBoth) q = Type::at_most(q, hi);
        Output::store(y + j, q);
      }
    }
  }
};

template <class Q>
void quantize_streamed(const float* x, int64_t n, Affine a, Q* y) {
  const int64_t head = until_aligned<32>(y, n);
  quantize<Loops<Q, All, Cached>>(x, head, a, y);
  quantize_aligned<Loops<Q, All, Streamed>>(x + head, n - head, a, y + head);
  _mm_sfence();
}

// ---- integer -> float32 ---------------------------------------------------------------------------------------------

__m256i widen(const int8_t* x) { return _mm256_cvtepi8_epi32(load64(x)); }
__m256i widen(const uint8_t* x) { return _mm256_cvtepu8_epi32(load64(x)); }
__m256i widen(const int16_t* x) { return _mm256_cvtepi16_epi32(load128(x)); }

// Eight integers, with one scale and zero point or with eight.
struct Dequantize {
  __m256 scale_f32x8;
  __m256i zero_point_s32x8;
  Dequantize(float scale, int32_t zero_point) : scale_f32x8(set1(scale)), zero_point_s32x8(set1(zero_point)) {}
  Dequantize(const float* scales, const int32_t* zero_points)
      : scale_f32x8(load8(scales)), zero_point_s32x8(load256(zero_points)) {}
  template <class Q>
  __m256 operator()(const Q* x) const {
    return _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_sub_epi32(widen(x), zero_point_s32x8)), scale_f32x8);
  }
};

template <class Q>
void dequantize_each(const Q* x, int64_t n, const float* scales, const int32_t* zero_points, float* y) {
  int64_t i = 0;
  for (; i + 32 <= n; i += 32)
    for (int64_t k = i; k < i + 32; k += 8) _mm256_storeu_ps(y + k, Dequantize(scales + k, zero_points + k)(x + k));
  for (; i + 8 <= n; i += 8) _mm256_storeu_ps(y + i, Dequantize(scales + i, zero_points + i)(x + i));
  if (i < n) {
    Padded<float> out;
    dequantize_each(Padded<Q>(x + i, n - i).lanes, 8, Padded<float>(scales + i, n - i).lanes,
                    Padded<int32_t>(zero_points + i, n - i).lanes, out.lanes);
    out.store(y + i, n - i);
  }
}

// ---- int4 -----------------------------------------------------------------------------------------------------------

// maddubs adds the products of neighbours: low * 1 + high * 16.
__m128i pack_nibbles(__m256i x_s8x32) {
  const __m256i nibbles = _mm256_and_si256(x_s8x32, _mm256_set1_epi8(15));
  const __m256i words = _mm256_maddubs_epi16(nibbles, _mm256_set1_epi16(0x1001));
  return _mm256_castsi256_si128(in_order_once(_mm256_packus_epi16(words, words)));
}

__m256i unpack_nibbles(__m128i x_u8x16) {
  const __m128i low = _mm_and_si128(x_u8x16, _mm_set1_epi8(15));
  const __m128i high = _mm_and_si128(_mm_srli_epi16(x_u8x16, 4), _mm_set1_epi8(15));
  const __m256i nibbles = _mm256_set_m128i(_mm_unpackhi_epi8(low, high), _mm_unpacklo_epi8(low, high));
  const __m256i sign = _mm256_set1_epi8(8);
  return _mm256_sub_epi8(_mm256_xor_si256(nibbles, sign), sign);
}

// ---- 16-bit floats
// --------------------------------------------------------------------------------------------------------

__m128i half(__m256 x_f32x8) {
  __m128i h_f16x8 = _mm256_cvtps_ph(x_f32x8, _MM_FROUND_TO_NEAREST_INT);
  NARROW_IN_REGISTER(h_f16x8);
  return h_f16x8;
}

struct ToHalf {
  __m128i operator()(const float* x) const { return half(load8(x)); }
};
struct FromHalf {
  __m256 operator()(const uint16_t* x) const { return _mm256_cvtph_ps(load128(x)); }
};

struct ToBFloat {
  __m128i operator()(const float* x) const {
    const __m256i bits = load256(x), upper = _mm256_srli_epi32(bits, 16);
    const __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(load8(x), load8(x), _CMP_UNORD_Q));
    const __m256i up = _mm256_add_epi32(set1(0x7fff), _mm256_and_si256(upper, set1(1)));
    const __m256i rounded = _mm256_srli_epi32(_mm256_add_epi32(bits, up), 16);
    const __m256i b_u32x8 = _mm256_blendv_epi8(rounded, _mm256_or_si256(upper, set1(0x40)), nan);
    return _mm_packus_epi32(_mm256_castsi256_si128(b_u32x8), _mm256_extracti128_si256(b_u32x8, 1));
  }
};
struct FromBFloat {
  __m256 operator()(const uint16_t* x) const {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(load128(x)), 16));
  }
};

constexpr int32_t kLargestHalf = 0x477fe000;  // 65504

// Values none of which is beyond 65504, or NaN; returns whether that was so. n is a multiple of 32.
bool halves_in_range(const float* x, int64_t n, uint16_t* y) {
  __m256i most[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
  for (int64_t i = 0; i < n; i += 32) {
    for (int k = 0; k < 32; k += 8) {
      const __m256 x_f32x8 = load8(x + i + k);
      most[k / 8 % 2] = _mm256_max_epi32(most[k / 8 % 2], magnitude(x_f32x8));
      store128(y + i + k, half(x_f32x8));
    }
  }
  const __m256i beyond = _mm256_cmpgt_epi32(_mm256_max_epi32(most[0], most[1]), set1(kLargestHalf));
  return _mm256_testz_si256(beyond, beyond) != 0;
}

// min_ps and max_ps return the second operand where one is NaN: NaN passes.
__m128i half_saturated(__m256 x_f32x8, int64_t* saturated) {
  const __m256 largest = set1(65504.0f), magnitude_f32x8 = _mm256_castsi256_ps(magnitude(x_f32x8));
  const __m256 beyond = _mm256_cmp_ps(magnitude_f32x8, largest, _CMP_GT_OQ);
  *saturated += _mm_popcnt_u32(static_cast<uint32_t>(_mm256_movemask_ps(beyond)));
  return half(_mm256_max_ps(set1(-65504.0f), _mm256_min_ps(largest, x_f32x8)));
}

int64_t halves_saturated(const float* x, int64_t n, uint16_t* y) {
  int64_t saturated = 0;
  convert_aligned<Cached>(x, n, y, [&saturated](const float* from) { return half_saturated(load8(from), &saturated); });
  return saturated;
}

}  // namespace

#define NARROW_INTEGER(name, Q)                                                                                    \
  void f32_to_##name##_avx2(const float* x, int64_t n, Affine a, Q* y) {                                           \
    quantize<Loops<Q, All, Cached>>(x, n, a, y);                                                                   \
  }                                                                                                                \
  void f32_to_##name##_each_avx2(const float* x, int64_t n, AffineEach a, Q* y) {                                  \
    quantize<Loops<Q, Each, Cached>>(x, n, a, y);                                                                  \
  }                                                                                                                \
  void name##_to_f32_avx2(const Q* x, int64_t n, float scale, int32_t zero_point, float* y) {                      \
    convert(x, n, y, Dequantize(scale, zero_point));                                                               \
  }                                                                                                                \
  void name##_to_f32_each_avx2(const Q* x, int64_t n, const float* scales, const int32_t* zero_points, float* y) { \
    dequantize_each(x, n, scales, zero_points, y);                                                                 \
  }
NARROW_INTEGER(s8, int8_t)
NARROW_INTEGER(u8, uint8_t)
NARROW_INTEGER(s16, int16_t)

#define NARROW_STREAMED(name, Q)                                                                                      \
  void f32_to_##name##_streamed_avx2(const float* x, int64_t n, Affine a, Q* y) { quantize_streamed<Q>(x, n, a, y); } \
  void name##_to_f32_streamed_avx2(const Q* x, int64_t n, float scale, int32_t zero_point, float* y) {                \
    convert_streamed(x, n, y, Dequantize(scale, zero_point));                                                         \
  }
NARROW_STREAMED(s8, int8_t)
NARROW_STREAMED(u8, uint8_t)

void s4_pack_avx2(const int8_t* x, int64_t n, uint8_t* y) {
  int64_t i = 0;
  for (; i + 32 <= n; i += 32) store128(y + i / 2, pack_nibbles(load256(x + i)));
  if (i < n) {
    Padded<uint8_t, 16> out;
    store128(out.lanes, pack_nibbles(load256(Padded<int8_t, 32>(x + i, n - i).lanes)));
    out.store(y + i / 2, (n - i + 1) / 2);
  }
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

// Not aligned: 16 bytes of float16 lie in one cache line where their array starts as Java's do, 32 of floats then do
// not.
void f32_to_f16_avx2(const float* x, int64_t n, uint16_t* y) { convert_aligned<Cached>(x, n, y, ToHalf()); }
void f32_to_f16_streamed_avx2(const float* x, int64_t n, uint16_t* y) { convert_streamed(x, n, y, ToHalf()); }
void f16_to_f32_avx2(const uint16_t* x, int64_t n, float* y) { convert(x, n, y, FromHalf()); }
void f16_to_f32_streamed_avx2(const uint16_t* x, int64_t n, float* y) { convert_streamed(x, n, y, FromHalf()); }

void f32_to_bf16_avx2(const float* x, int64_t n, uint16_t* y) { convert_aligned<Cached>(x, n, y, ToBFloat()); }
void bf16_to_f32_avx2(const uint16_t* x, int64_t n, float* y) { convert(x, n, y, FromBFloat()); }

int64_t f32_to_f16_saturated_avx2(const float* x, int64_t n, uint16_t* y) {
  const int64_t in_blocks = n & -32;
  int64_t saturated = 0;
  for (int64_t i = 0; i < in_blocks; i += kBlock) {
    const int64_t m = in_blocks - i < kBlock ? in_blocks - i : kBlock;
    if (!halves_in_range(x + i, m, y + i)) saturated += halves_saturated(x + i, m, y + i);
  }
  return saturated + halves_saturated(x + in_blocks, n - in_blocks, y + in_blocks);
}

const KernelTable kernels_avx2 = {"avx2",
#define NARROW_ENTRY(name, result, parameters) name##_avx2,
                                  NARROW_KERNELS(NARROW_ENTRY)
#undef NARROW_ENTRY
};

}  // namespace narrow
