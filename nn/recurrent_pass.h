// SPDX-License-Identifier: MIT
// One direction of one layer of an RNN: its parameters, its forward and its backward pass. Private
// to the recurrent modules.
#pragma once

#include <cstdint>
#include <string>

#include "wick/core/ops_recurrent.h"
#include "wick/core/parameter.h"
#include "wick/nn/module_copier.h"
#include "wick/nn/saved_tensor.h"
#include "wick/nn/scratch.h"

namespace wick::nn {

struct RecurrentPass {
  CellOp op = CellOp::rnn_tanh;
  bool batch_first = false;
  bool reverse = false;
  ParameterPtr weight_ih;
  ParameterPtr weight_hh;
  ParameterPtr bias_ih;  // null where there is none
  ParameterPtr bias_hh;

  RecurrentPass() = default;
  RecurrentPass(const RecurrentPass& other, ModuleCopier& copier);

  /// Whether backward() reads the input.
  [[nodiscard]] bool reads_input() const { return weight_ih->requires_grad; }

  struct State {
    Tensor h;  // (rows, hidden)
    Tensor c;  // likewise, of lstm
  };
  /// `input` (sequence, input_size), contiguous, to `output` (sequence, hidden), which may be a
  /// slice of the last dimension, or undefined; from `initial` to `last`. `lengths` may be null.
  void forward(const Tensor& input, const State& initial, const Tensor& output, const State& last,
               const Tensor* lengths);
  /// Of the last forward(), with its input. `state` has the gradients by the last state and
  /// receives those by the initial one. `grad_output` may be undefined: zeros. `grad_input`, unless
  /// it is null, is overwritten, or added to.
  void backward(const Tensor& input, const Tensor& grad_output, const State& state,
                const Tensor* grad_input, bool accumulate, const Tensor* lengths);

 private:
  void differentiate_parameters(const Tensor& rows, const Tensor& gates);

  Tensor gates_;  // of the last forward()
  Scratch gates_memory_;
  Scratch h_before_;
  Scratch c_before_;
};

}  // namespace wick::nn
