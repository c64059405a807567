// Codes between the ends of an interval of each row's own, as narrow_f32_optimized_rows describes: one row of any
// values. It has internal linkage: each unit keeps its own copy.
#pragma once
#include <math.h>
#include <string.h>

#include "kernel_table.h"

namespace narrow {
namespace {

// Half the width of the first interval in standard deviations, for 1 to 8 bits.
constexpr float kWidths[] = {0.798f, 1.493f, 2.051f, 2.514f, 2.916f, 3.278f, 3.611f, 3.922f};
constexpr float kWhole = 0.1f;  // how much the whole error counts beside its part along the row
constexpr int kRounds = 5;
constexpr double kClose = 1e-8;
constexpr float kMostFloat = 3.4028235e38f;

inline float value_at(const float* x, int64_t i) {
  float value;
  memcpy(&value, x + i, sizeof value);
  return value;
}

// As Java has them: NaN stays, and -0 is less than +0.
template <class T>
T least_of(T a, T b) {
  if (a != a || b != b) return a != a ? a : b;
  if (a == b) return signbit(a) ? a : b;
  return a < b ? a : b;
}
template <class T>
T most_of(T a, T b) {
  if (a != a || b != b) return a != a ? a : b;
  if (a == b) return signbit(a) ? b : a;
  return a > b ? a : b;
}
inline double clamped(double value, double low, double high) { return least_of(most_of(value, low), high); }

// Half up, NaN as 0, within [-limit, limit].
template <class T>
T rounded(T value, T limit) {
  if (value != value) return 0;
  const T down = floor(value), whole = value - down >= static_cast<T>(0.5) ? down + 1 : down;
  return whole > limit ? limit : whole < -limit ? -limit : whole;
}
inline double rounded(double value) { return rounded(value, 9223372036854775808.0); }

// What one row was found to be before its interval is moved.
struct Row {
  float square, product, min, max;
  double mean, variance;
};

struct Ends {
  float lower, upper;
};

inline Ends first_ends(const Row& row, int64_t n, int32_t bits) {
  const double width = static_cast<double>(kWidths[bits - 1]), reach = sqrt(row.variance / static_cast<double>(n));
  const double min = static_cast<double>(row.min), max = static_cast<double>(row.max);
  return {static_cast<float>(clamped(-width * reach + row.mean, min, max)),
          static_cast<float>(clamped(width * reach + row.mean, min, max))};
}

inline float scale_of(const Row& row) { return (1.0f - kWhole) / row.square; }

// What an interval's codes leave: along the row, and in all.
struct Errors {
  double along, whole;
  double loss(float square) const {
    const double w = static_cast<double>(kWhole);
    return (1.0 - w) * along * along / static_cast<double>(square) + w * whole;
  }
};

// Products of 1 - place, place, and value, where place is that of a value's code between the ends. Those without
// 1 - place are rounded to float32.
struct Places {
  double aa, ab, bb, ax, bx;

  // Where the loss is least; false where that is nowhere.
  bool solve(float row_scale, Ends* ends) const {
    const double scale = static_cast<double>(row_scale), w = static_cast<double>(kWhole);
    const double m0 = scale * ax * ax + w * aa, m1 = scale * ax * bx + w * ab, m2 = scale * bx * bx + w * bb;
    const double determinant = m0 * m2 - m1 * m1;
    if (determinant == 0) return false;
    *ends = {static_cast<float>((m2 * ax - m1 * bx) / determinant),
             static_cast<float>((m0 * bx - m1 * ax) / determinant)};
    return true;
  }
};

inline bool are_close(const Ends& a, const Ends& b) {
  return static_cast<double>(fabsf(a.lower - b.lower)) < kClose &&
         static_cast<double>(fabsf(a.upper - b.upper)) < kClose;
}

// One row of any values.
struct OneRow {
  const float *x, *centroid;
  int64_t n;
  int32_t bits;

  float at(int64_t i) const { return value_at(x, i) - value_at(centroid, i); }
  float last() const { return static_cast<float>((1 << bits) - 1); }

