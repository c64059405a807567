// The public functions that see channels: how they cut tensors into runs and rows.
#include <cmath>

#include "harness.h"
#include "narrow/kernels.h"
#include "reference.h"

namespace {

using harness::every_isa;
using harness::fail;
using harness::float_of;
using harness::format;
using harness::Random;

struct Shape {
  int64_t outer, channels, inner;
  int64_t size() const { return outer * channels * inner; }
  int64_t channel(int64_t i) const { return i / inner % channels; }
};

// First, last and middle axes; rows and periods below, at and above what the library calls a kernel for (512) and what
// it spreads out at a time (1024); runs below and above what it calls a kernel for (32).
const Shape kShapes[] = {{1, 1, 70},  {70, 1, 1},  {1, 7, 9},    {20, 7, 1},  {3, 5, 4},    {2, 3, 31},   {2, 3, 32},
                         {2, 3, 33},  {3, 511, 1}, {3, 512, 1},  {3, 513, 1}, {1, 257, 2},  {2, 256, 2},  {2, 255, 2},
                         {2, 17, 30}, {2, 18, 29}, {2, 300, 3},  {2, 400, 3}, {2, 1500, 1}, {1, 2, 2500}, {40, 100, 1},
                         {700, 3, 1}, {5, 64, 9},  {1, 64, 130}, {3000, 1, 1}};

struct Parameters {
  std::vector<float> scales, inverse_scales;
  std::vector<int32_t> zero_points;
  int32_t qmin, qmax;
  Parameters(int64_t channels, int32_t lowest, int32_t highest, Random& random) : qmin(lowest), qmax(highest) {
    for (int64_t c = 0; c < channels; c++) {
      scales.push_back(0.01f * static_cast<float>(1 + random.below(50)));
      inverse_scales.push_back(1.0f / scales.back());
      zero_points.push_back(qmin + static_cast<int32_t>(random.below(qmax - qmin + 1)));
    }
  }
};

std::vector<float> floats(int64_t n, Random& random) {
  std::vector<float> x;
  for (int64_t i = 0; i < n; i++) {
    x.push_back(static_cast<float>(random.below(2001) - 1000) * 0.013f);
    if (random.below(100) == 0) x.back() = float_of(random.bits());
  }
  return x;
}

// Pieces that a tensor of n elements is cut into: each single position of small ones, some positions of others.
template <class Body>
void every_cut(int64_t n, int64_t unit, Random& random, Body body) {
  const int64_t step = n <= 200 && !harness::slow_machine() ? unit : (n / 7 + 1 + random.below(5)) / unit * unit + unit;
  for (int64_t cut = 0; cut <= n; cut += step) body(cut);
}

// What differs between the integer types: how many codes share an element of the array, and the two functions.
struct S8 {
  using Code = int8_t;
  static constexpr int32_t kMin = -127, kMax = 127, kPacked = 1;
  static constexpr auto quantize = narrow_f32_to_s8_per_channel;
  static constexpr auto dequantize = narrow_s8_to_f32_per_channel;
  static constexpr auto fitted = narrow_f32_to_s8_fitted;
};
struct U8 {
  using Code = uint8_t;
  static constexpr int32_t kMin = 0, kMax = 255, kPacked = 1;
  static constexpr auto quantize = narrow_f32_to_u8_per_channel;
  static constexpr auto dequantize = narrow_u8_to_f32_per_channel;
  static constexpr auto fitted = narrow_f32_to_u8_fitted;
};
struct S16 {
  using Code = int16_t;
  static constexpr int32_t kMin = -32768, kMax = 32766, kPacked = 1;
  static constexpr auto quantize = narrow_f32_to_s16_per_channel;
  static constexpr auto dequantize = narrow_s16_to_f32_per_channel;
  static constexpr auto fitted = narrow_f32_to_s16_fitted;
};
struct S4 {
  using Code = uint8_t;
  static constexpr int32_t kMin = -7, kMax = 7, kPacked = 2;
  static constexpr auto quantize = narrow_f32_to_s4_per_channel;
  static constexpr auto dequantize = narrow_s4_to_f32_per_channel;
  static constexpr auto fitted = narrow_f32_to_s4_fitted;
};

template <class Q>
std::vector<typename Q::Code> stored(const std::vector<int32_t>& codes) {
  if (Q::kPacked == 1) return {codes.begin(), codes.end()};
  const std::vector<int8_t> nibbles(codes.begin(), codes.end());
  std::vector<uint8_t> bytes((codes.size() + 1) / 2);
  reference::s4_pack(nibbles.data(), static_cast<int64_t>(nibbles.size()), bytes.data());
  return {bytes.begin(), bytes.end()};
}

template <class T>
void expect_equal(const std::vector<T>& got, size_t offset, const std::vector<T>& expected, T around,
                  const std::string& where) {
  if (got.front() != around || got.back() != around) fail(where + "wrote around the output");
  for (size_t i = 0; i < expected.size(); i++)
    if (std::memcmp(&got[offset + i], &expected[i], sizeof(T)) != 0)
      fail(where + format("element %zu is %g, expected %g", i, static_cast<double>(got[offset + i]),
                          static_cast<double>(expected[i])));
}

// A tensor per channel, there and back, in two pieces cut everywhere.
template <class Q>
void tensor_cut_anywhere() {
  using Code = typename Q::Code;
  every_isa([](const char* isa) {
    Random random(20);
    for (const Shape& s : kShapes) {
      const int64_t n = s.size();
      const Parameters p(s.channels, Q::kMin, Q::kMax, random);
      const std::vector<float> x = floats(n, random);
      std::vector<int32_t> codes;
      std::vector<float> values;
      for (int64_t i = 0; i < n; i++) {
        const size_t c = static_cast<size_t>(s.channel(i)), j = static_cast<size_t>(i);
        codes.push_back(reference::quantized(x[j], p.inverse_scales[c], p.zero_points[c], p.qmin, p.qmax));
        values.push_back(static_cast<float>(codes.back() - p.zero_points[c]) * p.scales[c]);
      }
      const std::vector<Code> expected = stored<Q>(codes);
      every_cut(n, Q::kPacked, random, [&](int64_t cut) {
        const std::string where =
            format("%s, [%lld, %lld, %lld] cut at %lld: ", isa, static_cast<long long>(s.outer),
                   static_cast<long long>(s.channels), static_cast<long long>(s.inner), static_cast<long long>(cut));
        const float* scales = p.scales.data();
        const float* inverse_scales = p.inverse_scales.data();
        const int32_t* zero_points = p.zero_points.data();
        std::vector<Code> got(expected.size() + 4, Code(99));
        const int64_t at = 3 * Q::kPacked;
        Q::quantize(x.data(), 0, cut, 0, s.channels, s.inner, inverse_scales, zero_points, p.qmin, p.qmax, got.data(),
                    at);
        Q::quantize(x.data(), cut, n - cut, cut, s.channels, s.inner, inverse_scales, zero_points, p.qmin, p.qmax,
                    got.data(), at + cut);
        expect_equal(got, 3, expected, Code(99), where);
        std::vector<float> back(values.size() + 2, 99.0f);
        Q::dequantize(got.data(), at, cut, 0, s.channels, s.inner, scales, zero_points, back.data(), 1);
        Q::dequantize(got.data(), at + cut, n - cut, cut, s.channels, s.inner, scales, zero_points, back.data(),
                      1 + cut);
        expect_equal(back, 1, values, 99.0f, where);
      });
    }
  });
}

// narrow_f32_to_X and back with one scale: the same as per channel with one channel, which is tested above.
#define NARROW_ONE_SCALE(name, Q)                                                                     \
  void name##_with_offsets() {                                                                        \
    every_isa([](const char* isa) {                                                                   \
      Random random(21);                                                                              \
      const int32_t zero_point = 3;                                                                   \
      for (int64_t n : {0, 1, 2, 31, 100, 2047, 2048, 2049, 5001}) {                                  \
        const std::vector<float> x = floats(n + 5, random);                                           \
        std::vector<Q::Code> codes(static_cast<size_t>(n) + 8, Q::Code(99)), expected = codes;        \
        const float inverse_scale = 40.0f, scale = 0.025f;                                            \
        narrow_f32_to_##name(x.data(), 5, n, inverse_scale, zero_point, -5, 7, codes.data(), 2);      \
        Q::quantize(x.data(), 5, n, 0, 1, 1, &inverse_scale, &zero_point, -5, 7, expected.data(), 2); \
        expect_equal(codes, 0, expected, Q::Code(99), isa);                                           \
        std::vector<float> values(static_cast<size_t>(n) + 2, 99.0f), expected_values = values;       \
        narrow_##name##_to_f32(codes.data(), 2, n, scale, zero_point, values.data(), 1);              \
        Q::dequantize(codes.data(), 2, n, 0, 1, 1, &scale, &zero_point, expected_values.data(), 1);   \
        expect_equal(values, 0, expected_values, 99.0f, isa);                                         \
      }                                                                                               \
    });                                                                                               \
  }
