// What the x86 units share for blocks of 32 with a scale, see narrow_f32_to_q8_0. It has internal linkage: each unit
// keeps its own copy.
#pragma once
#include <string.h>

#include "blocks_x86.h"

namespace narrow {
namespace {

constexpr uint32_t kInfinite = 0x7f800000, kNan = 0x7fc00000;

inline float inverse_of(float scale) {
  const float inverse = 1.0f / scale;
  return inverse > -kInfinity && inverse < kInfinity ? inverse : 0.0f;
}

inline void store_half(uint8_t* y, float scale) {
  const int32_t half = _mm_cvtsi128_si32(_mm_cvtps_ph(_mm_set_ss(scale), _MM_FROUND_TO_NEAREST_INT));
  memcpy(y, &half, 2);
}

inline __m128 scale_of(const uint8_t* x) {
  uint16_t half;
  memcpy(&half, x, sizeof half);
  return _mm_cvtph_ps(_mm_cvtsi32_si128(half));
}

// Block has
//   Block(x)                     32 floats
//   most                         the bits of the largest |x|
//   first()                      number of the first value as large as that
//   multiply(by)                 each value, to zero where `most` is not finite
//   store_bytes(y)               32 signed bytes, halves away from zero
//   store_nibbles(y)             16 bytes of 8.5 more, cut, and at most 15: value j below value j + 16
//   restore(q_s8x16, scale, y)   16 products

template <class Block>
void to_q8_0(const float* x, int64_t n, uint8_t* y) {
  for (int64_t i = 0; i < n; i += 32, y += 34) {
    Block block(x + i);
    const float scale = block.most > kInfinite ? float_of(kNan) : float_of(block.most) / 127.0f;
    block.multiply(inverse_of(scale));
    store_half(y, scale);
    block.store_bytes(y + 2);
  }
}

template <class Block>
void to_q4_0(const float* x, int64_t n, uint8_t* y) {
  for (int64_t i = 0; i < n; i += 32, y += 18) {
    Block block(x + i);
    float extreme;
    memcpy(&extreme, reinterpret_cast<const char*>(x + i) + 4 * block.first(), sizeof extreme);
    const float scale = block.most > kInfinite ? float_of(kNan) : (extreme + 0.0f) / -8.0f;
    block.multiply(inverse_of(scale));
    store_half(y, scale);
    block.store_nibbles(y + 2);
  }
}

template <class Block>
void from_q8_0(const uint8_t* x, int64_t n, float* y) {
  for (int64_t i = 0; i < n; i += 32, x += 34) {
    Block::restore(load128(x + 2), scale_of(x), y + i);
    Block::restore(load128(x + 18), scale_of(x), y + i + 16);
  }
}

template <class Block>
void from_q4_0(const uint8_t* x, int64_t n, float* y) {
  const __m128i nibble = _mm_set1_epi8(15), eight = _mm_set1_epi8(8);
  for (int64_t i = 0; i < n; i += 32, x += 18) {
    const __m128i q = load128(x + 2);
    Block::restore(_mm_sub_epi8(_mm_and_si128(q, nibble), eight), scale_of(x), y + i);
    Block::restore(_mm_sub_epi8(_mm_and_si128(_mm_srli_epi16(q, 4), nibble), eight), scale_of(x), y + i + 16);
  }
}

}  // namespace
}  // namespace narrow
