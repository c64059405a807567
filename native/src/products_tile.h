// Products of matrices by tiles: several rows share what is loaded of b, and the sums stay in registers while it goes
// along the depth. Nothing is fused: see narrow_target.cmake. It has internal linkage: each unit keeps its own copy.
#pragma once
#include <string.h>

#include "kernel_table.h"

namespace narrow {
namespace {

// Isa has
//   kRows, kLanes               rows of a tile, doubles of a vector
//   Vector, Mask                a vector, and which of its lanes count
//   load(x, mask), store(y, mask, v), all(x), add(v, w), multiply(v, w)

// R rows, and as many columns as V vectors have; the mask says which.
template <class Isa, int R, int V>
void tile(const double* a, const double* b, const Products& p, double* c, typename Isa::Mask mask) {
  using Vector = typename Isa::Vector;
  Vector sums[R][V];
  for (int r = 0; r < R; r++)
    for (int v = 0; v < V; v++) sums[r][v] = Isa::load(c + r * p.c_row + Isa::kLanes * v, mask);
  for (int64_t k = 0; k < p.depth; k++) {
    Vector b_f64[V];
    for (int v = 0; v < V; v++) b_f64[v] = Isa::load(b + k * p.b_row + Isa::kLanes * v, mask);
    for (int r = 0; r < R; r++) {
      const Vector a_f64 = Isa::all(a + r * p.a_row + k * p.a_step);
      for (int v = 0; v < V; v++) sums[r][v] = Isa::add(sums[r][v], Isa::multiply(a_f64, b_f64[v]));
    }
  }
  for (int r = 0; r < R; r++)
    for (int v = 0; v < V; v++) Isa::store(c + r * p.c_row + Isa::kLanes * v, mask, sums[r][v]);
}

template <class Isa, int V>
void columns(const double* a, const double* b, const Products& p, double* c, typename Isa::Mask mask) {
  int64_t i = 0;
  for (; i + Isa::kRows <= p.rows; i += Isa::kRows)
    tile<Isa, Isa::kRows, V>(a + i * p.a_row, b, p, c + i * p.c_row, mask);
  for (; i < p.rows; i++) tile<Isa, 1, V>(a + i * p.a_row, b, p, c + i * p.c_row, mask);
}

// The columns that fill no vector, one after the other, where there are no masks that keep a load from what lies
// behind.
inline void last_columns(const double* a, const double* b, const Products& p, double* c, int64_t n) {
  for (int64_t j = 0; j < n; j++)
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

}  // namespace
}  // namespace narrow
