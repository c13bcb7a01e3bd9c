// SPDX-License-Identifier: MIT
// Gets the pages of new memory from the system in few large steps instead of one by one.
#pragma once

#include <atomic>
#include <span>

namespace wick {

/// For memory that is about to be written as a whole. Reading a file into new memory otherwise
/// takes most of its time in page faults. Advice only: where the system does not know it, nothing
/// happens. Thread-safe, one object for all parts of a job.
class FreshMemory {
 public:
  /// Takes huge pages while they come quickly: they are several times faster, except in a virtual
  /// machine whose host must first find the memory behind each of them.
  void prepare(std::span<char> memory) noexcept;

 private:
  std::atomic<bool> huge_{true};
};

}  // namespace wick
