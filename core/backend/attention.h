// SPDX-License-Identifier: MIT
// The family of attention: softmax(scale Q Kᵀ + mask) V (Vaswani et al. 2017), whose matrix of
// scores is never in memory as a whole.
#pragma once

#include <cstdint>

#include "wick/core/dtype.h"

namespace wick {

struct AttentionShape {
  std::int64_t batches = 0;
  std::int64_t heads = 0;
  std::int64_t queries = 0;
  std::int64_t keys = 0;
  std::int64_t head_size = 0;   // of queries and keys
  std::int64_t value_size = 0;  // of values and results
};

/// Element i of a row lies `batch * b + head * h + row * r + i` elements behind `data`.
struct ConstHeadsRef {
  const void* data = nullptr;
  std::int64_t batch = 0;
  std::int64_t head = 0;
  std::int64_t row = 0;
};
struct HeadsRef {
  void* data = nullptr;
  std::int64_t batch = 0;
  std::int64_t head = 0;
  std::int64_t row = 0;
  operator ConstHeadsRef() const noexcept {  // NOLINT(*-explicit-*)
    return {data, batch, head, row};
  }
};

/// What a mask says of a query and a key.
enum class MaskKind : std::uint8_t {
  added,  // numbers of the dtype, added to the score
  shows,  // bool: true where the query sees the key
  hides   // bool: true where it does not
};

/// Strides are in elements, 0 where it is the same for all.
struct AttentionMask {
  const void* data = nullptr;  // or none
  MaskKind kind = MaskKind::added;
  std::int64_t batch = 0;
  std::int64_t head = 0;
  std::int64_t query = 0;
  std::int64_t key = 0;
};

/// What forward and backward pass have in common.
struct AttentionInputs {
  DType dtype = DType::float32;
  AttentionShape shape{};
  ConstHeadsRef query{};
  ConstHeadsRef key{};
  ConstHeadsRef value{};
  AttentionMask masks[2] = {};
  bool causal = false;  // query i sees keys 0 to i
  double scale = 1.0;
  /// bool (batches, heads, queries, keys), contiguous, or none: the probabilities that are kept,
  /// and what these are multiplied by.
  const void* kept = nullptr;
  double kept_scale = 1.0;
};

/// A query that sees no key has a result of zeros.
struct AttentionArgs : AttentionInputs {
  HeadsRef output{};
  /// (batches, heads, queries): receives the logarithm of the sum of exp(score); or none.
  void* log_sums = nullptr;
};

/// The gradients by query, key and value, each where it is wanted.
struct AttentionBackwardArgs : AttentionInputs {
  ConstHeadsRef grad_output{};
  ConstHeadsRef output{};          // of the forward pass
  const void* log_sums = nullptr;  // likewise
  void* deltas = nullptr;  // (batches, heads, queries): scratch for sums of grad_output * output
  HeadsRef grad_query{};
  HeadsRef grad_key{};
  HeadsRef grad_value{};
};

}  // namespace wick
