// The public functions whose results share bytes: blocks with a scale, and bits.
#include "channels.h"
#include "narrow/kernels.h"

using namespace narrow;

void narrow_f32_to_q8_0(const float* x, int64_t x_offset, int64_t n, uint8_t* y, int64_t y_offset) {
  kernels().f32_to_q8_0(x + x_offset, n, y + y_offset);
}

void narrow_f32_to_q4_0(const float* x, int64_t x_offset, int64_t n, uint8_t* y, int64_t y_offset) {
  kernels().f32_to_q4_0(x + x_offset, n, y + y_offset);
}

void narrow_q8_0_to_f32(const uint8_t* x, int64_t x_offset, int64_t n, float* y, int64_t y_offset) {
  kernels().q8_0_to_f32(x + x_offset, n, y + y_offset);
}

void narrow_q4_0_to_f32(const uint8_t* x, int64_t x_offset, int64_t n, float* y, int64_t y_offset) {
  kernels().q4_0_to_f32(x + x_offset, n, y + y_offset);
}

void narrow_f32_to_b1(const float* x, int64_t x_offset, int64_t rows, int64_t n, int32_t high_first, uint8_t* y,
                      int64_t y_offset) {
  const KernelTable& k = kernels();
  const auto to_bits = high_first ? k.f32_to_b1_high_first : k.f32_to_b1_low_first;
  // Rows of whole bytes are as good as one.
  const int64_t length = n % 8 == 0 ? rows * n : n;
  for (int64_t i = 0; i < rows * n; i += length)
    to_bits(x + x_offset + i, length, y + y_offset + i / n * ((n + 7) / 8));
}
