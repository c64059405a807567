// Which instruction sets this machine can run, and which one is in use.
#include <math.h>

#include "channels.h"
#include "narrow/kernels.h"

#ifdef NARROW_X86_64
#include <emmintrin.h>
#ifdef _MSC_VER
#include <intrin.h>
#else
#include <cpuid.h>
#endif
#endif

namespace narrow {

// Constant-initialized, and filled on first use, as is `detected`: no static initializer runs when the library is
// loaded.
std::atomic<const KernelTable*> in_use{nullptr};
std::atomic<int64_t> least_streamed{INT64_MAX};
std::atomic<const RangeKernel*> range_in_use{nullptr};
#ifdef NARROW_X86_64
std::atomic<bool> invalid_flagged{false};
bool invalid_is_flagged() { return invalid_flagged.load(std::memory_order_relaxed); }
#endif

namespace {

// Bits of `detected`.
enum : uint32_t { kAvx2 = 1, kAvx512 = 2, kInvalidFlag = 4, kAmd = 8 };

bool all(uint64_t bits, uint64_t wanted) { return (bits & wanted) == wanted; }

#ifdef NARROW_X86_64
struct Cpuid {
  uint32_t eax, ebx, ecx, edx;
};

Cpuid cpuid(uint32_t leaf) {
  Cpuid r = {0, 0, 0, 0};
#ifdef _MSC_VER
  int highest[4], words[4];
  __cpuid(highest, 0);
  if (static_cast<uint32_t>(highest[0]) < leaf) return r;
  __cpuidex(words, static_cast<int>(leaf), 0);
  r = {static_cast<uint32_t>(words[0]), static_cast<uint32_t>(words[1]), static_cast<uint32_t>(words[2]),
       static_cast<uint32_t>(words[3])};
#else
  __get_cpuid_count(leaf, 0, &r.eax, &r.ebx, &r.ecx, &r.edx);
#endif
  return r;
}

// Which register states the operating system saves; call it only where OSXSAVE is set.
uint64_t xcr0() {
#ifdef _MSC_VER
  return _xgetbv(0);
#else
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return static_cast<uint64_t>(high) << 32 | low;
#endif
}

// Conversion, and minimum of a NaN.
bool raises_invalid() {
  const uint32_t state = _mm_getcsr(), flag = _MM_EXCEPT_INVALID;
  _mm_setcsr(state & ~flag);
  volatile float beyond = 3e38f;
  volatile int32_t converted = _mm_cvtss_si32(_mm_set_ss(beyond));
  (void)converted;
  const bool by_conversion = (_mm_getcsr() & flag) != 0;
  _mm_setcsr(state & ~flag);
  volatile float nan = NAN;
  volatile float least = _mm_cvtss_f32(_mm_min_ps(_mm_set1_ps(nan), _mm_set1_ps(1.0f)));
  (void)least;
  const bool by_minimum = (_mm_getcsr() & flag) != 0;
  _mm_setcsr(state);
  return by_conversion && by_minimum;
}

bool is_amd() {
  const Cpuid zero = cpuid(0);
  return zero.ebx == 0x68747541 && zero.edx == 0x69746e65 && zero.ecx == 0x444d4163;  // AuthenticAMD
}

// Raw cpuid rather than __builtin_cpu_supports: the same under every compiler.
uint32_t detect() {
  const Cpuid one = cpuid(1), seven = cpuid(7);
  const uint32_t fma_osxsave_avx_f16c = 1u << 12 | 1u << 27 | 1u << 28 | 1u << 29;
  if (!all(one.ecx, fma_osxsave_avx_f16c)) return 0;
  const uint32_t traits = (raises_invalid() ? kInvalidFlag : 0u) | (is_amd() ? kAmd : 0u);
  const uint64_t saved = xcr0(), ymm = 0x6, zmm = 0xe6;
  if (!all(saved, ymm) || !all(seven.ebx, 1u << 5)) return traits;
  const uint32_t f_dq_bw_vl = 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31;
  return all(saved, zmm) && all(seven.ebx, f_dq_bw_vl) ? traits | kAvx2 | kAvx512 : traits | kAvx2;
}
#else
uint32_t detect() { return 0; }
#endif

struct Candidate {
  const KernelTable* table;
  uint32_t needs;
};

// Slowest first.
const Candidate kCandidates[] = {
    {&kernels_scalar, 0},
#ifdef NARROW_X86_64
    {&kernels_avx2, kAvx2},
    {&kernels_avx512, kAvx512},
#endif
#ifdef NARROW_ARM64
    {&kernels_neon, 0},  // part of the architecture
#endif
};

// Of the ways to find ranges, the first that this machine has the bits for. The table of ports is in native/README.md.
const struct {
  uint32_t needs;
  RangeKernel kernel;
} kRanges[] = {
    {kAmd, &KernelTable::f32_range},
    {kInvalidFlag, &KernelTable::f32_range_flagged},
    {0, &KernelTable::f32_range},
};

std::atomic<uint32_t> detected{~0u};

uint32_t available() {
  uint32_t bits = detected.load(std::memory_order_acquire);
  if (bits != ~0u) return bits;
  bits = detect();
#ifdef NARROW_X86_64
  invalid_flagged.store(all(bits, kInvalidFlag), std::memory_order_relaxed);
#endif
  const auto* range = kRanges;
  while (!all(bits, range->needs)) range++;
  range_in_use.store(&range->kernel, std::memory_order_relaxed);
  detected.store(bits, std::memory_order_release);
  return bits;
}

const KernelTable* fastest() { return kernel_table(kernel_table_count() - 1); }

}  // namespace

const KernelTable* kernel_table(int32_t index) {
  if (index < 0) return nullptr;
  for (const Candidate& c : kCandidates)
    if (all(available(), c.needs) && index-- == 0) return c.table;
  return nullptr;
}

int32_t kernel_table_count() {
  int32_t count = 0;
  for (const Candidate& c : kCandidates) count += all(available(), c.needs);
  return count;
}

const KernelTable& fastest_in_use() {
  const KernelTable *none = nullptr, *best = fastest();
  // Unless a narrow_isa_use came in between.
  return *(in_use.compare_exchange_strong(none, best, std::memory_order_acq_rel) ? best : none);
}

}  // namespace narrow

using narrow::KernelTable;

int32_t narrow_isa_count(void) { return narrow::kernel_table_count(); }

const char* narrow_isa_name(int32_t index) {
  const KernelTable* table = narrow::kernel_table(index);
  return table ? table->isa : nullptr;
}

int32_t narrow_isa_use(int32_t index) {
  const KernelTable* table = narrow::kernel_table(index);
  if (!table) return -1;
  const KernelTable* before = narrow::in_use.exchange(table, std::memory_order_acq_rel);
  if (!before) before = narrow::fastest();
  int32_t i = 0;
  while (narrow::kernel_table(i) != before) i++;
  return i;
}

int64_t narrow_streaming_use(int64_t bytes) {
  return narrow::least_streamed.exchange(bytes, std::memory_order_relaxed);
}
