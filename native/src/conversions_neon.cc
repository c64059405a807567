// NEON: kernels that make one number of another. Tails go through the arithmetic of the main loop, in small padded
// buffers. Conversion to integer suits the contract as it is: it saturates, and NaN becomes 0.
#include "vectors_neon.h"

namespace narrow {
namespace {

// ---- float32 -> integer ---------------------------------------------------------------------------------------------

// What differs between the integer types: a register full of them from saturated 16 bits, and the clamp.
template <class T>
struct Integer;
template <>
struct Integer<int8_t> {
  static constexpr int32_t kMin = -128, kMax = 127;
  using Vector = int8x16_t;
  static Vector set1(int32_t q) { return vdupq_n_s8(static_cast<int8_t>(q)); }
  static Vector narrow(int16x8_t a, int16x8_t b) { return vqmovn_high_s16(vqmovn_s16(a), b); }
  static Vector at_least(Vector q, Vector lo) { return vmaxq_s8(q, lo); }
  static Vector at_most(Vector q, Vector hi) { return vminq_s8(q, hi); }
  static void store(int8_t* y, Vector q) { vst1q_s8(y, q); }
};
template <>
struct Integer<uint8_t> {
  static constexpr int32_t kMin = 0, kMax = 255;
  using Vector = uint8x16_t;
  static Vector set1(int32_t q) { return vdupq_n_u8(static_cast<uint8_t>(q)); }
  static Vector narrow(int16x8_t a, int16x8_t b) { return vqmovun_high_s16(vqmovun_s16(a), b); }
  static Vector at_least(Vector q, Vector lo) { return vmaxq_u8(q, lo); }
  static Vector at_most(Vector q, Vector hi) { return vminq_u8(q, hi); }
  static void store(uint8_t* y, Vector q) { vst1q_u8(y, q); }
};
template <>
struct Integer<int16_t> {
  static constexpr int32_t kMin = -32768, kMax = 32767;
  using Vector = int16x8_t;
  static Vector set1(int32_t q) { return vdupq_n_s16(static_cast<int16_t>(q)); }
  static Vector at_least(Vector q, Vector lo) { return vmaxq_s16(q, lo); }
  static Vector at_most(Vector q, Vector hi) { return vminq_s16(q, hi); }
  static void store(int16_t* y, Vector q) { vst1q_s16(y, q); }
};

int16x8_t saturate(int32x4_t a, int32x4_t b) { return vqmovn_high_s32(vqmovn_s32(a), b); }

// Where scale and zero point of four elements come from: one for all, or arrays.
struct All {
  using Parameters = Affine;
  static bool has_zero_points(Affine a) { return a.zero_point != 0; }
  struct Rest {
    Affine a;
    Rest(Affine all, int64_t, int64_t) : a(all) {}
    Affine parameters() const { return a; }
  };

  float32x4_t inverse_scale;
  int32x4_t zero_point_s32x4;
  int16x8_t zero_point_s16x8;
  explicit All(Affine a)
      : inverse_scale(vdupq_n_f32(a.inverse_scale)),
        zero_point_s32x4(vdupq_n_s32(a.zero_point)),
        zero_point_s16x8(vdupq_n_s16(static_cast<int16_t>(a.zero_point))) {}
  int32x4_t rounded(const float* x, int64_t i) const {
    return vcvtnq_s32_f32(vmulq_f32(vld1q_f32(x + i), inverse_scale));
  }
  int32x4_t zero_points(int64_t) const { return zero_point_s32x4; }
  int16x8_t packed_zero_points(int64_t) const { return zero_point_s16x8; }
};
struct Each {
  using Parameters = AffineEach;
  static bool has_zero_points(AffineEach a) { return a.zero_points != nullptr; }
  struct Rest {
    Padded<float> inverse_scales;
    Padded<int32_t> zero_points;
    const int32_t* zeros;
    int32_t qmin, qmax;
    Rest(AffineEach a, int64_t i, int64_t n)
        : inverse_scales(a.inverse_scales + i, n), zeros(a.zero_points), qmin(a.qmin), qmax(a.qmax) {
      if (a.zero_points) zero_points = Padded<int32_t>(a.zero_points + i, n);
    }
    AffineEach parameters() const { return {inverse_scales.lanes, zeros ? zero_points.lanes : nullptr, qmin, qmax}; }
  };

