// A test is a function with a name; a failure prints where, and the run goes on with the next test.
#pragma once
#include <stdint.h>

#include <cstddef>
#include <cstring>
#include <string>
#include <vector>

#include "narrow/kernels.h"

namespace harness {

struct Test {
  const char* name;
  void (*run)();
};

// Runs those whose name contains argv[1], all where there is none; none at all is a failure. Returns the exit code.
int main(int argc, char** argv, const std::vector<Test>& tests);

// Reports a failure of the running test and ends it.
[[noreturn]] void fail(const std::string& message);
std::string format(const char* form, ...)
#ifdef __GNUC__
    __attribute__((format(printf, 1, 2)))
#endif
    ;

// True where the tests run under an emulator, and have to be content with fewer cases.
bool slow_machine();

// Names of the instruction sets that the running test covered, in the line that the run prints.
void covered(const char* isa);

// Runs `body` on every instruction set.
template <class Body>
void every_isa(Body body) {
  const int32_t before = narrow_isa_use(0);
  for (int32_t isa = 0; isa < narrow_isa_count(); isa++) {
    narrow_isa_use(isa);
    covered(narrow_isa_name(isa));
    body(narrow_isa_name(isa));
  }
  narrow_isa_use(before);
}

// Fails with the condition as its message, after the value of a variable `isa`.
inline void expect(bool condition, const std::string& isa, const char* what) {
  if (!condition) fail(isa + ": " + what);
}
#define EXPECT(condition) harness::expect(condition, isa, #condition)

// Random numbers that a printed seed (or NARROW_TEST_SEED) brings back.
uint64_t seed();
class Random {
 public:
  explicit Random(uint64_t stream) : state_(seed() + stream * 0x9e3779b97f4a7c15) {}
  uint64_t next();
  uint32_t bits() { return static_cast<uint32_t>(next() >> 32); }
  int64_t below(int64_t n) { return static_cast<int64_t>(next() % static_cast<uint64_t>(n)); }

 private:
  uint64_t state_;
};

// Memory for n bytes that start `past` bytes after a multiple of 64 and end on the last byte of a page, or as near to
// it as that allows; the page that follows cannot be touched (on Linux). The bytes around them hold a pattern, which
// `untouched` looks for.
class Fenced {
 public:
  explicit Fenced(size_t capacity);
  ~Fenced();
  Fenced(const Fenced&) = delete;
  Fenced& operator=(const Fenced&) = delete;

  void place(size_t n, size_t past);  // `past` < 64
  void place_at_end(size_t n);        // whatever the alignment
  void place_at_start(size_t n);      // on the first byte of a page, after one that cannot be touched
  bool untouched() const;
  void* data() const { return data_; }
  template <class T>
  T* as() const {
    return reinterpret_cast<T*>(data_);
  }

 private:
  void fill(char* data, size_t n);
  size_t capacity_;
  char *mapping_, *begin_, *end_, *data_;
  size_t mapped_, n_;
};

float float_of(uint32_t bits);
uint32_t bits_of(float x);

// Floats to test conversions with: special ones first, ties and limits around `scale`, then random bit patterns.
std::vector<float> interesting_floats(float scale, Random& random, size_t random_count);

}  // namespace harness
