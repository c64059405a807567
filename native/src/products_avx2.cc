// AVX2: products of matrices. Several rows share what is loaded of b, and the sums stay in registers while it goes
// along the depth. Nothing is fused: see narrow_target.cmake.
#include "vectors_avx2.h"

namespace narrow {
namespace {

constexpr int kRows = 4;
constexpr int64_t kLanes = 4;
using Vector = __m256d;

inline Vector all(const double* x) {
  double value;
  memcpy(&value, x, sizeof value);
  return _mm256_set1_pd(value);
}
inline Vector add(Vector x, Vector y) { return _mm256_add_pd(x, y); }
inline Vector multiply(Vector x, Vector y) { return _mm256_mul_pd(x, y); }

// The first lanes of a vector: a mask has all bits of the others clear.
inline __m256i first4(int64_t n) { return _mm256_cmpgt_epi64(_mm256_set1_epi64x(n), _mm256_setr_epi64x(0, 1, 2, 3)); }

// Rows `row` to `row` + R - 1, and as many columns as V vectors have; the mask says which.
template <int R, int V>
void tile(const double* a, const double* b, const Products& p, double* c, __m256i mask) {
  Vector sums[R][V];
  for (int r = 0; r < R; r++)
    for (int v = 0; v < V; v++) sums[r][v] = _mm256_maskload_pd(c + r * p.c_row + kLanes * v, mask);
  for (int64_t k = 0; k < p.depth; k++) {
    Vector b_f64[V];
    for (int v = 0; v < V; v++) b_f64[v] = _mm256_maskload_pd(b + k * p.b_row + kLanes * v, mask);
    for (int r = 0; r < R; r++) {
      const Vector a_f64 = all(a + r * p.a_row + k * p.a_step);
      for (int v = 0; v < V; v++) sums[r][v] = add(sums[r][v], multiply(a_f64, b_f64[v]));
    }
  }
  for (int r = 0; r < R; r++)
    for (int v = 0; v < V; v++) _mm256_maskstore_pd(c + r * p.c_row + kLanes * v, mask, sums[r][v]);
}

template <int V>
void columns(const double* a, const double* b, const Products& p, double* c, __m256i mask) {
  int64_t i = 0;
  for (; i + kRows <= p.rows; i += kRows) tile<kRows, V>(a + i * p.a_row, b, p, c + i * p.c_row, mask);
  for (; i < p.rows; i++) tile<1, V>(a + i * p.a_row, b, p, c + i * p.c_row, mask);
}

}  // namespace

void f64_add_products_avx2(const double* a, const double* b, Products p, double* c) {
  int64_t j = 0;
  for (; j + 2 * kLanes <= p.columns; j += 2 * kLanes) columns<2>(a, b + j, p, c + j, first4(kLanes));
  for (; j < p.columns; j += kLanes) columns<1>(a, b + j, p, c + j, first4(p.columns - j));
}

}  // namespace narrow
