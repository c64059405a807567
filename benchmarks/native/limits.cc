// The kernels beside loops of plain intrinsics, without tails or contracts, over the same memory in the same run.
//
//   narrow_limits [--rounds N] [--isa NAME] [--kernel PART] [--size N]...
//
// The loops are those of the file that NARROW_LIMITS named when this was configured. In each round a loop and its
// kernel take turns, so that both meet the same machine. "best" is the ratio of the best rounds, "median" the median
// over the rounds of the ratio within one. Exits with 1 where neither reaches --bar (0.95).
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#define main limits_main
#include NARROW_LIMITS
#undef main

#include "kernel_table.h"
#include "narrow/kernels.h"

namespace {

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
      {"s8", #isa, [](const Memory& m) { s8_##isa(m.x, static_cast<int8_t*>(m.y), m.n); }, s8},                        \
      {"s8 [-127, 127]", #isa, [](const Memory& m) { s8_##isa(m.x, static_cast<int8_t*>(m.y), m.n); }, s8_of_weights}, \
      {"u8", #isa, [](const Memory& m) { s8_##isa(m.x, static_cast<int8_t*>(m.y), m.n); }, u8}, {                      \
    "f16", #isa, [](const Memory& m) { f16_##isa(m.x, static_cast<uint16_t*>(m.y), m.n); }, f16                        \
  }
const Case kCases[] = {LOOPS(avx2), LOOPS(avx512)};

double seconds(Work work, const Memory& m) {
  const size_t calls = std::max<size_t>(1, (size_t{1} << 23) / m.n);
  const auto start = std::chrono::steady_clock::now();
  for (size_t i = 0; i < calls; i++) {
    work(m);
    asm volatile("" ::: "memory");
  }
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / static_cast<double>(calls);
}

bool measure(const Case& c, const Memory& m, int rounds, double bar) {
  double loop = 1e9, kernel = 1e9;
  std::vector<double> ratios;
  seconds(c.kernel, m);
  for (int r = 0; r < rounds; r++) {
    const double first = seconds(r % 2 == 0 ? c.loop : c.kernel, m),
                 second = seconds(r % 2 == 0 ? c.kernel : c.loop, m);
    const double a = r % 2 == 0 ? first : second, b = r % 2 == 0 ? second : first;
    loop = std::min(loop, a);
    kernel = std::min(kernel, b);
    ratios.push_back(a / b);
  }
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
  int rounds = 31;
  double bar = 0.95;
  std::string isa, kernel;
  std::vector<size_t> sizes;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    if (name == "--rounds") rounds = std::max(1, std::atoi(argv[i + 1]));
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
            std::string(c.name).find(kernel) != std::string::npos)
          reached &= measure(c, m, rounds, bar);
    }
    std::free(m.x);
    std::free(m.y);
  }
  return reached ? 0 : 1;
}
