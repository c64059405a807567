// Blocks with a scale, and bits, AVX-512.
#include <string.h>

#include "packed_x86.h"
#include "vectors_avx512.h"

namespace narrow {
namespace {

struct Block {
  __m512 low, high;
  uint32_t most;

  explicit Block(const float* x)
      : low(load16(x)),
        high(load16(x + 16)),
        most(static_cast<uint32_t>(_mm512_reduce_max_epi32(_mm512_max_epi32(magnitude(low), magnitude(high))))) {}
  unsigned first() const {
    const __m512i most_u32x16 = set1(static_cast<int32_t>(most));
    const uint32_t in_low = _mm512_cmpeq_epi32_mask(magnitude(low), most_u32x16),
                   in_high = _mm512_cmpeq_epi32_mask(magnitude(high), most_u32x16), mask = in_low | in_high << 16;
    return static_cast<unsigned>(_mm_popcnt_u32(~mask & (mask - 1)));
  }
  void multiply(float by) {
    low = most < kInfinite ? _mm512_mul_ps(low, set1(by)) : _mm512_setzero_ps();
    high = most < kInfinite ? _mm512_mul_ps(high, set1(by)) : _mm512_setzero_ps();
  }
  void store_bytes(uint8_t* y) const {
    store128(y, rounded(low));
    store128(y + 16, rounded(high));
  }
  void store_nibbles(uint8_t* y) const { store128(y, _mm_or_si128(nibbles(low), _mm_slli_epi16(nibbles(high), 4))); }
  static void restore(__m128i q_s8x16, __m128 scale, float* y) {
    const __m512 scale_f32x16 = _mm512_broadcastss_ps(scale);
    const __m512 y_f32x16 = _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(q_s8x16)), scale_f32x16);
    const __mmask16 nan = _mm512_cmp_ps_mask(y_f32x16, y_f32x16, _CMP_UNORD_Q);
    _mm512_storeu_ps(y, _mm512_mask_mov_ps(y_f32x16, nan, set1(float_of(kNan))));
  }

 private:
  static __m128i rounded(__m512 p) {
    const __m512 half = _mm512_or_ps(_mm512_and_ps(p, set1(-0.0f)), set1(0x1.fffffep-2f));
    return _mm512_cvtepi32_epi8(_mm512_cvttps_epi32(_mm512_add_ps(p, half)));
  }
  static __m128i nibbles(__m512 p) {
    return _mm512_cvtepi32_epi8(_mm512_min_epi32(_mm512_cvttps_epi32(_mm512_add_ps(p, set1(8.5f))), set1(15)));
  }
};

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

void f32_to_q8_0_avx512(const float* x, int64_t n, uint8_t* y) { to_q8_0<Block>(x, n, y); }
void f32_to_q4_0_avx512(const float* x, int64_t n, uint8_t* y) { to_q4_0<Block>(x, n, y); }
void q8_0_to_f32_avx512(const uint8_t* x, int64_t n, float* y) { from_q8_0<Block>(x, n, y); }
void q4_0_to_f32_avx512(const uint8_t* x, int64_t n, float* y) { from_q4_0<Block>(x, n, y); }

void f32_to_b1_low_first_avx512(const float* x, int64_t n, uint8_t* y) { to_bits<false>(x, n, y); }
void f32_to_b1_high_first_avx512(const float* x, int64_t n, uint8_t* y) { to_bits<true>(x, n, y); }

}  // namespace narrow
