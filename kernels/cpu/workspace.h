// SPDX-License-Identifier: MIT
// Scratch memory of a thread, kept from call to call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

namespace wick::cpu {

/// At least `count` elements, aligned to 64 bytes; the content is anything. The next call in the
/// same thread for the same purpose (any type that names one) may return the same memory. Freed
/// when the thread ends.
template <typename T, typename Purpose = void>
[[nodiscard]] T* thread_workspace(std::int64_t count) {
  constexpr std::align_val_t kAlignment{64};
  struct Free {
    void operator()(void* data) const noexcept { ::operator delete(data, kAlignment); }
  };
  thread_local std::unique_ptr<void, Free> memory;
  thread_local std::size_t capacity = 0;
  const std::size_t bytes = static_cast<std::size_t>(count) * sizeof(T);
  if (bytes > capacity) {
    memory.reset(::operator new(bytes, kAlignment));
    capacity = bytes;
  }
  return static_cast<T*>(memory.get());
}

}  // namespace wick::cpu
