// The kernels beside loops of plain intrinsics, without tails or contracts, over the same memory in the same run.
//
//   narrow_limits [--rounds N] [--isa NAME] [--kernel PART] [--size N]... [--turns N]
//
// The loops are those of the file that NARROW_LIMITS named when this was configured. In each round a loop and its
// kernel take turns, so that both meet the same machine; with --turns every N elements, because what others leave of
// the memory's bandwidth changes within milliseconds. "best" is the ratio of the best rounds (of each piece), "median"
// the median over the rounds of the ratio within one. Exits with 1 where neither reaches --bar (0.95).
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <numeric>
#include <string>
#include <vector>

#define main limits_main
#include NARROW_LIMITS
#undef main

#include "kernel_table.h"
#include "narrow/kernels.h"

namespace {

// Loops of the same kind for what the file has none for. Rows of 1024, four at a time.
constexpr size_t kRow = 1024;
#define NARROW_LOOPS(isa, attribute, V, lanes, load, store, min, max, magnitude)                 \
  attribute void absmax_##isa(const float* x, size_t n, float* out) {                            \
    V most[4] = {load(x), load(x), load(x), load(x)};                                            \
    for (size_t i = 0; i + 4 * lanes <= n; i += 4 * lanes)                                       \
      for (size_t k = 0; k < 4; k++) most[k] = max(magnitude(load(x + i + k * lanes)), most[k]); \
    store(out, max(max(most[0], most[1]), max(most[2], most[3])));                               \
  }                                                                                              \
  attribute void range_rows_##isa(const float* x, size_t n, float* out) {                        \
    for (const float* end = x + n; x < end; x += 4 * kRow)                                       \
      for (size_t i = 0; i < kRow; i += lanes) {                                                 \
        V lo = load(out + i), hi = load(out + kRow + i);                                         \
        for (size_t r = 0; r < 4; r++) {                                                         \
          const V v = load(x + r * kRow + i);                                                    \
          lo = min(v, lo), hi = max(v, hi);                                                      \
        }                                                                                        \
        store(out + i, lo), store(out + kRow + i, hi);                                           \
      }                                                                                          \
  }                                                                                              \
  attribute void absmax_rows_##isa(const float* x, size_t n, float* out) {                       \
    for (const float* end = x + n; x < end; x += 4 * kRow)                                       \
      for (size_t i = 0; i < kRow; i += lanes) {                                                 \
        V most = load(out + i);                                                                  \
        for (size_t r = 0; r < 4; r++) most = max(magnitude(load(x + r * kRow + i)), most);      \
        store(out + i, most);                                                                    \
      }                                                                                          \
  }
#define MAGNITUDE_256(v) _mm256_and_ps(v, _mm256_castsi256_ps(_mm256_set1_epi32(0x7fffffff)))
#define MAGNITUDE_512(v) _mm512_abs_ps(v)
NARROW_LOOPS(avx2, AVX2, __m256, 8, _mm256_loadu_ps, _mm256_storeu_ps, _mm256_min_ps, _mm256_max_ps, MAGNITUDE_256)
NARROW_LOOPS(avx512, AVX512, __m512, 16, _mm512_loadu_ps, _mm512_storeu_ps, _mm512_min_ps, _mm512_max_ps, MAGNITUDE_512)

// What both work on: limits.cpp scales by 40 and adds 3.
struct Memory {
  float* x;
  void* y;
  size_t n;
};

using Work = void (*)(const Memory& m);

// The function without contract, and what the library does instead.
struct Case {
  const char *name, *isa;
  Work loop, kernel;
};

float ends[2];
int64_t counts[2];

void range(const Memory& m) {
  ends[0] = INFINITY;
  ends[1] = -INFINITY;
  narrow_f32_range(m.x, 0, static_cast<int64_t>(m.n), ends, counts);
}
void absmax(const Memory& m) {
  float most = 0;
  narrow_f32_absmax(m.x, 0, static_cast<int64_t>(m.n), 0, 1, 1, &most);
}
float* rows_of(const Memory& m) { return static_cast<float*>(m.y); }
void range_rows(const Memory& m) {
  narrow_f32_range_per_channel(m.x, 0, static_cast<int64_t>(m.n), 0, kRow, 1, rows_of(m), rows_of(m) + kRow, counts);
}
void absmax_rows(const Memory& m) { narrow_f32_absmax(m.x, 0, static_cast<int64_t>(m.n), 0, kRow, 1, rows_of(m)); }
void s8(const Memory& m) {
  narrow_f32_to_s8(m.x, 0, static_cast<int64_t>(m.n), 40.0f, 3, -128, 127, static_cast<int8_t*>(m.y), 0);
}
void s8_of_weights(const Memory& m) {
  narrow_f32_to_s8(m.x, 0, static_cast<int64_t>(m.n), 40.0f, 0, -127, 127, static_cast<int8_t*>(m.y), 0);
}
void u8(const Memory& m) {
  narrow_f32_to_u8(m.x, 0, static_cast<int64_t>(m.n), 40.0f, 3, 0, 255, static_cast<uint8_t*>(m.y), 0);
}
void f16(const Memory& m) { narrow_f32_to_f16(m.x, 0, static_cast<int64_t>(m.n), static_cast<uint16_t*>(m.y), 0); }

