// Calls of a kernel on every instruction set, with their arrays in all kinds of places, against the reference.
#pragma once
#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "harness.h"
#include "kernel_table.h"

namespace compare {

using harness::fail;
using harness::Fenced;
using harness::format;
using narrow::KernelTable;

constexpr size_t kLongest = 100003;

struct Array {
  size_t bytes;
  const void* data;
  size_t element;
};

template <class T>
Array array(const std::vector<T>& values) {
  return {values.size() * sizeof(T), values.data(), sizeof(T)};
}

// Where the arrays of a call lie: number 0 at the end of a page, 1 at the start of one, 2 to 17 so many elements past a
// cache line, and the others on odd addresses.
constexpr int kPlacements = 24;

inline void place(Fenced& memory, const Array& array, int placement) {
  if (placement == 0) {
    memory.place_at_end(array.bytes);
  } else if (placement == 1) {
    memory.place_at_start(array.bytes);
  } else if (placement < 18) {
    memory.place(array.bytes, static_cast<size_t>(placement - 2) * array.element % 64);
  } else {
    memory.place(array.bytes, static_cast<size_t>(placement - 18) * 10 + 1);
  }
  if (array.bytes > 0) std::memcpy(memory.data(), array.data, array.bytes);
}

// Runs `call(kernel, input pointers, output pointer)`, which returns what the kernel returns, for the reference and for
// each table; `output` is what the output holds before.
template <class Kernel, class Call>
void compare(const char* name, size_t n, Kernel* reference, Kernel* KernelTable::*kernel,
             const std::vector<Array>& inputs, const Array& output, Call call) {
  static Fenced memory[4] = {Fenced(kLongest * 4), Fenced(kLongest * 4), Fenced(kLongest * 4), Fenced(kLongest * 4)};
  const void* plain[3] = {};
  for (size_t i = 0; i < inputs.size(); i++) plain[i] = inputs[i].data;
  std::vector<uint64_t> expected(output.bytes / 8 + 1);
  if (output.bytes > 0) std::memcpy(expected.data(), output.data, output.bytes);
  const int64_t expected_result = call(reference, plain, static_cast<void*>(expected.data()));

  const int step = n > 200 || harness::slow_machine() ? 11 : 1;
  for (int32_t isa = 0; isa < narrow::kernel_table_count(); isa++) {
    const KernelTable& table = *narrow::kernel_table(isa);
    harness::covered(table.isa);
    for (int placement = static_cast<int>(n) % step; placement < kPlacements; placement += step) {
      const void* in[3] = {};
      for (size_t i = 0; i < inputs.size(); i++) {
        place(memory[i], inputs[i], placement);
        in[i] = memory[i].data();
      }
      place(memory[3], output, placement);
      const int64_t result = call(table.*kernel, in, memory[3].data());
      const std::string where =
          format("%s on %s, %lld elements, placement %d: ", name, table.isa, static_cast<long long>(n), placement);
      if (result != expected_result)
        fail(where + format("returned %lld, expected %lld", static_cast<long long>(result),
                            static_cast<long long>(expected_result)));
      const char* got = memory[3].as<char>();
      for (size_t i = 0; i < output.bytes; i += output.element) {
        if (std::memcmp(got + i, reinterpret_cast<const char*>(expected.data()) + i, output.element) == 0) continue;
        uint64_t a = 0, b = 0, x = 0;
        std::memcpy(&a, got + i, output.element);
        std::memcpy(&b, reinterpret_cast<const char*>(expected.data()) + i, output.element);
        if (i / output.element < n)
          std::memcpy(&x, static_cast<const char*>(inputs[0].data) + i / output.element * inputs[0].element,
                      inputs[0].element);
        fail(where + format("element %zu of input 0x%llx is 0x%llx, expected 0x%llx", i / output.element,
                            static_cast<unsigned long long>(x), static_cast<unsigned long long>(a),
                            static_cast<unsigned long long>(b)));
      }
      for (size_t i = 0; i < inputs.size(); i++) {
        if (!memory[i].untouched()) fail(where + format("wrote around input %zu", i));
        if (inputs[i].bytes > 0 && std::memcmp(in[i], inputs[i].data, inputs[i].bytes) != 0)
          fail(where + format("wrote into input %zu", i));
      }
      if (!memory[3].untouched()) fail(where + "wrote around the output");
    }
  }
}

}  // namespace compare
