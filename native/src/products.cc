// Products of matrices.
#include "channels.h"
#include "narrow/kernels.h"

void narrow_f64_add_products(const double* a, int64_t a_offset, int64_t a_row, int64_t a_step, const double* b,
                             int64_t b_offset, int64_t b_row, int64_t rows, int64_t columns, int64_t depth, double* c,
                             int64_t c_offset, int64_t c_row) {
  narrow::kernels().f64_add_products(a + a_offset, b + b_offset, {a_row, a_step, b_row, c_row, rows, columns, depth},
                                     c + c_offset);
}
