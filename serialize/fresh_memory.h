// SPDX-License-Identifier: MIT
// Gets the pages of new memory from the system in few large steps instead of one by one.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

namespace wick {

/// For memory that is about to be written as a whole. Reading a file into new memory otherwise
/// takes most of its time in page faults. Advice only: where the system does not know it, nothing
/// happens. Thread-safe, one object for all parts of a job.
class FreshMemory {
 public:
  /// Takes huge pages while they come quickly: they are several times faster, except where the
  /// system must first make room for each, or a virtual machine's host find the memory behind it.
  void prepare(std::span<char> memory) noexcept;

  /// How far an address lies behind the begin of a huge page: whoever prepares a large memory in
  /// parts cuts it where this is 0.
  [[nodiscard]] static std::size_t past_boundary(const char* address) noexcept;

 private:
  std::atomic<bool> huge_{true};
};

}  // namespace wick