  const float* inverse_scales;
  const int32_t* zeros;
  explicit Each(AffineEach a) : inverse_scales(a.inverse_scales), zeros(a.zero_points) {}
  int32x4_t rounded(const float* x, int64_t i) const {
    return vcvtnq_s32_f32(vmulq_f32(vld1q_f32(x + i), vld1q_f32(inverse_scales + i)));
  }
  int32x4_t zero_points(int64_t i) const { return vld1q_s32(zeros + i); }
  int16x8_t packed_zero_points(int64_t i) const {
    return vcombine_s16(vmovn_s32(vld1q_s32(zeros + i)), vmovn_s32(vld1q_s32(zeros + i + 4)));
  }
};

// Eight integers of 16 bits. They have room for 8 bits and a zero point, which then is added after narrowing, to twice
// as many at once.
template <class Q, bool kAdd, class Source>
int16x8_t words(const Source& source, const float* x, int64_t i) {
  const int32x4_t a = source.rounded(x, i), b = source.rounded(x, i + 4);
  if (!kAdd) return saturate(a, b);
  if (sizeof(Q) == 1) return vqaddq_s16(saturate(a, b), source.packed_zero_points(i));
  return saturate(vqaddq_s32(a, source.zero_points(i)), vqaddq_s32(b, source.zero_points(i + 4)));
}

enum Clamp { kNeither, kLower, kBoth };

template <class Q, class Source, bool kAdd, Clamp kClamp>
void quantize(const float* x, int64_t n, typename Source::Parameters a, Q* y) {
  using Type = Integer<Q>;
  constexpr int64_t kLanes = 16 / sizeof(Q);
  const Source source(a);
  const typename Type::Vector lo = Type::set1(a.qmin), hi = Type::set1(a.qmax);
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) {
    for (int64_t j = i; j < i + 16; j += kLanes) {
      typename Type::Vector q;
      if constexpr (sizeof(Q) == 2) {
        q = words<Q, kAdd>(source, x, j);
      } else {
        q = Type::narrow(words<Q, kAdd>(source, x, j), words<Q, kAdd>(source, x, j + 8));
      }
      if (kClamp != kNeither) q = Type::at_least(q, lo);
      if (kClamp == kBoth) q = Type::at_most(q, hi);
      Type::store(y + j, q);
    }
  }
  if (i < n) {
    const typename Source::Rest rest(a, i, n - i);
    Padded<Q> out;
    quantize<Q, Source, kAdd, kClamp>(Padded<float>(x + i, n - i).lanes, 16, rest.parameters(), out.lanes);
    out.store(y + i, n - i);
  }
}

template <class Q, class Source>
void quantize(const float* x, int64_t n, typename Source::Parameters a, Q* y) {
  using Loop = void (*)(const float*, int64_t, typename Source::Parameters, Q*);
  static constexpr Loop kLoops[2][3] = {
      {quantize<Q, Source, false, kNeither>, quantize<Q, Source, false, kLower>, quantize<Q, Source, false, kBoth>},
      {quantize<Q, Source, true, kNeither>, quantize<Q, Source, true, kLower>, quantize<Q, Source, true, kBoth>}};
  const Clamp clamp = a.qmax != Integer<Q>::kMax ? kBoth : a.qmin != Integer<Q>::kMin ? kLower : kNeither;
  kLoops[Source::has_zero_points(a)][clamp](x, n, a, y);
}

// ---- integer -> float32 ---------------------------------------------------------------------------------------------

// Eight differences from a zero point, which is a value of the type. 16 bits hold those of 8.
struct Wide {
  int32x4_t low, high;
};
Wide wide(int16x8_t q) { return {vmovl_s16(vget_low_s16(q)), vmovl_high_s16(q)}; }
Wide difference(const int8_t* x, int32_t zero_point) {
  return wide(vsubl_s8(vld1_s8(x), vdup_n_s8(static_cast<int8_t>(zero_point))));
}
Wide difference(const uint8_t* x, int32_t zero_point) {
  return wide(vreinterpretq_s16_u16(vsubl_u8(vld1_u8(x), vdup_n_u8(static_cast<uint8_t>(zero_point)))));
}
Wide difference(const int16_t* x, int32_t zero_point) {
  const int16x8_t q = vld1q_s16(x);
  const int16x4_t z = vdup_n_s16(static_cast<int16_t>(zero_point));
  return {vsubl_s16(vget_low_s16(q), z), vsubl_s16(vget_high_s16(q), z)};
}
Wide widen(const int8_t* x) { return wide(vmovl_s8(vld1_s8(x))); }
Wide widen(const uint8_t* x) { return wide(vreinterpretq_s16_u16(vmovl_u8(vld1_u8(x)))); }
Wide widen(const int16_t* x) { return wide(vld1q_s16(x)); }

template <class Q>
void dequantize_all(const Q* x, int64_t n, float scale, int32_t zero_point, float* y) {
  const float32x4_t scale_f32x4 = vdupq_n_f32(scale);
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) {
    for (int64_t k = i; k < i + 16; k += 8) {
      const Wide d = difference(x + k, zero_point);
      vst1q_f32(y + k, vmulq_f32(vcvtq_f32_s32(d.low), scale_f32x4));
      vst1q_f32(y + k + 4, vmulq_f32(vcvtq_f32_s32(d.high), scale_f32x4));
    }
  }
  if (i < n) {
    Padded<float> out;
    dequantize_all(Padded<Q>(x + i, n - i).lanes, 16, scale, zero_point, out.lanes);
    out.store(y + i, n - i);
  }
}

