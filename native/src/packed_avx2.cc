// Blocks with a scale, and bits, AVX2.
#include "packed_x86.h"
#include "vectors_avx2.h"

namespace narrow {
namespace {

struct Block {
  __m256 x_f32x8[4];
  uint32_t most;

  explicit Block(const float* x) {
    for (int k = 0; k < 4; k++) x_f32x8[k] = load8(x + 8 * k);
    const __m256i m_u32x8 = _mm256_max_epi32(_mm256_max_epi32(magnitude(x_f32x8[0]), magnitude(x_f32x8[1])),
                                             _mm256_max_epi32(magnitude(x_f32x8[2]), magnitude(x_f32x8[3])));
    __m128i m_u32x4 = _mm_max_epi32(_mm256_castsi256_si128(m_u32x8), _mm256_extracti128_si256(m_u32x8, 1));
    m_u32x4 = _mm_max_epi32(m_u32x4, _mm_shuffle_epi32(m_u32x4, 0x4e));
    m_u32x4 = _mm_max_epi32(m_u32x4, _mm_shuffle_epi32(m_u32x4, 0xb1));
    most = static_cast<uint32_t>(_mm_cvtsi128_si32(m_u32x4));
  }
  unsigned first() const {
    uint32_t mask = 0;
    for (unsigned k = 0; k < 4; k++) {
      const __m256i equal = _mm256_cmpeq_epi32(magnitude(x_f32x8[k]), set1(static_cast<int32_t>(most)));
      mask |= static_cast<uint32_t>(_mm256_movemask_ps(_mm256_castsi256_ps(equal))) << 8 * k;
    }
    unsigned i = 0;
    while (!(mask >> i & 1)) i++;
    return i;
  }
  void multiply(float by) {
    for (__m256& x : x_f32x8) x = most < kInfinite ? _mm256_mul_ps(x, set1(by)) : _mm256_setzero_ps();
  }
  void store_bytes(uint8_t* y) const {
    __m256i q_s32x8[4];
    for (int k = 0; k < 4; k++) {
      const __m256 half = _mm256_or_ps(_mm256_and_ps(x_f32x8[k], set1(-0.0f)), set1(0x1.fffffep-2f));
      q_s32x8[k] = _mm256_cvttps_epi32(_mm256_add_ps(x_f32x8[k], half));
    }
    store256(y, to_bytes(q_s32x8));
  }
  void store_nibbles(uint8_t* y) const {
    __m256i q_s32x8[4];
    for (int k = 0; k < 4; k++)
      q_s32x8[k] = _mm256_min_epi32(_mm256_cvttps_epi32(_mm256_add_ps(x_f32x8[k], set1(8.5f))), set1(15));
    const __m256i q_u8x32 = to_bytes(q_s32x8);
    const __m128i high = _mm_slli_epi16(_mm256_extracti128_si256(q_u8x32, 1), 4);
    store128(y, _mm_or_si128(_mm256_castsi256_si128(q_u8x32), high));
  }
  static void restore(__m128i q_s8x16, __m128 scale, float* y) {
    restore8(q_s8x16, _mm256_broadcastss_ps(scale), y);
    restore8(_mm_srli_si128(q_s8x16, 8), _mm256_broadcastss_ps(scale), y + 8);
  }

 private:
  // 32 integers in the order of the values, saturated.
  static __m256i to_bytes(const __m256i* q_s32x8) {
    const __m256i q_s8x32 =
        _mm256_packs_epi16(_mm256_packs_epi32(q_s32x8[0], q_s32x8[1]), _mm256_packs_epi32(q_s32x8[2], q_s32x8[3]));
    return _mm256_permutevar8x32_epi32(q_s8x32, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
  }
  static void restore8(__m128i q_s8x8, __m256 scale_f32x8, float* y) {
    const __m256 y_f32x8 = _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(q_s8x8)), scale_f32x8);
    const __m256 nan = _mm256_cmp_ps(y_f32x8, y_f32x8, _CMP_UNORD_Q);
    _mm256_storeu_ps(y, _mm256_blendv_ps(y_f32x8, set1(float_of(kNan)), nan));
  }
};

template <bool kHighFirst>
uint8_t bits(const float* x) {
  __m256 x_f32x8 = load8(x);
  if (kHighFirst) x_f32x8 = _mm256_permutevar8x32_ps(x_f32x8, _mm256_setr_epi32(7, 6, 5, 4, 3, 2, 1, 0));
  return static_cast<uint8_t>(_mm256_movemask_ps(_mm256_cmp_ps(x_f32x8, _mm256_setzero_ps(), _CMP_GT_OQ)));
}

template <bool kHighFirst>
void to_bits(const float* x, int64_t n, uint8_t* y) {
  int64_t i = 0;
  for (; i + 8 <= n; i += 8) y[i / 8] = bits<kHighFirst>(x + i);
  if (i < n) y[i / 8] = bits<kHighFirst>(Padded<float>(x + i, n - i).lanes);
}

}  // namespace

void f32_to_q8_0_avx2(const float* x, int64_t n, uint8_t* y) { to_q8_0<Block>(x, n, y); }
void f32_to_q4_0_avx2(const float* x, int64_t n, uint8_t* y) { to_q4_0<Block>(x, n, y); }
void q8_0_to_f32_avx2(const uint8_t* x, int64_t n, float* y) { from_q8_0<Block>(x, n, y); }
void q4_0_to_f32_avx2(const uint8_t* x, int64_t n, float* y) { from_q4_0<Block>(x, n, y); }

void f32_to_b1_low_first_avx2(const float* x, int64_t n, uint8_t* y) { to_bits<false>(x, n, y); }
void f32_to_b1_high_first_avx2(const float* x, int64_t n, uint8_t* y) { to_bits<true>(x, n, y); }

}  // namespace narrow
