// SPDX-License-Identifier: MIT
// The family of recurrent layers: what each kind of cell is called, and what is given to the
// backend for a layer in one direction.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>

#include "wick/core/dtype.h"

namespace wick {

/// What becomes of the state h of a sequence from one step to the next. PyTorch's formulas, in
/// which x W_ihᵀ + b_ih + h W_hhᵀ + b_hh has a part for each gate.
enum class CellOp : std::uint8_t {
  rnn_tanh,  // h = tanh(...) (Elman 1990)
  rnn_relu,  // h = max(..., 0)
  lstm,      // c = f c + i g, h = o tanh(c) (Hochreiter and Schmidhuber 1997; Gers et al. 2000)
  gru        // h = (1 - z) n + z h, n = tanh(x part + r (h part)) (Cho et al. 2014)
};

struct CellInfo {
  const char* name;
  /// Parts of the weights, in PyTorch's order: i, f, g, o of the LSTM, and r, z, n of the GRU.
  std::int64_t gates;
  /// Parts of what is kept of a step: those gates, and of the GRU the part of n that comes from h.
  std::int64_t slots;
};
/// In the order of the enumerators.
inline constexpr CellInfo kCells[] = {
    {"rnn_tanh", 1, 1}, {"rnn_relu", 1, 1}, {"lstm", 4, 4}, {"gru", 3, 4}};
inline constexpr std::size_t kCellOpCount = std::size(kCells);
[[nodiscard]] constexpr const CellInfo& info_of(CellOp op) {
  return kCells[static_cast<std::size_t>(op)];
}

/// How sequences lie in memory: step t of row r at place t * step_pitch + r * row_pitch. A tensor
/// (steps, rows, ...) has pitches rows and 1, one (rows, steps, ...) 1 and steps.
struct SequenceShape {
  std::int64_t steps = 0;
  std::int64_t rows = 0;
  std::int64_t hidden = 0;
  std::int64_t step_pitch = 0;
  std::int64_t row_pitch = 0;
  bool reverse = false;  // from the last step to the first
  [[nodiscard]] constexpr std::int64_t places() const noexcept { return steps * rows; }
};

/// All steps of a layer in one direction. A row takes part in the steps before its length; in the
/// others its state stays as it is and its output is zero.
struct RecurrentArgs {
  CellOp op = CellOp::rnn_tanh;
  DType dtype = DType::float32;
  SequenceShape shape{};
  /// (places, slots * hidden): the gates' part that comes from x, its bias included. Overwritten
  /// with the gates after their functions; the last slot of a GRU receives h W_hnᵀ + b_hn.
  void* gates = nullptr;
  /// (gates * hidden, hidden), or none: the part that comes from h is there already, in the last
  /// slot of a GRU, too.
  const void* weight_hh = nullptr;
  const void* bias_hh = nullptr;  // (gates * hidden) or none
  const void* h_0 = nullptr;      // (rows, hidden)
  const void* c_0 = nullptr;      // likewise, of lstm
  /// (places, hidden): receive the state before each step. May be none where there is one step.
  void* h_before = nullptr;
  void* c_before = nullptr;               // of lstm
  void* output = nullptr;                 // `hidden` elements for each place, or none
  std::int64_t output_stride = 0;         // elements from place to place
  void* h_n = nullptr;                    // (rows, hidden); without h_before, it may be h_0
  void* c_n = nullptr;                    // likewise, of lstm
  const std::int64_t* lengths = nullptr;  // (rows) on the device, or none: all steps
};

/// The gradients by the gates and by the states before the first step. Those by x and by the
/// weights are products of the former.
struct RecurrentBackwardArgs {
  CellOp op = CellOp::rnn_tanh;
  DType dtype = DType::float32;
  SequenceShape shape{};
  /// What recurrent() has left. Overwritten with the gradients by the gates before their functions;
  /// the last slot of a GRU with that by h W_hnᵀ + b_hn.
  void* gates = nullptr;
  const void* weight_hh = nullptr;    // (gates * hidden, hidden)
  const void* h_before = nullptr;     // (places, hidden)
  const void* c_before = nullptr;     // likewise, of lstm
  const void* grad_output = nullptr;  // `hidden` elements for each place, or none: zeros
  std::int64_t output_stride = 0;
  /// (rows, hidden): on the way in the gradients by h_n and c_n, on the way out by h_0 and c_0.
  void* grad_h = nullptr;
  void* grad_c = nullptr;  // of lstm
  const std::int64_t* lengths = nullptr;
};

}  // namespace wick
