// SPDX-License-Identifier: MIT
// Blocks of attention scores: what the kernels get, and which there are.
#pragma once

#include <cstdint>

#include "wick/core/backend/attention.h"

namespace wick::cpu {

/// Products of some queries with some keys.
template <typename T>
struct AttentionBlock {
  T* scores;  // (rows, cols)
  std::int64_t stride;
  std::int64_t rows;
  std::int64_t cols;
  T scale;
  struct Mask {
    const void* data;  // of the block's first query and key; or null
    MaskKind kind;
    std::int64_t query;  // strides
    std::int64_t key;
  };
  Mask masks[2];
  std::int64_t visible;       // row r sees the first visible + r columns
  const unsigned char* kept;  // (rows, ...), or null
  std::int64_t kept_stride;
  T kept_scale;
};

/// The scores become exp(score - maximum) times what dropout makes of it; the rest is brought up to
/// the new maximum.
template <typename T>
struct AttentionTask {
  AttentionBlock<T> block;
  T* maxima;  // (rows) of the scores so far
  T* sums;    // (rows) of exp(score - maximum)
  T* acc;     // (rows, acc_cols)
  std::int64_t acc_stride;
  std::int64_t acc_cols;
};

/// The scores become the probabilities times what dropout makes of them, and `grads`, the gradients
/// by those, the gradients by the products.
template <typename T>
struct AttentionGradTask {
  AttentionBlock<T> block;
  const T* log_sums;  // (rows)
  const T* deltas;    // (rows)
  T* grads;           // (rows, cols), with the scores' stride
};

template <typename T>
struct AttentionTable {
  void (*attention)(const AttentionTask<T>&);
  void (*attention_grad)(const AttentionGradTask<T>&);
};
template <typename T, typename Isa>
[[nodiscard]] AttentionTable<T> attention_table();

}  // namespace wick::cpu
