// How fast every kernel is on every instruction set of this machine, beside the machine's own memcpy of the same size.
//
//   narrow_bench [--kernel PART] [--isa NAME] [--size N]... [--offset BYTES] [--repetitions N] [--json]
//
// Rates are the best of several repetitions: on a shared machine everything else is somebody else's work. Bytes are
// those that a kernel reads and writes; "of copy" is their rate as a share of memcpy's, which counts both as well.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include "kernel_table.h"
#include "narrow/kernels.h"

namespace {

using narrow::Affine;
using narrow::AffineEach;
using narrow::Intervals;
using narrow::KernelTable;
using narrow::Limits;
using narrow::Products;
using narrow::Range;
using narrow::Rounding;

constexpr int64_t kRow = 1024;  // kernels with parameters per element run over rows of this length

// On a cache line boundary, plus --offset bytes.
class Bytes {
 public:
  Bytes(int64_t n, int64_t offset) : bytes_(static_cast<size_t>(n + offset) + 64) {
    const size_t past = reinterpret_cast<uintptr_t>(bytes_.data()) % 64;
    data_ = bytes_.data() + (64 - past) % 64 + offset;
  }
  template <class T>
  T* as() const {
    return reinterpret_cast<T*>(data_);
  }

 private:
  std::vector<char> bytes_;
  char* data_;
};

struct Memory {
  Bytes in, out, scales, zero_points;
  float *x, *y;
  Memory(int64_t n, int64_t offset)
      : in(4 * n, offset),
        out(4 * n, offset),
        scales(4 * kRow, offset),
        zero_points(4 * kRow, offset),
        x(in.as<float>()),
        y(out.as<float>()) {
    uint32_t state = 1;
    for (int64_t i = 0; i < n; i++) {
      state = state * 1664525 + 1013904223;
      x[i] = y[i] = static_cast<float>(state >> 8) * (6.0f / 16777216.0f) - 3.0f;
    }
    for (int64_t i = 0; i < kRow; i++) {
      scales.as<float>()[i] = 40.0f;
      zero_points.as<int32_t>()[i] = 3;
    }
  }
};

// Keeps the compiler from dropping what nobody reads.
volatile double sink;

// One run of a kernel over n elements, by the form of its parameters; returns the bytes an element moves. A kernel of a
// new form does not compile until it is added here.
double run(void (*f)(const float*, int64_t, Range*), Memory& m, int64_t n) {
  Range range = {3e38f, -3e38f, 0, 0};
  f(m.x, n, &range);
  sink = static_cast<double>(range.min);
  return 4;
}
double run(uint32_t (*f)(const float*, int64_t), Memory& m, int64_t n) {
  sink = f(m.x, n);
  return 4;
}
double run(float (*f)(const float*, int64_t, Rounding), Memory& m, int64_t n) {
  sink = static_cast<double>(f(m.x, n, Rounding{40.0f, 0.025f, 127.0f}));
  return 4;
}
double run(void (*f)(const float*, int64_t, int64_t, Intervals, uint8_t*, float*, int32_t*), Memory& m, int64_t n) {
  static float ends[4 * 65536];
  static int32_t sums[65536];
  const int64_t rows = std::min<int64_t>(n / kRow, 65536);
  f(m.x, rows, kRow, {m.scales.as<float>(), 7}, reinterpret_cast<uint8_t*>(m.y), ends, sums);
  return 4;
}
double run(int32_t (*f)(const float*, int64_t, int64_t, float*), Memory& m, int64_t n) {
  sink = f(m.x, n / kRow, kRow, m.y);
  return 4;
}
double run(void (*f)(const float*, int64_t, int64_t, float*, float*, int64_t*), Memory& m, int64_t n) {
  int64_t counts[2] = {0, 0};
  f(m.x, n / kRow, kRow, m.y, m.y + kRow, counts);
  return 4;
}
double run(void (*f)(const float*, const float*, int64_t, double*), Memory& m, int64_t n) {
  double partial[32] = {};
  f(m.x, m.y, n, partial);
  sink = partial[0];
  return 8;
}
double run(int64_t (*f)(const float*, const float*, int64_t, Limits, double*), Memory& m, int64_t n) {
  double partial[80] = {};
  sink = static_cast<double>(f(m.x, m.y, n, {-1.0f, 1.0f}, partial));
  return 8;
}
template <class Q>
double run(void (*f)(const float*, int64_t, Affine, Q*), Memory& m, int64_t n) {
  const int32_t lowest = std::numeric_limits<Q>::min(), highest = std::numeric_limits<Q>::max();
  f(m.x, n, Affine{40.0f, sizeof(Q) == 1 ? 3 : 0, lowest, highest}, m.out.as<Q>());
  return 4 + sizeof(Q);
}
template <class Q>
double run(void (*f)(const float*, int64_t, AffineEach, Q*), Memory& m, int64_t n) {
  const AffineEach a = {m.scales.as<float>(), m.zero_points.as<int32_t>(), 0, 127};
  for (int64_t i = 0; i < n; i += kRow) f(m.x + i, kRow, a, m.out.as<Q>() + i);
  return 4 + sizeof(Q);
}
template <class Q>
double run(void (*f)(const Q*, int64_t, float, int32_t, float*), Memory& m, int64_t n) {
  f(m.in.as<Q>(), n, 0.025f, 3, m.y);
  return 4 + sizeof(Q);
}
template <class Q>
double run(void (*f)(const Q*, int64_t, const float*, const int32_t*, float*), Memory& m, int64_t n) {
  for (int64_t i = 0; i < n; i += kRow)
    f(m.in.as<Q>() + i, kRow, m.scales.as<float>(), m.zero_points.as<int32_t>(), m.y + i);
  return 4 + sizeof(Q);
}
double run(void (*f)(const int8_t*, int64_t, uint8_t*), Memory& m, int64_t n) {
  f(m.in.as<int8_t>(), n, m.out.as<uint8_t>());
  return 1.5;
}
double run(void (*f)(const uint8_t*, int64_t, int8_t*), Memory& m, int64_t n) {
  f(m.in.as<uint8_t>(), n, m.out.as<int8_t>());
  return 1.5;
}
double run(void (*f)(const float*, int64_t, uint16_t*), Memory& m, int64_t n) {
  f(m.x, n, m.out.as<uint16_t>());
  return 6;
}
double run(int64_t (*f)(const float*, int64_t, uint16_t*), Memory& m, int64_t n) {
  sink = static_cast<double>(f(m.x, n, m.out.as<uint16_t>()));
  return 6;
}
double run(void (*f)(const uint16_t*, int64_t, float*), Memory& m, int64_t n) {
  f(m.in.as<uint16_t>(), n, m.y);
  return 6;
}

double run(void (*f)(const float*, int64_t, uint8_t*), Memory& m, int64_t n) {
  f(m.x, n, m.out.as<uint8_t>());
  return 5;
}
double run(void (*f)(const uint8_t*, int64_t, float*), Memory& m, int64_t n) {
  f(m.in.as<uint8_t>(), n, m.y);
  return 5;
}

// 64 sums of 64 products for each of so many columns that a quarter of the elements go in and come out.
double run(void (*f)(const double*, const double*, Products, double*), Memory& m, int64_t n) {
  static const std::vector<double> a(64 * 64, 1.0);
  const int64_t columns = n / 256;
  f(a.data(), reinterpret_cast<const double*>(m.x), {64, 1, columns, columns, 64, columns, 64},
    reinterpret_cast<double*>(m.y));
  return 4;
}

struct Case {
  const char* name;
  double (*run)(const KernelTable& table, Memory& m, int64_t n);
};

// Public functions whose work is more than one call of a kernel; `table` is in use when they run.
template <int64_t kChannels, int64_t kInner>
double per_channel(const KernelTable&, Memory& m, int64_t n) {
  const int64_t channels = kChannels > 0 ? kChannels : n / kInner, inner = kInner > 0 ? kInner : n / channels;
  narrow_f32_to_s8_per_channel(m.x, 0, n, 0, channels, inner, m.scales.as<float>(), m.zero_points.as<int32_t>(), -127,
                               127, m.out.as<int8_t>(), 0);
  return 5;
}
template <int64_t kChannels, int64_t kInner>
double absmax(const KernelTable&, Memory& m, int64_t n) {
  const int64_t inner = kInner > 0 ? kInner : n / kChannels;
  narrow_f32_absmax(m.x, 0, n, 0, kChannels, inner, m.y);
  return 4;
}

const Case kCases[] = {
#define NARROW_CASE(name, result, parameters) \
  {#name, [](const KernelTable& table, Memory& m, int64_t n) { return run(table.name, m, n); }},
    NARROW_KERNELS(NARROW_CASE)
#undef NARROW_CASE
        {"narrow_f32_to_s8 [-127, 127]",
         [](const KernelTable&, Memory& m, int64_t n) {
           narrow_f32_to_s8(m.x, 0, n, 40.0f, 0, -127, 127, m.out.as<int8_t>(), 0);
           return 5.0;
         }},
    {"narrow_f32_to_s8_per_channel first of 64", per_channel<64, 0>},
    {"narrow_f32_to_s8_per_channel last of 64", per_channel<64, 1>},
    {"narrow_f32_to_s8_per_channel last of 1000", per_channel<1000, 1>},
    {"narrow_f32_to_s8_per_channel middle 64 x 9", per_channel<64, 9>},
    {"narrow_f32_absmax first of 64", absmax<64, 0>},
    {"narrow_f32_absmax last of 64", absmax<64, 1>},
    {"narrow_f32_absmax last of 1000", absmax<1000, 1>},
    {"narrow_f32_to_s4",
     [](const KernelTable&, Memory& m, int64_t n) {
       narrow_f32_to_s4(m.x, 0, n, 2.0f, 0, -7, 7, m.out.as<uint8_t>(), 0);
       return 4.5;
     }},
    {"narrow_s4_to_f32",
     [](const KernelTable&, Memory& m, int64_t n) {
       narrow_s4_to_f32(m.in.as<uint8_t>(), 0, n, 0.5f, 0, m.y, 0);
       return 4.5;
     }},
};

template <class F>
double best_seconds(int64_t n, int repetitions, F f) {
  const int64_t calls = n < 1 << 24 ? (1 << 24) / n : 1;
  double best = 1e9;
  for (int r = 0; r < repetitions; r++) {
    const auto start = std::chrono::steady_clock::now();
    for (int64_t i = 0; i < calls; i++) f();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    best = took.count() < best ? took.count() : best;
  }
  return best / static_cast<double>(calls);
}

std::string cpu_name() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);)
    if (line.rfind("model name", 0) == 0) return line.substr(line.find(':') + 2);
  return "unknown CPU";
}