  Row look() const {
    Row row = {0, 0, kMostFloat, -kMostFloat, 0, 0};
    for (int64_t i = 0; i < n; i++) {
      row.product += value_at(x, i) * value_at(centroid, i);
      const float value = at(i);
      row.min = least_of(row.min, value);
      row.max = most_of(row.max, value);
      row.square += value * value;
      const double difference = static_cast<double>(value) - row.mean;
      row.mean += difference / static_cast<double>(i + 1);
      row.variance += difference * (static_cast<double>(value) - row.mean);
    }
    return row;
  }
  Errors errors(const Ends& ends) const {
    const double a = static_cast<double>(ends.lower), b = static_cast<double>(ends.upper);
    const double step = (b - a) / static_cast<double>(last()), inverse = 1.0 / step;
    Errors sums = {0, 0};
    for (int64_t i = 0; i < n; i++) {
      const double value = static_cast<double>(at(i));
      const double error = value - (a + step * rounded((clamped(value, a, b) - a) * inverse));
      sums.along += value * error;
      sums.whole += error * error;
    }
    return sums;
  }
  Places places(const Ends& ends) const {
    const double a = static_cast<double>(ends.lower), b = static_cast<double>(ends.upper);
    const double inverse = static_cast<double>(last() / (ends.upper - ends.lower));
    Places sums = {0, 0, 0, 0, 0};
    for (int64_t i = 0; i < n; i++) {
      const float x_f32 = at(i);
      const double value = static_cast<double>(x_f32);
      const float code = static_cast<float>(rounded((clamped(value, a, b) - a) * inverse));
      const float place_f32 = code / last();
      const double place = static_cast<double>(place_f32), rest = 1.0 - place;
      sums.aa += rest * rest;
      sums.ab += rest * place;
      sums.bb += static_cast<double>(place_f32 * place_f32);
      sums.ax += value * rest;
      sums.bx += static_cast<double>(x_f32 * place_f32);
    }
    return sums;
  }
  Ends optimize(const Row& row, Ends ends) const {
    const float scale = scale_of(row);
    if (!isfinite(scale)) return ends;
    double loss = errors(ends).loss(row.square);
    for (int round = 0; round < kRounds; round++) {
      Ends moved;
      if (!places(ends).solve(scale, &moved) || are_close(ends, moved)) break;
      const double other = errors(moved).loss(row.square);
      if (other > loss) break;
      ends = moved;
      loss = other;
    }
    return ends;
  }
  int32_t quantize(const Ends& ends, uint8_t* y) const {
    const float step = (ends.upper - ends.lower) / last();
    const double a = static_cast<double>(ends.lower), b = static_cast<double>(ends.upper);
    uint32_t sum = 0;
    for (int64_t i = 0; i < n; i++) {
      const float place = (static_cast<float>(clamped(static_cast<double>(at(i)), a, b)) - ends.lower) / step;
      const double code = rounded(static_cast<double>(place), 2147483648.0);
      const int32_t whole = code > 2147483647.0 ? INT32_MAX : static_cast<int32_t>(code);
      y[i] = static_cast<uint8_t>(whole);
      sum += static_cast<uint32_t>(whole);
    }
    return static_cast<int32_t>(sum);
  }
};

// What the kernel is given and writes: rows of n values.
struct Optimized {
  const float* x;
  int64_t n;
  Intervals intervals;
  uint8_t* y;
  float* ends;
  int32_t* sums;

  void put(int64_t row, const Row& found, const Ends& of_row, int32_t sum) const {
    float values[] = {of_row.lower, of_row.upper, found.square, found.product};
    for (float& value : values)
      if (value != value) value = NAN;  // one for all
    memcpy(reinterpret_cast<char*>(ends) + row * static_cast<int64_t>(sizeof values), values, sizeof values);
    memcpy(reinterpret_cast<char*>(sums) + row * static_cast<int64_t>(sizeof sum), &sum, sizeof sum);
  }
};

NARROW_NOINLINE void optimized_row(const Optimized& all, int64_t row) {
  const OneRow one = {all.x + row * all.n, all.intervals.centroid, all.n, all.intervals.bits};
  const Row found = one.look();
  const Ends ends = one.optimize(found, first_ends(found, all.n, all.intervals.bits));
  const int32_t sum = one.quantize(ends, all.y + row * all.n);
  all.put(row, found, ends, sum);
}

}  // namespace
}  // namespace narrow
