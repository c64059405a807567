// The C ABI of narrow-kernels: with process.h the only header JavaCPP parses, and the contract of every kernel.
//
// Common to all functions
//   - Same bytes on every instruction set, for every input and every alignment. The scalar reference
//     (src/kernels_scalar.cc) is the specification; every other instruction set is tested against it.
//   - n = 0 is allowed and touches nothing. No read and no write past the ranges named here, ever.
//   - Inputs and outputs must not overlap. Pointers need no alignment.
//   - A function uses no memory of its own beyond 24 KiB of stack, owns no thread, keeps no state but what the next
//     section names, and may be called from any number of threads at once.
//   - The floating-point environment is the default one: round to nearest, subnormals kept. Status flags may change.
//   - Arguments are trusted: bounds are checked by the caller (the Java facade does). Offsets (x_offset, y_offset)
//     count elements of the array they follow; they exist because a Java array can only be passed from its start.
//
// Quantization (sections 1.1 to 1.8 of the TFLite quantization specification)
//   q = clamp(round_half_to_even(x * inverse_scale) + zero_point, qmin, qmax), the product in float32.
//   The reciprocal is passed in, not the scale: a division halves the speed in cache and differs from the product in
//   about one of a million values. inverse_scale must be finite and positive; qmin <= zero_point <= qmax, inside the
//   type. NaN gives zero_point. Infinities and overflowing products give qmin or qmax by their sign. -0 is 0.
// Dequantization
//   x = (float)(q - zero_point) * scale, one rounding. scale must be finite, zero_point a value of the type.
//
// Channels. A tensor seen as [outer, channels, inner], row-major: element i belongs to channel (i / inner) % channels.
//   The first axis of a weight is inner = elements / channels, the last axis is inner = 1. A call works on n elements,
//   of which the first is element number `first` of the tensor: a tensor may be cut anywhere, the pieces give the same
//   bytes.
//
// int4 is packed as TensorFlow Lite does: element 0 in the low four bits, two's complement, rows not padded; an odd
//   count leaves the high four bits of the last byte 0. Its offsets and `first` count elements and must be even.
#pragma once
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// ---- Which kernels run ----------------------------------------------------------------------------------------------

// Number of instruction sets that are both compiled in and supported by this CPU and operating system, slowest first;
// number 0 is always "scalar". The others are "neon" on arm64, "avx2" (with F16C and FMA) and "avx512" (F, BW, DQ, VL)
// on x86-64.
int32_t narrow_isa_count(void);
// Name of number index, a string that lives as long as the library; null outside 0 .. narrow_isa_count() - 1.
const char* narrow_isa_name(int32_t index);
// Makes every later call use this instruction set. Returns the number in use before, or -1 (and changes nothing) where
// index is outside the range. At load the last one, the fastest, is in use.
int32_t narrow_isa_use(int32_t index);

// Makes every later call of narrow_f32_to_s8, _u8, _f16 and back, that writes at least so many bytes, write around the
// caches. Returns the number in use before; at load it is INT64_MAX, never. It is faster where the output is not read
// soon and larger than the last cache, and slower everywhere else. Without effect on arm64.
int64_t narrow_streaming_use(int64_t bytes);

// ---- Reductions -----------------------------------------------------------------------------------------------------

// Extends min_max[0], min_max[1] by the smallest and largest finite value, and adds to counts[0] the number of NaNs, to
// counts[1] the number of infinities. Start with +infinity, -infinity, 0, 0. A zero comes out as +0.
void narrow_f32_range(const float* x, int64_t x_offset, int64_t n, float* min_max, int64_t* counts);

// The same for each channel: extends min[c], max[c], the counts are of all. A zero in min or max must be +0.
void narrow_f32_range_per_channel(const float* x, int64_t x_offset, int64_t n, int64_t first, int64_t channels,
                                  int64_t inner, float* min, float* max, int64_t* counts);

// absmax[c] = max(absmax[c], largest |x| in channel c). Start with 0. A channel that holds an infinity gives +infinity;
// one that holds a NaN gives the quiet NaN 0x7fc00000.
void narrow_f32_absmax(const float* x, int64_t x_offset, int64_t n, int64_t first, int64_t channels, int64_t inner,
                       float* absmax);

// Adds to sums[0] the sum of x[i]^2, to sums[1] the sum of (x[i] - y[i])^2, both of doubles: element i of the call is
// added to partial sum i % 16, starting from 0, and the partial sums are added pairwise (8 apart, then 4, 2, 1) before
// the total is added to sums. A NaN comes out as 0x7ff8000000000000.
void narrow_f32_error(const float* x, int64_t x_offset, const float* y, int64_t y_offset, int64_t n, double* sums);