struct Options {
  std::string kernel, isa;
  std::vector<int64_t> sizes;
  int64_t offset = 0;
  int repetitions = 9;
  bool json = false;
};

bool parse(int argc, char** argv, Options* options) {
  for (int i = 1; i < argc; i++) {
    const std::string name = argv[i];
    if (name == "--json") {
      options->json = true;
      continue;
    }
    if (i + 1 == argc) return false;
    const char* value = argv[++i];
    if (name == "--kernel") {
      options->kernel = value;
    } else if (name == "--isa") {
      options->isa = value;
    } else if (name == "--size") {
      options->sizes.push_back(std::atoll(value) / kRow * kRow);
      if (options->sizes.back() <= 0) return false;
    } else if (name == "--offset") {
      options->offset = std::atoll(value) & 63;
    } else if (name == "--repetitions") {
      options->repetitions = std::atoi(value);
      if (options->repetitions <= 0) return false;
    } else {
      return false;
    }
  }
  if (options->sizes.empty()) options->sizes = {1 << 12, 1 << 16, 1 << 20, 1 << 26};
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (!parse(argc, argv, &options)) {
    std::fprintf(
        stderr,
        "usage: narrow_bench [--kernel PART] [--isa NAME] [--size N]... [--offset BYTES] [--repetitions N] [--json]\n"
        "N elements are rounded down to a multiple of %d.\n",
        static_cast<int>(kRow));
    return 2;
  }
#ifdef __VERSION__
  const char* compiler = __VERSION__;
#else
  const char* compiler = "unknown compiler";
#endif
  const char* head = options.json ? "{\"cpu\": \"%s\", \"compiler\": \"%s\", \"rows\": [" : "%s, compiler %s\n";
  std::printf(head, cpu_name().c_str(), compiler);
  if (!options.json)
    std::printf("%-44s %-7s %9s %12s %8s %8s\n", "kernel", "isa", "elements", "Gelem/s", "GB/s", "of copy");
  bool ran = false;
  for (const int64_t n : options.sizes) {
    Memory m(n, options.offset);
    const double size = static_cast<double>(n);
    const double copy = 8 * size / best_seconds(n, options.repetitions, [&] {
                          std::memcpy(m.y, m.x, static_cast<size_t>(n) * sizeof(float));
                          sink = static_cast<double>(m.y[0]);
                        });
    for (const Case& c : kCases) {
      if (std::string(c.name).find(options.kernel) == std::string::npos) continue;
      for (int32_t isa = 0; isa < narrow_isa_count(); isa++) {
        const KernelTable& table = *narrow::kernel_table(isa);
        if (!options.isa.empty() && options.isa != table.isa) continue;
        narrow_isa_use(isa);
        double bytes = 0;
        const double seconds = best_seconds(n, options.repetitions, [&] { bytes = c.run(table, m, n); });
        const double elements = size / seconds * 1e-9, gigabytes = bytes * elements, of_copy = gigabytes * 1e9 / copy;
        const char* row = options.json ? "%s{\"kernel\": \"%s\", \"isa\": \"%s\", \"elements\": %lld, "
                                         "\"gelem_per_s\": %.3f, \"gb_per_s\": %.2f, \"of_copy\": %.3f}"
                                       : "%s%-44s %-7s %9lld %12.2f %8.1f %8.2f\n";
        std::printf(row, options.json && ran ? ",\n" : "", c.name, table.isa, static_cast<long long>(n), elements,
                    gigabytes, of_copy);
        std::fflush(stdout);
        ran = true;
      }
    }
  }
  if (options.json) std::printf("]}\n");
  if (!ran) std::fprintf(stderr, "this machine has no such kernel or instruction set\n");
  return ran ? 0 : 2;
}
