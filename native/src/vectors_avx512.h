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

}  // namespace
}  // namespace narrow
