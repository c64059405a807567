// Codes between the ends of an interval of each row's own, once more.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "reference.h"

namespace reference {

// In the words of Lucene's code: one value after the other, one row after the other.
void f32_optimized_rows(const float* x, int64_t rows, int64_t n, Intervals intervals, uint8_t* y, float* ends,
                        int32_t* sums) {
  const double widths[] = {0.798f, 1.493f, 2.051f, 2.514f, 2.916f, 3.278f, 3.611f, 3.922f}, whole = 0.1f;
  const int32_t last = (1 << intervals.bits) - 1;
  const auto clamp = [](double v, double low, double high) {
    const double up = v == low ? (std::signbit(v) ? low : v) : std::isnan(low) || low > v ? low : v;
    return up == high ? (std::signbit(up) ? up : high) : std::isnan(high) || high < up ? high : up;
  };
  const auto round = [](double v) {  // Math.round
    if (std::isnan(v)) return 0.0;
    const double down = std::floor(v);
    return std::fmin(std::fmax(v - down < 0.5 ? down : down + 1, -0x1p63), 0x1p63);
  };
  for (int64_t row = 0; row < rows; row++) {
    std::vector<float> values(static_cast<size_t>(n));
    float product = 0, square = 0, min = std::numeric_limits<float>::max(), max = -min;
    double mean = 0, variance = 0;
    for (int64_t i = 0; i < n; i++) {
      const float v = values[static_cast<size_t>(i)] = x[row * n + i] - intervals.centroid[i];
      const float one = x[row * n + i] * intervals.centroid[i], two = v * v;
      product += one;
      square += two;
      if (v < min || (v == min && std::signbit(v))) min = v;
      if (v > max || (v == max && !std::signbit(v))) max = v;
      const double before = v - mean, quotient = before / static_cast<double>(i + 1);
      mean += quotient;
      const double squares = before * (v - mean);
      variance += squares;
    }
    const double reach = widths[intervals.bits - 1] * std::sqrt(variance / static_cast<double>(n));
    float lower = static_cast<float>(clamp(mean - reach, min, max)),
          upper = static_cast<float>(clamp(mean + reach, min, max));
    const auto loss = [&](double a, double b) {
      const double step = (b - a) / last, inverse = 1.0 / step;
      double along = 0, all = 0;
      for (const double v : values) {
        const double place = step * round((clamp(v, a, b) - a) * inverse), error = v - (a + place);
        const double first = v * error, second = error * error;
        along += first;
        all += second;
      }
      const double left = (1.0 - whole) * along * along / square, right = whole * all;
      return left + right;
    };
    const float scale = (1.0f - 0.1f) / square;
    double least = std::isfinite(scale) ? loss(lower, upper) : 0;
    for (int turn = 0; turn < 5 && std::isfinite(scale); turn++) {
      double aa = 0, ab = 0, bb = 0, ax = 0, bx = 0;
      const float inverse = static_cast<float>(last) / (upper - lower);
      for (const float x_f32 : values) {
        const double v = x_f32;
        const float code = static_cast<float>(round((clamp(v, lower, upper) - lower) * inverse));
        const float place = code / static_cast<float>(last), two = place * place, one = x_f32 * place;
        const double s = place, r = 1.0 - s;
        const double products[] = {r * r, r * s, two, v * r, one};
        aa += products[0];
        ab += products[1];
        bb += products[2];
        ax += products[3];
        bx += products[4];
      }
      const double xx = scale * ax * ax, xy = scale * ax * bx, yy = scale * bx * bx;
      const double waa = whole * aa, wab = whole * ab, wbb = whole * bb;
      const double m0 = xx + waa, m1 = xy + wab, m2 = yy + wbb, m02 = m0 * m2, m11 = m1 * m1, determinant = m02 - m11;
      if (determinant == 0) break;
      const double a1 = m2 * ax, a2 = m1 * bx, b1 = m0 * bx, b2 = m1 * ax;
      const float a = static_cast<float>((a1 - a2) / determinant), b = static_cast<float>((b1 - b2) / determinant);
      if (std::fabs(lower - a) < 1e-8 && std::fabs(upper - b) < 1e-8) break;
      const double other = loss(a, b);
      if (other > least) break;
      least = other;
      lower = a;
      upper = b;
    }
    const float step = (upper - lower) / static_cast<float>(last);
    uint32_t sum = 0;
    for (int64_t i = 0; i < n; i++) {
      const float place = (static_cast<float>(clamp(values[static_cast<size_t>(i)], lower, upper)) - lower) / step;
      const int32_t code = static_cast<int32_t>(std::fmin(std::fmax(round(place), -0x1p31), 0x1p31 - 1));
      y[row * n + i] = static_cast<uint8_t>(code);
      sum += static_cast<uint32_t>(code);
    }
    const float found[] = {lower, upper, square, product};
    for (int k = 0; k < 4; k++)
      ends[4 * row + k] = std::isnan(found[k]) ? std::numeric_limits<float>::quiet_NaN() : found[k];
    sums[row] = static_cast<int32_t>(sum);
  }
}

}  // namespace reference