NARROW_ONE_SCALE(s8, S8)
NARROW_ONE_SCALE(s16, S16)
NARROW_ONE_SCALE(s4, S4)

void absmax_cut_anywhere() {
  every_isa([](const char* isa) {
    Random random(22);
    for (const Shape& s : kShapes) {
      const int64_t n = s.size();
      const std::vector<float> x = floats(n, random);
      std::vector<float> expected(static_cast<size_t>(s.channels), 0.0f);
      for (int64_t i = 0; i < n; i++) {
        float& most = expected[static_cast<size_t>(s.channel(i))];
        const float magnitude = std::fabs(x[static_cast<size_t>(i)]);
        if (std::isnan(magnitude)) most = float_of(0x7fc00000);
        if (magnitude > most) most = magnitude;
      }
      every_cut(n, 1, random, [&](int64_t cut) {
        std::vector<float> got(expected.size() + 2, 0.0f);
        got.front() = got.back() = 99.0f;
        narrow_f32_absmax(x.data(), cut, n - cut, cut, s.channels, s.inner, got.data() + 1);
        narrow_f32_absmax(x.data(), 0, cut, 0, s.channels, s.inner, got.data() + 1);
        expect_equal(got, 1, expected, 99.0f,
                     format("%s, [%lld, %lld, %lld]: ", isa, static_cast<long long>(s.outer),
                            static_cast<long long>(s.channels), static_cast<long long>(s.inner)));
      });
    }
  });
}

