// AVX2: products of matrices.
#include "products_tile.h"
#include "vectors_avx2.h"

namespace narrow {
namespace {

struct Avx2 {
  static constexpr int kRows = 4;
  static constexpr int64_t kLanes = 4;
  using Vector = __m256d;
  struct Mask {};  // not used: qemu 7.2 reads what a masked load leaves out

  static Vector load(const double* x, Mask) { return _mm256_loadu_pd(x); }
  static void store(double* y, Mask, Vector v) { _mm256_storeu_pd(y, v); }
  static Vector all(const double* x) {
    double value;
    memcpy(&value, x, sizeof value);
    return _mm256_set1_pd(value);
  }
  static Vector add(Vector x, Vector y) { return _mm256_add_pd(x, y); }
  static Vector multiply(Vector x, Vector y) { return _mm256_mul_pd(x, y); }
};

}  // namespace

void f64_add_products_avx2(const double* a, const double* b, Products p, double* c) {
  constexpr int64_t kLanes = Avx2::kLanes;
  int64_t j = 0;
  for (; j + 2 * kLanes <= p.columns; j += 2 * kLanes) columns<Avx2, 2>(a, b + j, p, c + j, {});
  for (; j + kLanes <= p.columns; j += kLanes) columns<Avx2, 1>(a, b + j, p, c + j, {});
  last_columns(a, b + j, p, c + j, p.columns - j);
}

}  // namespace narrow
