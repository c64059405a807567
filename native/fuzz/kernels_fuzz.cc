// Every kernel of the list on every instruction set that this machine has, against the scalar reference, with arguments
// that libFuzzer makes up within the contract. Arrays end where the contract says, so that the address sanitizer sees a
// read or write beyond.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <tuple>
#include <type_traits>
#include <vector>

#include "kernel_table.h"

namespace {

using narrow::Affine;
using narrow::AffineEach;
using narrow::Intervals;
using narrow::KernelTable;
using narrow::Limits;
using narrow::Products;
using narrow::Range;
using narrow::Rounding;

constexpr int64_t kLongest = 700;

// What libFuzzer gave, and zeros when it is used up.
class Bytes {
 public:
  Bytes(const uint8_t* data, size_t size) : data_(data), size_(size) {}
  template <class T>
  T take() {
    T value{};
    const size_t n = size_ < sizeof value ? size_ : sizeof value;
    if (n > 0) std::memcpy(&value, data_, n);
    data_ += n;
    size_ -= n;
    return value;
  }
  int32_t between(int32_t low, int32_t high) {
    const int64_t count = int64_t{high} - low + 1;
    return static_cast<int32_t>(low + take<uint32_t>() % count);
  }
  // Positive, with a finite reciprocal.
  float scale() {
    const float value = std::fabs(take<float>());
    return value >= 0x1p-120f && value <= 0x1p120f ? value : 0.0625f;
  }

 private:
  const uint8_t* data_;
  size_t size_;
};

// Memory of exactly so many bytes, `past` bytes behind the start of an allocation.
struct Memory {
  Memory(size_t bytes, size_t past) : all(new char[bytes + past]), data(all.get() + past), size(bytes) {}
  std::unique_ptr<char[]> all;
  char* data;
  size_t size;
};

// The arguments of one call of a kernel, made in the order of its parameters.
struct Arguments {
  Arguments(const char* kernel_name, int32_t first, int32_t last, Bytes& given)
      : name(kernel_name),
        lowest(first),
        highest(last),
        bytes(given),
        in_rows(std::strstr(kernel_name, "_rows") != nullptr),
        rows(in_rows ? given.take<uint8_t>() % 10 : 1),
        n(given.take<uint16_t>() % (kLongest + 1)) {
    if (in_blocks()) n = n / 32 * 32;
  }

  bool in_blocks() const { return std::strstr(name, "_0") != nullptr; }
  // Of what holds several values.
  int64_t packed_bytes() const {
    if (in_blocks()) return n / 32 * (std::strstr(name, "q8_0") ? 34 : 18);
    return std::strstr(name, "s4_") ? (n + 1) / 2 : std::strstr(name, "_b1") ? (n + 7) / 8 : n;
  }

  const char* name;
  int32_t lowest, highest;  // of the integer type in the name
  Bytes& bytes;
  bool in_rows;  // the first of two counts is that of rows
  int64_t rows, n;
  int pointers = 0, counts = 0;
  std::vector<Memory> inputs;
  struct Output {
    Memory memory;
    std::vector<char> before;
    bool sums;  // a NaN is as good as another
  };
  std::vector<Output> outputs;

  template <class T>
  T* input(int64_t count) {
    inputs.emplace_back(static_cast<size_t>(count) * sizeof(T), bytes.take<uint8_t>() % 64 * alignof(T) % 64);
    return reinterpret_cast<T*>(inputs.back().data);
  }

  template <class T>
  T* output(int64_t count) {
    const size_t size = static_cast<size_t>(count) * sizeof(T);
    Memory memory(size, bytes.take<uint8_t>() % 64 * alignof(T) % 64);
    outputs.push_back({std::move(memory), std::vector<char>(size), std::is_same<T, double>::value});
    return reinterpret_cast<T*>(outputs.back().before.data());
  }

  const float* scales() {
    float* values = input<float>(n);
    for (int64_t i = 0; i < n; i++) values[i] = bytes.scale();
    return values;
  }

  const int32_t* zero_points(int32_t low, int32_t high) {
    int32_t* values = input<int32_t>(n);
    for (int64_t i = 0; i < n; i++) values[i] = bytes.between(low, high);
    return values;
  }

  static constexpr int64_t kDoubles = 1024;

  template <class P>
  P make() {
    if constexpr (std::is_same<P, int64_t>::value) {
      return in_rows && counts++ == 0 ? rows : n;
    } else if constexpr (std::is_same<P, float>::value) {
      return bytes.scale();
    } else if constexpr (std::is_same<P, int32_t>::value) {
      return bytes.between(lowest, highest);
    } else if constexpr (std::is_same<P, const int32_t*>::value) {
      return zero_points(lowest, highest);
    } else if constexpr (std::is_same<P, Affine>::value || std::is_same<P, AffineEach>::value) {
      const int32_t low = bytes.between(lowest, highest), high = bytes.between(low, highest);
      if constexpr (std::is_same<P, Affine>::value)
        return {bytes.scale(), bytes.between(low, high), low, high};
      else
        return {scales(), low <= 0 && high >= 0 && bytes.take<uint8_t>() % 2 ? nullptr : zero_points(low, high), low,
                high};
    } else if constexpr (std::is_same<P, Limits>::value) {
      return {-bytes.scale(), bytes.scale()};
    } else if constexpr (std::is_same<P, Rounding>::value) {
      const float scale = bytes.scale();
      return {1 / scale, scale, static_cast<float>(bytes.between(1, 1 << 21))};
    } else if constexpr (std::is_same<P, Intervals>::value) {
      return {scales(), bytes.between(1, 8)};
    } else if constexpr (std::is_same<P, Products>::value) {
      // Within 32 doubles of c, and within what `make` gives for a and b.
      const int64_t columns = bytes.between(1, 32), rows_of_c = bytes.between(0, static_cast<int32_t>(32 / columns));
      return {bytes.between(0, 20), bytes.between(0, 20), columns + bytes.between(0, 3), columns, rows_of_c, columns,
              bytes.between(0, 12)};
    } else if constexpr (std::is_same<P, const double*>::value) {
      double* values = input<double>(kDoubles);
      for (int64_t i = 0; i < kDoubles; i++) values[i] = bytes.take<double>();
      return values;
    } else if constexpr (std::is_const<std::remove_pointer_t<P>>::value) {
      using T = std::remove_const_t<std::remove_pointer_t<P>>;
      // The first pointer is to values of any bits, as is the second of f32_error and f32_difference.
      if (pointers++ > 0 && std::strcmp(name, "f32_error") != 0 && std::strcmp(name, "f32_difference") != 0) {
        if constexpr (std::is_same<T, float>::value) return scales();
      }
      const int64_t count = std::is_same<T, uint8_t>::value ? packed_bytes() : rows * n;
      T* values = input<T>(count);
      for (int64_t i = 0; i < count; i++) values[i] = bytes.take<T>();
      if constexpr (std::is_same<T, float>::value)
        for (int64_t i = 0; is_optimized() && i < count; i++)
          if (!std::isfinite(values[i])) values[i] = 0;
      return values;
    } else {
      return make_output<std::remove_pointer_t<P>>();
    }
  }