void range_cut_anywhere() {
  every_isa([](const char* isa) {
    Random random(25);
    for (const Shape& s : kShapes) {
      const int64_t n = s.size();
      const std::vector<float> x = floats(n, random);
      std::vector<float> min(static_cast<size_t>(s.channels), INFINITY), max(min.size(), -INFINITY);
      int64_t counts[] = {0, 0};
      for (int64_t i = 0; i < n; i++) {
        const size_t c = static_cast<size_t>(s.channel(i));
        narrow::Range range = {min[c], max[c], counts[0], counts[1]};
        reference::f32_range(x.data() + i, 1, &range);
        min[c] = range.min;
        max[c] = range.max;
        counts[0] = range.nans;
        counts[1] = range.infinities;
      }
      every_cut(n, 1, random, [&](int64_t cut) {
        std::vector<float> got_min(min.size() + 2, INFINITY), got_max(min.size() + 2, -INFINITY);
        got_min.front() = got_min.back() = got_max.front() = got_max.back() = 99.0f;
        int64_t got_counts[] = {0, 0};
        for (const int64_t from : {cut, int64_t{0}})
          narrow_f32_range_per_channel(x.data(), from, from == cut ? n - cut : cut, from, s.channels, s.inner,
                                       got_min.data() + 1, got_max.data() + 1, got_counts);
        const std::string where =
            format("%s, [%lld, %lld, %lld] cut at %lld: ", isa, static_cast<long long>(s.outer),
                   static_cast<long long>(s.channels), static_cast<long long>(s.inner), static_cast<long long>(cut));
        if (cut > 0) {  // or the second piece would be the whole again
          expect_equal(got_min, 1, min, 99.0f, where);
          expect_equal(got_max, 1, max, 99.0f, where);
          EXPECT(got_counts[0] == counts[0] && got_counts[1] == counts[1]);
        }
      });
    }
  });
}

