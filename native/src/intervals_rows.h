// Codes between the ends of an interval of each row's own: several rows side by side, a lane each, as sums run from the
// first value of a row to the last, so that lanes cannot go along a row. It has internal linkage: each unit keeps its
// own copy.
#pragma once
#include "intervals_row.h"

namespace narrow {
namespace {

// Here nothing is infinite or NaN.
//
// Isa has
//   kLanes, kVectors          rows of a vector, and how many vectors hide one another's latency
//   F, D                      a vector of floats and one of doubles, with the same lanes
//   load(rows, i, four)       values i to i + 3 of kLanes rows, a vector of each
//   f(x), d(x), wide(f), narrow(d), store(y, v)
//   add, sub, mul, div        of both
//   min, max                  of both, whichever zero comes out
//   least, most               of F, as Java has them
//   round(v)                  of both, half up

template <class Isa>
struct SomeRows {
  static constexpr int kVectors = Isa::kVectors, kLanes = Isa::kLanes, kRows = kVectors * kLanes;
  using F = typename Isa::F;
  using D = typename Isa::D;

  const float* rows[kRows];
  const float* centroid;
  int64_t n;
  float last;

  // Calls body(i, values of all rows, that of the centroid) for all i.
  template <class Body>
  void each(Body body) const {
    F four[kVectors][4], values[kVectors];
    for (int64_t i = 0; i < n; i += 4) {
      const int64_t some = n - i < 4 ? n - i : 4;
      for (int v = 0; v < kVectors; v++) {
        if (some == 4) {
          Isa::load(rows + v * kLanes, i, four[v]);
        } else {
          alignas(64) float rest[kLanes][4] = {};
          const float* of_rest[kLanes];
          for (int k = 0; k < kLanes; k++) {
            memcpy(rest[k], rows[v * kLanes + k] + i, static_cast<size_t>(some) * sizeof(float));
            of_rest[k] = rest[k];
          }
          Isa::load(of_rest, 0, four[v]);
        }
      }
      for (int64_t k = 0; k < some; k++) {
        for (int v = 0; v < kVectors; v++) values[v] = four[v][k];
        body(i + k, values, Isa::f(value_at(centroid, i + k)));
      }
    }
  }

  void look(Row* found) const {
    F product[kVectors], square[kVectors], min[kVectors], max[kVectors];
    D mean[kVectors], variance[kVectors];
    for (int v = 0; v < kVectors; v++) {
      product[v] = square[v] = Isa::f(0);
      min[v] = Isa::f(kMostFloat);
      max[v] = Isa::f(-kMostFloat);
      mean[v] = variance[v] = Isa::d(0);
    }
    each([&](int64_t i, const F* x, F c) {
      const D count = Isa::d(static_cast<double>(i + 1));
      for (int v = 0; v < kVectors; v++) {
        product[v] = Isa::add(product[v], Isa::mul(x[v], c));
        const F value = Isa::sub(x[v], c);
        min[v] = Isa::least(min[v], value);
        max[v] = Isa::most(max[v], value);
        square[v] = Isa::add(square[v], Isa::mul(value, value));
        const D difference = Isa::sub(Isa::wide(value), mean[v]);
        mean[v] = Isa::add(mean[v], Isa::div(difference, count));
        variance[v] = Isa::add(variance[v], Isa::mul(difference, Isa::sub(Isa::wide(value), mean[v])));
      }
    });
    float f[4][kRows];
    double d[2][kRows];
    for (int v = 0; v < kVectors; v++) {
      Isa::store(f[0] + v * kLanes, square[v]);
      Isa::store(f[1] + v * kLanes, product[v]);
      Isa::store(f[2] + v * kLanes, min[v]);
      Isa::store(f[3] + v * kLanes, max[v]);
      Isa::store(d[0] + v * kLanes, mean[v]);
      Isa::store(d[1] + v * kLanes, variance[v]);
    }
    for (int k = 0; k < kRows; k++) found[k] = {f[0][k], f[1][k], f[2][k], f[3][k], d[0][k], d[1][k]};
  }

