// SPDX-License-Identifier: MIT
// The forward and the backward pass of RNN, LSTM and GRU over all layers and directions.
#include "nn/recurrent_pass.h"
#include "wick/core/backend.h"
#include "wick/core/backend/memory.h"
#include "wick/core/error.h"
#include "wick/core/ops.h"
#include "wick/nn/layers/recurrent.h"

namespace wick::nn {

// -- Forward --------------------------------------------------------------------------------------

void RNNBase::check_generator(Device device) const {
  if (!drops(0) || generator_ == nullptr || generator_->device() == device) return;
  throw DeviceError(concat(description(), ": the input is on ", device, ", the generator on ",
                           generator_->device(),
                           "; make a Generator on the input's device, and set_generator()"));
}

bool RNNBase::drops(std::int64_t layer) const {
  return is_training() && dropout_ > 0.0 && layer + 1 < num_layers_;
}

// PyTorch draws for (T, N, ...), whatever the layout of the batch.
Tensor RNNBase::drop(const Tensor& output, std::int64_t layer) {
  Layer& own = layers_[static_cast<std::size_t>(layer)];
  Tensor in_time = output;
  if (batch_first_) {
    in_time = own.in_time.get({output.size(1), output.size(0), output.size(2)}, output.dtype(),
                              output.device());
    in_time.copy_(output.transpose(0, 1));
  }
  const Tensor& mask = own.mask.get(in_time.shape(), DType::boolean, output.device());
  if (generator_ != nullptr) {
    generator_->dropout(in_time, dropout_, mask, in_time);
  } else {
    default_generator(output.device())->dropout(in_time, dropout_, mask, in_time);
  }
  if (batch_first_) output.copy_(in_time.transpose(0, 1));
  return output;
}

// The input with zeros where a sequence has ended: what stands there may be anything.
Tensor RNNBase::without_padding(const Tensor& input, std::span<const std::int64_t> lengths) {
  const Tensor& clean = clean_.like(input);
  clean.copy_(input);
  const Tensor& zero = zero_.get({1}, clean.dtype(), clean.device());
  zero.zero_();
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    if (lengths[i] == sizes_.steps) continue;
    const Tensor rest =
        clean.select(batch_first_ ? 0 : 1, static_cast<std::int64_t>(i)).slice(0, lengths[i]);
    // As zero_(), which allocates where the elements do not lie together.
    clean.backend().copy_strided({rest.raw(), rest.dtype(), rest.shape(), rest.strides()},
                                 {zero.raw(), zero.dtype(), rest.shape(), {0, 0}});
  }
  return clean;
}

Tensor RNNBase::gathered(const Tensor& state, const Sizes& sizes, Scratch& memory) const {
  const Dims shape{num_layers_ * directions(), sizes.rows, hidden_size_};
  const Tensor& all = memory.get(shape, weight().dtype(), weight().device());
  if (!state.defined()) {
    all.zero_();
  } else {
    all.copy_(sizes.batched ? state : state.unsqueeze(1));
  }
  return all;
}

RecurrentOutput RNNBase::forward(const Tensor& input, const RecurrentState& initial,
                                 std::span<const std::int64_t> lengths) {
  const Sizes sizes = check_input(input);
  check_lengths(lengths, sizes);
  check_state("h_0", initial.h, state_shape(sizes));
  check_state("c_0", initial.c, state_shape(sizes));
  const bool memory = op_ == CellOp::lstm;
  if (!memory && initial.c.defined()) {
    throw ValueError(
        concat(description(), ": has no cell state; leave RecurrentState::c undefined"));
  }
  check_generator(input.device());
  // Before begin_forward(): the initial state may be the last one of the forward() before.
  const Tensor h_0 = gathered(initial.h, sizes, h_0_);
  const Tensor c_0 = memory ? gathered(initial.c, sizes, c_0_) : Tensor();
  begin_forward();
  sizes_ = sizes;
  Tensor x = input.contiguous();
  if (!sizes.batched) x = x.unsqueeze(batch_first_ ? 0 : 1);
  has_lengths_ = !lengths.empty();
  Tensor device_lengths;
  if (has_lengths_) {
    device_lengths = lengths_.get({sizes.rows}, DType::int64, input.device());
    device_lengths.backend().copy_from_host(device_lengths.raw(), lengths.data(),
                                            lengths.size_bytes());
    x = without_padding(x, lengths);
  }
  input_ = input;
  dropped_ = drops(0);
  const Tensor& h_n = h_n_.like(h_0);
  if (memory) static_cast<void>(c_n_.like(c_0));
  for (std::int64_t layer = 0; layer < num_layers_; ++layer) {
    Layer& own = layers_[static_cast<std::size_t>(layer)];
    own.input = x;
    const Dims shape{x.size(0), x.size(1), directions() * hidden_size_};
    // Not over the input, which may be what the forward() before has returned.
    if (own.output.get(shape, x.dtype(), x.device()).storage() == input.storage()) {
      own.output = Scratch();
    }
    const Tensor& y =
        own.output.get({x.size(0), x.size(1), directions() * hidden_size_}, x.dtype(), x.device());
    for (std::int64_t d = 0; d < directions(); ++d) {
      const std::int64_t index = layer * directions() + d;
      RecurrentPass::State first{h_0[index], {}};
      RecurrentPass::State last{h_n[index], {}};
      if (memory) {
        first.c = c_0[index];
        last.c = c_n_.like(c_0)[index];
      }
      pass(layer, d).forward(x, first, y.slice(2, d * hidden_size_, (d + 1) * hidden_size_), last,
                             has_lengths_ ? &device_lengths : nullptr);
    }
    x = drops(layer) ? drop(y, layer) : y;
  }
  RecurrentOutput result{x, {h_n, memory ? c_n_.like(c_0) : Tensor()}};
  if (!sizes.batched) {
    result.output = x.squeeze(batch_first_ ? 0 : 1);
    result.state.h = result.state.h.squeeze(1);
    if (memory) result.state.c = result.state.c.squeeze(1);
  }
  output_shape_ = result.output.shape();
  end_forward();
  return result;
}

