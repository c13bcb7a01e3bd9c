// SPDX-License-Identifier: MIT
#include "nn/recurrent_pass.h"

#include "wick/core/ops.h"

namespace wick::nn {
namespace {

const Tensor* or_null(const Tensor& tensor) {
  return tensor.defined() ? &tensor : nullptr;
}
const Tensor* value_of(const ParameterPtr& parameter) {
  return parameter ? &parameter->value : nullptr;
}

// A tensor of the sequence as a matrix.
Tensor as_rows(const Tensor& sequence) {
  return sequence.view({sequence.size(0) * sequence.size(1), sequence.size(2)});
}

// The bias's gradient comes with the weight's, as sums of the same columns.
void differentiate(const Tensor& grad, const Tensor& operand, const Parameter& weight,
                   const Tensor& weight_grad, const Parameter* bias, const Tensor& bias_grad) {
  const bool wants_bias = bias != nullptr && bias->requires_grad;
  if (weight.requires_grad) {
    ops::matmul(grad, operand, weight_grad,
                {.transpose_a = true,
                 .accumulate = weight.has_grad,
                 .a_sums = wants_bias ? &bias_grad : nullptr,
                 .accumulate_sums = wants_bias && bias->has_grad});
  } else if (wants_bias) {
    ops::column_sums(grad, bias_grad, bias->has_grad);
  }
}

}  // namespace

RecurrentPass::RecurrentPass(const RecurrentPass& other, ModuleCopier& copier)
    : op(other.op),
      batch_first(other.batch_first),
      reverse(other.reverse),
      weight_ih(copier(other.weight_ih)),
      weight_hh(copier(other.weight_hh)),
      bias_ih(copier(other.bias_ih)),
      bias_hh(copier(other.bias_hh)) {}

void RecurrentPass::forward(const Tensor& input, const State& initial, const Tensor& output,
                            const State& last, const Tensor* lengths) {
  const Tensor& weight = weight_ih->value;
  const std::int64_t hidden = weight_hh->value.size(1);
  const Dims states{input.size(0), input.size(1), hidden};
  const Dims gates_shape{input.size(0), input.size(1), info_of(op).slots * hidden};
  gates_ = gates_memory_.get(gates_shape, weight.dtype(), weight.device());
  ops::matmul(as_rows(input), weight, as_rows(gates_).slice(1, 0, weight.size(0)),
              {.transpose_b = true, .bias = value_of(bias_ih)});
  const Tensor& h_before = h_before_.get(states, weight.dtype(), weight.device());
  const Tensor* c_before = nullptr;
  if (op == CellOp::lstm) c_before = &c_before_.get(states, weight.dtype(), weight.device());
  ops::recurrent(op, gates_,
                 {.batch_first = batch_first,
                  .reverse = reverse,
                  .weight_hh = &weight_hh->value,
                  .bias_hh = value_of(bias_hh),
                  .h_0 = &initial.h,
                  .c_0 = or_null(initial.c),
                  .h_before = &h_before,
                  .c_before = c_before,
                  .output = or_null(output),
                  .h_n = &last.h,
                  .c_n = or_null(last.c),
                  .lengths = lengths});
}

void RecurrentPass::backward(const Tensor& input, const Tensor& grad_output, const State& state,
                             const Tensor* grad_input, bool accumulate, const Tensor* lengths) {
  const Tensor& weight = weight_ih->value;
  const std::int64_t hidden = weight_hh->value.size(1);
  const Dims states{gates_.size(0), gates_.size(1), hidden};
  const Tensor& h_before = h_before_.get(states, weight.dtype(), weight.device());
  const Tensor* c_before = nullptr;
  if (op == CellOp::lstm) c_before = &c_before_.get(states, weight.dtype(), weight.device());
  ops::recurrent_backward(op, gates_,
                          {.batch_first = batch_first,
                           .reverse = reverse,
                           .weight_hh = &weight_hh->value,
                           .h_before = &h_before,
                           .c_before = c_before,
                           .grad_output = or_null(grad_output),
                           .grad_h = &state.h,
                           .grad_c = or_null(state.c),
                           .lengths = lengths});
  const Tensor gates = as_rows(gates_);
  differentiate_parameters(as_rows(input), gates);
  if (grad_input != nullptr) {
    ops::matmul(gates.slice(1, 0, weight.size(0)), weight, as_rows(*grad_input),
                {.accumulate = accumulate});
  }
}

void RecurrentPass::differentiate_parameters(const Tensor& rows, const Tensor& gates) {
  const std::int64_t hidden = weight_hh->value.size(1);
  const std::int64_t width = weight_ih->value.size(0);
  const auto grad_of = [](const ParameterPtr& parameter) {
    return parameter ? parameter->grad : Tensor();
  };
  const Tensor from_x = gates.slice(1, 0, width);
  differentiate(from_x, rows, *weight_ih, weight_ih->grad, bias_ih.get(), grad_of(bias_ih));
  const Tensor states =
      h_before_.get({gates_.size(0), gates_.size(1), hidden}, gates.dtype(), gates.device())
          .view({gates.size(0), hidden});
  const Tensor bias_grad = grad_of(bias_hh);
  if (op == CellOp::gru) {
    // Of the last gate, the part from h has a gradient of its own, in the last slot.
    const std::int64_t both = 2 * hidden;
    const auto part = [](const Tensor& tensor, std::int64_t first, std::int64_t last) {
      return tensor.defined() ? tensor.slice(0, first, last) : Tensor();
    };
    differentiate(gates.slice(1, 0, both), states, *weight_hh, part(weight_hh->grad, 0, both),
                  bias_hh.get(), part(bias_grad, 0, both));
    differentiate(gates.slice(1, 3 * hidden, 4 * hidden), states, *weight_hh,
                  part(weight_hh->grad, both, width), bias_hh.get(), part(bias_grad, both, width));
  } else {
    differentiate(from_x, states, *weight_hh, weight_hh->grad, bias_hh.get(), bias_grad);
  }
  for (const ParameterPtr& parameter : {weight_ih, weight_hh, bias_ih, bias_hh}) {
    if (parameter && parameter->requires_grad) parameter->mark_grad_ready();
  }
}

}  // namespace wick::nn