// How far y is from x, which it stands for. Adds to sums[0] the sum of x[i]^2, to sums[1] that of y[i]^2, to sums[2]
// that of (x[i] - y[i])^2, to sums[3] that of x[i] - y[i], all of doubles in the order of narrow_f32_error; extends
// sums[4], start with 0, by the largest |x[i] - y[i]|, where NaN does not count; adds to sums[5] how many x[i] are
// below lowest or above highest: lowest <= 0 <= highest. A NaN comes out as 0x7ff8000000000000.
void narrow_f32_difference(const float* x, int64_t x_offset, const float* y, int64_t y_offset, int64_t n, float lowest,
                           float highest, double* sums);
// The same for codes y, each of which stands for the float that narrow_X_to_f32 gives.
void narrow_f32_s8_difference(const float* x, int64_t x_offset, const int8_t* y, int64_t y_offset, int64_t n,
                              float scale, int32_t zero_point, float lowest, float highest, double* sums);
void narrow_f32_u8_difference(const float* x, int64_t x_offset, const uint8_t* y, int64_t y_offset, int64_t n,
                              float scale, int32_t zero_point, float lowest, float highest, double* sums);
void narrow_f32_s16_difference(const float* x, int64_t x_offset, const int16_t* y, int64_t y_offset, int64_t n,
                               float scale, int32_t zero_point, float lowest, float highest, double* sums);
void narrow_f32_s4_difference(const float* x, int64_t x_offset, const uint8_t* y, int64_t y_offset, int64_t n,
                              float scale, int32_t zero_point, float lowest, float highest, double* sums);

// Finds scales for symmetric weights. x holds channels * inner values, a channel after another. Of the candidates
// scales[c] * (1 - k * step), k = 0 .. steps - 1, scales[scales_offset + c] becomes the first with the least sum of
// (x - q * scale)^2 over the channel, where q = clamp(round_half_to_even(x * (1 / scale)), -limit, limit). All in
// float32; the sum of 16 partial sums as in narrow_f32_error. A channel with a NaN keeps its scale. limit is at most
// 2^21; every candidate must have a finite reciprocal.
void narrow_f32_least_error_scales(const float* x, int64_t x_offset, int64_t channels, int64_t inner, int32_t limit,
                                   int32_t steps, float step, float* scales, int64_t scales_offset);

// ---- float32 -> integer, an interval for each row ------------------------------------------------------------------

// Codes of Lucene's OptimizedScalarQuantizer, bit for bit. x holds rows of n finite values, n > 0; centroid n values;
// bits is 1 to 8. Of each row less the centroid y receives codes 0 .. 2^bits - 1 between the ends of an interval, which
// is moved as long as that makes their error less. ends[4 * row] receives the lower end, what code 0 stands for, then
// the upper end, the sum of the squares of the row less the centroid, and that of the products of both; sums[row] the
// sum of the codes. Sums run from the first value to the last, none is fused.
void narrow_f32_optimized_rows(const float* x, int64_t x_offset, int64_t rows, int64_t n, const float* centroid,
                               int32_t bits, uint8_t* y, int64_t y_offset, float* ends, int32_t* sums);

// ---- Matrices of doubles
// ---------------------------------------------------------------------------------------------

// c[i][j] = c[i][j] + a[i][0] * b[0][j] + .. + a[i][depth - 1] * b[depth - 1][j], from left to right, each product
// rounded and each sum rounded: never fused. Where a[i][k] is a[a_offset + i * a_row + k * a_step], so that a or its
// transpose may be given, b[k][j] is b[b_offset + k * b_row + j] and c[i][j] is c[c_offset + i * c_row + j]; rows count
// i and columns count j. Rows of c must not overlap. Which NaN a sum becomes depends on the processor.
void narrow_f64_add_products(const double* a, int64_t a_offset, int64_t a_row, int64_t a_step, const double* b,
                             int64_t b_offset, int64_t b_row, int64_t rows, int64_t columns, int64_t depth, double* c,
                             int64_t c_offset, int64_t c_row);

// ---- float32 -> integer, one scale ----------------------------------------------------------------------------------

void narrow_f32_to_s8(const float* x, int64_t x_offset, int64_t n, float inverse_scale, int32_t zero_point,
                      int32_t qmin, int32_t qmax, int8_t* y, int64_t y_offset);
void narrow_f32_to_u8(const float* x, int64_t x_offset, int64_t n, float inverse_scale, int32_t zero_point,
                      int32_t qmin, int32_t qmax, uint8_t* y, int64_t y_offset);