  void errors(const Ends* ends, Errors* found) const {
    double of_ends[4][kRows], sums[2][kRows];
    for (int k = 0; k < kRows; k++) {
      of_ends[0][k] = static_cast<double>(ends[k].lower);
      of_ends[1][k] = static_cast<double>(ends[k].upper);
      of_ends[2][k] = (of_ends[1][k] - of_ends[0][k]) / static_cast<double>(last);
      of_ends[3][k] = 1.0 / of_ends[2][k];
    }
    D a[kVectors], b[kVectors], step[kVectors], inverse[kVectors], along[kVectors], whole[kVectors];
    for (int v = 0; v < kVectors; v++) {
      a[v] = Isa::from(of_ends[0] + v * kLanes);
      b[v] = Isa::from(of_ends[1] + v * kLanes);
      step[v] = Isa::from(of_ends[2] + v * kLanes);
      inverse[v] = Isa::from(of_ends[3] + v * kLanes);
      along[v] = whole[v] = Isa::d(0);
    }
    each([&](int64_t, const F* x, F c) {
      for (int v = 0; v < kVectors; v++) {
        const D value = Isa::wide(Isa::sub(x[v], c));
        const D code = Isa::round(Isa::mul(Isa::sub(Isa::min(Isa::max(value, a[v]), b[v]), a[v]), inverse[v]));
        const D error = Isa::sub(value, Isa::add(a[v], Isa::mul(step[v], code)));
        along[v] = Isa::add(along[v], Isa::mul(value, error));
        whole[v] = Isa::add(whole[v], Isa::mul(error, error));
      }
    });
    for (int v = 0; v < kVectors; v++) {
      Isa::store(sums[0] + v * kLanes, along[v]);
      Isa::store(sums[1] + v * kLanes, whole[v]);
    }
    for (int k = 0; k < kRows; k++) found[k] = {sums[0][k], sums[1][k]};
  }

  void places(const Ends* ends, Places* found) const {
    double of_ends[3][kRows], sums[5][kRows];
    for (int k = 0; k < kRows; k++) {
      of_ends[0][k] = static_cast<double>(ends[k].lower);
      of_ends[1][k] = static_cast<double>(ends[k].upper);
      of_ends[2][k] = static_cast<double>(last / (ends[k].upper - ends[k].lower));
    }
    D a[kVectors], b[kVectors], inverse[kVectors], sum[5][kVectors];
    for (int v = 0; v < kVectors; v++) {
      a[v] = Isa::from(of_ends[0] + v * kLanes);
      b[v] = Isa::from(of_ends[1] + v * kLanes);
      inverse[v] = Isa::from(of_ends[2] + v * kLanes);
      for (int s = 0; s < 5; s++) sum[s][v] = Isa::d(0);
    }
    const F most = Isa::f(last);
    const D one = Isa::d(1);
    each([&](int64_t, const F* x, F c) {
      for (int v = 0; v < kVectors; v++) {
        const F x_f32 = Isa::sub(x[v], c);
        const D value = Isa::wide(x_f32);
        const D code = Isa::round(Isa::mul(Isa::sub(Isa::min(Isa::max(value, a[v]), b[v]), a[v]), inverse[v]));
        const F place_f32 = Isa::div(Isa::narrow(code), most);
        const D place = Isa::wide(place_f32), rest = Isa::sub(one, place);
        sum[0][v] = Isa::add(sum[0][v], Isa::mul(rest, rest));
        sum[1][v] = Isa::add(sum[1][v], Isa::mul(rest, place));
        sum[2][v] = Isa::add(sum[2][v], Isa::wide(Isa::mul(place_f32, place_f32)));
        sum[3][v] = Isa::add(sum[3][v], Isa::mul(value, rest));
        sum[4][v] = Isa::add(sum[4][v], Isa::wide(Isa::mul(x_f32, place_f32)));
      }
    });
    for (int v = 0; v < kVectors; v++)
      for (int s = 0; s < 5; s++) Isa::store(sums[s] + v * kLanes, sum[s][v]);
    for (int k = 0; k < kRows; k++) found[k] = {sums[0][k], sums[1][k], sums[2][k], sums[3][k], sums[4][k]};
  }

