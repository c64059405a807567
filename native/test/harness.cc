#include "harness.h"

#include <chrono>
#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <set>

#ifdef __linux__
#include <sys/mman.h>
#include <unistd.h>
#endif

namespace harness {
namespace {

struct Failure {
  std::string message;
};

std::set<std::string>& covered_names() {
  static std::set<std::string> names;
  return names;
}

constexpr char kPattern = static_cast<char>(0xa5);
constexpr size_t kAround = 128;  // bytes of pattern on either side

size_t page_size() {
#ifdef __linux__
  static const size_t size = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return size;
#else
  return 4096;
#endif
}

size_t round_up(size_t n, size_t unit) { return (n + unit - 1) / unit * unit; }

}  // namespace

int main(int argc, char** argv, const std::vector<Test>& tests) {
  const std::string filter = argc > 1 ? argv[1] : "";
  std::printf("seed %llu (NARROW_TEST_SEED=%llu brings it back)\n", static_cast<unsigned long long>(seed()),
              static_cast<unsigned long long>(seed()));
  int ran = 0, failed = 0;
  for (const Test& test : tests) {
    if (std::string(test.name).find(filter) == std::string::npos) continue;
    covered_names().clear();
    ran++;
    const auto start = std::chrono::steady_clock::now();
    std::string message;
    try {
      test.run();
    } catch (const Failure& failure) {
      message = failure.message;
      failed++;
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    std::string isas;
    for (const std::string& name : covered_names()) isas += " " + name;
    std::printf("%-6s %s (%.2f s)%s%s\n", message.empty() ? "ok" : "FAILED", test.name, took.count(),
                isas.empty() ? "" : ":", isas.c_str());
    if (!message.empty()) std::printf("       %s\n", message.c_str());
    std::fflush(stdout);
  }
  if (ran == 0) std::printf("no test has '%s' in its name\n", filter.c_str());
  std::printf("%d tests, %d failed\n", ran, failed);
  return ran > 0 && failed == 0 ? 0 : 1;
}

void fail(const std::string& message) { throw Failure{message}; }

std::string format(const char* form, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, form);
  std::vsnprintf(text, sizeof text, form, arguments);
  va_end(arguments);
  return text;
}

bool slow_machine() {
  static const bool slow = std::getenv("NARROW_TEST_SLOW") != nullptr;
  return slow;
}

void covered(const char* isa) { covered_names().insert(isa); }

uint64_t seed() {
  static const uint64_t value = [] {
    const char* given = std::getenv("NARROW_TEST_SEED");
    return given ? std::strtoull(given, nullptr, 10) : uint64_t{std::random_device{}()};
  }();
  return value;
}

// splitmix64
uint64_t Random::next() {
  uint64_t z = state_ += 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

Fenced::Fenced(size_t capacity) : capacity_(round_up(capacity + 64 + 2 * kAround, page_size())), n_(0) {
#ifdef __linux__
  mapped_ = capacity_ + 2 * page_size();
  void* mapping = mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping == MAP_FAILED) fail("out of memory");
  mapping_ = static_cast<char*>(mapping);
  begin_ = mapping_ + page_size();
  mprotect(mapping_, page_size(), PROT_NONE);
  mprotect(begin_ + capacity_, page_size(), PROT_NONE);
#else
  mapped_ = capacity_ + 64;
  mapping_ = static_cast<char*>(std::malloc(mapped_));
  begin_ = mapping_ + (64 - reinterpret_cast<uintptr_t>(mapping_) % 64) % 64;
#endif
  end_ = begin_ + capacity_;
  data_ = begin_;
}

Fenced::~Fenced() {
#ifdef __linux__
  munmap(mapping_, mapped_);
#else
  std::free(mapping_);
#endif
}

void Fenced::fill(char* data, size_t n) {
  data_ = data;
  n_ = n;
  char* from = data - begin_ > static_cast<ptrdiff_t>(kAround) ? data - kAround : begin_;
  char* to = end_ - (data + n) > static_cast<ptrdiff_t>(kAround) ? data + n + kAround : end_;
  std::memset(from, kPattern, static_cast<size_t>(to - from));
}

void Fenced::place(size_t n, size_t past) {
  char* data = end_ - round_up(n + past, 64) + past;
  fill(data, n);
}

void Fenced::place_at_end(size_t n) { fill(end_ - n, n); }

void Fenced::place_at_start(size_t n) { fill(begin_, n); }

bool Fenced::untouched() const {
  for (const char* p = data_; p-- > begin_ && data_ - p <= static_cast<ptrdiff_t>(kAround);)
    if (*p != kPattern) return false;
  for (const char* p = data_ + n_; p < end_ && p - (data_ + n_) < static_cast<ptrdiff_t>(kAround); p++)
    if (*p != kPattern) return false;
  return true;
}

float float_of(uint32_t bits) {
  float x;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}

uint32_t bits_of(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  return bits;
}

std::vector<float> interesting_floats(float scale, Random& random, size_t random_count) {
  std::vector<float> floats;
  const uint32_t magnitudes[] = {
      0x00000000, 0x00000001, 0x00000003, 0x007fffff, 0x00800000,  // zero, subnormals, the smallest normal number
      0x7f7fffff, 0x7f800000, 0x7f800001, 0x7f812345, 0x7fbfffff,  // the largest, infinity, signalling NaNs
      0x7fc00000, 0x7fc00001, 0x7fffffff,                          // quiet NaNs
      0x4effffff, 0x4f000000, 0x4f000001, 0x4f800000, 0x5f000000,  // around 2^31; 2^32, 2^63
      0x46fffe00, 0x47000000, 0x47000080, 0x477fe000, 0x477fe001,
      0x477fefff,                                                  // around 2^15; 65504, the last that rounds to it
      0x477ff000, 0x47800000, 0x48000000, 0x32ffffff, 0x33000000,  // 65520, 2^16, 2^17; around half the least half
      0x33000001, 0x33800000, 0x33c00000, 0x387fdfff, 0x387fe000,  // the least half, a tie above it; around 2^-14
      0x387ff000, 0x38800000, 0x3f800000, 0x3f801000, 0x3f803000};
  for (uint32_t magnitude : magnitudes) {
    floats.push_back(float_of(magnitude));
    floats.push_back(float_of(magnitude | 0x80000000));
  }
  // Ties, and their neighbours, around every limit that an integer type or a clamp may have.
  for (int limit : {0, 1, 7, 8, 100, 126, 127, 128, 254, 255, 256, 32766, 32767, 32768, 65535, 65536, 131071, 131072}) {
    for (float sign : {1.0f, -1.0f}) {
      const float x = sign * (static_cast<float>(limit) + 0.5f) * scale;
      floats.insert(floats.end(), {x, std::nextafter(x, INFINITY), std::nextafter(x, -INFINITY),
                                   sign * static_cast<float>(limit) * scale});
    }
  }
  for (size_t i = 0; i < random_count; i++) {
    const uint32_t bits = random.bits();
    // A third each: any bits, values near the range of a byte, values near the range of 16 bits.
    const float within = static_cast<float>(static_cast<int32_t>(bits)) * 0x1p-31f;
    floats.push_back(i % 3 == 0 ? float_of(bits) : within * scale * (i % 3 == 1 ? 150.0f : 40000.0f));
  }
  return floats;
}

}  // namespace harness
