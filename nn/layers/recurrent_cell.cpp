// SPDX-License-Identifier: MIT
#include "wick/nn/layers/recurrent_cell.h"

#include <cmath>
#include <utility>

#include "nn/recurrent_pass.h"
#include "wick/core/error.h"

namespace wick::nn {
namespace {

CellOp rnn_cell(std::string_view nonlinearity) {
  if (nonlinearity == "tanh") return CellOp::rnn_tanh;
  if (nonlinearity == "relu") return CellOp::rnn_relu;
  throw ValueError(concat("RNNCell: unknown nonlinearity \"", nonlinearity,
                          "\"; there are \"tanh\" and \"relu\""));
}

}  // namespace

RNNCellBase::RNNCellBase(std::string_view type_name, CellOp op, std::int64_t input_size,
                         std::int64_t hidden_size, Generator& generator, bool bias, DType dtype,
                         Device device)
    : type_name_(type_name),
      op_(op),
      input_size_(input_size),
      hidden_size_(hidden_size),
      pass_(std::make_unique<RecurrentPass>()) {
  if (input_size < 0 || hidden_size < 1) {
    throw ValueError(concat(type_name,
                            ": hidden_size must be at least 1, and input_size must not "
                            "be negative, got input_size ",
                            input_size, " and hidden_size ", hidden_size));
  }
  const double bound = 1.0 / std::sqrt(static_cast<double>(hidden_size));
  const std::int64_t rows = info_of(op).gates * hidden_size;
  const auto add = [&](const char* name, const Dims& shape) {
    const Tensor value = Tensor::empty(shape, dtype, device);
    value.uniform_(-bound, bound, generator);
    return register_parameter(name, value);
  };
  pass_->op = op;
  pass_->weight_ih = add("weight_ih", {rows, input_size});
  pass_->weight_hh = add("weight_hh", {rows, hidden_size});
  if (!bias) return;
  pass_->bias_ih = add("bias_ih", {rows});
  pass_->bias_hh = add("bias_hh", {rows});
}

RNNCellBase::RNNCellBase(const RNNCellBase& other, ModuleCopier& copier)
    : Module(other, copier),
      type_name_(other.type_name_),
      op_(other.op_),
      input_size_(other.input_size_),
      hidden_size_(other.hidden_size_),
      pass_(std::make_unique<RecurrentPass>(*other.pass_, copier)) {}

RNNCellBase::RNNCellBase(RNNCellBase&& other) noexcept = default;
RNNCellBase& RNNCellBase::operator=(RNNCellBase&& other) noexcept = default;
RNNCellBase::~RNNCellBase() = default;

RNNCell::RNNCell(std::int64_t input_size, std::int64_t hidden_size, Generator& generator,
                 const RNNCellOptions& o)
    : RNNCellBase("RNNCell", rnn_cell(o.nonlinearity), input_size, hidden_size, generator, o.bias,
                  o.dtype, o.device) {}
RNNCell::RNNCell(std::int64_t input_size, std::int64_t hidden_size, const RNNCellOptions& o)
    : RNNCell(input_size, hidden_size, default_generator(o.device), o) {}

LSTMCell::LSTMCell(std::int64_t input_size, std::int64_t hidden_size, Generator& generator,
                   const CellOptions& o)
    : RNNCellBase("LSTMCell", CellOp::lstm, input_size, hidden_size, generator, o.bias, o.dtype,
                  o.device) {}
LSTMCell::LSTMCell(std::int64_t input_size, std::int64_t hidden_size, const CellOptions& o)
    : LSTMCell(input_size, hidden_size, default_generator(o.device), o) {}

GRUCell::GRUCell(std::int64_t input_size, std::int64_t hidden_size, Generator& generator,
                 const CellOptions& o)
    : RNNCellBase("GRUCell", CellOp::gru, input_size, hidden_size, generator, o.bias, o.dtype,
                  o.device) {}
GRUCell::GRUCell(std::int64_t input_size, std::int64_t hidden_size, const CellOptions& o)
    : GRUCell(input_size, hidden_size, default_generator(o.device), o) {}

std::unique_ptr<Module> RNNCell::copy(ModuleCopier& copier) const {
  return std::make_unique<RNNCell>(*this, copier);
}
std::unique_ptr<Module> LSTMCell::copy(ModuleCopier& copier) const {
  return std::make_unique<LSTMCell>(*this, copier);
}
std::unique_ptr<Module> GRUCell::copy(ModuleCopier& copier) const {
  return std::make_unique<GRUCell>(*this, copier);
}

std::string RNNCellBase::description() const {
  return concat(type_name_, '(', input_size_, ", ", hidden_size_, ')');
}

std::string RNNCellBase::extra_repr() const {
  std::string text = concat(input_size_, ", ", hidden_size_);
  if (!pass_->bias_ih) text += ", bias=False";
  if (op_ == CellOp::rnn_relu) text += ", nonlinearity=relu";
  return text;
}

const Tensor& RNNCellBase::weight() const {
  return pass_->weight_ih->value;
}

Dims RNNCellBase::state_shape() const {
  return batched_ ? Dims{rows_, hidden_size_} : Dims{hidden_size_};
}

void RNNCellBase::check_state(const char* what, const Tensor& state, const Dims& shape) const {
  if (!state.defined()) return;
  if (op_ != CellOp::lstm && std::string_view(what).ends_with('c')) {
    throw ValueError(
        concat(description(), ": has no cell state; leave RecurrentState::c undefined"));
  }
  if (state.shape() != shape) {
    throw ShapeError(
        concat(description(), ": ", what, " must have shape ", shape, ", got ", state));
  }
  if (state.dtype() != weight().dtype()) {
    throw DTypeError(concat(description(), ": ", what, " is ", state.dtype(), ", weights are ",
                            weight().dtype(), "; use to(DType::", weight().dtype(), ")"));
  }
  require_same_device(state, weight());
}

// A state as (rows, hidden): a copy, or zeros.
Tensor RNNCellBase::as_matrix(const Tensor& state, Scratch& memory) const {
  const Tensor& matrix = memory.get({rows_, hidden_size_}, weight().dtype(), weight().device());
  if (!state.defined()) {
    matrix.zero_();
  } else {
    matrix.copy_(batched_ ? state : state.unsqueeze(0));
  }
  return matrix;
}

RecurrentState RNNCellBase::forward(const Tensor& input, const RecurrentState& state) {
  require_input(input, weight());
  if (input.dim() != 1 && input.dim() != 2) {
    throw ShapeError(concat(description(), ": expected an input (", input_size_, ") or (N, ",
                            input_size_, "), got ", input));
  }
  if (input.size(-1) != input_size_) {
    throw ShapeError(concat(description(), ": input has ", input.size(-1), " features, expected ",
                            input_size_, ", the last size of its shape ", input.shape()));
  }
  const bool batched = input.dim() == 2;
  const std::int64_t rows = batched ? input.size(0) : 1;
  const Dims shape = batched ? Dims{rows, hidden_size_} : Dims{hidden_size_};
  check_state("the state h", state.h, shape);
  check_state("the state c", state.c, shape);
  const bool memory = op_ == CellOp::lstm;
  rows_ = rows;
  batched_ = batched;
  // Before begin_forward(): the state may be what the forward() before has returned.
  const RecurrentPass::State first{as_matrix(state.h, h_0_),
                                   memory ? as_matrix(state.c, c_0_) : Tensor()};
  begin_forward();
  // Nor is the new state written over the input.
  for (Scratch* const memory_of_state : {&h_1_, &c_1_}) {
    if (memory_of_state->like(first.h).storage() == input.storage()) *memory_of_state = Scratch();
  }
  input_ = input;
  sequence_ = input.contiguous().view({1, rows, input_size_});
  const RecurrentPass::State last{h_1_.like(first.h), memory ? c_1_.like(first.c) : Tensor()};
  pass_->forward(sequence_, first, Tensor(), last, nullptr);
  end_forward();
  if (batched) return {last.h, last.c};
  return {last.h.squeeze(0), memory ? last.c.squeeze(0) : Tensor()};
}

void RNNCellBase::release_saved() noexcept {
  input_ = Tensor();
  sequence_ = Tensor();
}

void RNNCellBase::require_saved_intact(bool /*input_grad*/) const {
  if (pass_->reads_input()) require_intact(input_, "input");
}

Tensor RNNCellBase::backward(const Tensor& grad_output, bool input_grad) {
  require_gradient(grad_output, state_shape(), input_grad, &weight());
  return backward(RecurrentState{grad_output, {}}, input_grad).input;
}

RecurrentGradients RNNCellBase::backward(const RecurrentState& grad_state, bool input_grad) {
  require_ready_for_backward();
  require_saved_intact(input_grad);
  check_state("the gradient by h", grad_state.h, state_shape());
  check_state("the gradient by c", grad_state.c, state_shape());
  const bool memory = op_ == CellOp::lstm;
  begin_backward();
  const RecurrentPass::State grads{as_matrix(grad_state.h, grad_h_),
                                   memory ? as_matrix(grad_state.c, grad_c_) : Tensor()};
  const Tensor* grad_input = input_grad ? &grad_input_.like(sequence_) : nullptr;
  pass_->backward(sequence_, Tensor(), grads, grad_input, false, nullptr);
  RecurrentGradients result{{}, {grads.h, grads.c}};
  if (!batched_) result.initial = {grads.h.squeeze(0), memory ? grads.c.squeeze(0) : Tensor()};
  if (input_grad) {
    result.input =
        batched_ ? grad_input->view({rows_, input_size_}) : grad_input->view({input_size_});
  }
  return result;
}

}  // namespace wick::nn
