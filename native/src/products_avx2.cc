// AVX2: products of matrices.
#include "products_tile.h"
#include "vectors_avx2.h"

namespace narrow {
namespace {

struct Avx2 {
  static constexpr int kRows = 4;
  static constexpr int64_t kLanes = 4;
  using Vector = __m256d;
  using Mask = __m256i;

  // The others of the mask have no bits.
  static Mask first(int64_t n) { return _mm256_cmpgt_epi64(_mm256_set1_epi64x(n), _mm256_setr_epi64x(0, 1, 2, 3)); }
  static Vector load(const double* x, Mask mask) { return _mm256_maskload_pd(x, mask); }
  static void store(double* y, Mask mask, Vector v) { _mm256_maskstore_pd(y, mask, v); }
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
  for (; j + 2 * kLanes <= p.columns; j += 2 * kLanes) columns<Avx2, 2>(a, b + j, p, c + j, Avx2::first(kLanes));
  for (; j < p.columns; j += kLanes) columns<Avx2, 1>(a, b + j, p, c + j, Avx2::first(p.columns - j));
}

}  // namespace narrow