  void quantize(const Ends* ends, uint8_t* const* y, int32_t* found) const {
    float of_ends[3][kRows], whole[kRows];
    for (int k = 0; k < kRows; k++) {
      of_ends[0][k] = ends[k].lower;
      of_ends[1][k] = ends[k].upper;
      of_ends[2][k] = (ends[k].upper - ends[k].lower) / last;
      found[k] = 0;
    }
    F a[kVectors], b[kVectors], step[kVectors];
    for (int v = 0; v < kVectors; v++) {
      a[v] = Isa::from(of_ends[0] + v * kLanes);
      b[v] = Isa::from(of_ends[1] + v * kLanes);
      step[v] = Isa::from(of_ends[2] + v * kLanes);
    }
    each([&](int64_t i, const F* x, F c) {
      for (int v = 0; v < kVectors; v++) {
        const F value = Isa::min(Isa::max(Isa::sub(x[v], c), a[v]), b[v]);
        Isa::store(whole + v * kLanes, Isa::round(Isa::div(Isa::sub(value, a[v]), step[v])));
      }
      for (int k = 0; k < kRows; k++) {
        const int32_t code = static_cast<int32_t>(whole[k]);
        y[k][i] = static_cast<uint8_t>(code);
        found[k] += code;
      }
    });
  }
};

// Whether codes between the ends are those of ordinary numbers: what is left to optimized_row are rows of equal values,
// and such where float32 overflows.
inline bool are_ordinary(const Ends& ends, float last) {
  const float inverse = last / (ends.upper - ends.lower), step = (ends.upper - ends.lower) / last;
  return ends.lower < ends.upper && inverse < kMostFloat && step > 0 && step < kMostFloat;
}

// As many rows as there are lanes.
template <class Isa>
void optimized_rows(const Optimized& all, int64_t first) {
  constexpr int kRows = SomeRows<Isa>::kRows;
  SomeRows<Isa> some;
  uint8_t* codes[kRows];
  for (int k = 0; k < kRows; k++) {
    some.rows[k] = all.x + (first + k) * all.n;
    codes[k] = all.y + (first + k) * all.n;
  }
  some.centroid = all.intervals.centroid;
  some.n = all.n;
  some.last = static_cast<float>((1 << all.intervals.bits) - 1);
  Row found[kRows];
  Ends ends[kRows], moved[kRows];
  Errors errors[kRows] = {};
  Places places[kRows];
  double loss[kRows];
  bool ordinary[kRows], moves[kRows];
  int32_t sums[kRows];
  int moving = 0;
  some.look(found);
  for (int k = 0; k < kRows; k++) {
    ends[k] = first_ends(found[k], all.n, all.intervals.bits);
    ordinary[k] = are_ordinary(ends[k], some.last) && found[k].square < kMostFloat;
    moves[k] = ordinary[k] && isfinite(scale_of(found[k]));
    if (!ordinary[k]) ends[k] = {0, 1};
    moving += moves[k];
  }
  if (moving > 0) some.errors(ends, errors);
  for (int k = 0; k < kRows; k++) loss[k] = errors[k].loss(found[k].square);
  for (int round = 0; round < kRounds && moving > 0; round++) {
    some.places(ends, places);
    for (int k = 0; k < kRows; k++) {
      moved[k] = ends[k];
      if (!moves[k]) continue;
      moves[k] = places[k].solve(scale_of(found[k]), &moved[k]) && !are_close(ends[k], moved[k]);
      if (moves[k] && !are_ordinary(moved[k], some.last)) ordinary[k] = moves[k] = false;
      if (!moves[k]) moved[k] = ends[k];
    }
    some.errors(moved, errors);
    moving = 0;
    for (int k = 0; k < kRows; k++) {
      const double other = errors[k].loss(found[k].square);
      if (moves[k] && other > loss[k]) moves[k] = false;
      if (!moves[k]) continue;
      ends[k] = moved[k];
      loss[k] = other;
      moving++;
    }
  }
  some.quantize(ends, codes, sums);
  for (int k = 0; k < kRows; k++) {
    if (ordinary[k]) {
      all.put(first + k, found[k], ends[k], sums[k]);
    } else {
      optimized_row(all, first + k);
    }
  }
}

template <class Isa>
void optimized(const Optimized& all, int64_t rows) {
  int64_t row = 0;
  for (; row + SomeRows<Isa>::kRows <= rows; row += SomeRows<Isa>::kRows) optimized_rows<Isa>(all, row);
  for (; row < rows; row++) optimized_row(all, row);
}

}  // namespace
}  // namespace narrow
