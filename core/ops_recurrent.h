// SPDX-License-Identifier: MIT
// Recurrent layers on tensors; see core/ops.h for what holds of all operations.
#pragma once

#include "wick/core/backend/recurrent.h"
#include "wick/core/compiler.h"
#include "wick/core/tensor.h"

namespace wick::ops {

/// One direction of a recurrent layer. With T steps, B rows and H elements of a state, a tensor "of
/// the sequence" is (T, B, n), or (B, T, n) with `batch_first`, and contiguous. Tensors that are
/// null are not there or not wanted.
struct RecurrentOptions {
  bool batch_first = false;
  bool reverse = false;               // from the last step to the first
  const Tensor* weight_hh = nullptr;  // (gates * H, H)
  const Tensor* bias_hh = nullptr;    // (gates * H)
  const Tensor* h_0 = nullptr;        // (B, H)
  const Tensor* c_0 = nullptr;        // (B, H); of lstm
  // Of the sequence, n = H: receive the states before each step, which the gradient needs. Where
  // there is one step and no gradient, they may be null.
  const Tensor* h_before = nullptr;
  const Tensor* c_before = nullptr;  // of lstm
  /// Of the sequence, n = H; may be a slice of the last dimension. Null: not wanted.
  const Tensor* output = nullptr;
  const Tensor* h_n = nullptr;      // (B, H); without h_before, it may be h_0
  const Tensor* c_n = nullptr;      // (B, H); of lstm
  const Tensor* lengths = nullptr;  // int64 (B): how many steps each row takes part in; none: all
};

/// torch's RNN, LSTM and GRU: `gates`, of the sequence with n = info_of(op).slots * H, begins as
/// the part of the gates that comes from x, its bias included, in the first info_of(op).gates * H
/// columns, and becomes what recurrent_backward() needs. Throws ValueError where a tensor is
/// missing or is not of this operation.
WICK_API void recurrent(CellOp op, const Tensor& gates, const RecurrentOptions& options);

struct RecurrentBackwardOptions {
  bool batch_first = false;
  bool reverse = false;
  const Tensor* weight_hh = nullptr;
  const Tensor* h_before = nullptr;     // of the forward pass
  const Tensor* c_before = nullptr;     // likewise
  const Tensor* grad_output = nullptr;  // as `output`; null: zeros
  const Tensor* grad_h = nullptr;       // (B, H): that by h_n, then that by h_0
  const Tensor* grad_c = nullptr;       // (B, H), of lstm: that by c_n, then that by c_0
  const Tensor* lengths = nullptr;
};

/// The gradients by the parts of the gates, in place in `gates`: by that from x in the first
/// info_of(op).gates * H columns; of a GRU, by h W_hnᵀ + b_hn in the last H. Those by what comes
/// from h are the same for the other gates.
WICK_API void recurrent_backward(CellOp op, const Tensor& gates,
                                 const RecurrentBackwardOptions& options);

}  // namespace wick::ops