#define LOOPS(isa)                                                                                                     \
  {"range", #isa, [](const Memory& m) { range_##isa(m.x, m.n, ends); }, range},                                        \
      {"range, rows", #isa, [](const Memory& m) { range_rows_##isa(m.x, m.n, rows_of(m)); }, range_rows},              \
      {"absmax", #isa, [](const Memory& m) { absmax_##isa(m.x, m.n, rows_of(m)); }, absmax},                           \
      {"absmax, rows", #isa, [](const Memory& m) { absmax_rows_##isa(m.x, m.n, rows_of(m)); }, absmax_rows},           \
      {"s8", #isa, [](const Memory& m) { s8_##isa(m.x, static_cast<int8_t*>(m.y), m.n); }, s8},                        \
      {"s8 [-127, 127]", #isa, [](const Memory& m) { s8_##isa(m.x, static_cast<int8_t*>(m.y), m.n); }, s8_of_weights}, \
      {"u8", #isa, [](const Memory& m) { s8_##isa(m.x, static_cast<int8_t*>(m.y), m.n); }, u8}, {                      \
    "f16", #isa, [](const Memory& m) { f16_##isa(m.x, static_cast<uint16_t*>(m.y), m.n); }, f16                        \
  }
const Case kCases[] = {LOOPS(avx2), LOOPS(avx512)};

double seconds(Work work, const Memory& m, size_t calls) {
  const auto start = std::chrono::steady_clock::now();
  for (size_t i = 0; i < calls; i++) {
    work(m);
    asm volatile("" ::: "memory");
  }
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / static_cast<double>(calls);
}

// Seconds of the loop and of the kernel, for each piece of the memory.
using Seconds = std::array<std::vector<double>, 2>;

// One piece after the other: the loop does the even ones, the kernel the odd ones, and at the end they change.
Seconds both(const Case& c, const Memory& m, size_t piece, size_t round) {
  const size_t pieces = m.n / piece, calls = std::max<size_t>(1, (size_t{1} << 23) / m.n);
  Seconds took = {std::vector<double>(pieces), std::vector<double>(pieces)};
  for (size_t pass = 0; pass < 2; pass++)
    for (size_t i = 0; i < pieces; i++) {
      const size_t which = (i + pass + round) % 2;
      const Memory part = {m.x + i * piece, static_cast<char*>(m.y) + 2 * i * piece, piece};
      took[which][i] = seconds(which == 0 ? c.loop : c.kernel, part, calls);
    }
  return took;
}

double sum(const std::vector<double>& values) { return std::accumulate(values.begin(), values.end(), 0.0); }

bool measure(const Case& c, const Memory& m, size_t piece, size_t rounds, double bar) {
  std::vector<double> ratios;
  seconds(c.kernel, m, 1);
  Seconds shortest = both(c, m, piece, 0);
  for (size_t r = 0; r < rounds; r++) {
    const Seconds took = both(c, m, piece, r);
    ratios.push_back(sum(took[0]) / sum(took[1]));
    for (size_t which = 0; which < 2; which++)
      for (size_t i = 0; i < took[which].size(); i++) shortest[which][i] = std::min(shortest[which][i], took[which][i]);
  }
  const double loop = sum(shortest[0]), kernel = sum(shortest[1]);
  std::sort(ratios.begin(), ratios.end());
  const double best = loop / kernel, median = ratios[ratios.size() / 2], size = static_cast<double>(m.n) * 1e-9;
  const bool reached = std::max(best, median) >= bar;
  std::printf("%-16s %-7s %9zu %9.2f %9.2f %7.3f %7.3f%s\n", c.name, c.isa, m.n, size / loop, size / kernel, best,
              median, reached ? "" : "  below");
  std::fflush(stdout);
  return reached;
}

}  // namespace

int main(int argc, char** argv) {
  size_t rounds = 31;
  size_t piece = SIZE_MAX;
  double bar = 0.95;
  std::string isa, kernel;
  std::vector<size_t> sizes;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    if (name == "--rounds") rounds = static_cast<size_t>(std::max(1, std::atoi(argv[i + 1])));
    if (name == "--turns") piece = static_cast<size_t>(std::max(1LL, std::atoll(argv[i + 1])));
    if (name == "--bar") bar = std::atof(argv[i + 1]);
    if (name == "--isa") isa = argv[i + 1];
    if (name == "--kernel") kernel = argv[i + 1];
    if (name == "--size") sizes.push_back(static_cast<size_t>(std::atoll(argv[i + 1])));
  }
  if (sizes.empty()) sizes = {1 << 12, 1 << 16, 1 << 20, 1 << 26};
  std::printf("%-16s %-7s %9s %9s %9s %7s %7s\n", "", "", "elements", "loop G/s", "Narrow", "best", "median");
  bool reached = true;
  for (const size_t n : sizes) {
    Memory m = {static_cast<float*>(std::aligned_alloc(64, n * 4)), std::aligned_alloc(64, n * 4), n};
    for (size_t i = 0; i < n; i++) m.x[i] = static_cast<float>(std::rand()) / static_cast<float>(RAND_MAX) * 6 - 3;
    std::memset(m.y, 1, n * 4);
    for (int32_t k = 0; k < narrow_isa_count(); k++) {
      narrow_isa_use(k);
      for (const Case& c : kCases)
        if (std::string(c.isa) == narrow_isa_name(k) && (isa.empty() || isa == c.isa) &&
            std::string(c.name).find(kernel) != std::string::npos &&
            (std::min(piece, n) % (4 * kRow) == 0 || std::string(c.name).find("rows") == std::string::npos))
          reached &= measure(c, m, std::min(piece, n), rounds, bar);
    }
    std::free(m.x);
    std::free(m.y);
  }
  return reached ? 0 : 1;
}
