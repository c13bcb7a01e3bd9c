// SPDX-License-Identifier: MIT
// Products of bfloat16 by instructions that multiply pairs along k: what they get, and which
// functions there are.
#pragma once

#include <cstdint>

namespace wick::cpu {

[[gnu::always_inline]] constexpr std::int64_t at_most(std::int64_t value, std::int64_t bound) {
  return value < bound ? value : bound;
}
[[gnu::always_inline]] constexpr std::int64_t ceil_divide(std::int64_t count, std::int64_t size) {
  return (count + size - 1) / size;
}

/// A matrix of bfloat16, by its bits: element (i, k), where k is the index that a product sums
/// over.
struct PairsOperand {
  const std::uint16_t* data;
  std::int64_t stride;  // of the other index
  bool along_k;         // (i, k) lies at data[i * stride + k], else at data[k * stride + i]

  [[nodiscard, gnu::always_inline]] const std::uint16_t* at(std::int64_t i, std::int64_t k) const {
    return data + (along_k ? i * stride + k : k * stride + i);
  }
};

/// Backend::matmul of bfloat16 operands, or a rectangle of its C: sums of left (i, k) times
/// right (j, k). C has a row for each i and a column for each j, or the other way round.
struct PairsTask {
  PairsOperand left;
  PairsOperand right;
  std::int64_t rows;  // of left
  std::int64_t cols;  // rows of right
  std::int64_t depth;
  bool transpose_c;  // (i, j) lies at c[j * c_row + i], the mask likewise; the bias goes by i
  bool narrow;       // C, bias and mask are bfloat16, else float32
  void* c;
  std::int64_t c_row;
  bool accumulate;
  bool relu;
  const void* bias;       // or null
  const void* relu_mask;  // or null
  std::int64_t mask_row;
  std::int64_t block_bytes;  // of right that are worked on at once, for the caches' sake
  void* workspace;           // workspace() bytes, aligned to 64
};

struct PairsTable {
  std::int64_t (*workspace)(const PairsTask& part);
  /// The order of each element's sum depends on the depth alone.
  void (*multiply)(const PairsTask& part);
  /// Whether the operating system lets the process use the instructions; or null: it need not be
  /// asked.
  bool (*permitted)();
};

template <typename Isa>
[[nodiscard]] PairsTable pairs_table();

}  // namespace wick::cpu
