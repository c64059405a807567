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

// One column, where there are no masks that keep a load from what lies behind.
struct One {
  static constexpr int kRows = 4;
  static constexpr int64_t kLanes = 1;
  using Vector = double;
  struct Mask {};

  static double load(const double* x, Mask) { return all(x); }
  static void store(double* y, Mask, double value) { memcpy(y, &value, sizeof value); }
  static double all(const double* x) {
    double value;
    memcpy(&value, x, sizeof value);
    return value;
  }
  static double add(double x, double y) { return x + y; }
  static double multiply(double x, double y) { return x * y; }
};

// The columns that fill no vector, up to 3.
inline void last_columns(const double* a, const double* b, const Products& p, double* c, int64_t n) {
  if (n == 1) columns<One, 1>(a, b, p, c, {});
  if (n == 2) columns<One, 2>(a, b, p, c, {});
  if (n == 3) columns<One, 3>(a, b, p, c, {});
}

}  // namespace
}  // namespace narrow
