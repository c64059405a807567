// What the AVX-512 units share (F, BW, DQ, VL, with AVX2 and F16C). It has internal linkage: each unit keeps its own
// copy. Tails are masked: the loads touch nothing beyond the mask, and read zeros there.
#pragma once
#include <immintrin.h>

#include "blocks_x86.h"

namespace narrow {

#define NARROW_DECLARE(name, result, parameters) result name##_avx512 parameters;
NARROW_KERNELS(NARROW_DECLARE)
#undef NARROW_DECLARE

namespace {

inline __m512 set1(float x) { return _mm512_set1_ps(x); }
inline __m512i set1(int32_t x) { return _mm512_set1_epi32(x); }
inline __m512 load16(const float* x) { return _mm512_loadu_ps(x); }
inline __m512i load16(const int32_t* x) { return _mm512_loadu_si512(x); }
inline __m512 load16(const float* x, __mmask16 mask) { return _mm512_maskz_loadu_ps(mask, x); }
inline __m512i load16(const int32_t* x, __mmask16 mask) { return _mm512_maskz_loadu_epi32(mask, x); }

// The first n of 16 or 64 lanes, all where n is larger.
inline __mmask16 first16(int64_t n) { return static_cast<__mmask16>(n >= 16 ? 0xffff : (1u << n) - 1); }
inline __mmask64 first64(int64_t n) { return n >= 64 ? ~uint64_t{0} : (uint64_t{1} << n) - 1; }

inline int64_t bits_set(__mmask16 mask) { return _mm_popcnt_u32(mask); }

inline __m512i magnitude(__m512 x_f32x16) { return _mm512_and_epi32(_mm512_castps_si512(x_f32x16), set1(0x7fffffff)); }

// How a kernel writes: through the caches, through them from memory, or around them to an aligned address.
struct Cached {
  static void store(void* p, __m512i v) { _mm512_storeu_si512(p, v); }
  static void store(void* p, __m256i v) { _mm256_storeu_si256(static_cast<__m256i*>(p), v); }
  static void store(float* p, __m512 v) { _mm512_storeu_ps(p, v); }
};
// Not by whole cache lines: where one has to come from memory first, that takes Zen 4 a tenth longer, and where it is
// in the first-level cache four parts do.
struct InParts {
  static void store(void* p, __m512i v) {
    __m128i* parts = static_cast<__m128i*>(p);
    _mm_storeu_si128(parts, _mm512_castsi512_si128(v));
    _mm_storeu_si128(parts + 1, _mm512_extracti32x4_epi32(v, 1));
    _mm_storeu_si128(parts + 2, _mm512_extracti32x4_epi32(v, 2));
    _mm_storeu_si128(parts + 3, _mm512_extracti32x4_epi32(v, 3));
  }
};
constexpr int64_t kWorthParts = 65536;  // elements; at this size both take the same time

struct Streamed {
  static void store(void* p, __m512i v) { _mm512_stream_si512(static_cast<__m512i*>(p), v); }
  static void store(void* p, __m256i v) { _mm256_stream_si256(static_cast<__m256i*>(p), v); }
  static void store(float* p, __m512 v) { _mm512_stream_ps(p, v); }
};

inline void store16(float* y, __mmask16 mask, __m512 v) { _mm512_mask_storeu_ps(y, mask, v); }
inline void store16(uint16_t* y, __mmask16 mask, __m256i v) { _mm256_mask_storeu_epi16(y, mask, v); }

// y[i] = f(x[i]), where f is given sixteen, all or those of a mask.
template <class Output, class X, class Y, class F>
void convert_aligned(const X* x, int64_t n, Y* y, F f) {
  int64_t i = 0;
  for (; i + 64 <= n; i += 64)
    for (int64_t k = i; k < i + 64; k += 16) Output::store(y + k, f(x + k));
  for (; i < n; i += 16) store16(y + i, first16(n - i), f(x + i, first16(n - i)));
}
template <class X, class Y, class F>
void convert(const X* x, int64_t n, Y* y, F f) {
  const int64_t head = head_of(floats_of(x, y), n);
  if (head > 0) convert_aligned<Cached>(x, kOnce, y, f);
  convert_aligned<Cached>(x + head, n - head, y + head, f);
}
template <class X, class Y, class F>
void convert_streamed(const X* x, int64_t n, Y* y, F f) {
  const int64_t head = until_aligned<64>(y, n);
  convert_aligned<Cached>(x, head, y, f);
  convert_aligned<Streamed>(x + head, n - head, y + head, f);
  _mm_sfence();
}

}  // namespace
}  // namespace narrow
