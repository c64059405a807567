// Ranges and magnitudes of columns, for the x86 units: in which order they go over rows, and how they tell at no cost
// whether all was ordinary. It has internal linkage: each unit keeps its own copy.
#pragma once
#include "blocks_x86.h"

namespace narrow {
namespace {

// A unit has Lanes:
//   Floats, kLanes         a vector of floats, and how many it has
//   load, store, set1, magnitude
//   min, max               their second operand where one is NaN, which raises the invalid flag
//   multiply_add(a, b, c)  a * b + c, rounded once; infinity times 0 is NaN, and raises the invalid flag
//   Most                   of the vectors extend(v) was called with: whether there may be one with -infinity or NaN
//   range_of_unusual, range_of_rest, absmax_of_unusual
//                          the same of any values: of a vector, of columns that fill none, of any number of columns
//   count(x, n, counts)    adds how many NaNs and how many infinities there are

// So many rows side by side. 64, of 4 KiB each, are more streams of memory than Zen 3 follows.
constexpr int64_t kSideBySide = 4;
// After so many it is looked whether all values were finite.
constexpr int64_t kRowsAtOnce = 128;
// Ends of so many columns stay in the first-level cache until then.
constexpr int64_t kStrip = 1024;

inline int64_t lesser(int64_t a, int64_t b) { return a < b ? a : b; }

// The ends of columns, from some column on.
struct Columns {
  float *min, *max;
  Columns from(int64_t i) const { return {min + i, max + i}; }
};

// Rows of n elements, and how many of their columns, which fill vectors.
struct Strip {
  const float* x;
  int64_t rows, n, columns;
};

// Rows that follow one another.
template <int kRows>
struct Rows {
  const float* rows[kRows];
  Rows(const float* x, int64_t n) {
    for (int k = 0; k < kRows; k++) rows[k] = x + k * n;
  }
};

// Whether an infinity takes part. Where not, the values are multiplied by -0 and added to that: v * -0 + v is v but for
// two, -0 becomes +0 and infinity NaN.
enum Infinity { kTakesPart, kLeftOut };

template <class Lanes>
struct Ends {
  typename Lanes::Floats min, max;

