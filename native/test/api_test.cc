// The public functions: how they cut tensors into runs, where their offsets point, which instruction set they use.
#include <cmath>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "harness.h"
#include "narrow/kernels.h"
#include "reference.h"

namespace {

using harness::fail;
using harness::float_of;
using harness::format;
using harness::Random;

// Runs `body` on every instruction set.
template <class Body>
void every_isa(Body body) {
  const int32_t before = narrow_isa_use(0);
  for (int32_t isa = 0; isa < narrow_isa_count(); isa++) {
    narrow_isa_use(isa);
    harness::covered(narrow_isa_name(isa));
    body(narrow_isa_name(isa));
  }
  narrow_isa_use(before);
}

struct Shape {
  int64_t outer, channels, inner;
  int64_t size() const { return outer * channels * inner; }
  int64_t channel(int64_t i) const { return i / inner % channels; }
};

// First, last and middle axes; rows and periods below, at and above what the library spreads out at a time (512); runs
// below and above what it calls a kernel for (32).
const Shape kShapes[] = {{1, 1, 70},   {70, 1, 1},   {1, 7, 9},   {20, 7, 1},  {3, 5, 4},    {2, 3, 31},
                         {2, 3, 32},   {2, 3, 33},   {3, 511, 1}, {3, 512, 1}, {3, 513, 1},  {1, 257, 2},
                         {2, 256, 2},  {2, 255, 2},  {2, 17, 30}, {2, 18, 29}, {2, 300, 3},  {2, 1500, 1},
                         {1, 2, 2500}, {40, 100, 1}, {700, 3, 1}, {5, 64, 9},  {1, 64, 130}, {3000, 1, 1}};

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
};
struct U8 {
  using Code = uint8_t;
  static constexpr int32_t kMin = 0, kMax = 255, kPacked = 1;
  static constexpr auto quantize = narrow_f32_to_u8_per_channel;
  static constexpr auto dequantize = narrow_u8_to_f32_per_channel;
};
struct S16 {
  using Code = int16_t;
  static constexpr int32_t kMin = -32768, kMax = 32766, kPacked = 1;
  static constexpr auto quantize = narrow_f32_to_s16_per_channel;
  static constexpr auto dequantize = narrow_s16_to_f32_per_channel;
};
struct S4 {
  using Code = uint8_t;
  static constexpr int32_t kMin = -7, kMax = 7, kPacked = 2;
  static constexpr auto quantize = narrow_f32_to_s4_per_channel;
  static constexpr auto dequantize = narrow_s4_to_f32_per_channel;
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

void expect(bool condition, const char* isa, const char* what) {
  if (!condition) fail(std::string(isa) + ": " + what);
}
#define EXPECT(condition) expect(condition, isa, #condition)

void range_extends_what_it_is_given() {
  every_isa([](const char* isa) {
    const float x[] = {100.0f, NAN, -3.0f, INFINITY, 2.0f, -INFINITY, -NAN, -0.0f};
    float min_max[] = {INFINITY, -INFINITY};
    int64_t counts[] = {5, 10};
    narrow_f32_range(x, 1, 7, min_max, counts);
    EXPECT(min_max[0] == -3.0f && min_max[1] == 2.0f && counts[0] == 7 && counts[1] == 12);
    narrow_f32_range(x, 0, 1, min_max, counts);
    EXPECT(min_max[0] == -3.0f && min_max[1] == 100.0f && counts[0] == 7 && counts[1] == 12);
  });
}

void range_of_negative_zeros_is_positive_zero() {
  every_isa([](const char* isa) {
    const std::vector<float> x(100, -0.0f);
    for (int64_t n = 1; n <= 100; n++) {
      float min_max[] = {INFINITY, -INFINITY};
      int64_t counts[] = {0, 0};
      narrow_f32_range(x.data(), 0, n, min_max, counts);
      EXPECT(harness::bits_of(min_max[0]) == 0 && harness::bits_of(min_max[1]) == 0);
    }
  });
}

void range_without_a_number_stays_empty() {
  every_isa([](const char* isa) {
    std::vector<float> x(200, NAN);
    x[7] = INFINITY;
    float min_max[] = {INFINITY, -INFINITY};
    int64_t counts[] = {0, 0};
    narrow_f32_range(x.data(), 0, 200, min_max, counts);
    EXPECT(min_max[0] == INFINITY && min_max[1] == -INFINITY && counts[0] == 199 && counts[1] == 1);
  });
}

void least_error_scale_is_the_best_candidate_of_each_channel() {
  every_isa([](const char* isa) {
    Random random(29);
    const int64_t channels = 7, inner = 45;
    std::vector<float> x = {0.0f, 0.0f};
    std::vector<float> scales = {-1.0f};
    for (int64_t c = 0; c < channels; c++) {
      float most = 0.0f;
      for (int64_t i = 0; i < inner; i++) {
        x.push_back(static_cast<float>(random.below(2000)) * 0.001f - 1.0f);
        most = std::fmax(most, std::fabs(x.back()));
      }
      scales.push_back(most / 127.0f);
    }
    x[2 + 3 * inner] = NAN;
    std::vector<float> expected = scales;
    int moved = 0;
    for (int64_t c = 0; c < channels; c++) {
      double least = INFINITY;
      for (int32_t k = 0; k < 40 && c != 3; k++) {
        const float scale = scales[static_cast<size_t>(c + 1)] * (1.0f - static_cast<float>(k) * 0.001f);
        double error = 0.0;
        for (int64_t i = 0; i < inner; i++) {
          const float v = x[static_cast<size_t>(2 + c * inner + i)];
          const double q = std::fmin(std::fmax(std::nearbyint(v * (1.0f / scale)), -127.0f), 127.0f);
          error += (v - q * scale) * (v - q * scale);
        }
        if (error < least) {
          least = error;
          expected[static_cast<size_t>(c + 1)] = scale;
          moved += k > 0;
        }
      }
    }
    narrow_f32_least_error_scales(x.data(), 2, channels, inner, 127, 40, 0.001f, scales.data(), 1);
    EXPECT(scales == expected);
    EXPECT(moved > 0);
  });
}

void error_adds_pairwise() {
  every_isa([](const char* isa) {
    Random random(23);
    for (int64_t n : {1, 5, 16, 17, 100, 4099}) {
      std::vector<float> x, y;
      for (int64_t i = 0; i < n + 3; i++) {
        x.push_back(static_cast<float>(random.below(1 << 20)) * 0.37f);
        y.push_back(x.back() + static_cast<float>(random.below(100)) * 0.01f);
      }
      double partial[32] = {};
      for (int64_t i = 0; i < n; i++) {
        const double a = x[static_cast<size_t>(i + 3)], b = y[static_cast<size_t>(i + 1)];
        partial[i % 16] += a * a;
        partial[16 + i % 16] += (a - b) * (a - b);
      }
      double sums[] = {1.0, 2.0}, expected[] = {1.0, 2.0};
      for (int k = 0; k < 2; k++) {
        const double* p = partial + 16 * k;
        double four[4];
        for (int i = 0; i < 4; i++) four[i] = (p[i] + p[i + 8]) + (p[i + 4] + p[i + 12]);
        expected[k] += (four[0] + four[2]) + (four[1] + four[3]);
      }
      narrow_f32_error(x.data(), 3, y.data(), 1, n, sums);
      EXPECT(std::memcmp(sums, expected, sizeof sums) == 0);
    }
    const float infinite[] = {-INFINITY};
    double sums[] = {0.0, 0.0};
    narrow_f32_error(infinite, 0, infinite, 0, 1, sums);
    const uint64_t quiet_nan = 0x7ff8000000000000;
    EXPECT(std::isinf(sums[0]) && std::memcmp(&sums[1], &quiet_nan, sizeof quiet_nan) == 0);
  });
}

void float16_with_offsets() {
  every_isa([](const char* isa) {
    const float x[] = {9.0f, 1.0f, -2.0f, 70000.0f, -INFINITY, NAN, 65504.0f, 65505.0f};
    uint16_t y[10] = {};
    narrow_f32_to_f16(x, 1, 7, y, 2);
    const uint16_t expected[10] = {0, 0, 0x3c00, 0xc000, 0x7c00, 0xfc00, 0x7e00, 0x7bff, 0x7bff, 0};
    EXPECT(std::memcmp(y, expected, sizeof y) == 0);
    EXPECT(narrow_f32_to_f16_saturated(x, 1, 7, y, 2) == 3);
    const uint16_t saturated[10] = {0, 0, 0x3c00, 0xc000, 0x7bff, 0xfbff, 0x7e00, 0x7bff, 0x7bff, 0};
    EXPECT(std::memcmp(y, saturated, sizeof y) == 0);
    float back[4] = {};
    narrow_f16_to_f32(y, 2, 2, back, 1);
    EXPECT(back[0] == 0.0f && back[1] == 1.0f && back[2] == -2.0f && back[3] == 0.0f);
  });
}

void nothing_to_do_touches_nothing() {
  every_isa([](const char* isa) {
    double sums[] = {-0.0, NAN};
    const double before[] = {sums[0], sums[1]};
    narrow_f32_error(nullptr, 0, nullptr, 0, 0, sums);
    EXPECT(std::memcmp(sums, before, sizeof sums) == 0);
    narrow_f32_range(nullptr, 0, 0, nullptr, nullptr);
    narrow_f32_absmax(nullptr, 0, 0, 0, 0, 0, nullptr);
    narrow_f32_to_s8(nullptr, 0, 0, 1.0f, 0, -128, 127, nullptr, 0);
    narrow_f32_to_s4(nullptr, 0, 0, 1.0f, 0, -8, 7, nullptr, 0);
    narrow_f32_to_s8_per_channel(nullptr, 0, 0, 0, 0, 0, nullptr, nullptr, -128, 127, nullptr, 0);
    narrow_s16_to_f32_per_channel(nullptr, 0, 0, 0, 0, 0, nullptr, nullptr, nullptr, 0);
    EXPECT(narrow_f32_to_f16_saturated(nullptr, 0, 0, nullptr, 0) == 0);
  });
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

void isa_use_refuses_what_there_is_not() {
  const char* isa = "any";
  const int32_t count = narrow_isa_count();
  EXPECT(count >= 1);
  EXPECT(std::string(narrow_isa_name(0)) == "scalar");
  EXPECT(narrow_isa_name(-1) == nullptr && narrow_isa_name(count) == nullptr);
  EXPECT(narrow_isa_use(count - 1) == count - 1);  // the fastest was in use from the start
  EXPECT(narrow_isa_use(-1) == -1 && narrow_isa_use(count) == -1);
  EXPECT(narrow_isa_use(0) == count - 1);
  EXPECT(narrow_isa_use(count - 1) == 0);
}

#ifdef NARROW_X86_64
// The fast loop for bytes trusts the invalid flag: it may be up already, or never come up (valgrind).
void bytes_whatever_the_invalid_flag_does() {
  every_isa([](const char* isa) {
    for (const bool flagged : {narrow::invalid_is_flagged, false}) {
      const bool before = narrow::invalid_is_flagged;
      narrow::invalid_is_flagged = flagged;
      std::vector<float> x(40000, 1.0f);
      x[39999] = x[17000] = NAN;
      x[17001] = 3e38f;
      x[17002] = -3e38f;
      std::vector<int8_t> y(x.size()), expected(x.size(), 5);
      expected[39999] = expected[17000] = 4;
      expected[17001] = 127;
      expected[17002] = -128;
      for (int stale = 0; stale < 2; stale++) {
        const unsigned state = (_mm_getcsr() & ~static_cast<unsigned>(_MM_EXCEPT_INVALID)) | (stale ? 1u : 0u);
        _mm_setcsr(state);
        narrow_f32_to_s8(x.data(), 0, 40000, 1.0f, 4, -128, 127, y.data(), 0);
        EXPECT(y == expected);
        EXPECT((_mm_getcsr() & ~0x3fu) == (state & ~0x3fu));
      }
      narrow::invalid_is_flagged = before;
    }
  });
}
#endif

}  // namespace

int main(int argc, char** argv) {
  return harness::main(argc, argv,
                       {{"isa_use_refuses_what_there_is_not", isa_use_refuses_what_there_is_not},
                        {"s8_tensor_cut_anywhere", tensor_cut_anywhere<S8>},
                        {"u8_tensor_cut_anywhere", tensor_cut_anywhere<U8>},
                        {"s16_tensor_cut_anywhere", tensor_cut_anywhere<S16>},
                        {"s4_tensor_cut_anywhere", tensor_cut_anywhere<S4>},
                        {"s8_with_offsets", s8_with_offsets},
                        {"s16_with_offsets", s16_with_offsets},
                        {"s4_with_offsets", s4_with_offsets},
                        {"absmax_cut_anywhere", absmax_cut_anywhere},
                        {"range_extends_what_it_is_given", range_extends_what_it_is_given},
                        {"range_of_negative_zeros_is_positive_zero", range_of_negative_zeros_is_positive_zero},
                        {"range_without_a_number_stays_empty", range_without_a_number_stays_empty},
                        {"least_error_scale_is_the_best_candidate_of_each_channel",
                         least_error_scale_is_the_best_candidate_of_each_channel},
                        {"error_adds_pairwise", error_adds_pairwise},
                        {"float16_with_offsets", float16_with_offsets},
                        {"nothing_to_do_touches_nothing", nothing_to_do_touches_nothing},
                        {"parameters_on_odd_addresses", parameters_on_odd_addresses},
#ifdef NARROW_X86_64
                        {"bytes_whatever_the_invalid_flag_does", bytes_whatever_the_invalid_flag_does}
#endif
                       });
}
