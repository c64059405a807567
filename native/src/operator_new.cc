// Part of the JNI library only. JavaCPP's generated files allocate arrays, and compile without exceptions; with these
// functions they need no C++ library at run time.
#include <stdlib.h>

#include <new>

const std::nothrow_t std::nothrow{};
void* operator new(size_t size, const std::nothrow_t&) noexcept { return malloc(size ? size : 1); }
void* operator new[](size_t size, const std::nothrow_t&) noexcept { return malloc(size ? size : 1); }
void operator delete(void* p) noexcept { free(p); }
void operator delete(void* p, size_t) noexcept { free(p); }
void operator delete[](void* p) noexcept { free(p); }
void operator delete[](void* p, size_t) noexcept { free(p); }
