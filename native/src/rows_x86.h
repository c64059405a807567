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
//   range_of_any           extends the ends of any number of columns by a row of any values, and counts what is odd
//   absmax_of_unusual      the largest magnitudes of any number of columns and any values
//   absmax                 the largest bits of |x|

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

// Rows that follow one another.
template <int kRows>
struct Rows {
  const float* rows[kRows];
  Rows(const float* x, int64_t n) {
    for (int k = 0; k < kRows; k++) rows[k] = x + k * n;
  }
};

template <class Lanes>
struct Ends {
  typename Lanes::Floats min, max;

  void extend(typename Lanes::Floats x) {
    min = Lanes::min(x, min);
    max = Lanes::max(x, max);
  }
  // Only of rows, never of what was before them: where one is NaN or infinite, these are NaN, and what was before
  // stays. v * -0 + v is v but for two: -0 becomes +0 and infinity NaN.
  void finish(const Columns& before, int64_t i) {
    const typename Lanes::Floats zero = Lanes::set1(-0.0f);
    min = Lanes::min(Lanes::multiply_add(min, zero, min), Lanes::load(before.min + i));
    max = Lanes::max(Lanes::multiply_add(max, zero, max), Lanes::load(before.max + i));
  }
  void store(const Columns& after, int64_t i) {
    NARROW_IN_REGISTER(min);
    NARROW_IN_REGISTER(max);
    Lanes::store(after.min + i, min);
    Lanes::store(after.max + i, max);
  }
};

// Which of the rows that `total` is extended by once, when all were seen.
enum Place { kFirst = 1, kLast = 2 };

// The ends of a vector of columns, of some rows and (but for the first) of those that are kept.
template <class Lanes, int kPlace, int kRows>
inline void extend(const Rows<kRows>& rows, int64_t i, const Columns& kept, const Columns& total) {
  typename Lanes::Floats first = Lanes::load(rows.rows[0] + i);
  NARROW_IN_REGISTER(first);
  Ends<Lanes> ends = {first, first};
  if ((kPlace & kFirst) == 0) {
    ends.min = Lanes::min(ends.min, Lanes::load(kept.min + i));
    ends.max = Lanes::max(ends.max, Lanes::load(kept.max + i));
  }
  for (int r = 1; r < kRows; r++) {
    typename Lanes::Floats x = Lanes::load(rows.rows[r] + i);
    NARROW_IN_REGISTER(x);
    ends.extend(x);
  }
  if ((kPlace & kLast) != 0) ends.finish(total, i);
  ends.store((kPlace & kLast) != 0 ? total : kept, i);
}

// At least a vector of columns; the last may be among those of the one before. Loops have all they need in variables: a
// store of a vector may change whatever is in memory.
template <class Lanes, int kPlace, int kRows>
NARROW_NOINLINE void extend(const float* x, int64_t n, int64_t columns, Columns kept, Columns total) {
  constexpr int64_t kLanes = Lanes::kLanes;
  const Rows<kRows> rows(x, n);
  int64_t i = 0;
  for (; i + 2 * kLanes <= columns; i += 2 * kLanes)
    for (int k = 0; k < 2; k++) extend<Lanes, kPlace, kRows>(rows, i + kLanes * k, kept, total);
  for (; i < columns; i += kLanes) extend<Lanes, kPlace, kRows>(rows, lesser(i, columns - kLanes), kept, total);
}

// Some columns of m rows of n elements, m not kSideBySide.
template <class Lanes>
NARROW_NOINLINE void range_of_strip(const float* x, int64_t m, int64_t n, int64_t columns, Columns total) {
  alignas(64) float min[kStrip], max[kStrip];
  const Columns kept = {min, max};
  const int64_t last = m - kSideBySide;
  if (last < 0) {
    for (int64_t r = 0; r < m; r++) extend<Lanes, kFirst | kLast, 1>(x + r * n, n, columns, kept, total);
    return;
  }
  extend<Lanes, kFirst, kSideBySide>(x, n, columns, kept, total);
  for (int64_t r = kSideBySide; r < last; r += kSideBySide)
    extend<Lanes, 0, kSideBySide>(x + r * n, n, columns, kept, total);
  extend<Lanes, kLast, kSideBySide>(x + last * n, n, columns, kept, total);
}

// Where the invalid flag was raised, by a NaN, an infinity or somebody else, the rows are gone over once more, and more
// slowly.
template <class Lanes>
void range_rows(const float* x, int64_t rows, int64_t n, Columns ends, int64_t* counts) {
  const bool in_vectors = n >= Lanes::kLanes && flags_nan();
  for (int64_t r = 0, m; r < rows; r += m, x += m * n) {
    m = lesser(rows - r, kRowsAtOnce);
    for (int64_t i = 0; in_vectors && i < n; i += kStrip) {
      const int64_t from = lesser(i, n - Lanes::kLanes);
      const int64_t columns = lesser(n - from, kStrip);
      const Columns total = ends.from(from);
      if (m == kSideBySide)
        extend<Lanes, kFirst | kLast, kSideBySide>(x + from, n, columns, total, total);
      else
        range_of_strip<Lanes>(x + from, m, n, columns, total);
    }
    if (in_vectors && !take_invalid()) continue;
    for (int64_t k = 0; k < m; k++) Lanes::range_of_any(x + k * n, n, ends.min, ends.max, counts);
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
  return Lanes::absmax(absmax + ordinary, n - ordinary) > 0x7f800000;
}

}  // namespace
}  // namespace narrow