// What a function X_fitted should do, in float64 throughout.
template <class Q>
void fitted(bool symmetric) {
  using Code = typename Q::Code;
  every_isa([symmetric](const char* isa) {
    Random random(26);
    for (const Shape& s : kShapes) {
      if (s.outer > 1) continue;
      for (const float size : {1.0f, 0.0f, 1e-39f, 1e38f}) {
        std::vector<float> x = floats(s.size(), random);
        for (float& v : x) v = std::isfinite(v) ? std::fmod(v, 13.0f) * (size / 13.0f) : v;
        std::vector<float> scales, inverse_scales;
        std::vector<int32_t> zero_points, codes;
        int64_t nans = 0, infinities = 0;
        for (int64_t c = 0; c < s.channels; c++) {
          double min = 0, max = 0;
          for (int64_t i = c * s.inner; i < (c + 1) * s.inner; i++) {
            const float v = x[static_cast<size_t>(i)];
            nans += std::isnan(v);
            infinities += std::isinf(v);
            if (std::isfinite(v)) min = std::fmin(min, v), max = std::fmax(max, v);
          }
          const int32_t middle = (Q::kMin + Q::kMax + 1) / 2;
          const double exact =
              symmetric ? std::fmax(-min, max) / (Q::kMax - middle) : (max - min) / (Q::kMax - Q::kMin);
          const float scale = std::fmax(static_cast<float>(exact), std::ldexp(1.0f, -126));
          const double zero_point = symmetric ? middle : std::nearbyint(Q::kMin - min / static_cast<double>(scale));
          scales.push_back(scale);
          inverse_scales.push_back(1.0f / scale);
          zero_points.push_back(static_cast<int32_t>(std::fmin(std::fmax(zero_point, Q::kMin), Q::kMax)));
        }
        for (int64_t i = 0; i < s.size(); i++) {
          const size_t c = static_cast<size_t>(s.channel(i));
          codes.push_back(
              reference::quantized(x[static_cast<size_t>(i)], inverse_scales[c], zero_points[c], Q::kMin, Q::kMax));
        }
        x.insert(x.begin(), 9.0f);
        std::vector<float> got_scales(scales.size() + 2, 99.0f);
        std::vector<int32_t> got_zero_points(scales.size() + 2, 99);
        int64_t counts[] = {5, 7};
        const std::vector<Code> expected = stored<Q>(codes);
        std::vector<Code> got(expected.size() + 4, Code(99));
        Q::fitted(x.data(), 1, s.channels, s.inner, symmetric, Q::kMin, Q::kMax, got_scales.data(),
                  got_zero_points.data(), 1, counts, got.data(), 3 * Q::kPacked);
        const std::string where = format("%s, [%lld, %lld] of size %g: ", isa, static_cast<long long>(s.channels),
                                         static_cast<long long>(s.inner), static_cast<double>(size));
        expect_equal(got_scales, 1, scales, 99.0f, where + "scale: ");
        expect_equal(got_zero_points, 1, zero_points, 99, where + "zero point: ");
        expect_equal(got, 3, expected, Code(99), where);
        EXPECT(counts[0] == 5 + nans && counts[1] == 7 + infinities);
      }
    }
  });
}
template <class Q>
void fitted_symmetric() {
  fitted<Q>(true);
}
template <class Q>
void fitted_affine() {
  fitted<Q>(false);
}

void parameters_on_odd_addresses() {
  every_isa([](const char* isa) {
    Random random(24);
    const int64_t channels = 700;
    const Parameters p(channels, -127, 127, random);
    const std::vector<float> x = floats(2 * channels, random);
    for (int64_t inner : {1, 2, 40}) {
      const int64_t n = 2 * channels;
      std::vector<char> scales(static_cast<size_t>(4 * channels) + 1), zero_points = scales;
      std::memcpy(scales.data() + 1, p.inverse_scales.data(), scales.size() - 1);
      std::memcpy(zero_points.data() + 1, p.zero_points.data(), zero_points.size() - 1);
      std::vector<int8_t> got(static_cast<size_t>(n)), expected = got;
      narrow_f32_to_s8_per_channel(x.data(), 0, n, 0, channels, inner, reinterpret_cast<float*>(scales.data() + 1),
                                   reinterpret_cast<int32_t*>(zero_points.data() + 1), -127, 127, got.data(), 0);
      narrow_f32_to_s8_per_channel(x.data(), 0, n, 0, channels, inner, p.inverse_scales.data(), p.zero_points.data(),
                                   -127, 127, expected.data(), 0);
      EXPECT(got == expected);
    }
  });
}

}  // namespace

int main(int argc, char** argv) {
  return harness::main(argc, argv,
                       {{"s8_tensor_cut_anywhere", tensor_cut_anywhere<S8>},
                        {"u8_tensor_cut_anywhere", tensor_cut_anywhere<U8>},
                        {"s16_tensor_cut_anywhere", tensor_cut_anywhere<S16>},
                        {"s4_tensor_cut_anywhere", tensor_cut_anywhere<S4>},
                        {"s8_with_offsets", s8_with_offsets},
                        {"s16_with_offsets", s16_with_offsets},
                        {"s4_with_offsets", s4_with_offsets},
                        {"absmax_cut_anywhere", absmax_cut_anywhere},
                        {"range_cut_anywhere", range_cut_anywhere},
                        {"s8_fitted_symmetric", fitted_symmetric<S8>},
                        {"u8_fitted_symmetric", fitted_symmetric<U8>},
                        {"s16_fitted_symmetric", fitted_symmetric<S16>},
                        {"s4_fitted_symmetric", fitted_symmetric<S4>},
                        {"s8_fitted_affine", fitted_affine<S8>},
                        {"u8_fitted_affine", fitted_affine<U8>},
                        {"s16_fitted_affine", fitted_affine<S16>},
                        {"s4_fitted_affine", fitted_affine<S4>},
                        {"parameters_on_odd_addresses", parameters_on_odd_addresses}});
}
