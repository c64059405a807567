// AVX-512: products of matrices. Several rows share what is loaded of b, and the sums stay in registers while it goes
// along the depth. Nothing is fused: see narrow_target.cmake.
#include <string.h>

#include "vectors_avx512.h"

namespace narrow {
namespace {

constexpr int kRows = 8;
constexpr int64_t kLanes = 8;
using Vector = __m512d;

inline Vector all(const double* x) {
  double value;
  memcpy(&value, x, sizeof value);
  return _mm512_set1_pd(value);
}
inline Vector add(Vector x, Vector y) { return _mm512_add_pd(x, y); }
inline Vector multiply(Vector x, Vector y) { return _mm512_mul_pd(x, y); }

// Rows `row` to `row` + R - 1, and as many columns as V vectors have; the mask says which.
template <int R, int V>
void tile(const double* a, const double* b, const Products& p, double* c, __mmask8 mask) {
  Vector sums[R][V];
  for (int r = 0; r < R; r++)
    for (int v = 0; v < V; v++) sums[r][v] = _mm512_maskz_loadu_pd(mask, c + r * p.c_row + kLanes * v);
  for (int64_t k = 0; k < p.depth; k++) {
    Vector b_f64[V];
    for (int v = 0; v < V; v++) b_f64[v] = _mm512_maskz_loadu_pd(mask, b + k * p.b_row + kLanes * v);
    for (int r = 0; r < R; r++) {
      const Vector a_f64 = all(a + r * p.a_row + k * p.a_step);
      for (int v = 0; v < V; v++) sums[r][v] = add(sums[r][v], multiply(a_f64, b_f64[v]));
    }
  }
  for (int r = 0; r < R; r++)
    for (int v = 0; v < V; v++) _mm512_mask_storeu_pd(c + r * p.c_row + kLanes * v, mask, sums[r][v]);
}

template <int V>
void columns(const double* a, const double* b, const Products& p, double* c, __mmask8 mask) {
  int64_t i = 0;
  for (; i + kRows <= p.rows; i += kRows) tile<kRows, V>(a + i * p.a_row, b, p, c + i * p.c_row, mask);
  for (; i < p.rows; i++) tile<1, V>(a + i * p.a_row, b, p, c + i * p.c_row, mask);
}

}  // namespace

void f64_add_products_avx512(const double* a, const double* b, Products p, double* c) {
  int64_t j = 0;
  for (; j + 2 * kLanes <= p.columns; j += 2 * kLanes) columns<2>(a, b + j, p, c + j, 0xff);
  for (; j + kLanes <= p.columns; j += kLanes) columns<1>(a, b + j, p, c + j, 0xff);
  if (j < p.columns) columns<1>(a, b + j, p, c + j, static_cast<__mmask8>((1u << (p.columns - j)) - 1));
}

}  // namespace narrow
