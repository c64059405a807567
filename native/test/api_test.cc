// The public functions: what they return, where their offsets point, which instruction set they use.
#include <algorithm>
#include <cmath>
#include <limits>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "channels.h"
#include "harness.h"
#include "kernel_table.h"
#include "narrow/kernels.h"

namespace {

using harness::every_isa;
using harness::float_of;
using harness::Random;

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

// The ends are looked for among the bits, where the sign makes a difference.
void range_of_one_sign() {
  every_isa([](const char* isa) {
    for (const float sign : {1.0f, -1.0f}) {
      std::vector<float> x;
      for (int i = 0; i < 100; i++) x.push_back(sign * static_cast<float>(100 + i * 37 % 100));
      for (int64_t n : {1, 7, 64, 100}) {
        float min_max[] = {INFINITY, -INFINITY};
        int64_t counts[] = {0, 0};
        narrow_f32_range(x.data(), 0, n, min_max, counts);
        EXPECT(min_max[0] == *std::min_element(x.begin(), x.begin() + n));
        EXPECT(min_max[1] == *std::max_element(x.begin(), x.begin() + n));
      }
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
    const int64_t channels = 31, inner = 45;  // of 31 some move, whatever the seed
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
      float least = INFINITY;
      for (int32_t k = 0; k < 40 && c != 3; k++) {
        const float scale = scales[static_cast<size_t>(c + 1)] * (1.0f - static_cast<float>(k) * 0.001f);
        float partial[16] = {};  // In doubles near ties would come out otherwise.
        for (int64_t i = 0; i < inner; i++) {
          const float v = x[static_cast<size_t>(2 + c * inner + i)];
          const float e = v - std::fmin(std::fmax(std::nearbyint(v * (1.0f / scale)), -127.0f), 127.0f) * scale;
          partial[i % 16] += e * e;
        }
        float four[4];
        for (int i = 0; i < 4; i++) four[i] = (partial[i] + partial[i + 8]) + (partial[i + 4] + partial[i + 12]);
        const float error = (four[0] + four[2]) + (four[1] + four[3]);
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

// Of codes of any length and place: as of the floats that they stand for.
void difference_of_codes() {
  every_isa([](const char* isa) {
    Random random(29);
    for (int64_t n : {1, 16, 2047, 2048, 2049, 7000}) {
      std::vector<float> x, y;
      std::vector<int16_t> codes;
      for (int64_t i = 0; i < n + 3; i++) {
        x.push_back(static_cast<float>(random.below(1 << 16)) * 0.01f - 300.0f);
        codes.push_back(static_cast<int16_t>(random.below(1 << 16) - (1 << 15)));
        y.push_back(static_cast<float>(codes.back() - 7) * 0.0125f);
      }
      double sums[2][6] = {{1, 2, 3, 4, 500, 6}, {1, 2, 3, 4, 500, 6}};
      narrow_f32_difference(x.data(), 3, y.data(), 1, n, -100.0f, 200.0f, sums[0]);
      narrow_f32_s16_difference(x.data(), 3, codes.data(), 1, n, 0.0125f, 7, -100.0f, 200.0f, sums[1]);
      EXPECT(std::memcmp(sums[0], sums[1], sizeof sums[0]) == 0);
      double signal = 1, difference = 4, largest = 500, outside = 6, two[] = {1.0, 3.0};
      for (int64_t i = 0; i < n; i++) {
        const double a = x[static_cast<size_t>(i + 3)], d = a - y[static_cast<size_t>(i + 1)];
        signal += a * a;
        difference += d;
        largest = std::fmax(largest, std::fabs(d));
        outside += a < -100.0 || a > 200.0;
      }
      narrow_f32_error(x.data(), 3, y.data(), 1, n, two);
      EXPECT(sums[0][0] == two[0] && sums[0][2] == two[1]);
      EXPECT(std::fabs(sums[0][0] - signal) <= 1e-12 * signal);
      EXPECT(std::fabs(sums[0][3] - difference) <= 1e-9 * std::fabs(difference));
      EXPECT(sums[0][4] == largest && sums[0][5] == outside);
    }
    const int8_t s8[] = {-128, 127};
    const uint8_t u8[] = {0, 255};
    const float ends[] = {-12.8f, 12.7f}, odd[] = {NAN, INFINITY};
    double sums[2][6] = {};
    narrow_f32_s8_difference(ends, 0, s8, 0, 2, 0.1f, 0, -12.85f, 12.75f, sums[0]);
    narrow_f32_u8_difference(ends, 0, u8, 0, 2, 0.1f, 128, -12.85f, 12.75f, sums[0]);
    EXPECT(sums[0][2] < 1e-11 && sums[0][4] < 1e-5 && sums[0][5] == 0);
    const uint8_t s4[] = {0x78};
    const float nibbles[] = {-0.8f, 0.7f};
    narrow_f32_s4_difference(nibbles, 0, s4, 0, 2, 0.1f, 0, -0.85f, 0.75f, sums[0]);
    EXPECT(sums[0][2] < 1e-11 && sums[0][4] < 1e-5 && sums[0][5] == 0);
    narrow_f32_s8_difference(odd, 0, s8, 0, 2, 0.1f, 0, -12.85f, 12.75f, sums[1]);
    const uint64_t quiet_nan = 0x7ff8000000000000;
    for (int k : {0, 2, 3}) EXPECT(std::memcmp(&sums[1][k], &quiet_nan, sizeof quiet_nan) == 0);
    EXPECT(std::isinf(sums[1][4]) && sums[1][5] == 1);
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
    narrow_f32_to_bf16(x, 1, 7, y, 2);
    const uint16_t bfloats[10] = {0, 0, 0x3f80, 0xc000, 0x4789, 0xff80, 0x7fc0, 0x4780, 0x4780, 0};
    EXPECT(std::memcmp(y, bfloats, sizeof y) == 0);
    narrow_bf16_to_f32(y, 2, 2, back, 1);
    EXPECT(back[0] == 0.0f && back[1] == 1.0f && back[2] == -2.0f && back[3] == 0.0f);
  });
}

template <class Convert>
void expect_same_streamed(const char* isa, size_t bytes, Convert convert) {
  for (size_t past = 0; past < 70; past++) {
    std::vector<char> cached(bytes + 200, 7), streamed = cached;
    convert(cached.data() + past);
    narrow_streaming_use(1);
    convert(streamed.data() + past);
    narrow_streaming_use(INT64_MAX);
    EXPECT(cached == streamed);
  }
}

void streaming_changes_no_byte() {
  every_isa([](const char* isa) {
    EXPECT(narrow_streaming_use(INT64_MAX) == INT64_MAX);
    Random random(31);
    for (const int64_t n : {0, 1, 40, 200, 17000}) {
      std::vector<float> x;
      for (int64_t i = 0; i < n; i++) x.push_back(float_of(random.bits()));
      const void* bits = x.data();
      const size_t size = static_cast<size_t>(n);
      expect_same_streamed(isa, size, [&](void* y) {
        narrow_f32_to_s8(x.data(), 0, n, 40.0f, 3, -128, 127, static_cast<int8_t*>(y), 0);
      });
      expect_same_streamed(
          isa, size, [&](void* y) { narrow_f32_to_u8(x.data(), 0, n, 40.0f, 3, 0, 255, static_cast<uint8_t*>(y), 0); });
      expect_same_streamed(isa, 2 * size,
                           [&](void* y) { narrow_f32_to_f16(x.data(), 0, n, static_cast<uint16_t*>(y), 0); });
      expect_same_streamed(isa, 4 * size, [&](void* y) {
        narrow_s8_to_f32(static_cast<const int8_t*>(bits), 0, n, 0.1f, 3, static_cast<float*>(y), 0);
      });
      expect_same_streamed(isa, 4 * size, [&](void* y) {
        narrow_u8_to_f32(static_cast<const uint8_t*>(bits), 0, n, 0.1f, 3, static_cast<float*>(y), 0);
      });
      expect_same_streamed(isa, 4 * size, [&](void* y) {
        narrow_f16_to_f32(static_cast<const uint16_t*>(bits), 0, n, static_cast<float*>(y), 0);
      });
    }
  });
}

void nothing_to_do_touches_nothing() {
  every_isa([](const char* isa) {
    double sums[] = {-0.0, NAN};
    const double before[] = {sums[0], sums[1]};
    narrow_f32_error(nullptr, 0, nullptr, 0, 0, sums);
    narrow_f32_difference(nullptr, 0, nullptr, 0, 0, 0.0f, 0.0f, sums);
    narrow_f32_s8_difference(nullptr, 0, nullptr, 0, 0, 1.0f, 0, 0.0f, 0.0f, sums);
    EXPECT(std::memcmp(sums, before, sizeof sums) == 0);
    narrow_f32_range(nullptr, 0, 0, nullptr, nullptr);
    narrow_f32_absmax(nullptr, 0, 0, 0, 0, 0, nullptr);
    int64_t counts[] = {3, 4};
    narrow_f32_range_per_channel(nullptr, 0, 0, 0, 0, 0, nullptr, nullptr, counts);
    narrow_f32_to_s8_fitted(nullptr, 0, 0, 0, 1, -127, 127, nullptr, nullptr, 0, counts, nullptr, 0);
    EXPECT(counts[0] == 3 && counts[1] == 4);
    narrow_f32_to_s8(nullptr, 0, 0, 1.0f, 0, -128, 127, nullptr, 0);
    narrow_f32_to_s4(nullptr, 0, 0, 1.0f, 0, -8, 7, nullptr, 0);
    narrow_f32_to_s8_per_channel(nullptr, 0, 0, 0, 0, 0, nullptr, nullptr, -128, 127, nullptr, 0);
    narrow_s16_to_f32_per_channel(nullptr, 0, 0, 0, 0, 0, nullptr, nullptr, nullptr, 0);
    EXPECT(narrow_f32_to_f16_saturated(nullptr, 0, 0, nullptr, 0) == 0);
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
// The fast loops trust the invalid flag: it may be up already, or never come up (valgrind).
template <class Q, class Quantize>
void expect_same_whatever_the_flag(const char* isa, Quantize quantize) {
  for (const bool flagged : {narrow::invalid_is_flagged(), false}) {
    const bool before = narrow::invalid_flagged.exchange(flagged);
    std::vector<float> x(40000, 1.0f);
    x[39999] = x[17000] = NAN;
    x[17001] = 3e38f;
    x[17002] = -3e38f;
    std::vector<Q> y(x.size()), expected(x.size(), 5);
    expected[39999] = expected[17000] = 4;
    expected[17001] = std::numeric_limits<Q>::max();
    expected[17002] = std::numeric_limits<Q>::min();
    for (int stale = 0; stale < 2; stale++) {
      const unsigned state = (_mm_getcsr() & ~static_cast<unsigned>(_MM_EXCEPT_INVALID)) | (stale ? 1u : 0u);
      _mm_setcsr(state);
      quantize(x.data(), y.data());
      EXPECT(y == expected);
      EXPECT((_mm_getcsr() & ~0x3fu) == (state & ~0x3fu));
    }
    narrow::invalid_flagged.store(before);
  }
}

const narrow::RangeKernel kEitherWay[] = {&narrow::KernelTable::f32_range, &narrow::KernelTable::f32_range_flagged};

// A range found by the flag, forced by name as the other way is: stale flags, none at all (valgrind), a NaN or an
// infinity anywhere in blocks of 65536, and nothing else of the control word changed.
void range_either_way_whatever_the_invalid_flag_does() {
  const size_t n = 2 * 65536 + 70;
  const size_t places[] = {0, 1, 63, 64, 65535, 65536, 65536 + 64, 131071, 131072, n - 7, n - 1};
  every_isa([&](const char* isa) {
    const narrow::RangeKernel* usual = narrow::range_in_use.load();
    const bool flagged = narrow::invalid_is_flagged();
    for (const narrow::RangeKernel& way : kEitherWay)
      for (const bool trusted : {flagged, false})
        for (const float odd : {NAN, -NAN, INFINITY, -INFINITY, 1e-42f, -1e-42f})
          for (const size_t place : places) {
            std::vector<float> storage(n + 1, 0x1p-140f);
            float* x = storage.data() + place % 2;  // aligned and not
            x[place] = odd;
            x[(place + 40000) % n] = 3.0f;
            narrow::range_in_use.store(&way);
            narrow::invalid_flagged.store(trusted);
            for (const unsigned stale : {0u, 1u}) {
              const unsigned state = (_mm_getcsr() & ~0x3fu) | stale;
              _mm_setcsr(state);
              float ends[] = {INFINITY, -INFINITY};
              int64_t counts[] = {0, 0};
              narrow_f32_range(x, 0, static_cast<int64_t>(n), ends, counts);
              EXPECT((_mm_getcsr() & ~0x3fu) == (state & ~0x3fu));
              EXPECT(ends[0] == (std::isfinite(odd) ? std::min(odd, 0x1p-140f) : 0x1p-140f));
              EXPECT(ends[1] == 3.0f);
              EXPECT(counts[0] == std::isnan(odd) && counts[1] == std::isinf(odd));
            }
          }
    narrow::range_in_use.store(usual);
    narrow::invalid_flagged.store(flagged);
  });
}

// The same of columns and of what is the largest in each: a few rows, and more than are looked at together.
void columns_whatever_the_invalid_flag_does(int64_t rows) {
  const int64_t columns = 600 + 13, n = rows * columns;
  every_isa([&](const char* isa) {
    const bool flagged = narrow::invalid_is_flagged();
    for (const bool trusted : {flagged, false})
      for (const unsigned stale : {0u, 1u})
        for (const float odd : {NAN, INFINITY, -INFINITY, -5.0f})
          for (const int64_t column : {int64_t{0}, int64_t{63}, int64_t{607}, columns - 1})
            for (const int64_t row : {int64_t{0}, rows / 2, rows - 1}) {
              std::vector<float> x(static_cast<size_t>(n), 0.5f);
              x[static_cast<size_t>(row * columns + column)] = odd;
              x[static_cast<size_t>(column)] = row == 0 ? odd : -2.0f;
              std::vector<float> min(static_cast<size_t>(columns), INFINITY), max(min.size(), -INFINITY),
                  most(min.size(), 0.0f), least(min.size(), 0.5f), largest = least, magnitudes = least;
              const size_t c = static_cast<size_t>(column);
              if (row > 0) least[c] = -2.0f;
              if (odd == -5.0f) least[c] = -5.0f;
              magnitudes[c] = std::isnan(odd) ? NAN : std::fabs(odd);
              narrow::invalid_flagged.store(trusted);
              _mm_setcsr((_mm_getcsr() & ~0x3fu) | stale);
              int64_t counts[] = {1, 2};
              narrow_f32_range_per_channel(x.data(), 0, n, 0, columns, 1, min.data(), max.data(), counts);
              _mm_setcsr((_mm_getcsr() & ~0x3fu) | stale);
              narrow_f32_absmax(x.data(), 0, n, 0, columns, 1, most.data());
              EXPECT(min == least && max == largest);
              EXPECT(counts[0] == 1 + std::isnan(odd) && counts[1] == 2 + std::isinf(odd));
              EXPECT(std::memcmp(most.data(), magnitudes.data(), most.size() * sizeof(float)) == 0);
            }
    narrow::invalid_flagged.store(flagged);
  });
}
void columns_whatever_the_invalid_flag_does() {
  for (const int64_t rows : {3, 4, 5, 67, 131}) columns_whatever_the_invalid_flag_does(rows);
}

void integers_whatever_the_invalid_flag_does() {
  every_isa([](const char* isa) {
    const int64_t n = 40000;
    expect_same_whatever_the_flag<int8_t>(
        isa, [](const float* x, int8_t* y) { narrow_f32_to_s8(x, 0, n, 1.0f, 4, -128, 127, y, 0); });
    expect_same_whatever_the_flag<uint8_t>(
        isa, [](const float* x, uint8_t* y) { narrow_f32_to_u8(x, 0, n, 1.0f, 4, 0, 255, y, 0); });
    expect_same_whatever_the_flag<int16_t>(
        isa, [](const float* x, int16_t* y) { narrow_f32_to_s16(x, 0, n, 1.0f, 4, -32768, 32767, y, 0); });
    const std::vector<float> scales(40000, 1.0f);
    const std::vector<int32_t> zero_points(40000, 4);
    expect_same_whatever_the_flag<int8_t>(isa, [&](const float* x, int8_t* y) {
      narrow_f32_to_s8_per_channel(x, 0, n, 0, n, 1, scales.data(), zero_points.data(), -128, 127, y, 0);
    });
  });
}
#endif

}  // namespace

int main(int argc, char** argv) {
  return harness::main(
      argc, argv,
      {{"isa_use_refuses_what_there_is_not", isa_use_refuses_what_there_is_not},
       {"range_extends_what_it_is_given", range_extends_what_it_is_given},
       {"range_of_negative_zeros_is_positive_zero", range_of_negative_zeros_is_positive_zero},
       {"range_of_one_sign", range_of_one_sign},
       {"range_without_a_number_stays_empty", range_without_a_number_stays_empty},
       {"least_error_scale_is_the_best_candidate_of_each_channel",
        least_error_scale_is_the_best_candidate_of_each_channel},
       {"error_adds_pairwise", error_adds_pairwise},
       {"difference_of_codes", difference_of_codes},
       {"float16_with_offsets", float16_with_offsets},
       {"streaming_changes_no_byte", streaming_changes_no_byte},
       {"nothing_to_do_touches_nothing", nothing_to_do_touches_nothing},
#ifdef NARROW_X86_64
       {"range_either_way_whatever_the_invalid_flag_does", range_either_way_whatever_the_invalid_flag_does},
       {"columns_whatever_the_invalid_flag_does", columns_whatever_the_invalid_flag_does},
       {"integers_whatever_the_invalid_flag_does", integers_whatever_the_invalid_flag_does}
#endif
      });
}