float32x4_t dequantize(int32x4_t q_s32x4, const float* scales, const int32_t* zero_points) {
  return vmulq_f32(vcvtq_f32_s32(vsubq_s32(q_s32x4, vld1q_s32(zero_points))), vld1q_f32(scales));
}

template <class Q>
void dequantize_each(const Q* x, int64_t n, const float* scales, const int32_t* zero_points, float* y) {
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) {
    for (int64_t k = i; k < i + 16; k += 8) {
      const Wide q = widen(x + k);
      vst1q_f32(y + k, dequantize(q.low, scales + k, zero_points + k));
      vst1q_f32(y + k + 4, dequantize(q.high, scales + k + 4, zero_points + k + 4));
    }
  }
  if (i < n) {
    Padded<float> out;
    dequantize_each(Padded<Q>(x + i, n - i).lanes, 16, Padded<float>(scales + i, n - i).lanes,
                    Padded<int32_t>(zero_points + i, n - i).lanes, out.lanes);
    out.store(y + i, n - i);
  }
}

// ---- 16-bit floats
// --------------------------------------------------------------------------------------------------------

uint16x8_t half(float32x4_t a, float32x4_t b) { return vreinterpretq_u16_f16(vcvt_high_f16_f32(vcvt_f16_f32(a), b)); }

uint16x4_t bfloat(float32x4_t x_f32x4) {
  const uint32x4_t bits = vreinterpretq_u32_f32(x_f32x4), upper = vshrq_n_u32(bits, 16);
  const uint32x4_t up = vaddq_u32(vdupq_n_u32(0x7fff), vandq_u32(upper, vdupq_n_u32(1)));
  const uint32x4_t rounded = vshrq_n_u32(vaddq_u32(bits, up), 16), number = vceqq_f32(x_f32x4, x_f32x4);
  return vmovn_u32(vbslq_u32(number, rounded, vorrq_u32(upper, vdupq_n_u32(0x40))));
}

constexpr uint32_t kLargestHalf = 0x477fe000;  // 65504

// Values none of which is beyond 65504, or NaN; returns whether that was so. n is a multiple of 16.
bool halves_in_range(const float* x, int64_t n, uint16_t* y) {
  uint32x4_t most[2] = {vdupq_n_u32(0), vdupq_n_u32(0)};
  for (int64_t i = 0; i < n; i += 16) {
    for (int64_t k = i; k < i + 16; k += 8) {
      const float32x4_t low = vld1q_f32(x + k), high = vld1q_f32(x + k + 4);
      most[0] = vmaxq_u32(most[0], magnitude(low));
      most[1] = vmaxq_u32(most[1], magnitude(high));
      vst1q_u16(y + k, half(low, high));
    }
  }
  return vmaxvq_u32(vmaxq_u32(most[0], most[1])) <= kLargestHalf;
}

