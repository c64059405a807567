// What the public functions share: the table in use, and tensors cut into runs that a kernel can take.
#pragma once
#include <string.h>

#include <atomic>

#include "kernel_table.h"

namespace narrow {

// dispatch.cc
extern std::atomic<int64_t> least_streamed;     // bytes, see narrow_streaming_use
extern std::atomic<const KernelTable*> in_use;  // null before the first call
const KernelTable& fastest_in_use();
// Of the two ways to find a range, the one that this processor does faster.
using RangeKernel = void (*KernelTable::*)(const float*, int64_t, Range*);
extern std::atomic<const RangeKernel*> range_in_use;  // null before kernels() was called
#ifdef NARROW_X86_64
extern std::atomic<bool> invalid_flagged;  // what invalid_is_flagged() says; threads may find it out at the same time
#endif

inline const KernelTable& kernels() {
  const KernelTable* table = in_use.load(std::memory_order_acquire);
  return table ? *table : fastest_in_use();
}

// Pointers need no alignment.
template <class T>
T load(const T* x, int64_t i) {
  T value;
  memcpy(&value, reinterpret_cast<const char*>(x) + i * static_cast<int64_t>(sizeof(T)), sizeof(T));
  return value;
}

template <class T>
void store(T* y, int64_t i, T value) {
  memcpy(reinterpret_cast<char*>(y) + i * static_cast<int64_t>(sizeof(T)), &value, sizeof(T));
}

inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

// Where element number `first` and those after it stand.
struct Position {
  int64_t channels, inner, channel, in_run;
  Position(int64_t first, int64_t channels, int64_t inner) : channels(channels), inner(inner), channel(0), in_run(0) {
    if (first == 0) return;  // as nearly always, and divisions take time
    channel = first / inner % channels;
    in_run = first % inner;
  }
  int64_t run() const { return inner - in_run; }  // how many more elements of this channel follow directly
  void advance(int64_t n) {                       // n <= run()
    in_run += n;
    if (in_run < inner) return;
    in_run = 0;
    channel = channel + 1 < channels ? channel + 1 : 0;
  }
};

// Shorter runs than this are not worth a call each; their parameters are written out element by element instead.
constexpr int64_t kShortRun = 32;
// Up to so many elements at a time, 4 KiB of stack per parameter.
constexpr int64_t kSpread = 1024;
// A row of so many elements is worth a call.
constexpr int64_t kRow = 512;

// Cuts n elements of which the first is at `position`. Long runs go to run(offset, length, channel). Of short ones,
// rows with one element a channel go to rows(offset, how many rows, length, channel of the first); anything else to
// spread(offset, how many rows, length), after fill(index, length, channel) was called for the runs at the start of a
// row and repeat(index, length) for what is the same again as from the start. A row of whole periods is filled in once
// for all.
template <class Run, class Rows, class Fill, class Repeat, class Spread>
void cut(int64_t n, int64_t first, int64_t channels, int64_t inner, Run run, Rows rows, Fill fill, Repeat repeat,
         Spread spread) {
  if (n == 0) return;
  Position position(first, channels, inner);
  if (position.inner >= kShortRun || position.channels == 1) {
    for (int64_t i = 0, m; i < n; i += m) {
      m = position.channels == 1 ? n : least(position.run(), n - i);
      run(i, m, position.channel);
      position.advance(m);
    }
  } else if (position.inner == 1 && channels >= kRow) {
    const int64_t head = position.channel > 0 ? least(channels - position.channel, n) : 0;
    const int64_t whole = (n - head) / channels, rest = n - head - whole * channels;
    if (head > 0) rows(0, 1, head, position.channel);
    if (whole > 0) rows(head, whole, channels, 0);
    if (rest > 0) rows(n - rest, 1, rest, 0);
  } else {
    const bool fits = position.channels <= kSpread / position.inner;
    const int64_t period = position.channels * position.inner;
    const int64_t row = fits ? (kRow + period - 1) / period * period : kSpread, once = fits ? period : kSpread;
    for (int64_t i = 0, m, count; i < n; i += m * count) {
      m = least(row, n - i);
      count = fits ? (n - i) / m : 1;
      for (int64_t j = 0, length; j < m && (i == 0 || !fits); j += length) {
        if (j < once) {
          length = least(position.run(), least(once, m) - j);
          fill(j, length, position.channel);
          position.advance(length);
        } else {
          length = least(once, m - j);
          repeat(j, length);
        }
      }
      spread(i, count, m);
    }
  }
}

}  // namespace narrow
