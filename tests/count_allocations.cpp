// SPDX-License-Identifier: MIT
#include "tests/count_allocations.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <new>

#include <pthread.h>

namespace {

std::atomic<std::size_t> count{0};
std::atomic<std::size_t> locks{0};

void* allocate(std::size_t bytes, std::size_t alignment) {
  ++count;
  const std::size_t size = std::max<std::size_t>((bytes + alignment - 1) / alignment, 1);
  void* const memory = std::aligned_alloc(alignment, size * alignment);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

namespace wick::testing {

std::size_t allocation_count() noexcept {
  return count;
}

std::size_t lock_count() noexcept {
  return locks;
}

}  // namespace wick::testing

// What the program's own code calls by these names, by the linker's --wrap.
extern "C" {
void* __real_malloc(std::size_t bytes);
int __real_pthread_mutex_lock(pthread_mutex_t* mutex);

void* __wrap_malloc(std::size_t bytes) {
  ++count;
  return __real_malloc(bytes);
}
int __wrap_pthread_mutex_lock(pthread_mutex_t* mutex) {
  ++locks;
  return __real_pthread_mutex_lock(mutex);
}
}

void* operator new(std::size_t bytes) {
  return allocate(bytes, alignof(std::max_align_t));
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return allocate(bytes, static_cast<std::size_t>(alignment));
}
// As std::get_temporary_buffer asks for it; what the C++ runtime does by itself, a sanitizer's does
// not.
void* operator new(std::size_t bytes, const std::nothrow_t& /*tag*/) noexcept {
  try {
    return operator new(bytes);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t /*bytes*/) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::align_val_t /*alignment*/) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t /*bytes*/, std::align_val_t /*alignment*/) noexcept {
  std::free(memory);
}