  bool is_optimized() const { return std::strcmp(name, "f32_optimized_rows") == 0; }

  // The address is that of the contents before; run() puts the real one in its place.
  template <class T>
  T* make_output() {
    if constexpr (std::is_same<T, Range>::value) {
      Range* range = output<Range>(1);
      *range = {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(), 0, 0};
      return range;
    } else if constexpr (std::is_same<T, double>::value) {
      return output<double>(std::strcmp(name, "f32_error") == 0 ? 32 : 80);
    } else if constexpr (std::is_same<T, int64_t>::value) {
      return output<int64_t>(2);
    } else if (is_optimized()) {
      return output<T>(std::is_same<T, uint8_t>::value ? rows * n : std::is_same<T, float>::value ? 4 * rows : rows);
    } else {
      return output<T>(std::is_same<T, uint8_t>::value ? packed_bytes() : n);
    }
  }
};

template <class T>
T place(T value, Arguments& arguments) {
  if constexpr (std::is_pointer<T>::value && !std::is_const<std::remove_pointer_t<T>>::value) {
    for (Arguments::Output& output : arguments.outputs) {
      if (reinterpret_cast<char*>(value) != output.before.data()) continue;
      if (!output.before.empty()) std::memcpy(output.memory.data, output.before.data(), output.before.size());
      return reinterpret_cast<T>(output.memory.data);
    }
  }
  return value;
}

template <class T>
bool same(const T* a, const T* b, size_t count, bool sums) {
  for (size_t i = 0; i < count; i++) {
    if (std::memcmp(a + i, b + i, sizeof(T)) == 0) continue;
    if (!(sums && a[i] != a[i] && b[i] != b[i])) return false;
  }
  return true;
}

bool same_bytes(const std::vector<char>& expected, const Arguments::Output& output) {
  if (!output.sums) return expected.empty() || std::memcmp(expected.data(), output.memory.data, expected.size()) == 0;
  double a[32], b[32];
  std::memcpy(a, expected.data(), sizeof a);
  std::memcpy(b, output.memory.data, sizeof b);
  return same(a, b, 32, true);
}

[[noreturn]] void differ(const Arguments& arguments, const char* isa) {
  std::fprintf(stderr, "%s of %lld elements: %s differs from scalar\n", arguments.name,
               static_cast<long long>(arguments.n), isa);
  std::abort();
}

template <class Result, class... P>
void run(Arguments& arguments, Result (*KernelTable::*kernel)(P...)) {
  std::tuple<P...> values{arguments.make<P>()...};  // braces: from left to right
  std::vector<std::vector<char>> expected;
  double result = 0;
  for (int32_t isa = 0; isa < narrow::kernel_table_count(); isa++) {
    const KernelTable& table = *narrow::kernel_table(isa);
    double now = 0;
    std::apply(
        [&](P... value) {
          if constexpr (std::is_void<Result>::value)
            (table.*kernel)(place(value, arguments)...);
          else
            now = static_cast<double>((table.*kernel)(place(value, arguments)...));
        },
        values);
    if (isa == 0) {
      result = now;
      for (const Arguments::Output& output : arguments.outputs)
        expected.emplace_back(output.memory.data, output.memory.data + output.memory.size);
      continue;
    }
    if (!same(&result, &now, 1, true)) differ(arguments, table.isa);
    for (size_t i = 0; i < expected.size(); i++)
      if (!same_bytes(expected[i], arguments.outputs[i])) differ(arguments, table.isa);
  }
}

struct Kernel {
  const char* name;
  void (*fuzz)(Arguments&);
};

const Kernel kKernels[] = {
#define NARROW_FUZZ(name, result, parameters) {#name, [](Arguments& a) { run(a, &KernelTable::name); }},
    NARROW_KERNELS(NARROW_FUZZ)
#undef NARROW_FUZZ
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Bytes bytes(data, size);
  const Kernel& kernel = kKernels[bytes.take<uint8_t>() % (sizeof kKernels / sizeof *kKernels)];
  const bool s16 = std::strstr(kernel.name, "s16"), u8 = std::strstr(kernel.name, "u8");
  Arguments arguments(kernel.name, u8 ? 0 : s16 ? -32768 : -128, u8 ? 255 : s16 ? 32767 : 127, bytes);
  kernel.fuzz(arguments);
  return 0;
}
