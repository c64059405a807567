// NEON: products of matrices. Several rows share what is loaded of b, and the sums stay in registers while it goes
// along the depth. Nothing is fused: see narrow_target.cmake.
#include "vectors_neon.h"

namespace narrow {
namespace {

constexpr int kRows = 4;
constexpr int64_t kLanes = 2;
using Vector = float64x2_t;

inline Vector all(const double* x) {
  double value;
  memcpy(&value, x, sizeof value);
  return vdupq_n_f64(value);
}
inline Vector load(const double* x) {
  Vector value;
  memcpy(&value, x, sizeof value);
  return value;
}
inline void store(double* y, Vector value) { memcpy(y, &value, sizeof value); }
inline Vector add(Vector x, Vector y) { return vaddq_f64(x, y); }
inline Vector multiply(Vector x, Vector y) { return vmulq_f64(x, y); }

// Rows `row` to `row` + R - 1, and as many columns as V vectors have.
template <int R, int V>
void tile(const double* a, const double* b, const Products& p, double* c) {
  Vector sums[R][V];
  for (int r = 0; r < R; r++)
    for (int v = 0; v < V; v++) sums[r][v] = load(c + r * p.c_row + kLanes * v);
  for (int64_t k = 0; k < p.depth; k++) {
    Vector b_f64[V];
    for (int v = 0; v < V; v++) b_f64[v] = load(b + k * p.b_row + kLanes * v);
    for (int r = 0; r < R; r++) {
      const Vector a_f64 = all(a + r * p.a_row + k * p.a_step);
      for (int v = 0; v < V; v++) sums[r][v] = add(sums[r][v], multiply(a_f64, b_f64[v]));
    }
  }
  for (int r = 0; r < R; r++)
    for (int v = 0; v < V; v++) store(c + r * p.c_row + kLanes * v, sums[r][v]);
}

template <int V>
void columns(const double* a, const double* b, const Products& p, double* c) {
  int64_t i = 0;
  for (; i + kRows <= p.rows; i += kRows) tile<kRows, V>(a + i * p.a_row, b, p, c + i * p.c_row);
  for (; i < p.rows; i++) tile<1, V>(a + i * p.a_row, b, p, c + i * p.c_row);
}

}  // namespace

void f64_add_products_neon(const double* a, const double* b, Products p, double* c) {
  int64_t j = 0;
  for (; j + 4 * kLanes <= p.columns; j += 4 * kLanes) columns<4>(a, b + j, p, c + j);
  for (; j + kLanes <= p.columns; j += kLanes) columns<1>(a, b + j, p, c + j);
  for (; j < p.columns; j++)
    for (int64_t i = 0; i < p.rows; i++) {
      double* to = c + i * p.c_row + j;
      double sum, by, value;
      memcpy(&sum, to, sizeof sum);
      for (int64_t k = 0; k < p.depth; k++) {
        memcpy(&by, a + i * p.a_row + k * p.a_step, sizeof by);
        memcpy(&value, b + k * p.b_row + j, sizeof value);
        sum += by * value;
      }
      memcpy(to, &sum, sizeof sum);
    }
}

}  // namespace narrow