// What is beyond +-65504, but no NaN, becomes 65504 with its sign.
float32x4_t saturated(float32x4_t x_f32x4, int64_t* count) {
  const uint32x4_t m_u32x4 = magnitude(x_f32x4), largest = vdupq_n_u32(kLargestHalf);
  const uint32x4_t beyond = vandq_u32(vcgtq_u32(m_u32x4, largest), vcleq_u32(m_u32x4, vdupq_n_u32(0x7f800000)));
  *count += vaddvq_u32(vshrq_n_u32(beyond, 31));
  const uint32x4_t sign_kept = vbslq_u32(vdupq_n_u32(0x80000000), vreinterpretq_u32_f32(x_f32x4), largest);
  return vbslq_f32(beyond, vreinterpretq_f32_u32(sign_kept), x_f32x4);
}

int64_t halves_saturated(const float* x, int64_t n, uint16_t* y) {
  int64_t count = 0, i = 0;
  for (; i + 8 <= n; i += 8) {
    const float32x4_t low = saturated(vld1q_f32(x + i), &count), high = saturated(vld1q_f32(x + i + 4), &count);
    vst1q_u16(y + i, half(low, high));
  }
  if (i < n) {
    Padded<uint16_t, 8> out;
    count += halves_saturated(Padded<float, 8>(x + i, n - i).lanes, 8, out.lanes);
    out.store(y + i, n - i);
  }
  return count;
}

}  // namespace

#define NARROW_INTEGER(name, Q)                                                                                    \
  void f32_to_##name##_neon(const float* x, int64_t n, Affine a, Q* y) { quantize<Q, All>(x, n, a, y); }           \
  void f32_to_##name##_each_neon(const float* x, int64_t n, AffineEach a, Q* y) { quantize<Q, Each>(x, n, a, y); } \
  void name##_to_f32_neon(const Q* x, int64_t n, float scale, int32_t zero_point, float* y) {                      \
    dequantize_all(x, n, scale, zero_point, y);                                                                    \
  }                                                                                                                \
  void name##_to_f32_each_neon(const Q* x, int64_t n, const float* scales, const int32_t* zero_points, float* y) { \
    dequantize_each(x, n, scales, zero_points, y);                                                                 \
  }
NARROW_INTEGER(s8, int8_t)
NARROW_INTEGER(u8, uint8_t)
NARROW_INTEGER(s16, int16_t)

void s4_pack_neon(const int8_t* x, int64_t n, uint8_t* y) {
  int64_t i = 0;
  for (; i + 32 <= n; i += 32) {
    const int8x16x2_t pairs = vld2q_s8(x + i);  // even elements, odd elements
    vst1q_u8(y + i / 2, vsliq_n_u8(vandq_u8(vreinterpretq_u8_s8(pairs.val[0]), vdupq_n_u8(15)),
                                   vreinterpretq_u8_s8(pairs.val[1]), 4));
  }
  if (i < n) {
    Padded<uint8_t> out;
    s4_pack_neon(Padded<int8_t, 32>(x + i, n - i).lanes, 32, out.lanes);
    out.store(y + i / 2, (n - i + 1) / 2);
  }
}

void s4_unpack_neon(const uint8_t* x, int64_t n, int8_t* y) {
  int64_t i = 0;
  for (; i + 32 <= n; i += 32) {
    const int8x16_t bytes = vreinterpretq_s8_u8(vld1q_u8(x + i / 2));
    int8x16x2_t pairs;
    pairs.val[0] = vshrq_n_s8(vshlq_n_s8(bytes, 4), 4);
    pairs.val[1] = vshrq_n_s8(bytes, 4);
    vst2q_s8(y + i, pairs);
  }
  if (i < n) {
    Padded<int8_t, 32> out;
    s4_unpack_neon(Padded<uint8_t>(x + i / 2, (n - i + 1) / 2).lanes, 32, out.lanes);
    out.store(y + i, n - i);
  }
}

