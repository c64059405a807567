// float32 -> float16, every float there is: each instruction set against the scalar kernel, both ways of overflowing.
// The scalar kernel itself is held against the reference on every 101st float, which kernel_test does for special ones.
#include "harness.h"
#include "kernel_table.h"
#include "reference.h"

namespace {

constexpr uint64_t kFloats = uint64_t{1} << 32, kChunk = 1 << 16;

void check(bool saturated, uint64_t stride) {
  std::vector<float> x(kChunk);
  std::vector<uint16_t> expected(kChunk), got(kChunk);
  const auto convert = [&](const narrow::KernelTable& table, std::vector<uint16_t>& y) -> int64_t {
    if (saturated) return table.f32_to_f16_saturated(x.data(), kChunk, y.data());
    table.f32_to_f16(x.data(), kChunk, y.data());
    return 0;
  };
  for (int32_t isa = 0; isa < narrow::kernel_table_count(); isa++) harness::covered(narrow::kernel_table(isa)->isa);
  for (uint64_t chunk = 0; chunk < kFloats; chunk += kChunk * stride) {
    for (uint64_t i = 0; i < kChunk; i++) {
      const uint32_t bits = static_cast<uint32_t>(chunk + i * stride);
      std::memcpy(&x[i], &bits, sizeof bits);
    }
    const int64_t count = convert(*narrow::kernel_table(0), expected);
    for (uint64_t i = 0; i < kChunk; i += 101) {
      uint16_t y;
      saturated ? static_cast<void>(reference::f32_to_f16_saturated(&x[i], 1, &y))
                : reference::f32_to_f16(&x[i], 1, &y);
      if (y != expected[i])
        harness::fail(harness::format("scalar turns 0x%llx into 0x%x, not 0x%x",
                                      static_cast<unsigned long long>(chunk + i * stride), expected[i], y));
    }
    for (int32_t isa = 1; isa < narrow::kernel_table_count(); isa++) {
      const narrow::KernelTable& table = *narrow::kernel_table(isa);
      const int64_t got_count = convert(table, got);
      if (got_count != count || got != expected)
        harness::fail(harness::format("%s differs from scalar between 0x%llx and 0x%llx", table.isa,
                                      static_cast<unsigned long long>(chunk),
                                      static_cast<unsigned long long>(chunk + (kChunk - 1) * stride)));
    }
  }
}

// A prime number of floats apart, or with "all" every one.
uint64_t stride = 1021;

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && std::string(argv[1]) == "all") {
    stride = 1;
    argc = 1;
  } else if (harness::slow_machine()) {
    stride = 65537;
  }
  return harness::main(
      argc, argv,
      {{"f32_to_f16", [] { check(false, stride); }}, {"f32_to_f16_saturated", [] { check(true, stride); }}});
}
