// SPDX-License-Identifier: MIT
// Normalisation of tensors; see core/ops.h for what holds of all operations.
#pragma once

#include "wick/core/backend/norm.h"
#include "wick/core/compiler.h"
#include "wick/core/tensor.h"

namespace wick::ops {

/// Vectors that are null are not there or not wanted.
struct NormOptions {
  const Tensor* weight = nullptr;  // (channels)
  const Tensor* bias = nullptr;    // (channels)
  double eps = 1e-5;
  const Tensor* mean = nullptr;  // (statistics): receives the means; not of rms_norm
  const Tensor* rstd = nullptr;  // (statistics): receives 1 / sqrt(variance + eps)
  // See NormArgs; of batch_norm, and of layer_norm with as many groups as channels.
  const Tensor* running_mean = nullptr;  // (channels)
  const Tensor* running_var = nullptr;   // (channels)
  double momentum = 0.1;
  /// int64, of one element, or none: how many batches there were before this one. The momentum is
  /// then 1 / (that + 1); the device reads it, and the caller counts.
  const Tensor* batches = nullptr;
  bool use_running = false;
};

/// y = x normalised; contiguous tensors of equal shape with as many elements as `shape` says.
/// torch.nn.functional.layer_norm, group_norm, rms_norm, batch_norm and instance_norm.
WICK_API void norm(NormOp op, const NormShape& shape, const Tensor& x, const Tensor& y,
                   const NormOptions& options);

struct NormBackwardOptions {
  const Tensor* weight = nullptr;
  double eps = 1e-5;
  // What the forward pass has left, or, with use_running, the running mean as `mean` and none.
  const Tensor* mean = nullptr;
  const Tensor* rstd = nullptr;
  const Tensor* running_var = nullptr;
  bool use_running = false;
  const Tensor* grad_input = nullptr;
  const Tensor* grad_weight = nullptr;
  const Tensor* grad_bias = nullptr;
  bool accumulate_weight = false;
  bool accumulate_bias = false;
};

/// The gradients of norm() that are wanted.
WICK_API void norm_backward(NormOp op, const NormShape& shape, const Tensor& grad_output,
                            const Tensor& x, const NormBackwardOptions& options);

}  // namespace wick::ops
