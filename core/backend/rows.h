// SPDX-License-Identifier: MIT
// The family of operations on the rows of a matrix: the softmax and its loss, and rows picked by
// their numbers.
#pragma once

#include <cstddef>
#include <cstdint>

#include "wick/core/backend/matrix.h"
#include "wick/core/dtype.h"

namespace wick {

/// Softmax over each row, cross-entropy with the target class, and the gradient, in one pass.
/// PyTorch: torch.nn.functional.cross_entropy; and, where the logits are the logarithms of
/// probabilities, nll_loss, which has no label smoothing.
struct CrossEntropyArgs {
  DType dtype = DType::float32;
  ConstMatrixRef logits{};                // (N, C)
  const std::int64_t* targets = nullptr;  // (N): class indices, or ignore_index
  const void* class_weights = nullptr;    // (C) or none
  double label_smoothing = 0.0;           // in [0, 1]
  std::int64_t ignore_index = -100;
  bool mean = true;            // else sum
  void* loss = nullptr;        // one element, overwritten
  void* losses = nullptr;      // (N), overwritten with each row's, not divided; or none
  MatrixRef grad{};            // (N, C), overwritten; data == nullptr: not wanted
  double* loss_sum = nullptr;  // one element that the loss is added to, or none
};

/// out[i, c, p] = source[indices[i], c, p] * scale[c] + shift[c], rounded once (a fused
/// multiply-add where the machine has one).
struct GatherAffineArgs {
  DType source_dtype = DType::uint8;  // uint8, float32 or float64
  const void* source = nullptr;       // (source_rows, channels, pixels), contiguous
  std::int64_t source_rows = 0;
  std::int64_t channels = 1;
  std::int64_t pixels = 0;
  const std::int64_t* indices = nullptr;  // (count); none: rows 0 to count - 1
  std::int64_t count = 0;
  const void* scale = nullptr;   // (channels) of dtype, in host memory
  const void* shift = nullptr;   // (channels) of dtype, in host memory
  DType dtype = DType::float32;  // of out
  void* out = nullptr;           // (count, channels, pixels), contiguous
};

/// out[i] = source[indices[i]] for rows of `row_bytes` bytes of any dtype.
struct IndexSelectArgs {
  const void* source = nullptr;
  std::int64_t source_rows = 0;
  std::size_t row_bytes = 0;
  const std::int64_t* indices = nullptr;
  std::int64_t count = 0;
  void* out = nullptr;
};

/// sums[indices[i]] += rows[i], in the order of i for each place, so that the result does not
/// depend on the number of threads.
struct IndexAddArgs {
  DType dtype = DType::float32;
  const void* rows = nullptr;  // (count, cols), contiguous
  std::int64_t cols = 0;
  const std::int64_t* indices = nullptr;  // (count)
  std::int64_t count = 0;
  std::int64_t ignore_index = -1;  // rows with this index are left out
  std::int64_t source_rows = 0;
  void* sums = nullptr;  // (source_rows, cols), contiguous
};

/// y = exp(x) / sum of exp(x), or its logarithm, along the middle dimension.
struct SoftmaxArgs {
  DType dtype = DType::float32;
  bool log = false;
  std::int64_t outer = 0;  // x and y: (outer, size, inner), contiguous
  std::int64_t size = 0;
  std::int64_t inner = 1;
  const void* x = nullptr;
  void* y = nullptr;  // may be x
};

/// The gradient by x from that by y, where y is the softmax or its logarithm.
struct SoftmaxBackwardArgs {
  DType dtype = DType::float32;
  bool log = false;
  std::int64_t outer = 0;
  std::int64_t size = 0;
  std::int64_t inner = 1;
  const void* grad_output = nullptr;
  const void* y = nullptr;
  void* grad_input = nullptr;  // may be grad_output
};

/// y = x > 0 ? x : weight[c] * x for (outer, channels, inner) contiguous elements (He et al. 2015).
struct PreluArgs {
  DType dtype = DType::float32;
  std::int64_t outer = 0;
  std::int64_t channels = 1;
  std::int64_t inner = 0;
  const void* x = nullptr;
  const void* weight = nullptr;  // (channels)
  void* y = nullptr;             // may be x
};

/// The gradients by x and weight, each where it is wanted.
struct PreluBackwardArgs {
  DType dtype = DType::float32;
  std::int64_t outer = 0;
  std::int64_t channels = 1;
  std::int64_t inner = 0;
  const void* grad_output = nullptr;
  const void* x = nullptr;
  const void* weight = nullptr;    // (channels)
  void* grad_input = nullptr;      // or none
  void* grad_weight = nullptr;     // (channels) or none
  bool accumulate_weight = false;  // added to what is there
};

}  // namespace wick
