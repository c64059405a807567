// AVX-512: products of matrices.
#include <string.h>

#include "products_tile.h"
#include "vectors_avx512.h"

namespace narrow {
namespace {

struct Avx512 {
  static constexpr int kRows = 8;
  static constexpr int64_t kLanes = 8;
  using Vector = __m512d;
  using Mask = __mmask8;

  static Vector load(const double* x, Mask mask) { return _mm512_maskz_loadu_pd(mask, x); }
  static void store(double* y, Mask mask, Vector v) { _mm512_mask_storeu_pd(y, mask, v); }
  static Vector all(const double* x) {
    double value;
    memcpy(&value, x, sizeof value);
    return _mm512_set1_pd(value);
  }
  static Vector add(Vector x, Vector y) { return _mm512_add_pd(x, y); }
  static Vector multiply(Vector x, Vector y) { return _mm512_mul_pd(x, y); }
};

}  // namespace

void f64_add_products_avx512(const double* a, const double* b, Products p, double* c) {
  constexpr int64_t kLanes = Avx512::kLanes;
  int64_t j = 0;
  for (; j + 2 * kLanes <= p.columns; j += 2 * kLanes) columns<Avx512, 2>(a, b + j, p, c + j, 0xff);
  for (; j + kLanes <= p.columns; j += kLanes) columns<Avx512, 1>(a, b + j, p, c + j, 0xff);
  if (j < p.columns) columns<Avx512, 1>(a, b + j, p, c + j, static_cast<__mmask8>((1u << (p.columns - j)) - 1));
}

}  // namespace narrow