void narrow_f32_to_s16(const float* x, int64_t x_offset, int64_t n, float inverse_scale, int32_t zero_point,
                       int32_t qmin, int32_t qmax, int16_t* y, int64_t y_offset);
void narrow_f32_to_s4(const float* x, int64_t x_offset, int64_t n, float inverse_scale, int32_t zero_point,
                      int32_t qmin, int32_t qmax, uint8_t* y, int64_t y_offset);

// ---- float32 -> integer, a scale and a zero point per channel (arrays of `channels` values) -------------------------

void narrow_f32_to_s8_per_channel(const float* x, int64_t x_offset, int64_t n, int64_t first, int64_t channels,
                                  int64_t inner, const float* inverse_scales, const int32_t* zero_points, int32_t qmin,
                                  int32_t qmax, int8_t* y, int64_t y_offset);
void narrow_f32_to_u8_per_channel(const float* x, int64_t x_offset, int64_t n, int64_t first, int64_t channels,
                                  int64_t inner, const float* inverse_scales, const int32_t* zero_points, int32_t qmin,
                                  int32_t qmax, uint8_t* y, int64_t y_offset);
void narrow_f32_to_s16_per_channel(const float* x, int64_t x_offset, int64_t n, int64_t first, int64_t channels,
                                   int64_t inner, const float* inverse_scales, const int32_t* zero_points, int32_t qmin,
                                   int32_t qmax, int16_t* y, int64_t y_offset);
void narrow_f32_to_s4_per_channel(const float* x, int64_t x_offset, int64_t n, int64_t first, int64_t channels,
                                  int64_t inner, const float* inverse_scales, const int32_t* zero_points, int32_t qmin,
                                  int32_t qmax, uint8_t* y, int64_t y_offset);

// ---- float32 -> integer, scales from the ranges of the channels -----------------------------------------------------
//
// Ranges, scales and codes in one call, a channel after another while it is in cache. x holds channels * inner values,
// a channel after another. Of the smallest and the largest finite value of channel c, or 0 where that is smaller or
// larger,
//   symmetric != 0:  scale = max(-min, max) / (qmax - z),    z = (qmin + qmax + 1) / 2, which is 0 or 128
//   symmetric == 0:  scale = (max - min) / (qmax - qmin),    z = round_half_to_even(qmin - min / scale), qmin .. qmax
// in float64; the scale is rounded to float32, but at least 2^-126. They become scales[scales_offset + c] and
// zero_points[scales_offset + c], and the codes are those of narrow_f32_to_X_per_channel. Adds the number of NaNs to
// counts[0], of infinities to counts[1]. qmax - qmin is at least 2.

void narrow_f32_to_s8_fitted(const float* x, int64_t x_offset, int64_t channels, int64_t inner, int32_t symmetric,
                             int32_t qmin, int32_t qmax, float* scales, int32_t* zero_points, int64_t scales_offset,
                             int64_t* counts, int8_t* y, int64_t y_offset);
void narrow_f32_to_u8_fitted(const float* x, int64_t x_offset, int64_t channels, int64_t inner, int32_t symmetric,
                             int32_t qmin, int32_t qmax, float* scales, int32_t* zero_points, int64_t scales_offset,
                             int64_t* counts, uint8_t* y, int64_t y_offset);
void narrow_f32_to_s16_fitted(const float* x, int64_t x_offset, int64_t channels, int64_t inner, int32_t symmetric,
                              int32_t qmin, int32_t qmax, float* scales, int32_t* zero_points, int64_t scales_offset,
                              int64_t* counts, int16_t* y, int64_t y_offset);
void narrow_f32_to_s4_fitted(const float* x, int64_t x_offset, int64_t channels, int64_t inner, int32_t symmetric,
                             int32_t qmin, int32_t qmax, float* scales, int32_t* zero_points, int64_t scales_offset,
                             int64_t* counts, uint8_t* y, int64_t y_offset);

// ---- integer -> float32 ---------------------------------------------------------------------------------------------

void narrow_s8_to_f32(const int8_t* x, int64_t x_offset, int64_t n, float scale, int32_t zero_point, float* y,
                      int64_t y_offset);
void narrow_u8_to_f32(const uint8_t* x, int64_t x_offset, int64_t n, float scale, int32_t zero_point, float* y,
                      int64_t y_offset);
void narrow_s16_to_f32(const int16_t* x, int64_t x_offset, int64_t n, float scale, int32_t zero_point, float* y,
                       int64_t y_offset);
