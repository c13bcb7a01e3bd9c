// SPDX-License-Identifier: MIT
// Shares one block of memory among values that live at different times.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace wick::nn {

/// Where values and weights begin: at multiples of 64 bytes.
[[nodiscard]] constexpr std::size_t aligned(std::size_t bytes) {
  constexpr std::size_t kAlignment = 64;
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

/// Gives out the first gap that is large enough, so that a chain of values needs two places.
class PlanMemory {
 public:
  /// The offset of `bytes` bytes that nobody has.
  std::size_t take(std::size_t bytes) {
    std::size_t offset = 0;
    auto next = taken_.begin();
    for (; next != taken_.end(); ++next) {
      if (next->offset - offset >= bytes) break;
      offset = next->offset + next->bytes;
    }
    taken_.insert(next, {offset, bytes});
    bytes_ = std::max(bytes_, offset + bytes);
    return offset;
  }
  void give_back(std::size_t offset) {
    const auto found = std::ranges::find(taken_, offset, &Block::offset);
    if (found != taken_.end()) taken_.erase(found);
  }
  /// Of the whole block.
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

 private:
  struct Block {
    std::size_t offset;
    std::size_t bytes;
  };
  std::vector<Block> taken_;  // in order
  std::size_t bytes_ = 0;
};

}  // namespace wick::nn
