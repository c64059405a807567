// What the NEON units share: Advanced SIMD as every arm64 CPU has it. It has internal linkage: each unit keeps its own
// copy.
#pragma once
#include <arm_neon.h>
#include <string.h>

#include "kernel_table.h"

namespace narrow {

#define NARROW_DECLARE(name, result, parameters) result name##_neon parameters;
NARROW_KERNELS(NARROW_DECLARE)
#undef NARROW_DECLARE

namespace {

// The block over which a fast loop is tried before the exact one, see blocks_x86.h.
constexpr int64_t kBlock = 16384;

// N lanes that start with the n < N elements at x; the others are zero.
template <class T, int N = 16>
struct Padded {
  alignas(16) T lanes[N];
  Padded() { memset(lanes, 0, sizeof lanes); }
  Padded(const T* x, int64_t n) : Padded() { memcpy(lanes, x, static_cast<size_t>(n) * sizeof(T)); }
  void store(T* y, int64_t n) const { memcpy(y, lanes, static_cast<size_t>(n) * sizeof(T)); }
};

inline uint32x4_t magnitude(float32x4_t x_f32x4) {
  return vandq_u32(vreinterpretq_u32_f32(x_f32x4), vdupq_n_u32(0x7fffffff));
}

}  // namespace
}  // namespace narrow
