// The public functions that say how far codes are from the floats that they stand for: what is the same on every
// instruction set. Codes become floats a block at a time, which stays in the first cache.
#include <string.h>

#include "channels.h"
#include "narrow/kernels.h"

namespace narrow {
namespace {

constexpr int64_t kKinds = 5, kLanes = 16, kBlock = 2048;  // a multiple of the lanes

// What the kernels of a call leave, until it is added to the sums of the caller.
struct Partial {
  double lanes[kKinds * kLanes] = {};
  int64_t outside = 0;

  void add(const float* x, const float* y, int64_t n, Limits limits) {
    outside += kernels().f32_difference(x, y, n, limits, lanes);
  }

  void add_to(double* sums) {
    for (int64_t kind = 0; kind < kKinds; kind++) {
      double* const of = lanes + kind * kLanes;
      const bool largest = kind == kKinds - 1;
      for (int apart = 8; apart > 0; apart /= 2)
        for (int i = 0; i < apart; i++) of[i] = largest ? larger(of[i], of[i + apart]) : of[i] + of[i + apart];
      const double before = load(sums, kind);
      double after = largest ? larger(before, of[0]) : before + of[0];
      const uint64_t quiet_nan = 0x7ff8000000000000;
      if (after != after) memcpy(&after, &quiet_nan, sizeof after);
      store(sums, kind, after);
    }
    store(sums, kKinds, load(sums, kKinds) + static_cast<double>(outside));
  }

  static double larger(double a, double b) { return b > a ? b : a; }
};

}  // namespace
}  // namespace narrow

using namespace narrow;

void narrow_f32_difference(const float* x, int64_t x_offset, const float* y, int64_t y_offset, int64_t n, float lowest,
                           float highest, double* sums) {
  if (n == 0) return;
  Partial partial;
  partial.add(x + x_offset, y + y_offset, n, {lowest, highest});
  partial.add_to(sums);
}

#define NARROW_DIFFERENCE(name, Q)                                                                                  \
  void narrow_f32_##name##_difference(const float* x, int64_t x_offset, const Q* y, int64_t y_offset, int64_t n,    \
                                      float scale, int32_t zero_point, float lowest, float highest, double* sums) { \
    if (n == 0) return;                                                                                             \
    float floats[kBlock];                                                                                           \
    Partial partial;                                                                                                \
    for (int64_t i = 0; i < n; i += kBlock) {                                                                       \
      const int64_t m = least(n - i, kBlock);                                                                       \
      narrow_##name##_to_f32(y, y_offset + i, m, scale, zero_point, floats, 0);                                     \
      partial.add(x + x_offset + i, floats, m, {lowest, highest});                                                  \
    }                                                                                                               \
    partial.add_to(sums);                                                                                           \
  }
NARROW_DIFFERENCE(s8, int8_t)
NARROW_DIFFERENCE(u8, uint8_t)
NARROW_DIFFERENCE(s16, int16_t)
NARROW_DIFFERENCE(s4, uint8_t)
#undef NARROW_DIFFERENCE