void narrow_s4_to_f32(const uint8_t* x, int64_t x_offset, int64_t n, float scale, int32_t zero_point, float* y,
                      int64_t y_offset);
void narrow_s8_to_f32_per_channel(const int8_t* x, int64_t x_offset, int64_t n, int64_t first, int64_t channels,
                                  int64_t inner, const float* scales, const int32_t* zero_points, float* y,
                                  int64_t y_offset);
void narrow_u8_to_f32_per_channel(const uint8_t* x, int64_t x_offset, int64_t n, int64_t first, int64_t channels,
                                  int64_t inner, const float* scales, const int32_t* zero_points, float* y,
                                  int64_t y_offset);
void narrow_s16_to_f32_per_channel(const int16_t* x, int64_t x_offset, int64_t n, int64_t first, int64_t channels,
                                   int64_t inner, const float* scales, const int32_t* zero_points, float* y,
                                   int64_t y_offset);
void narrow_s4_to_f32_per_channel(const uint8_t* x, int64_t x_offset, int64_t n, int64_t first, int64_t channels,
                                  int64_t inner, const float* scales, const int32_t* zero_points, float* y,
                                  int64_t y_offset);

// ---- Blocks of 32 values with a scale of their own, as language models in GGUF files have them ----------------------
//
// A block is the scale d, a float16, low byte first, and then its codes: 34 bytes of Q8_0, 18 of Q4_0. n counts values
// and is a multiple of 32; offsets into blocks count bytes. The arithmetic is that of ggml's reference, in float32: of
// the largest |x| of the block, or for Q4_0 the first value m that is as large, with its sign,
//   Q8_0:  d = max|x| / 127,  q = x * (1 / d) rounded, halves away from zero; a signed byte
//   Q4_0:  d = m / -8,        q = least(15, (int)(x * (1 / d) + 8.5));  value j in the low four bits, j + 16 in the
//   high
// d is rounded to float16 after it is used. Where 1 / d is not finite it counts as 0; of zeros m is +0. A block with a
// NaN has the scale NaN (0x7e00), one with an infinity an infinite scale, and both the codes of zeros.

void narrow_f32_to_q8_0(const float* x, int64_t x_offset, int64_t n, uint8_t* y, int64_t y_offset);
void narrow_f32_to_q4_0(const float* x, int64_t x_offset, int64_t n, uint8_t* y, int64_t y_offset);
// x = q * d, or (q - 8) * d. A NaN comes out as 0x7fc00000.
void narrow_q8_0_to_f32(const uint8_t* x, int64_t x_offset, int64_t n, float* y, int64_t y_offset);
void narrow_q4_0_to_f32(const uint8_t* x, int64_t x_offset, int64_t n, float* y, int64_t y_offset);

// ---- One bit per value ----------------------------------------------------------------------------------------------

// Whether x > 0 (a NaN is not), for rows of n values, each from a byte of its own on and filled up with 0 bits. The
// first of eight values is in the lowest bit (FAISS, jvector), or where high_first != 0 in the highest
// (sentence-transformers).
void narrow_f32_to_b1(const float* x, int64_t x_offset, int64_t rows, int64_t n, int32_t high_first, uint8_t* y,
                      int64_t y_offset);

// ---- float16 --------------------------------------------------------------------------------------------------------

// IEEE 754 binary16, rounded half to even; subnormals are kept; values that round beyond 65504 become infinity. A NaN
// keeps its sign and its upper ten payload bits and becomes quiet (the bits of Float.floatToFloat16).
void narrow_f32_to_f16(const float* x, int64_t x_offset, int64_t n, uint16_t* y, int64_t y_offset);
// The same, but values beyond +-65504, infinities included, become +-65504. Returns how many there were.
int64_t narrow_f32_to_f16_saturated(const float* x, int64_t x_offset, int64_t n, uint16_t* y, int64_t y_offset);
// Exact. A NaN keeps its sign and payload and becomes quiet.
void narrow_f16_to_f32(const uint16_t* x, int64_t x_offset, int64_t n, float* y, int64_t y_offset);

// bfloat16, the upper half of a float32, rounded half to even; values that round beyond the largest become infinity. A
// NaN keeps its sign and its upper six payload bits and becomes quiet.
void narrow_f32_to_bf16(const float* x, int64_t x_offset, int64_t n, uint16_t* y, int64_t y_offset);
// Exact, NaNs included.
void narrow_bf16_to_f32(const uint16_t* x, int64_t x_offset, int64_t n, float* y, int64_t y_offset);

#ifdef __cplusplus
}
#endif
