// The kernels: loops over contiguous memory that every instruction set implements. The public functions (kernels.cc)
// are cut into calls of these. NARROW_KERNELS is the one list of them: the table below, each instruction set, the tests
// and the benchmark expand it, so that a kernel cannot exist without an implementation, a test and a measurement.
//
// A translation unit of one instruction set includes nothing but this, intrinsics and C headers: an inline function
// that two such units share would be compiled twice and linked once, perhaps with instructions this CPU does not have.
#pragma once
#include <stdint.h>

#if defined(__x86_64__) || defined(_M_X64)
#define NARROW_X86_64 1
#elif defined(__aarch64__) || defined(_M_ARM64)
#define NARROW_ARM64 1
#endif

#ifdef _MSC_VER
#define NARROW_NOINLINE __declspec(noinline)
#else
#define NARROW_NOINLINE __attribute__((noinline))
#endif

namespace narrow {

struct Range {
  float min, max;
  int64_t nans, infinities;
};

// q = clamp(round(x * inverse_scale) + zero_point, qmin, qmax)
struct Affine {
  float inverse_scale;
  int32_t zero_point, qmin, qmax;
};

// q = clamp(round(x * inverse_scale), -limit, limit)
struct Rounding {
  float inverse_scale, scale, limit;
};

// Of the values that codes stand for, with half a step beyond them: lowest <= 0 <= highest.
struct Limits {
  float lowest, highest;
};

// q as Affine says, with the first two per element, and the limits common. No zero points: all are 0.
struct AffineEach {
  const float* inverse_scales;
  const int32_t* zero_points;
  int32_t qmin, qmax;
};

// Of narrow_f32_optimized_rows: as many values as a row has, and bits of a code.
struct Intervals {
  const float* centroid;
  int32_t bits;
};

// Of narrow_f64_add_products.
struct Products {
  int64_t a_row, a_step, b_row, c_row, rows, columns, depth;
};

// One kernel a line: name, result, parameters. In "each" kernels element i has its own channel, i; in "rows" kernels,
// which go over rows of n elements that follow one another, element i of every row.
//   f32_range        extends the range, zeros as +0
//   f32_range_flagged  the same in another way, where there is one: see range_in_use
//   f32_range_rows   extends min[i] and max[i], which must not be -0, zeros as +0, and counts[0], NaNs, and counts[1],
//                    infinities
//   f32_absmax       largest bits of |x|: an integer maximum, in which infinity beats numbers and NaN infinity
//   f32_absmax_rows  the same with what absmax[i] holds, which must not be negative; returns 1 where one is NaN, or 0
//   f32_error        adds to 16 partial sums of x^2, then 16 of (x - y)^2, as narrow_f32_error describes
//   f32_difference   adds to 16 partial sums each of x^2, y^2, (x - y)^2 and x - y, and extends 16 partial maxima of
//                    |x - y|, as narrow_f32_difference describes; returns how many x are outside lowest .. highest
//   f32_rounding_error  the sum of (x - q * scale)^2, as narrow_f32_least_error_scales describes
//   f32_optimized_rows  as narrow_f32_optimized_rows describes; a NaN in ends is the quiet one
//   f64_add_products  as narrow_f64_add_products describes
//   s4_pack          the low four bits of n values to (n + 1) / 2 bytes; s4_unpack is the way back
//   f32_to_f16_saturated  returns how many values were beyond +-65504
//   f32_to_q8_0, f32_to_q4_0  n / 32 blocks, and back, as narrow_f32_to_q8_0 describes; n is a multiple of 32
//   f32_to_b1_low_first  whether x > 0, a bit each, (n + 7) / 8 bytes; also with the first in the highest bit
//   streamed         as the kernel without it, but writes around the caches
#define NARROW_KERNELS(K)                                                                                            \
  K(f32_range, void, (const float* x, int64_t n, Range* range))                                                      \
  K(f32_range_flagged, void, (const float* x, int64_t n, Range* range))                                              \
  K(f32_range_rows, void, (const float* x, int64_t rows, int64_t n, float* min, float* max, int64_t* counts))        \
  K(f32_absmax, uint32_t, (const float* x, int64_t n))                                                               \
  K(f32_absmax_rows, int32_t, (const float* x, int64_t rows, int64_t n, float* absmax))                              \
  K(f32_error, void, (const float* x, const float* y, int64_t n, double* partial))                                   \
  K(f32_difference, int64_t, (const float* x, const float* y, int64_t n, Limits limits, double* partial))            \
  K(f32_rounding_error, float, (const float* x, int64_t n, Rounding r))                                              \
  K(f32_optimized_rows, void,                                                                                        \
    (const float* x, int64_t rows, int64_t n, Intervals i, uint8_t* y, float* ends, int32_t* sums))                  \
  K(f64_add_products, void, (const double* a, const double* b, Products p, double* c))                               \
  K(f32_to_s8, void, (const float* x, int64_t n, Affine a, int8_t* y))                                               \
  K(f32_to_u8, void, (const float* x, int64_t n, Affine a, uint8_t* y))                                              \
  K(f32_to_s16, void, (const float* x, int64_t n, Affine a, int16_t* y))                                             \
  K(f32_to_s8_each, void, (const float* x, int64_t n, AffineEach a, int8_t* y))                                      \
  K(f32_to_u8_each, void, (const float* x, int64_t n, AffineEach a, uint8_t* y))                                     \
  K(f32_to_s16_each, void, (const float* x, int64_t n, AffineEach a, int16_t* y))                                    \
  K(s8_to_f32, void, (const int8_t* x, int64_t n, float scale, int32_t zero_point, float* y))                        \
  K(u8_to_f32, void, (const uint8_t* x, int64_t n, float scale, int32_t zero_point, float* y))                       \
  K(s16_to_f32, void, (const int16_t* x, int64_t n, float scale, int32_t zero_point, float* y))                      \
  K(s8_to_f32_each, void, (const int8_t* x, int64_t n, const float* scales, const int32_t* zero_points, float* y))   \
  K(u8_to_f32_each, void, (const uint8_t* x, int64_t n, const float* scales, const int32_t* zero_points, float* y))  \
  K(s16_to_f32_each, void, (const int16_t* x, int64_t n, const float* scales, const int32_t* zero_points, float* y)) \
  K(s4_pack, void, (const int8_t* x, int64_t n, uint8_t* y))                                                         \
  K(s4_unpack, void, (const uint8_t* x, int64_t n, int8_t* y))                                                       \
  K(f32_to_q8_0, void, (const float* x, int64_t n, uint8_t* y))                                                      \
  K(f32_to_q4_0, void, (const float* x, int64_t n, uint8_t* y))                                                      \
  K(q8_0_to_f32, void, (const uint8_t* x, int64_t n, float* y))                                                      \
  K(q4_0_to_f32, void, (const uint8_t* x, int64_t n, float* y))                                                      \
  K(f32_to_b1_low_first, void, (const float* x, int64_t n, uint8_t* y))                                              \
  K(f32_to_b1_high_first, void, (const float* x, int64_t n, uint8_t* y))                                             \
  K(f32_to_f16, void, (const float* x, int64_t n, uint16_t* y))                                                      \
  K(f32_to_f16_saturated, int64_t, (const float* x, int64_t n, uint16_t* y))                                         \
  K(f16_to_f32, void, (const uint16_t* x, int64_t n, float* y))                                                      \
  K(f32_to_bf16, void, (const float* x, int64_t n, uint16_t* y))                                                     \
  K(bf16_to_f32, void, (const uint16_t* x, int64_t n, float* y))                                                     \
  K(f32_to_s8_streamed, void, (const float* x, int64_t n, Affine a, int8_t* y))                                      \
  K(f32_to_u8_streamed, void, (const float* x, int64_t n, Affine a, uint8_t* y))                                     \
  K(s8_to_f32_streamed, void, (const int8_t* x, int64_t n, float scale, int32_t zero_point, float* y))               \
  K(u8_to_f32_streamed, void, (const uint8_t* x, int64_t n, float scale, int32_t zero_point, float* y))              \
  K(f32_to_f16_streamed, void, (const float* x, int64_t n, uint16_t* y))                                             \
  K(f16_to_f32_streamed, void, (const uint16_t* x, int64_t n, float* y))

struct KernelTable {
  const char* isa;
#define NARROW_MEMBER(name, result, parameters) result(*name) parameters;
  NARROW_KERNELS(NARROW_MEMBER)
#undef NARROW_MEMBER
};

extern const KernelTable kernels_scalar;
#ifdef NARROW_X86_64
// Whether this machine sets the invalid flag where a conversion to integer fails. Every CPU does, but valgrind and some
// emulators do not. dispatch.cc finds out before it hands out a table.
bool invalid_is_flagged();
extern const KernelTable kernels_avx2;
extern const KernelTable kernels_avx512;
#endif
#ifdef NARROW_ARM64
extern const KernelTable kernels_neon;
#endif

// dispatch.cc: the tables that this machine can run, slowest first.
int32_t kernel_table_count();
const KernelTable* kernel_table(int32_t index);

}  // namespace narrow