void f32_to_f16_neon(const float* x, int64_t n, uint16_t* y) {
  int64_t i = 0;
  for (; i + 16 <= n; i += 16)
    for (int64_t k = i; k < i + 16; k += 8) vst1q_u16(y + k, half(vld1q_f32(x + k), vld1q_f32(x + k + 4)));
  if (i < n) {
    Padded<uint16_t> out;
    f32_to_f16_neon(Padded<float>(x + i, n - i).lanes, 16, out.lanes);
    out.store(y + i, n - i);
  }
}

void f32_to_bf16_neon(const float* x, int64_t n, uint16_t* y) {
  int64_t i = 0;
  for (; i + 16 <= n; i += 16)
    for (int64_t k = i; k < i + 16; k += 8)
      vst1q_u16(y + k, vcombine_u16(bfloat(vld1q_f32(x + k)), bfloat(vld1q_f32(x + k + 4))));
  if (i < n) {
    Padded<uint16_t> out;
    f32_to_bf16_neon(Padded<float>(x + i, n - i).lanes, 16, out.lanes);
    out.store(y + i, n - i);
  }
}

void bf16_to_f32_neon(const uint16_t* x, int64_t n, float* y) {
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) {
    for (int64_t k = i; k < i + 16; k += 8) {
      const uint16x8_t b = vld1q_u16(x + k);
      vst1q_f32(y + k, vreinterpretq_f32_u32(vshll_n_u16(vget_low_u16(b), 16)));
      vst1q_f32(y + k + 4, vreinterpretq_f32_u32(vshll_high_n_u16(b, 16)));
    }
  }
  if (i < n) {
    Padded<float> out;
    bf16_to_f32_neon(Padded<uint16_t>(x + i, n - i).lanes, 16, out.lanes);
    out.store(y + i, n - i);
  }
}

int64_t f32_to_f16_saturated_neon(const float* x, int64_t n, uint16_t* y) {
  const int64_t in_blocks = n & -16;
  int64_t count = 0;
  for (int64_t i = 0; i < in_blocks; i += kBlock) {
    const int64_t m = in_blocks - i < kBlock ? in_blocks - i : kBlock;
    if (!halves_in_range(x + i, m, y + i)) count += halves_saturated(x + i, m, y + i);
  }
  return count + halves_saturated(x + in_blocks, n - in_blocks, y + in_blocks);
}

void f16_to_f32_neon(const uint16_t* x, int64_t n, float* y) {
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) {
    for (int64_t k = i; k < i + 16; k += 8) {
      const float16x8_t h = vreinterpretq_f16_u16(vld1q_u16(x + k));
      vst1q_f32(y + k, vcvt_f32_f16(vget_low_f16(h)));
      vst1q_f32(y + k + 4, vcvt_high_f32_f16(h));
    }
  }
  if (i < n) {
    Padded<float> out;
    f16_to_f32_neon(Padded<uint16_t>(x + i, n - i).lanes, 16, out.lanes);
    out.store(y + i, n - i);
  }
}

// There are no streaming stores that a compiler could be asked for by name.
#define NARROW_STREAMED(name, Q)                                                                                  \
  void f32_to_##name##_streamed_neon(const float* x, int64_t n, Affine a, Q* y) { quantize<Q, All>(x, n, a, y); } \
  void name##_to_f32_streamed_neon(const Q* x, int64_t n, float scale, int32_t zero_point, float* y) {            \
    dequantize_all(x, n, scale, zero_point, y);                                                                   \
  }
NARROW_STREAMED(s8, int8_t)
NARROW_STREAMED(u8, uint8_t)
void f32_to_f16_streamed_neon(const float* x, int64_t n, uint16_t* y) { f32_to_f16_neon(x, n, y); }
void f16_to_f32_streamed_neon(const uint16_t* x, int64_t n, float* y) { f16_to_f32_neon(x, n, y); }

const KernelTable kernels_neon = {"neon",
#define NARROW_ENTRY(name, result, parameters) name##_neon,
                                  NARROW_KERNELS(NARROW_ENTRY)
#undef NARROW_ENTRY
};

}  // namespace narrow
