// SPDX-License-Identifier: MIT
// What the scheduler knows of a block and its threads.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstring>
#include <memory>
#include <vector>

#include "tests/simt/fiber.h"
#include "tests/simt/include/cuda_runtime.h"

namespace wick::simt {

constexpr unsigned kWarp = 32;

struct Block;

struct Thread {
  enum class State { ready, at_block_barrier, at_group_barrier, in_warp, done };
  State state = State::ready;
  Block* block = nullptr;
  unsigned number = 0;   // in its block
  std::size_t rank = 0;  // the lowest that can run, runs
  uint3 index{};
  std::unique_ptr<Fiber> fiber;
  Where where{};  // of what it waits for

  // A warp function: what this lane gave, whom it asks, what it got.
  unsigned mask = 0;
  bool predicate = false;
  unsigned source = 0;
  unsigned votes = 0;
  alignas(16) std::array<unsigned char, 16> given{};
  alignas(16) std::array<unsigned char, 16> got{};
};

// Shared memory of exactly the size that was asked for, so that AddressSanitizer sees one byte too
// many; full of 0xFF, so that what was never written is NaN.
class SharedMemory {
 public:
  explicit SharedMemory(std::size_t bytes)
      : data_(static_cast<unsigned char*>(::operator new (bytes, std::align_val_t{128}))) {
    std::memset(data_, 0xFF, bytes);
  }
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;
  ~SharedMemory() { ::operator delete (data_, std::align_val_t{128}); }
  [[nodiscard]] unsigned char* data() const { return data_; }

 private:
  unsigned char* data_;
};

struct Block {
  Block(uint3 at, std::size_t shared_bytes) : index(at), shared(shared_bytes) {}
  uint3 index;
  SharedMemory shared;
  std::vector<Thread> threads;
  std::size_t at_barrier = 0;
  const Thread* first_at_barrier = nullptr;  // of those who wait now
  std::vector<unsigned> in_warp;             // how many lanes of each warp wait in a warp function
};

inline bool same_place(const Where& a, const Where& b) {
  return a.line() == b.line() && a.column() == b.column() &&
         (a.file_name() == b.file_name() || std::strcmp(a.file_name(), b.file_name()) == 0);
}

}  // namespace wick::simt
