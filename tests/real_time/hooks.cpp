// SPDX-License-Identifier: MIT
#include "tests/real_time/hooks.h"

#include <atomic>
#include <cerrno>
#include <cstddef>

#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>

// glibc's own, under names that nobody else has.
extern "C" {
void* __libc_malloc(std::size_t bytes);                           // NOLINT
void* __libc_calloc(std::size_t count, std::size_t bytes);        // NOLINT
void* __libc_realloc(void* memory, std::size_t bytes);            // NOLINT
void* __libc_memalign(std::size_t alignment, std::size_t bytes);  // NOLINT
void __libc_free(void* memory);                                   // NOLINT
}

namespace {

struct Counters {
  std::atomic<std::size_t> allocations;
  std::atomic<std::size_t> frees;
  std::atomic<std::size_t> locks;
};

// Without constructors: malloc is called before any would have run.
constinit Counters all{};
constinit thread_local Counters mine{};

void count(std::atomic<std::size_t> Counters::*what) noexcept {
  (all.*what).fetch_add(1, std::memory_order_relaxed);
  (mine.*what).fetch_add(1, std::memory_order_relaxed);
}

wick::testing::Calls read(const Counters& counters) noexcept {
  return {counters.allocations, counters.frees, counters.locks};
}

// The function that this program's own hides.
template <typename Function>
Function* hidden(const char* name) noexcept {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

}  // namespace

namespace wick::testing {

Calls calls_of_thread() noexcept {
  return read(mine);
}

Calls calls_of_all() noexcept {
  return read(all);
}

}  // namespace wick::testing

// Other libraries shall find them.
#pragma GCC visibility push(default)
extern "C" {

void* malloc(std::size_t bytes) {
  count(&Counters::allocations);
  return __libc_malloc(bytes);
}
void* calloc(std::size_t number, std::size_t bytes) {
  count(&Counters::allocations);
  return __libc_calloc(number, bytes);
}
void* realloc(void* memory, std::size_t bytes) {
  count(&Counters::allocations);
  return __libc_realloc(memory, bytes);
}
void* memalign(std::size_t alignment, std::size_t bytes) {
  count(&Counters::allocations);
  return __libc_memalign(alignment, bytes);
}
void* aligned_alloc(std::size_t alignment, std::size_t bytes) {
  count(&Counters::allocations);
  return __libc_memalign(alignment, bytes);
}
int posix_memalign(void** memory, std::size_t alignment, std::size_t bytes) {
  count(&Counters::allocations);
  *memory = __libc_memalign(alignment, bytes);
  return *memory == nullptr ? ENOMEM : 0;
}
void free(void* memory) {
  if (memory != nullptr) count(&Counters::frees);
  __libc_free(memory);
}

int pthread_mutex_lock(pthread_mutex_t* mutex) noexcept {
  static auto* const real = hidden<int(pthread_mutex_t*)>("pthread_mutex_lock");
  count(&Counters::locks);
  return real(mutex);
}
int pthread_mutex_trylock(pthread_mutex_t* mutex) noexcept {
  static auto* const real = hidden<int(pthread_mutex_t*)>("pthread_mutex_trylock");
  count(&Counters::locks);
  return real(mutex);
}
int pthread_rwlock_rdlock(pthread_rwlock_t* lock) noexcept {
  static auto* const real = hidden<int(pthread_rwlock_t*)>("pthread_rwlock_rdlock");
  count(&Counters::locks);
  return real(lock);
}
int pthread_rwlock_wrlock(pthread_rwlock_t* lock) noexcept {
  static auto* const real = hidden<int(pthread_rwlock_t*)>("pthread_rwlock_wrlock");
  count(&Counters::locks);
  return real(lock);
}
int pthread_cond_wait(pthread_cond_t* condition, pthread_mutex_t* mutex) {
  static auto* const real = hidden<int(pthread_cond_t*, pthread_mutex_t*)>("pthread_cond_wait");
  count(&Counters::locks);
  return real(condition, mutex);
}
int pthread_cond_signal(pthread_cond_t* condition) noexcept {
  static auto* const real = hidden<int(pthread_cond_t*)>("pthread_cond_signal");
  count(&Counters::locks);
  return real(condition);
}
int pthread_cond_broadcast(pthread_cond_t* condition) noexcept {
  static auto* const real = hidden<int(pthread_cond_t*)>("pthread_cond_broadcast");
  count(&Counters::locks);
  return real(condition);
}
int sem_wait(sem_t* semaphore) {
  static auto* const real = hidden<int(sem_t*)>("sem_wait");
  count(&Counters::locks);
  return real(semaphore);
}
int sem_post(sem_t* semaphore) noexcept {
  static auto* const real = hidden<int(sem_t*)>("sem_post");
  count(&Counters::locks);
  return real(semaphore);
}

}  // extern "C"
#pragma GCC visibility pop
