// SPDX-License-Identifier: MIT
// Attention on tensors; see core/ops.h for what holds of all operations.
#pragma once

#include <optional>

#include "wick/core/backend/attention.h"
#include "wick/core/compiler.h"
#include "wick/core/tensor.h"

namespace wick::ops {

/// Tensors that are null are not there.
struct AttentionOptions {
  /// Of a shape that broadcasts to (N, H, L, S), bool or of the query's dtype.
  const Tensor* mask = nullptr;
  /// What a bool mask says; of numbers, which are added to the scores, this means nothing.
  MaskKind mask_kind = MaskKind::shows;
  /// The same for each key of a sample: (N, S).
  const Tensor* key_mask = nullptr;
  MaskKind key_mask_kind = MaskKind::shows;
  bool is_causal = false;         // query i sees keys 0 to i
  std::optional<double> scale{};  // none: 1 / sqrt(E)
  /// bool (N, H, L, S), contiguous: the probabilities that are kept, and what they are multiplied
  /// by.
  const Tensor* kept = nullptr;
  double kept_scale = 1.0;
};

/// softmax(scale Q Kᵀ + mask) V of each sample and head: query (N, H, L, E), key (N, H, S, E),
/// value (N, H, S, Ev), output (N, H, L, Ev), float32 or float64. They may have any layout whose
/// last dimension is contiguous. A query that sees no key has a result of zeros. `log_sums` (N, H,
/// L), contiguous, or null, receives what the gradient needs. The scores are never in memory as a
/// whole: beside the result, that takes the space of some thousand numbers for each thread.
WICK_API void attention(const Tensor& query, const Tensor& key, const Tensor& value,
                        const Tensor& output, const Tensor* log_sums,
                        const AttentionOptions& options = {});

/// What the forward pass has left, and where the gradients go.
struct AttentionGradients {
  const Tensor* output = nullptr;    // (N, H, L, Ev)
  const Tensor* log_sums = nullptr;  // (N, H, L)
  const Tensor* deltas = nullptr;    // (N, H, L), contiguous: scratch
  // Of the shapes of query, key and value, overwritten; null: not wanted.
  const Tensor* query = nullptr;
  const Tensor* key = nullptr;
  const Tensor* value = nullptr;
};
WICK_API void attention_backward(const Tensor& grad_output, const Tensor& query, const Tensor& key,
                                 const Tensor& value, const AttentionGradients& gradients,
                                 const AttentionOptions& options = {});

/// torch.nn.functional.scaled_dot_product_attention into a new tensor, without dropout: query (...,
/// L, E), key (..., S, E) and value (..., S, Ev) of two to four dimensions, of which the first ones
/// agree. A bool `attn_mask` is true where a query sees a key; one of numbers is added to the
/// scores. Throws ValueError for a mask together with is_causal, as PyTorch does.
[[nodiscard]] WICK_API Tensor scaled_dot_product_attention(const Tensor& query, const Tensor& key,
                                                           const Tensor& value,
                                                           const Tensor* attn_mask = nullptr,
                                                           bool is_causal = false,
                                                           std::optional<double> scale = {});

}  // namespace wick::ops
