// Blocks with a scale, and bits, AVX-512.
#include <string.h>

#include "vectors_avx512.h"

namespace narrow {
namespace {

constexpr uint32_t kInfinite = 0x7f800000, kNan = 0x7fc00000;

// A block of 32, and the bits of its largest |x|.
struct Block {
  __m512 low, high;
  uint32_t most;
  explicit Block(const float* x)
      : low(load16(x)),
        high(load16(x + 16)),
        most(static_cast<uint32_t>(_mm512_reduce_max_epi32(_mm512_max_epi32(magnitude(low), magnitude(high))))) {}
  // Number of the first value as large as the largest.
  unsigned first() const {
    const __m512i most_u32x16 = set1(static_cast<int32_t>(most));
    const uint32_t in_low = _mm512_cmpeq_epi32_mask(magnitude(low), most_u32x16),
                   in_high = _mm512_cmpeq_epi32_mask(magnitude(high), most_u32x16), mask = in_low | in_high << 16;
    return static_cast<unsigned>(_mm_popcnt_u32(~mask & (mask - 1)));
  }
  void divide_by(float scale) {
    const float inverse = 1.0f / scale;
    const bool finite = inverse > -kInfinity && inverse < kInfinity;
    const __m512 inverse_f32x16 = set1(finite ? inverse : 0.0f);
    low = most < kInfinite ? _mm512_mul_ps(low, inverse_f32x16) : _mm512_setzero_ps();
    high = most < kInfinite ? _mm512_mul_ps(high, inverse_f32x16) : _mm512_setzero_ps();
  }
};

void store_half(uint8_t* y, float scale) {
  const int32_t half = _mm_cvtsi128_si32(_mm_cvtps_ph(_mm_set_ss(scale), _MM_FROUND_TO_NEAREST_INT));
  memcpy(y, &half, 2);
}

void store128(uint8_t* y, __m128i v) { _mm_storeu_si128(reinterpret_cast<__m128i*>(y), v); }
__m128i load128(const uint8_t* x) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(x)); }

// Halves away from zero.
__m128i rounded(__m512 p) {
  const __m512 half = _mm512_or_ps(_mm512_and_ps(p, set1(-0.0f)), set1(0x1.fffffep-2f));
  return _mm512_cvtepi32_epi8(_mm512_cvttps_epi32(_mm512_add_ps(p, half)));
}

__m128i nibbles(__m512 p) {
  return _mm512_cvtepi32_epi8(_mm512_min_epi32(_mm512_cvttps_epi32(_mm512_add_ps(p, set1(8.5f))), set1(15)));
}

__m512 scale_of(const uint8_t* x) {
  uint16_t half;
  memcpy(&half, x, sizeof half);
  return _mm512_broadcastss_ps(_mm_cvtph_ps(_mm_cvtsi32_si128(half)));
}

void store_products(float* y, __m128i q_s8x16, __m512 scale_f32x16) {
  const __m512 y_f32x16 = _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(q_s8x16)), scale_f32x16);
  const __mmask16 nan = _mm512_cmp_ps_mask(y_f32x16, y_f32x16, _CMP_UNORD_Q);
  _mm512_storeu_ps(y, _mm512_mask_mov_ps(y_f32x16, nan, set1(float_of(kNan))));
}

template <bool kHighFirst>
uint16_t bits(__m512 x_f32x16) {
  const __m512i reversed = _mm512_setr_epi32(7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8);
  if (kHighFirst) x_f32x16 = _mm512_permutexvar_ps(reversed, x_f32x16);
  return _mm512_cmp_ps_mask(x_f32x16, _mm512_setzero_ps(), _CMP_GT_OQ);
}

template <bool kHighFirst>
void to_bits(const float* x, int64_t n, uint8_t* y) {
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) {
    const uint16_t b = bits<kHighFirst>(load16(x + i));
    memcpy(y + i / 8, &b, 2);
  }
  if (i < n) {
    const uint16_t b = bits<kHighFirst>(load16(x + i, first16(n - i)));
    memcpy(y + i / 8, &b, n - i > 8 ? 2 : 1);
  }
}

}  // namespace

void f32_to_q8_0_avx512(const float* x, int64_t n, uint8_t* y) {
  for (int64_t i = 0; i < n; i += 32, y += 34) {
    Block block(x + i);
    const float scale = block.most > kInfinite ? float_of(kNan) : float_of(block.most) / 127.0f;
    block.divide_by(scale);
    store_half(y, scale);
    store128(y + 2, rounded(block.low));
    store128(y + 18, rounded(block.high));
  }
}

void f32_to_q4_0_avx512(const float* x, int64_t n, uint8_t* y) {
  for (int64_t i = 0; i < n; i += 32, y += 18) {
    Block block(x + i);
    float extreme;
    memcpy(&extreme, reinterpret_cast<const char*>(x + i) + 4 * block.first(), sizeof extreme);
    const float scale = block.most > kInfinite ? float_of(kNan) : (extreme + 0.0f) / -8.0f;
    block.divide_by(scale);
    store_half(y, scale);
    store128(y + 2, _mm_or_si128(nibbles(block.low), _mm_slli_epi16(nibbles(block.high), 4)));
  }
}

void q8_0_to_f32_avx512(const uint8_t* x, int64_t n, float* y) {
  for (int64_t i = 0; i < n; i += 32, x += 34) {
    store_products(y + i, load128(x + 2), scale_of(x));
    store_products(y + i + 16, load128(x + 18), scale_of(x));
  }
}

void q4_0_to_f32_avx512(const uint8_t* x, int64_t n, float* y) {
  const __m128i nibble = _mm_set1_epi8(15), eight = _mm_set1_epi8(8);
  for (int64_t i = 0; i < n; i += 32, x += 18) {
    const __m128i q = load128(x + 2);
    store_products(y + i, _mm_sub_epi8(_mm_and_si128(q, nibble), eight), scale_of(x));
    store_products(y + i + 16, _mm_sub_epi8(_mm_and_si128(_mm_srli_epi16(q, 4), nibble), eight), scale_of(x));
  }
}

void f32_to_b1_low_first_avx512(const float* x, int64_t n, uint8_t* y) { to_bits<false>(x, n, y); }
void f32_to_b1_high_first_avx512(const float* x, int64_t n, uint8_t* y) { to_bits<true>(x, n, y); }

}  // namespace narrow