  Ends() = default;
  // A vector of columns: what is `before` and some rows.
  template <Infinity kInfinity, int kRows>
  void extend(const Rows<kRows>& rows, int64_t i, const Columns& before) {
    min = Lanes::load(before.min + i);
    max = Lanes::load(before.max + i);
    for (int r = 0; r < kRows; r++) {
      typename Lanes::Floats x = Lanes::load(rows.rows[r] + i);
      if (kInfinity == kLeftOut) x = Lanes::multiply_add(x, Lanes::set1(-0.0f), x);
      NARROW_IN_REGISTER(x);
      min = Lanes::min(x, min);
      max = Lanes::max(x, max);
    }
  }
  // The same after the fact: max * 0 is +0 wherever min may be -0, and NaN where max is.
  void finish() {
    max = Lanes::multiply_add(max, Lanes::set1(-0.0f), max);
    min = Lanes::multiply_add(max, Lanes::set1(0.0f), min);
  }
  void store(int64_t i, const Columns& after) {
    NARROW_IN_REGISTER(min);
    NARROW_IN_REGISTER(max);
    Lanes::store(after.min + i, min);
    Lanes::store(after.max + i, max);
  }
};

// Extends the ends of columns by some rows. Loops have all they need in variables: a store of a vector may change
// whatever is in memory.
template <class Lanes, Infinity kInfinity, int kRows>
NARROW_NOINLINE void extend(const float* x, int64_t n, int64_t columns, const Columns& before, const Columns& after) {
  const Rows<kRows> rows(x, n);
  const Columns from = before, to = after;
  for (int64_t i = 0; i < columns; i += Lanes::kLanes) {
    Ends<Lanes> ends;
    ends.template extend<kInfinity>(rows, i, from);
    ends.store(i, to);
  }
}

// Extends the ends from column i on by the last rows. Where one may be infinite it stores nothing, and returns which.
template <class Lanes, int kRows, int kVectors>
NARROW_NOINLINE int64_t finish(const float* x, int64_t n, int64_t i, int64_t columns, const Columns& before,
                               const Columns& after) {
  const Rows<kRows> rows(x, n);
  const Columns from = before, to = after;
  constexpr int64_t kStep = kVectors * Lanes::kLanes;
  for (; i + kStep <= columns; i += kStep) {
    typename Lanes::Most most;
    Ends<Lanes> ends[kVectors];
    for (int k = 0; k < kVectors; k++) {
      ends[k].template extend<kTakesPart>(rows, i + Lanes::kLanes * k, from);
      ends[k].finish();
      most.extend(ends[k].min);
    }
    if (most.unusual()) break;
    for (int k = 0; k < kVectors; k++) ends[k].store(i + Lanes::kLanes * k, to);
  }
  return i;
}

// Returns whether there was an infinity in a row of the strip.
template <class Lanes, int kRows>
bool finish(const Strip& strip, int64_t r, const Columns& before, const Columns& after) {
  constexpr int64_t kVectors = 4, kLanes = Lanes::kLanes;
  const float* x = strip.x + r * strip.n;
  bool infinity = false;
  for (int64_t i = 0; i < strip.columns;) {
    i = finish<Lanes, kRows, kVectors>(x, strip.n, i, strip.columns, before, after);
    const int64_t end = lesser(i + kVectors * kLanes, strip.columns);
    while (i < end) {
      i = finish<Lanes, kRows, 1>(x, strip.n, i, end, before, after);
      if (i == end) break;
      Lanes::range_of_unusual(strip.x + i, strip.rows, strip.n, after.min + i, after.max + i);
      infinity = true;
      i += kLanes;
    }
  }
  return infinity;
}

// Returns whether there was an infinity, unless it raised the invalid flag, as a NaN does. Neither takes part.
//
// Of a few rows kLeftOut is one operation for each value, in place of looking at the ends: less where the ports for
// products are not those for minimum and maximum.
template <class Lanes, Infinity kOfAFew>
bool range_of_strip(const Strip& strip, const Columns& total) {
  const auto from = [&strip](int64_t r) { return strip.x + r * strip.n; };
  if (kOfAFew == kLeftOut && strip.rows == kSideBySide) {
    extend<Lanes, kLeftOut, kSideBySide>(strip.x, strip.n, strip.columns, total, total);
    return false;
  }
  alignas(64) float min[kStrip], max[kStrip];
  const Columns kept = {min, max};
  Columns before = total;
  int64_t r = 0;
  for (; strip.rows - r > kSideBySide; r += kSideBySide, before = kept)
    extend<Lanes, kTakesPart, kSideBySide>(from(r), strip.n, strip.columns, before, kept);
  if (strip.rows - r == kSideBySide) return finish<Lanes, kSideBySide>(strip, r, before, total);
  for (; strip.rows - r > 1; r++, before = kept)
    extend<Lanes, kTakesPart, 1>(from(r), strip.n, strip.columns, before, kept);
  return finish<Lanes, 1>(strip, r, before, total);
}

template <class Lanes, Infinity kOfAFew>
void range_rows(const float* x, int64_t rows, int64_t n, Columns ends, int64_t* counts) {
  const bool usable = flags_nan();
  const int64_t whole = n & -Lanes::kLanes;
  for (int64_t r = 0, m; r < rows; r += m, x += m * n) {
    m = lesser(rows - r, kRowsAtOnce);
    bool unusual = !usable;
    for (int64_t i = 0; i < whole; i += kStrip)
      unusual |= range_of_strip<Lanes, kOfAFew>({x + i, m, n, lesser(whole - i, kStrip)}, ends.from(i));
    unusual |= take_invalid();
    for (int64_t k = 0; unusual && k < m; k++) Lanes::count(x + k * n, whole, counts);
    if (whole == n) continue;  // what follows raises no flag
    Lanes::range_of_rest(x + whole, m, n, n - whole, ends.min + whole, ends.max + whole);
    for (int64_t k = 0; k < m; k++) Lanes::count(x + k * n + whole, n - whole, counts);
  }
}

// A NaN takes no part, and raises the invalid flag.
template <class Lanes, int kRows>
NARROW_NOINLINE void absmax_of_strip(const float* x, int64_t n, int64_t columns, float* absmax) {
  const Rows<kRows> rows(x, n);
  for (int64_t i = 0; i < columns; i += Lanes::kLanes) {
    typename Lanes::Floats most = Lanes::load(absmax + i);
    for (int r = 0; r < kRows; r++) most = Lanes::max(Lanes::magnitude(Lanes::load(rows.rows[r] + i)), most);
    NARROW_IN_REGISTER(most);
    Lanes::store(absmax + i, most);
  }
}

// Returns whether a NaN is the largest of a column.
template <class Lanes>
int32_t absmax_rows(const float* x, int64_t rows, int64_t n, float* absmax) {
  const bool usable = flags_nan();
  const int64_t whole = n & -Lanes::kLanes;
  bool unusual = !usable || rows == 0;
  for (int64_t r = 0, m; r < rows; r += m, x += m * n) {
    m = lesser(rows - r, kRowsAtOnce);
    for (int64_t i = 0, columns; i < whole; i += columns) {
      columns = lesser(whole - i, kStrip);
      int64_t k = 0;
      for (; k + kSideBySide <= m; k += kSideBySide)
        absmax_of_strip<Lanes, kSideBySide>(x + k * n + i, n, columns, absmax + i);
      for (; k < m; k++) absmax_of_strip<Lanes, 1>(x + k * n + i, n, columns, absmax + i);
    }
    const bool nan = !usable || take_invalid();
    unusual |= nan;
    const int64_t ordinary = nan ? 0 : whole;
    Lanes::absmax_of_unusual(x + ordinary, m, n, n - ordinary, absmax + ordinary);
  }
  const int64_t ordinary = unusual ? 0 : whole;
  int64_t counts[2] = {0, 0};
  Lanes::count(absmax + ordinary, n - ordinary, counts);
  return counts[0] > 0;
}

}  // namespace
}  // namespace narrow
