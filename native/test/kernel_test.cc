// Every kernel of the list, on every instruction set that this machine has, against the reference, bit for bit: every
// length from 0 to 130 at every alignment, some long ones, with ordinary, special and random values.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

#include "compare.h"
#include "harness.h"
#include "kernel_table.h"
#include "reference.h"

namespace {

using compare::Array;
using compare::array;
using compare::compare;
using compare::kLongest;
using harness::Random;
using narrow::Affine;
using narrow::AffineEach;
using narrow::Intervals;
using narrow::KernelTable;
using narrow::Limits;
using narrow::Products;
using narrow::Range;
using narrow::Rounding;

const size_t kLong[] = {4096, 16383, 16384, 16385, 16384 + 63, 3 * 16384 + 77, kLongest};

// ---- Values --------------------------------------------------------------------------------------------------------

enum Flavor { kOrdinary, kOneSign, kOneSpecial, kSpecial, kFlavors };

std::vector<float> floats(size_t n, float scale, Flavor flavor, Random& random) {
  static std::vector<float> special;
  if (special.empty()) special = harness::interesting_floats(1.0f, random, 4000);
  std::vector<float> x(n);
  for (float& v : x) {
    if (flavor == kSpecial) {
      v = special[static_cast<size_t>(random.below(static_cast<int64_t>(special.size())))] * scale;
      if (random.below(4) == 0) v = harness::float_of(random.bits());
    } else {
      v = (static_cast<float>(random.below(1 << 16)) / 32768.0f - 1.0f) * 140.0f * scale;
    }
  }
  const float sign = random.below(2) == 0 ? 1.0f : -1.0f;
  if (flavor == kOneSign)
    for (float& v : x) v = std::copysign(v, sign);
  if (flavor == kOneSpecial && n > 0)
    x[static_cast<size_t>(random.below(static_cast<int64_t>(n)))] = special[static_cast<size_t>(random.below(108))];
  return x;
}

template <class T>
std::vector<T> integers(size_t n, Random& random) {
  std::vector<T> x(n);
  for (T& v : x) v = static_cast<T>(random.bits());
  return x;
}

template <class Q>
Affine affine(float scale, Random& random) {
  const int32_t lowest = std::numeric_limits<Q>::min(), highest = std::numeric_limits<Q>::max();
  Affine a = {1.0f / scale, 0, lowest, highest};
  if (random.below(2) == 0) a.qmin = lowest + static_cast<int32_t>(random.below(3));
  if (random.below(4) == 0) a.qmax = a.qmin + static_cast<int32_t>(random.below(highest - a.qmin + 1));
  if (random.below(3) > 0 || a.qmin > 0 || a.qmax < 0)
    a.zero_point = a.qmin + static_cast<int32_t>(random.below(a.qmax - a.qmin + 1));
  return a;
}

float any_scale(Random& random) {
  const float scales[] = {1.0f, 0.025f, 3.0f, 1e-30f, 1e30f, 0x1p-120f, 0.0078431377f};
  return scales[random.below(7)];
}

template <class Body>
void every_length(Body body) {
  for (size_t n = 0; n <= 130; n++)
    for (int flavor = 0; flavor < kFlavors; flavor++) body(n, static_cast<Flavor>(flavor));
  for (size_t n : kLong)
    for (int flavor = 0; flavor < kFlavors; flavor++) body(n, static_cast<Flavor>(flavor));
}

const float* f32(const void* p) { return static_cast<const float*>(p); }

// ---- One test per form of kernel; a kernel of a new form does not compile until it is added
// ---------------------------

void test(const char* name, void (*reference)(const float*, int64_t, Range*),
          void (*KernelTable::*kernel)(const float*, int64_t, Range*)) {
  Random random(1);
  every_length([&](size_t n, Flavor flavor) {
    const std::vector<float> x = floats(n, any_scale(random), flavor, random);
    std::vector<Range> range = {{INFINITY, -INFINITY, 0, 0}};
    if (random.below(4) == 0) range[0] = {-1.0f, 50.0f, 7, 1};
    if (random.below(8) == 0) range[0] = {-0.0f, -0.0f, 0, 0};
    compare(name, n, reference, kernel, {array(x)}, {sizeof(Range), range.data(), 4},
            [&](auto f, const void* const* in, void* out) {
              Range r;
              std::memcpy(&r, out, sizeof r);
              f(f32(in[0]), static_cast<int64_t>(n), &r);
              std::memcpy(out, &r, sizeof r);
              return 0;
            });
  });
}

void test(const char* name, uint32_t (*reference)(const float*, int64_t),
          uint32_t (*KernelTable::*kernel)(const float*, int64_t)) {
  Random random(2);
  every_length([&](size_t n, Flavor flavor) {
    const std::vector<float> x = floats(n, any_scale(random), flavor, random);
    compare(name, n, reference, kernel, {array(x)}, {0, nullptr, 1}, [&](auto f, const void* const* in, void*) {
      return static_cast<int64_t>(f(f32(in[0]), static_cast<int64_t>(n)));
    });
  });
}

// How many rows there are of n elements each, or of fewer where n is large.
int64_t rows_of(size_t& n, Random& random) {
  // Some more than are looked at together.
  const size_t rows = static_cast<size_t>(random.below(8) == 0 ? 60 + random.below(80) : random.below(10));
  if (n * rows > kLongest) n = kLongest / rows;
  return static_cast<int64_t>(rows);
}

void test(const char* name, int32_t (*reference)(const float*, int64_t, int64_t, float*),
          int32_t (*KernelTable::*kernel)(const float*, int64_t, int64_t, float*)) {
  Random random(3);
  every_length([&](size_t n, Flavor flavor) {
    const int64_t rows = rows_of(n, random);
    const std::vector<float> x = floats(n * static_cast<size_t>(rows), any_scale(random), flavor, random);
    std::vector<uint32_t> before = integers<uint32_t>(n, random);
    for (uint32_t& m : before) m = random.below(2) == 0 ? 0 : m & 0x7fffffff;
    compare(name, n, reference, kernel, {array(x)}, array(before), [&](auto f, const void* const* in, void* out) {
      return static_cast<int64_t>(f(f32(in[0]), rows, static_cast<int64_t>(n), static_cast<float*>(out)));
    });
  });
}

// Smallest and largest values lie in one array, and the counts come back as one number.
void test(const char* name, void (*reference)(const float*, int64_t, int64_t, float*, float*, int64_t*),
          void (*KernelTable::*kernel)(const float*, int64_t, int64_t, float*, float*, int64_t*)) {
  Random random(15);
  every_length([&](size_t n, Flavor flavor) {
    if (n > kLongest / 2) n = kLongest / 2;
    const int64_t rows = rows_of(n, random);
    const std::vector<float> x = floats(n * static_cast<size_t>(rows), any_scale(random), flavor, random);
    std::vector<float> before(2 * n, INFINITY);
    for (size_t i = 0; i < n; i++) {
      before[n + i] = -INFINITY;
      if (random.below(2) == 0) before[i] = before[n + i] = static_cast<float>(random.below(9)) - 4.0f;
    }
    compare(name, n, reference, kernel, {array(x)}, array(before), [&](auto f, const void* const* in, void* out) {
      float* min = static_cast<float*>(out);
      int64_t counts[2] = {5, 7};
      f(f32(in[0]), rows, static_cast<int64_t>(n), min, min + n, counts);
      return counts[0] * 1000000 + counts[1];
    });
  });
}

void test(const char* name, float (*reference)(const float*, int64_t, Rounding),
          float (*KernelTable::*kernel)(const float*, int64_t, Rounding)) {
  Random random(14);
  every_length([&](size_t n, Flavor flavor) {
    const float scale = any_scale(random);
    const std::vector<float> x = floats(n, scale * (random.below(2) == 0 ? 100.0f : 1.0f), flavor, random);
    const Rounding rounding = {1.0f / scale, scale, random.below(2) == 0 ? 127.0f : 7.0f};
    compare(name, n, reference, kernel, {array(x)}, {0, nullptr, 1}, [&](auto f, const void* const* in, void*) {
      const float error = f(f32(in[0]), static_cast<int64_t>(n), rounding);
      uint32_t bits = 0x7fc00000;  // which NaN it is depends on the processor
      if (!std::isnan(error)) std::memcpy(&bits, &error, sizeof bits);
      return static_cast<int64_t>(bits);
    });
  });
}

void test(const char* name, void (*reference)(const float*, const float*, int64_t, double*),
          void (*KernelTable::*kernel)(const float*, const float*, int64_t, double*)) {
  Random random(4);
  every_length([&](size_t n, Flavor flavor) {
    const std::vector<float> x = floats(n, any_scale(random), flavor, random);
    std::vector<float> y = floats(n, 1.0f, kOrdinary, random);
    for (size_t i = 0; i < n; i++)
      if (random.below(4) > 0) y[i] = x[i] + y[i] * 0.001f;
    const std::vector<double> partial(32, random.below(2) == 0 ? 0.0 : 1e9);
    compare(name, n, reference, kernel, {array(x), array(y)}, array(partial),
            [&](auto f, const void* const* in, void* out) {
              double sums[32];
              std::memcpy(sums, out, sizeof sums);
              f(f32(in[0]), f32(in[1]), static_cast<int64_t>(n), sums);
              // Which NaN it is depends on the processor; narrow_f32_error makes it one.
              for (double& sum : sums)
                if (std::isnan(sum)) sum = std::numeric_limits<double>::quiet_NaN();
              std::memcpy(out, sums, sizeof sums);
              return 0;
            });
  });
}

void test(const char* name, int64_t (*reference)(const float*, const float*, int64_t, Limits, double*),
          int64_t (*KernelTable::*kernel)(const float*, const float*, int64_t, Limits, double*)) {
  Random random(17);
  every_length([&](size_t n, Flavor flavor) {
    const std::vector<float> x = floats(n, any_scale(random), flavor, random);
    std::vector<float> y = floats(n, 1.0f, random.below(4) > 0 ? kOrdinary : flavor, random);
    for (size_t i = 0; i < n; i++)
      if (random.below(4) > 0) y[i] = x[i] + y[i] * 0.001f;
    const Limits limits = {-static_cast<float>(random.below(20)), static_cast<float>(random.below(20))};
    const std::vector<double> partial(80, random.below(2) == 0 ? 0.0 : 1e-3);
    compare(name, n, reference, kernel, {array(x), array(y)}, array(partial),
            [&](auto f, const void* const* in, void* out) {
              double sums[80];
              std::memcpy(sums, out, sizeof sums);
              const int64_t outside = f(f32(in[0]), f32(in[1]), static_cast<int64_t>(n), limits, sums);
              // Which NaN it is depends on the processor; narrow_f32_difference makes it one.
              for (double& sum : sums)
                if (std::isnan(sum)) sum = std::numeric_limits<double>::quiet_NaN();
              std::memcpy(out, sums, sizeof sums);
              return outside;
            });
  });
}

template <class Q>
void test(const char* name, void (*reference)(const float*, int64_t, Affine, Q*),
          void (*KernelTable::*kernel)(const float*, int64_t, Affine, Q*)) {
  Random random(5);
  const float spread = sizeof(Q) == 1 ? 1.0f : 300.0f;
  every_length([&](size_t n, Flavor flavor) {
    const float scale = any_scale(random);
    const std::vector<float> x = floats(n, scale * (random.below(2) == 0 ? 1.0f : spread), flavor, random);
    const Affine a = affine<Q>(scale, random);
    const std::vector<Q> before(n, Q(1));
    compare(name, n, reference, kernel, {array(x)}, array(before), [&](auto f, const void* const* in, void* out) {
      f(f32(in[0]), static_cast<int64_t>(n), a, static_cast<Q*>(out));
      return 0;
    });
  });
}

template <class Q>
void test(const char* name, void (*reference)(const float*, int64_t, AffineEach, Q*),
          void (*KernelTable::*kernel)(const float*, int64_t, AffineEach, Q*)) {
  Random random(6);
  every_length([&](size_t n, Flavor flavor) {
    const float scale = any_scale(random);
    const std::vector<float> x = floats(n, scale, flavor, random);
    const Affine limits = affine<Q>(scale, random);
    std::vector<float> inverse_scales(n);
    std::vector<int32_t> zero_points(n);
    for (size_t i = 0; i < n; i++) {
      inverse_scales[i] = limits.inverse_scale * static_cast<float>(1 + random.below(3));
      zero_points[i] = limits.qmin + static_cast<int32_t>(random.below(limits.qmax - limits.qmin + 1));
    }
    const std::vector<Q> before(n, Q(1));
    const bool zeros = limits.qmin <= 0 && limits.qmax >= 0 && random.below(3) == 0;
    compare(name, n, reference, kernel, {array(x), array(inverse_scales), array(zero_points)}, array(before),
            [&](auto f, const void* const* in, void* out) {
              const int32_t* zero_points = zeros ? nullptr : static_cast<const int32_t*>(in[2]);
              const AffineEach a = {f32(in[1]), zero_points, limits.qmin, limits.qmax};
              f(f32(in[0]), static_cast<int64_t>(n), a, static_cast<Q*>(out));
              return 0;
            });
  });
}

template <class Q>
void test(const char* name, void (*reference)(const Q*, int64_t, float, int32_t, float*),
          void (*KernelTable::*kernel)(const Q*, int64_t, float, int32_t, float*)) {
  Random random(7);
  every_length([&](size_t n, Flavor) {
    const std::vector<Q> x = integers<Q>(n, random);
    const float scale = any_scale(random);
    const int32_t zero_point = static_cast<Q>(random.bits());
    const std::vector<float> before(n, 1.0f);
    compare(name, n, reference, kernel, {array(x)}, array(before), [&](auto f, const void* const* in, void* out) {
      f(static_cast<const Q*>(in[0]), static_cast<int64_t>(n), scale, zero_point, static_cast<float*>(out));
      return 0;
    });
  });
}

template <class Q>
void test(const char* name, void (*reference)(const Q*, int64_t, const float*, const int32_t*, float*),
          void (*KernelTable::*kernel)(const Q*, int64_t, const float*, const int32_t*, float*)) {
  Random random(8);
  every_length([&](size_t n, Flavor) {
    const std::vector<Q> x = integers<Q>(n, random);
    std::vector<float> scales(n);
    for (float& scale : scales) scale = any_scale(random);
    std::vector<int32_t> zero_points(n);
    for (int32_t& zero_point : zero_points) zero_point = static_cast<Q>(random.bits());
    const std::vector<float> before(n, 1.0f);
    compare(name, n, reference, kernel, {array(x), array(scales), array(zero_points)}, array(before),
            [&](auto f, const void* const* in, void* out) {
              f(static_cast<const Q*>(in[0]), static_cast<int64_t>(n), f32(in[1]), static_cast<const int32_t*>(in[2]),
                static_cast<float*>(out));
              return 0;
            });
  });
}

// int4: to_bytes(n) of n nibbles.
template <class From, class To>
void test_s4(const char* name, void (*reference)(const From*, int64_t, To*),
             void (*KernelTable::*kernel)(const From*, int64_t, To*)) {
  const auto bytes = [](auto type, size_t n) { return std::is_same_v<decltype(type), uint8_t> ? (n + 1) / 2 : n; };
  Random random(9);
  every_length([&](size_t n, Flavor) {
    const std::vector<From> x = integers<From>(bytes(From(), n), random);
    const std::vector<To> before(bytes(To(), n), To(1));
    compare(name, n, reference, kernel, {array(x)}, array(before), [&](auto f, const void* const* in, void* out) {
      f(static_cast<const From*>(in[0]), static_cast<int64_t>(n), static_cast<To*>(out));
      return 0;
    });
  });
}
void test(const char* name, void (*reference)(const int8_t*, int64_t, uint8_t*),
          void (*KernelTable::*kernel)(const int8_t*, int64_t, uint8_t*)) {
  test_s4(name, reference, kernel);
}
void test(const char* name, void (*reference)(const uint8_t*, int64_t, int8_t*),
          void (*KernelTable::*kernel)(const uint8_t*, int64_t, int8_t*)) {
  test_s4(name, reference, kernel);
}

template <class Result>
void test(const char* name, Result (*reference)(const float*, int64_t, uint16_t*),
          Result (*KernelTable::*kernel)(const float*, int64_t, uint16_t*)) {
  Random random(10);
  every_length([&](size_t n, Flavor flavor) {
    const std::vector<float> x = floats(n, random.below(2) == 0 ? 1.0f : 470.0f, flavor, random);
    const std::vector<uint16_t> before(n, 1);
    compare(name, n, reference, kernel, {array(x)}, array(before), [&](auto f, const void* const* in, void* out) {
      if constexpr (std::is_void_v<Result>) {
        f(f32(in[0]), static_cast<int64_t>(n), static_cast<uint16_t*>(out));
        return 0;
      } else {
        return f(f32(in[0]), static_cast<int64_t>(n), static_cast<uint16_t*>(out));
      }
    });
  });
}

void test(const char* name, void (*reference)(const uint16_t*, int64_t, float*),
          void (*KernelTable::*kernel)(const uint16_t*, int64_t, float*)) {
  Random random(11);
  std::vector<uint16_t> all(65536);
  for (size_t i = 0; i < all.size(); i++) all[i] = static_cast<uint16_t>(i);
  const auto check = [&](const std::vector<uint16_t>& x) {
    const std::vector<float> before(x.size(), 1.0f);
    compare(name, x.size(), reference, kernel, {array(x)}, array(before),
            [&](auto f, const void* const* in, void* out) {
              f(static_cast<const uint16_t*>(in[0]), static_cast<int64_t>(x.size()), static_cast<float*>(out));
              return 0;
            });
  };
  check(all);
  every_length([&](size_t n, Flavor) { check(integers<uint16_t>(n, random)); });
}

// Blocks and bits: elements of which whole blocks can be made, and the bytes of so many.
bool in_blocks(const char* name) { return std::strstr(name, "_0") != nullptr; }
size_t whole(const char* name, size_t n) { return !in_blocks(name) ? n : n <= 130 ? 32 * n : n / 32 * 32; }
size_t packed_bytes(const char* name, size_t n) {
  return !in_blocks(name) ? (n + 7) / 8 : std::strstr(name, "q8_0") != nullptr ? n / 32 * 34 : n / 32 * 18;
}

void test(const char* name, void (*reference)(const float*, int64_t, uint8_t*),
          void (*KernelTable::*kernel)(const float*, int64_t, uint8_t*)) {
  Random random(16);
  every_length([&](size_t length, Flavor flavor) {
    const size_t n = whole(name, length);
    std::vector<float> x = floats(n, any_scale(random), flavor, random);
    // Halves, both signs of the largest, and blocks of zeros.
    if (in_blocks(name) && random.below(3) == 0)
      for (size_t i = 0; i < n; i++)
        x[i] = static_cast<float>(random.below(i / 32 % 3 == 0   ? 255
                                               : i / 32 % 3 == 1 ? 17
                                                                 : 1)) *
                   0.5f -
               (i / 32 % 3 == 1 ? 4.0f : 0.0f);
    const std::vector<uint8_t> before(packed_bytes(name, n), 1);
    compare(name, before.size(), reference, kernel, {array(x)}, array(before),
            [&](auto f, const void* const* in, void* out) {
              f(f32(in[0]), static_cast<int64_t>(n), static_cast<uint8_t*>(out));
              return 0;
            });
  });
}

void test(const char* name, void (*reference)(const uint8_t*, int64_t, float*),
          void (*KernelTable::*kernel)(const uint8_t*, int64_t, float*)) {
  Random random(17);
  every_length([&](size_t length, Flavor) {
    const size_t n = whole(name, length);
    const std::vector<uint8_t> x = integers<uint8_t>(packed_bytes(name, n), random);
    const std::vector<float> before(n, 1.0f);
    compare(name, n, reference, kernel, {array(x)}, array(before), [&](auto f, const void* const* in, void* out) {
      f(static_cast<const uint8_t*>(in[0]), static_cast<int64_t>(n), static_cast<float*>(out));
      return 0;
    });
  });
}

// Ends and sums lie before the codes. Rows of equal values, of one value, and such whose squares overflow among others.
void test(const char* name, void (*reference)(const float*, int64_t, int64_t, Intervals, uint8_t*, float*, int32_t*),
          void (*KernelTable::*kernel)(const float*, int64_t, int64_t, Intervals, uint8_t*, float*, int32_t*)) {
  Random random(19);
  for (size_t n = 1; n <= 70; n++)
    for (int32_t bits = 1; bits <= 8; bits++) {
      const size_t rows = static_cast<size_t>(random.below(40));
      std::vector<float> x(rows * n), centroid(n);
      for (float& c : centroid) c = random.below(3) == 0 ? 0.0f : static_cast<float>(random.below(100)) / 64.0f;
      for (size_t row = 0; row < rows; row++) {
        const std::vector<float> values = floats(n, any_scale(random), random.below(3) ? kOrdinary : kSpecial, random);
        const int64_t kind = random.below(8);
        for (size_t i = 0; i < n; i++) {
          float v = kind == 0 ? values[0] : kind == 1 ? centroid[i] : kind == 2 ? -0.0f : values[i];
          x[row * n + i] = std::isfinite(v) ? v : 1.0f;
        }
      }
      std::vector<uint8_t> out(rows * (20 + n), 7);
      compare(name, n, reference, kernel, {array(x), array(centroid)}, array(out),
              [&](auto f, const void* const* in, void* bytes) {
                // Aligned as floats of an array are: what a reference of plain C++ may be given.
                std::vector<float> ends(4 * rows), values(x), center(centroid);
                std::vector<int32_t> sums(rows);
                uint8_t* y = static_cast<uint8_t*>(bytes);
                const bool plain = f == reference;
                const int64_t count = static_cast<int64_t>(rows), each = static_cast<int64_t>(n);
                f(plain ? values.data() : f32(in[0]), count, each, {plain ? center.data() : f32(in[1]), bits},
                  y + 20 * rows, ends.data(), sums.data());
                if (rows == 0) return 0;
                std::memcpy(y, ends.data(), 16 * rows);
                std::memcpy(y + 16 * rows, sums.data(), 4 * rows);
                return 0;
              });
    }
}

// Of a, its transpose or a part of it; every number of columns; sums of products that are not finite come out as NaN.
void test(const char* name, void (*reference)(const double*, const double*, Products, double*),
          void (*KernelTable::*kernel)(const double*, const double*, Products, double*)) {
  Random random(18);
  for (int64_t columns = 0; columns <= 130; columns++)
    for (int turn = 0; turn < 6; turn++) {
      Products p = {};
      p.columns = columns;
      p.rows = random.below(20);
      p.depth = random.below(turn == 0 ? 2 : 40);
      const bool transposed = random.below(2) == 0;
      const int64_t more = random.below(3);
      p.a_row = transposed ? 1 : p.depth + more;
      p.a_step = transposed ? p.rows + more : 1;
      p.b_row = columns + random.below(3);
      p.c_row = columns + random.below(3);
      const auto doubles = [&](int64_t n) {
        std::vector<double> x(static_cast<size_t>(n));
        for (double& v : x) {
          v = (static_cast<double>(random.below(1 << 30)) / (1 << 29) - 1.0) * (random.below(9) == 0 ? 1e9 : 1.0);
          if (turn == 5 && random.below(50) == 0) v = random.below(2) == 0 ? INFINITY : -0.0;
        }
        return x;
      };
      const std::vector<double> a = doubles(transposed ? p.depth * p.a_step : p.rows * p.a_row);
      const std::vector<double> b = doubles(p.depth * p.b_row), c = doubles(p.rows * p.c_row);
      compare(name, c.size(), reference, kernel, {array(a), array(b)}, array(c),
              [&](auto f, const void* const* in, void* out) {
                // Aligned as the doubles of an array are: what a reference of plain C++ may be given.
                std::vector<double> sums(c.size()), left(a.size()), right(b.size());
                if (!c.empty()) std::memcpy(sums.data(), out, c.size() * sizeof(double));
                if (!a.empty()) std::memcpy(left.data(), in[0], a.size() * sizeof(double));
                if (!b.empty()) std::memcpy(right.data(), in[1], b.size() * sizeof(double));
                if (f == reference)
                  f(left.data(), right.data(), p, sums.data());
                else
                  f(static_cast<const double*>(in[0]), static_cast<const double*>(in[1]), p, static_cast<double*>(out));
                if (f != reference && !c.empty()) std::memcpy(sums.data(), out, c.size() * sizeof(double));
                for (double& sum : sums)
                  if (std::isnan(sum)) sum = std::numeric_limits<double>::quiet_NaN();
                if (!c.empty()) std::memcpy(out, sums.data(), c.size() * sizeof(double));
                return 0;
              });
    }
}

}  // namespace

int main(int argc, char** argv) {
  return harness::main(argc, argv,
                       {
#define NARROW_TEST(name, result, parameters) {#name, [] { test(#name, reference::name, &KernelTable::name); }},
                           NARROW_KERNELS(NARROW_TEST)
#undef NARROW_TEST
                       });
}
