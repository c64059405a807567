// NEON: products of matrices.
#include "products_tile.h"
#include "vectors_neon.h"

namespace narrow {
namespace {

struct Neon {
  static constexpr int kRows = 4;
  static constexpr int64_t kLanes = 2;
  using Vector = float64x2_t;
  struct Mask {};  // there are none: all lanes count

  static Vector load(const double* x, Mask) {
    Vector value;
    memcpy(&value, x, sizeof value);
    return value;
  }
  static void store(double* y, Mask, Vector value) { memcpy(y, &value, sizeof value); }
  static Vector all(const double* x) {
    double value;
    memcpy(&value, x, sizeof value);
    return vdupq_n_f64(value);
  }
  static Vector add(Vector x, Vector y) { return vaddq_f64(x, y); }
  static Vector multiply(Vector x, Vector y) { return vmulq_f64(x, y); }
};

}  // namespace

void f64_add_products_neon(const double* a, const double* b, Products p, double* c) {
  constexpr int64_t kLanes = Neon::kLanes;
  int64_t j = 0;
  for (; j + 4 * kLanes <= p.columns; j += 4 * kLanes) columns<Neon, 4>(a, b + j, p, c + j, {});
  for (; j + kLanes <= p.columns; j += kLanes) columns<Neon, 1>(a, b + j, p, c + j, {});
  last_columns(a, b + j, p, c + j, p.columns - j);
}

}  // namespace narrow
