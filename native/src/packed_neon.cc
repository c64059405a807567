// Blocks with a scale, and bits, NEON.
#include "vectors_neon.h"

namespace narrow {
namespace {

constexpr uint32_t kInfinity = 0x7f800000, kNan = 0x7fc00000;

float float_of(uint32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

// A block of 32, and the bits of its largest |x|.
struct Block {
  float32x4_t x_f32x4[8];
  uint32_t most;
  explicit Block(const float* x) {
    uint32x4_t m_u32x4 = vdupq_n_u32(0);
    for (int k = 0; k < 8; k++) {
      x_f32x4[k] = vld1q_f32(x + 4 * k);
      m_u32x4 = vmaxq_u32(m_u32x4, magnitude(x_f32x4[k]));
    }
    most = vmaxvq_u32(m_u32x4);
  }
  // The first value as large as the largest.
  float first() const {
    for (int k = 0; k < 8; k++) {
      const uint32x4_t equal = vceqq_u32(magnitude(x_f32x4[k]), vdupq_n_u32(most));
      if (vmaxvq_u32(equal) == 0) continue;
      float x[4];
      uint32_t here[4];
      vst1q_f32(x, x_f32x4[k]);
      vst1q_u32(here, equal);
      int i = 0;
      while (here[i] == 0) i++;
      return x[i];
    }
    return 0.0f;
  }
  void divide_by(float scale) {
    const float inverse = 1.0f / scale;
    const bool finite = inverse > -float_of(kInfinity) && inverse < float_of(kInfinity);
    for (float32x4_t& x : x_f32x4) x = most < kInfinity ? vmulq_n_f32(x, finite ? inverse : 0.0f) : vdupq_n_f32(0.0f);
  }
};

void store_half(uint8_t* y, float scale) {
  const uint16_t half = vget_lane_u16(vreinterpret_u16_f16(vcvt_f16_f32(vdupq_n_f32(scale))), 0);
  memcpy(y, &half, sizeof half);
}

float scale_of(const uint8_t* x) {
  uint16_t half;
  memcpy(&half, x, sizeof half);
  return vgetq_lane_f32(vcvt_f32_f16(vreinterpret_f16_u16(vdup_n_u16(half))), 0);
}

// Sixteen of eight vectors of integers, in their order.
int8x16_t to_bytes(const int32x4_t* q_s32x4) {
  const int16x8_t low = vcombine_s16(vqmovn_s32(q_s32x4[0]), vqmovn_s32(q_s32x4[1]));
  const int16x8_t high = vcombine_s16(vqmovn_s32(q_s32x4[2]), vqmovn_s32(q_s32x4[3]));
  return vcombine_s8(vqmovn_s16(low), vqmovn_s16(high));
}

void store_product(float* y, int16x4_t q_s16x4, float scale) {
  const float32x4_t y_f32x4 = vmulq_n_f32(vcvtq_f32_s32(vmovl_s16(q_s16x4)), scale);
  vst1q_f32(y, vbslq_f32(vceqq_f32(y_f32x4, y_f32x4), y_f32x4, vdupq_n_f32(float_of(kNan))));
}

void store_products(float* y, int8x16_t q_s8x16, float scale) {
  const int16x8_t low = vmovl_s8(vget_low_s8(q_s8x16)), high = vmovl_high_s8(q_s8x16);
  store_product(y, vget_low_s16(low), scale);
  store_product(y + 4, vget_high_s16(low), scale);
  store_product(y + 8, vget_low_s16(high), scale);
  store_product(y + 12, vget_high_s16(high), scale);
}

uint8_t bits(const float* x, uint16x8_t weights) {
  const uint16x4_t low = vmovn_u32(vcgtzq_f32(vld1q_f32(x))), high = vmovn_u32(vcgtzq_f32(vld1q_f32(x + 4)));
  return static_cast<uint8_t>(vaddvq_u16(vandq_u16(vcombine_u16(low, high), weights)));
}

void to_bits(const float* x, int64_t n, const uint16_t* of_bits, uint8_t* y) {
  const uint16x8_t weights = vld1q_u16(of_bits);
  int64_t i = 0;
  for (; i + 8 <= n; i += 8) y[i / 8] = bits(x + i, weights);
  if (i < n) y[i / 8] = bits(Padded<float, 8>(x + i, n - i).lanes, weights);
}

}  // namespace

void f32_to_q8_0_neon(const float* x, int64_t n, uint8_t* y) {
  for (int64_t i = 0; i < n; i += 32, y += 34) {
    Block block(x + i);
    const float scale = block.most > kInfinity ? float_of(kNan) : float_of(block.most) / 127.0f;
    block.divide_by(scale);
    store_half(y, scale);
    int32x4_t q_s32x4[8];
    for (int k = 0; k < 8; k++) q_s32x4[k] = vcvtaq_s32_f32(block.x_f32x4[k]);  // halves away from zero
    vst1q_u8(y + 2, vreinterpretq_u8_s8(to_bytes(q_s32x4)));
    vst1q_u8(y + 18, vreinterpretq_u8_s8(to_bytes(q_s32x4 + 4)));
  }
}

void f32_to_q4_0_neon(const float* x, int64_t n, uint8_t* y) {
  for (int64_t i = 0; i < n; i += 32, y += 18) {
    Block block(x + i);
    const float scale = block.most > kInfinity ? float_of(kNan) : (block.first() + 0.0f) / -8.0f;
    block.divide_by(scale);
    store_half(y, scale);
    int32x4_t q_s32x4[8];
    for (int k = 0; k < 8; k++)
      q_s32x4[k] = vminq_s32(vcvtq_s32_f32(vaddq_f32(block.x_f32x4[k], vdupq_n_f32(8.5f))), vdupq_n_s32(15));
    const uint8x16_t low = vreinterpretq_u8_s8(to_bytes(q_s32x4)), high = vreinterpretq_u8_s8(to_bytes(q_s32x4 + 4));
    vst1q_u8(y + 2, vorrq_u8(low, vshlq_n_u8(high, 4)));
  }
}

void q8_0_to_f32_neon(const uint8_t* x, int64_t n, float* y) {
  for (int64_t i = 0; i < n; i += 32, x += 34) {
    store_products(y + i, vreinterpretq_s8_u8(vld1q_u8(x + 2)), scale_of(x));
    store_products(y + i + 16, vreinterpretq_s8_u8(vld1q_u8(x + 18)), scale_of(x));
  }
}

void q4_0_to_f32_neon(const uint8_t* x, int64_t n, float* y) {
  const int8x16_t eight = vdupq_n_s8(8);
  for (int64_t i = 0; i < n; i += 32, x += 18) {
    const uint8x16_t q = vld1q_u8(x + 2);
    const int8x16_t low = vreinterpretq_s8_u8(vandq_u8(q, vdupq_n_u8(15))),
                    high = vreinterpretq_s8_u8(vshrq_n_u8(q, 4));
    store_products(y + i, vsubq_s8(low, eight), scale_of(x));
    store_products(y + i + 16, vsubq_s8(high, eight), scale_of(x));
  }
}

void f32_to_b1_low_first_neon(const float* x, int64_t n, uint8_t* y) {
  const uint16_t of_bits[] = {1, 2, 4, 8, 16, 32, 64, 128};
  to_bits(x, n, of_bits, y);
}
void f32_to_b1_high_first_neon(const float* x, int64_t n, uint8_t* y) {
  const uint16_t of_bits[] = {128, 64, 32, 16, 8, 4, 2, 1};
  to_bits(x, n, of_bits, y);
}

}  // namespace narrow
