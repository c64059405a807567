// NEON: codes between the ends of an interval of each row's own.
#include "intervals_rows.h"
#include "vectors_neon.h"

namespace narrow {
namespace {

struct Neon {
  static constexpr int kLanes = 2, kVectors = 4;
  using F = float32x2_t;
  using D = float64x2_t;

  static void load(const float* const* rows, int64_t i, F* four) {
    float32x4_t row[2];
    for (int k = 0; k < 2; k++) memcpy(&row[k], rows[k] + i, sizeof row[k]);
    const float32x4_t low = vzip1q_f32(row[0], row[1]), high = vzip2q_f32(row[0], row[1]);
    four[0] = vget_low_f32(low);
    four[1] = vget_high_f32(low);
    four[2] = vget_low_f32(high);
    four[3] = vget_high_f32(high);
  }
  static F from(const float* x) { return vld1_f32(x); }
  static D from(const double* x) { return vld1q_f64(x); }
  static F f(float x) { return vdup_n_f32(x); }
  static D d(double x) { return vdupq_n_f64(x); }
  static D wide(F v) { return vcvt_f64_f32(v); }
  static F narrow(D v) { return vcvt_f32_f64(v); }
  static void store(float* y, F v) { vst1_f32(y, v); }
  static void store(double* y, D v) { vst1q_f64(y, v); }

  static F add(F a, F b) { return vadd_f32(a, b); }
  static F sub(F a, F b) { return vsub_f32(a, b); }
  static F mul(F a, F b) { return vmul_f32(a, b); }
  static F div(F a, F b) { return vdiv_f32(a, b); }
  static F min(F a, F b) { return vmin_f32(a, b); }
  static F max(F a, F b) { return vmax_f32(a, b); }
  static F least(F a, F b) { return vmin_f32(a, b); }  // -0 is less than +0
  static F most(F a, F b) { return vmax_f32(a, b); }
  static F round(F v) {
    const F down = vrndm_f32(v);
    const uint32x2_t up = vcge_f32(vsub_f32(v, down), f(0.5f));
    return vadd_f32(down, vreinterpret_f32_u32(vand_u32(up, vreinterpret_u32_f32(f(1)))));
  }

  static D add(D a, D b) { return vaddq_f64(a, b); }
  static D sub(D a, D b) { return vsubq_f64(a, b); }
  static D mul(D a, D b) { return vmulq_f64(a, b); }
  static D div(D a, D b) { return vdivq_f64(a, b); }
  static D min(D a, D b) { return vminq_f64(a, b); }
  static D max(D a, D b) { return vmaxq_f64(a, b); }
  static D round(D v) {
    const D down = vrndmq_f64(v);
    const uint64x2_t up = vcgeq_f64(vsubq_f64(v, down), d(0.5));
    return vaddq_f64(down, vreinterpretq_f64_u64(vandq_u64(up, vreinterpretq_u64_f64(d(1)))));
  }
};

}  // namespace

void f32_optimized_rows_neon(const float* x, int64_t rows, int64_t n, Intervals i, uint8_t* y, float* ends,
                             int32_t* sums) {
  optimized<Neon>({x, n, i, y, ends, sums}, rows);
}

}  // namespace narrow
