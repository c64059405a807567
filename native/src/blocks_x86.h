// What the x86 units share that does not depend on the width of a vector: trying a fast loop block by block, and
// writing around the caches. It has internal linkage: each unit keeps its own copy.
#pragma once
#include <immintrin.h>
#include <math.h>

#include "kernel_table.h"

namespace narrow {
namespace {

// Kernels with a fast loop for ordinary values and an exact one for the rest decide block by block. 16 Ki floats are
// long enough for the decision to cost nothing, and still lie in the second-level cache when the exact loop follows.
constexpr int64_t kBlock = 16384;

// Keeps a vector in a register, and vectors in the order in which they were loaded. Without it GCC 12 loads one that is
// used more than once for each use, and out of order, which costs 4 % from the last cache; and clang stores a float16
// with the instruction that makes it, which takes Zen 4 twice as long as a store of its own.
#ifdef __GNUC__
#define NARROW_IN_REGISTER(v) __asm__ volatile("" : "+v"(v))
constexpr bool kInOrder = true;
#else
#define NARROW_IN_REGISTER(v)
constexpr bool kInOrder = false;
#endif

// Whether a NaN that minimum or maximum sees can be found by the flag.
inline bool flags_nan() { return kInOrder && invalid_is_flagged(); }

inline __m128i load128(const void* p) { return _mm_loadu_si128(static_cast<const __m128i*>(p)); }
inline void store128(void* p, __m128i v) { _mm_storeu_si128(static_cast<__m128i*>(p), v); }

// How many elements to write before y is aligned to a vector of so many bytes; all n where it never is.
template <int64_t kVector, class T>
int64_t until_aligned(const T* y, int64_t n) {
  const int64_t bytes = -static_cast<int64_t>(reinterpret_cast<uintptr_t>(y)) & (kVector - 1), size = sizeof(T);
  return bytes % size != 0 || bytes / size > n ? n : bytes / size;
}

// From so many elements on it pays to do the first kOnce and then start again fewer than 16 elements later, where
// vectors of floats lie in one cache line each. Java arrays start 16 bytes after a multiple of 32: without this their
// loops take up to a tenth longer.
constexpr int64_t kWorthAligning = 16384, kOnce = 64;

// How many elements later.
inline int64_t head_of(const float* floats, int64_t n) {
  const int64_t head = n < kWorthAligning ? 0 : until_aligned<64>(floats, n);
  return head < n ? head : 0;
}

// The side of a conversion that is floats: it has most of the bytes.
template <class Y>
const float* floats_of(const float* x, const Y*) {
  return x;
}
template <class X>
const float* floats_of(const X*, const float* y) {
  return y;
}

// Whether the invalid flag was raised; it no longer is.
inline bool take_invalid() {
  const uint32_t state = _mm_getcsr(), flag = _MM_EXCEPT_INVALID;
  if ((state & flag) == 0) return false;
  _mm_setcsr(state & ~flag);
  return true;
}

// ---- Ranges --------------------------------------------------------------------------------------------------------

// Four times as long as other kernels': the end of a block waits for all its vectors, which costs 3 % of 16 Ki floats
// on Emerald Rapids, and 256 KiB still lie in the second-level cache.
constexpr int64_t kRangeBlock = 65536;

// Below so many floats reading the flag costs more than it saves; measured on Emerald Rapids.
constexpr int64_t kWorthTheFlag = 256;

constexpr float kInfinity = HUGE_VALF;

inline float float_of(uint32_t bits) {
  return _mm_cvtss_f32(_mm_castsi128_ps(_mm_cvtsi32_si128(static_cast<int32_t>(bits))));
}

inline void extend(Range* range, float min, float max) {
  range->min = (min < range->min ? min : range->min) + 0.0f;  // -0 becomes +0, nothing else changes
  range->max = (max > range->max ? max : range->max) + 0.0f;
}

// By the largest bits as signed and as unsigned numbers, and the smallest as unsigned ones.
inline void extend_by_bits(Range* range, uint32_t signed_most, uint32_t most, uint32_t least) {
  const bool any = least != ~0u;
  extend(range, any ? float_of(most >> 31 ? most : least) : kInfinity,
         any ? float_of(least >> 31 ? least : signed_most) : -kInfinity);
}

// Extends `ends`, and returns true, where all floats are finite. It fails once more where the invalid flag was up from
// somebody else. n is a multiple of 64. Inlined, which is worth a tenth at 4 Ki floats, so it is called in one place.
template <class Ends>
bool range_of_finite(const float* x, int64_t n, Ends* ends);
// The ends of those that are finite; the others are counted.
template <class Ends>
Ends range_of_any(const float* x, int64_t n, Range* range);

template <class Ends>
void range(const float* x, int64_t n, Range* range) {
  const bool usable = Ends::usable();
  const int64_t head = usable ? head_of(x, n) : 0;
  Ends ends;
  int64_t i = 0;
  while (usable && i + 64 <= n) {
    const bool once = i == 0 && head > 0;
    const int64_t in_blocks = (n - i) & -64, m = once ? kOnce : in_blocks < kRangeBlock ? in_blocks : kRangeBlock;
    bool finite = false;
    for (int tries = i == 0 ? 2 : 1; tries > 0 && !finite; tries--) finite = range_of_finite(x + i, m, &ends);
    if (!finite) ends.extend(range_of_any<Ends>(x + i, once ? head : m, range));
    i += once ? head : m;
  }
  if (i < n) ends.extend(range_of_any<Ends>(x + i, n - i, range));
  ends.extend(range);
}

// From so many floats on, which the first-level cache does not hold, the maximum of floats beats that of integers (by
// 13 % at 64 Ki on Emerald Rapids, because it is not bound to one port); below it is the slower by 15 %.
constexpr int64_t kWorthFloats = 12289;

// The largest bits of |x|, by the maximum of floats as far as there is no NaN: extend_by_numbers returns false where it
// saw one, or the flag was up from somebody else. n is a multiple of 64 there.
template <class Most>
uint32_t absmax(const float* x, int64_t n) {
  const bool usable = n >= kWorthFloats && flags_nan();
  Most most;
  int64_t i = 0;
  for (int64_t m; usable && i + 64 <= n; i += m) {
    const int64_t in_blocks = (n - i) & -64;
    m = in_blocks < kRangeBlock ? in_blocks : kRangeBlock;
    if (!most.extend_by_numbers(x + i, m)) most.extend_by_any(x + i, m);
  }
  most.extend_by_any(x + i, n - i);
  return most.reduce();
}

// ---- Integers ------------------------------------------------------------------------------------------------------

// Conversion of floats to integers makes INT_MIN of what an int32 cannot hold, NaN included, and raises the invalid
// flag. Loops for ordinary values do without a comparison for it: the flag is the test for a whole block, and it is
// free. They are not inlined, so that nothing moves past the reading of the flag.
enum Values { kOrdinary, kAny };

// Which ends of Q are not those that packing saturates to.
enum Clamp { kNeither, kLower, kBoth };

// Below so many elements the test for a block costs more than it saves; measured on Zen 4.
constexpr int64_t kWorthATest = 128;

// One scale and zero point, or arrays of them.
inline bool has_zero_points(const Affine& a) { return a.zero_point != 0; }
inline bool has_zero_points(const AffineEach& a) { return a.zero_points != nullptr; }
// Not a copy: that would read two words as one which have just been written as two.
inline const Affine& from(const Affine& a, int64_t) { return a; }
inline AffineEach from(const AffineEach& a, int64_t i) {
  return {a.inverse_scales + i, a.zero_points ? a.zero_points + i : nullptr, a.qmin, a.qmax};
}

// Loops has
//   any(x, n, parameters, y)                      for any floats
//   ordinary<kAdd, kClamp>(x, n, parameters, y)   for ordinary ones, n a multiple of 64
//   Parameters, and the ends kMin and kMax of Q
template <class Loops, class Q>
void quantize_aligned(const float* x, int64_t n, const typename Loops::Parameters& a, Q* y) {
  using Loop = void (*)(const float*, int64_t, const typename Loops::Parameters&, Q*);
  static constexpr Loop kLoops[2][3] = {
      {Loops::template ordinary<false, kNeither>, Loops::template ordinary<false, kLower>,
       Loops::template ordinary<false, kBoth>},
      {Loops::template ordinary<true, kNeither>, Loops::template ordinary<true, kLower>,
       Loops::template ordinary<true, kBoth>}};
  const Clamp clamp = a.qmax != Loops::kMax ? kBoth : a.qmin != Loops::kMin ? kLower : kNeither;
  const Loop loop = kLoops[has_zero_points(a)][clamp];
  const int64_t in_blocks = n >= kWorthATest && invalid_is_flagged() ? n & -64 : 0;
  bool ours = false;  // until the flag was read once, it may have been raised by somebody else
  for (int64_t i = 0; i < in_blocks; i += kBlock) {
    const int64_t m = in_blocks - i < kBlock ? in_blocks - i : kBlock;
    const typename Loops::Parameters& p = from(a, i);
    loop(x + i, m, p, y + i);
    bool lost = take_invalid();
    if (lost && !ours) {
      loop(x + i, m, p, y + i);
      lost = take_invalid();
    }
    ours = true;
    if (lost) Loops::any(x + i, m, p, y + i);
  }
  if (in_blocks < n) Loops::any(x + in_blocks, n - in_blocks, from(a, in_blocks), y + in_blocks);
}

template <class Loops, class Q>
void quantize(const float* x, int64_t n, const typename Loops::Parameters& a, Q* y) {
  const int64_t head = head_of(x, n);
  if (head == 0) return quantize_aligned<Loops>(x, n, a, y);
  Loops::any(x, kOnce, a, y);
  quantize_aligned<Loops>(x + head, n - head, from(a, head), y + head);
}

}  // namespace
}  // namespace narrow
