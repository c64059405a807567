// What the AVX2 units share. It has internal linkage: each unit keeps its own copy.
#pragma once
#include <immintrin.h>
#include <string.h>

#include "blocks_x86.h"

namespace narrow {

#define NARROW_DECLARE(name, result, parameters) result name##_avx2 parameters;
NARROW_KERNELS(NARROW_DECLARE)
#undef NARROW_DECLARE

namespace {

inline __m256 set1(float x) { return _mm256_set1_ps(x); }
inline __m256i set1(int32_t x) { return _mm256_set1_epi32(x); }
inline __m256 load8(const float* x) { return _mm256_loadu_ps(x); }
inline __m256i load256(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }
inline __m128i load64(const void* p) { return _mm_loadl_epi64(static_cast<const __m128i*>(p)); }
inline void store256(void* p, __m256i v) { _mm256_storeu_si256(static_cast<__m256i*>(p), v); }
inline void store64(void* p, __m128i v) { _mm_storel_epi64(static_cast<__m128i*>(p), v); }

// N lanes that start with the n < N elements at x; the others are zero.
template <class T, int N = 8>
struct Padded {
  alignas(32) T lanes[N];
  Padded() { memset(lanes, 0, sizeof lanes); }
  Padded(const T* x, int64_t n) : Padded() { memcpy(lanes, x, static_cast<size_t>(n) * sizeof(T)); }
  void store(T* y, int64_t n) const { memcpy(y, lanes, static_cast<size_t>(n) * sizeof(T)); }
};

inline __m256i magnitude(__m256 x_f32x8) { return _mm256_and_si256(_mm256_castps_si256(x_f32x8), set1(0x7fffffff)); }

// How a kernel writes: through the caches, or around them to an aligned address.
struct Cached {
  static void store(void* p, __m256i v) { store256(p, v); }
  static void store(void* p, __m128i v) { store128(p, v); }
  static void store(float* p, __m256 v) { _mm256_storeu_ps(p, v); }
};
struct Streamed {
  static void store(void* p, __m256i v) { _mm256_stream_si256(static_cast<__m256i*>(p), v); }
  static void store(void* p, __m128i v) { _mm_stream_si128(static_cast<__m128i*>(p), v); }
  static void store(float* p, __m256 v) { _mm256_stream_ps(p, v); }
};

// y[i] = f(x[i]) for f of eight at x.
template <class Output, class X, class Y, class F>
void convert_aligned(const X* x, int64_t n, Y* y, F f) {
  int64_t i = 0;
  for (; i + 32 <= n; i += 32)
    for (int64_t k = i; k < i + 32; k += 8) Output::store(y + k, f(x + k));
  for (; i + 8 <= n; i += 8) Output::store(y + i, f(x + i));
  if (i < n) {
    Padded<Y> out;
    Cached::store(out.lanes, f(Padded<X>(x + i, n - i).lanes));
    out.store(y + i, n - i);
  }
}
template <class X, class Y, class F>
void convert(const X* x, int64_t n, Y* y, F f) {
  const int64_t head = head_of(floats_of(x, y), n);
  if (head > 0) convert_aligned<Cached>(x, kOnce, y, f);
  convert_aligned<Cached>(x + head, n - head, y + head, f);
}
template <class X, class Y, class F>
void convert_streamed(const X* x, int64_t n, Y* y, F f) {
  const int64_t head = until_aligned<32>(y, n);
  convert_aligned<Cached>(x, head, y, f);
  convert_aligned<Streamed>(x + head, n - head, y + head, f);
  _mm_sfence();
}

}  // namespace
}  // namespace narrow
