// Every kernel once more, written the slow and obvious way, and apart from the library's own scalar kernels.
#pragma once
#include <stdint.h>

#include "kernel_table.h"

namespace reference {

using narrow::Affine;
using narrow::AffineEach;
using narrow::Intervals;
using narrow::Limits;
using narrow::Products;
using narrow::Range;
using narrow::Rounding;

#define NARROW_DECLARE(name, result, parameters) result name parameters;
NARROW_KERNELS(NARROW_DECLARE)
#undef NARROW_DECLARE

uint16_t half(float x);
int32_t quantized(float x, float inverse_scale, int32_t zero_point, int32_t qmin, int32_t qmax);

}  // namespace reference