void RNNBase::release_saved() noexcept {
  input_ = Tensor();
  for (Layer& layer : layers_) layer.input = Tensor();
}

void RNNBase::require_saved_intact(bool /*input_grad*/) const {
  for (std::int64_t d = 0; d < directions() && !has_lengths_; ++d) {
    if (pass(0, d).reads_input()) return require_intact(input_, "input");
  }
}

// -- Backward -------------------------------------------------------------------------------------

Tensor RNNBase::backward(const Tensor& grad_output, bool input_grad) {
  require_gradient(grad_output, output_shape_, input_grad, &weight());
  return backward(grad_output, RecurrentState{}, input_grad).input;
}

Tensor RNNBase::drop_gradient(const Tensor& grad, std::int64_t layer) {
  Layer& own = layers_[static_cast<std::size_t>(layer)];
  const double scale = ops::dropout_scale(dropout_, grad.dtype());
  Tensor in_time = grad;
  if (batch_first_) {
    in_time =
        own.in_time.get({grad.size(1), grad.size(0), grad.size(2)}, grad.dtype(), grad.device());
    in_time.copy_(grad.transpose(0, 1));
  }
  const Tensor& mask = own.mask.get(in_time.shape(), DType::boolean, grad.device());
  ops::masked_scale(in_time, mask, scale, in_time);
  if (batch_first_) grad.copy_(in_time.transpose(0, 1));
  return grad;
}

RecurrentGradients RNNBase::backward(const Tensor& grad_output, const RecurrentState& grad_state,
                                     bool input_grad) {
  require_ready_for_backward();
  if (grad_output.defined()) {
    require_gradient(grad_output, output_shape_, input_grad, &weight());
  } else {
    require_saved_intact(input_grad);
  }
  const bool memory = op_ == CellOp::lstm;
  const Dims shape = state_shape(sizes_);
  check_state("the gradient by h_n", grad_state.h, shape);
  check_state("the gradient by c_n", grad_state.c, shape);
  begin_backward();
  const Tensor grad_h = gathered(grad_state.h, sizes_, grad_h_);
  const Tensor grad_c = memory ? gathered(grad_state.c, sizes_, grad_c_) : Tensor();
  const Tensor lengths =
      has_lengths_ ? lengths_.get({sizes_.rows}, DType::int64, grad_h.device()) : Tensor();
  Tensor grad = grad_output;
  if (grad.defined()) {
    grad = grad.contiguous();
    if (!sizes_.batched) grad = grad.unsqueeze(batch_first_ ? 0 : 1);
  }
  for (std::int64_t layer = num_layers_; layer-- > 0;) {
    Layer& own = layers_[static_cast<std::size_t>(layer)];
    const bool wanted = layer > 0 || input_grad;
    if (wanted) static_cast<void>(own.grad_input.like(own.input));
    for (std::int64_t d = 0; d < directions(); ++d) {
      const std::int64_t index = layer * directions() + d;
      const RecurrentPass::State state{grad_h[index], memory ? grad_c[index] : Tensor()};
      const Tensor part =
          grad.defined() ? grad.slice(2, d * hidden_size_, (d + 1) * hidden_size_) : Tensor();
      pass(layer, d).backward(own.input, part, state,
                              wanted ? &own.grad_input.like(own.input) : nullptr, d > 0,
                              has_lengths_ ? &lengths : nullptr);
    }
    grad = wanted ? own.grad_input.like(own.input) : Tensor();
    if (layer > 0 && dropped_) grad = drop_gradient(grad, layer - 1);
  }
  RecurrentGradients result{grad, {grad_h, grad_c}};
  if (!sizes_.batched) {
    if (grad.defined()) result.input = grad.squeeze(batch_first_ ? 0 : 1);
    result.initial.h = grad_h.squeeze(1);
    if (memory) result.initial.c = grad_c.squeeze(1);
  }
  return result;
}

}  // namespace wick::nn
