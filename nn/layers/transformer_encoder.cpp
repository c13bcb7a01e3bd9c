// SPDX-License-Identifier: MIT
#include "wick/nn/layers/transformer_encoder.h"

#include <string>
#include <utility>

#include "wick/core/error.h"
#include "wick/core/ops.h"
#include "wick/nn/sequential.h"

namespace wick::nn {
namespace {

UnaryOp activation_of(std::string_view name) {
  if (name == "relu") return UnaryOp::relu;
  if (name == "gelu") return UnaryOp::gelu;
  throw ValueError(
      concat("TransformerEncoderLayer: activation should be \"relu\" or \"gelu\", got "
             "\"",
             name, '"'));
}

AttentionMasks attention_masks(const EncoderMasks& masks) {
  return {masks.src_key_padding_mask, masks.src_mask, masks.is_causal};
}

// work(), whose errors get the child's name in front.
template <typename Work>
auto within(std::string_view child, const Work& work) {
  try {
    return work();
  } catch (Error& error) {
    error.add_where(child);
    throw;
  }
}

// A copy of what a module has returned and is given back: it will be overwritten.
Tensor apart_from(const Tensor& output, const Tensor& input, Scratch& memory) {
  if (!output.defined() || input.storage() != output.storage()) return input;
  const Tensor& copy = memory.like(input);
  copy.copy_(input);
  return copy;
}

}  // namespace

// -- One layer ------------------------------------------------------------------------------------

TransformerEncoderLayer::TransformerEncoderLayer(std::int64_t d_model, std::int64_t nhead,
                                                 Generator& generator, bool keep,
                                                 const TransformerEncoderLayerOptions& o)
    : activation_(activation_of(o.activation)), norm_first_(o.norm_first) {
  const auto dropout = [&] {
    return keep && o.dropout > 0.0 ? std::make_unique<Dropout>(generator, o.dropout)
                                   : std::make_unique<Dropout>(o.dropout);
  };
  const MultiheadAttentionOptions attention{o.dropout, o.bias, o.batch_first, o.dtype, o.device};
  const LinearOptions linear{o.bias, o.dtype, o.device};
  const LayerNormOptions norm{o.layer_norm_eps, true, o.bias, o.dtype, o.device};
  register_child("self_attn",
                 keep ? std::make_unique<MultiheadAttention>(d_model, nhead, generator, attention)
                      : std::make_unique<MultiheadAttention>(d_model, nhead, attention));
  register_child("linear1",
                 std::make_unique<Linear>(d_model, o.dim_feedforward, generator, linear));
  register_child("dropout", dropout());
  register_child("linear2",
                 std::make_unique<Linear>(o.dim_feedforward, d_model, generator, linear));
  register_child("norm1", std::make_unique<LayerNorm>(d_model, norm));
  register_child("norm2", std::make_unique<LayerNorm>(d_model, norm));
  register_child("dropout1", dropout());
  register_child("dropout2", dropout());
  find_children();
}

TransformerEncoderLayer::TransformerEncoderLayer(std::int64_t d_model, std::int64_t nhead,
                                                 Generator& generator,
                                                 const TransformerEncoderLayerOptions& options)
    : TransformerEncoderLayer(d_model, nhead, generator, true, options) {}

TransformerEncoderLayer::TransformerEncoderLayer(std::int64_t d_model, std::int64_t nhead,
                                                 const TransformerEncoderLayerOptions& options)
    : TransformerEncoderLayer(d_model, nhead, default_generator(options.device), false, options) {}

TransformerEncoderLayer::TransformerEncoderLayer(const TransformerEncoderLayer& other,
                                                 ModuleCopier& copier)
    : Module(other, copier), activation_(other.activation_), norm_first_(other.norm_first_) {
  find_children();
}

// In the order in which they were registered.
void TransformerEncoderLayer::find_children() {
  const auto child = [&]<typename M>(std::size_t index, M*& handle) {
    handle = static_cast<M*>(children()[index].second.get());
  };
  child(0, self_attn_);
  child(1, linear1_);
  child(2, dropout_);
  child(3, linear2_);
  child(4, norm1_);
  child(5, norm2_);
  child(6, dropout1_);
  child(7, dropout2_);
}

std::unique_ptr<Module> TransformerEncoderLayer::copy(ModuleCopier& copier) const {
  return std::make_unique<TransformerEncoderLayer>(*this, copier);
}

void TransformerEncoderLayer::set_generator(Generator& generator) noexcept {
  self_attn_->set_generator(generator);
  for (Dropout* const dropout : {dropout_, dropout1_, dropout2_}) {
    dropout->set_generator(generator);
  }
}

// PyTorch's attention works on (L, N, E), so that the dropout behind it draws for elements in that
// order, whatever comes first.
Tensor TransformerEncoderLayer::attend(const Tensor& x, const EncoderMasks& masks) {
  const Tensor y =
      within("self_attn", [&] { return self_attn_->forward(x, x, x, attention_masks(masks)); });
  draws_in_time_ =
      self_attn_->batch_first() && y.dim() == 3 && dropout1_->is_training() && dropout1_->p() > 0.0;
  if (!draws_in_time_) return forward_child(*dropout1_, y);
  const Tensor& in_time = in_time_.get({y.size(1), y.size(0), y.size(2)}, y.dtype(), y.device());
  in_time.copy_(y.transpose(0, 1));
  return forward_child(*dropout1_, in_time).transpose(0, 1);
}

Tensor TransformerEncoderLayer::attend_gradient(const Tensor& grad, bool input_grad) {
  if (!draws_in_time_) {
    return backward_child(*self_attn_, backward_child(*dropout1_, grad), input_grad);
  }
  const Tensor& in_time =
      in_time_.get({grad.size(1), grad.size(0), grad.size(2)}, grad.dtype(), grad.device());
  in_time.copy_(grad.transpose(0, 1));
  const Tensor& through = grad_attended_.like(grad);
  through.copy_(backward_child(*dropout1_, in_time).transpose(0, 1));
  return backward_child(*self_attn_, through, input_grad);
}

Tensor TransformerEncoderLayer::feed_forward(const Tensor& x) {
  const Tensor hidden = forward_child(*linear1_, x);
  const Tensor& activated = activated_.like(hidden);
  ops::unary(activation_, hidden, activated);
  hidden_ = info_of(activation_).saved == SavedValue::output ? activated : hidden;
  const Tensor y = forward_child(*linear2_, forward_child(*dropout_, activated));
  return forward_child(*dropout2_, y);
}

Tensor TransformerEncoderLayer::forward(const Tensor& input, const EncoderMasks& masks) {
  require_input(input, linear1_->weight()->value);
  const Tensor src = apart_from(output_, input, copy_);
  within("self_attn", [&] { self_attn_->check(src, src, src, attention_masks(masks)); });
  begin_forward();
  const auto sum = [](const Tensor& a, const Tensor& b, Scratch& memory) -> Tensor {
    const Tensor& out = memory.like(b);
    ops::add(a, b, out);
    return out;
  };
  Tensor output;
  if (norm_first_) {
    const Tensor x = sum(src, attend(forward_child(*norm1_, src.contiguous()), masks), sum1_);
    output = sum(x, feed_forward(forward_child(*norm2_, x)), sum2_);
  } else {
    const Tensor x = forward_child(*norm1_, sum(src, attend(src, masks), sum1_));
    output = forward_child(*norm2_, sum(x, feed_forward(x), sum2_));
  }
  output_ = output;
  end_forward();
  return output;
}

void TransformerEncoderLayer::require_saved_intact(bool /*input_grad*/) const {
  for (const auto& [name, child] : children()) {
    within(name, [&layer = *child] { layer.require_saved_intact(true); });
  }
}

Tensor TransformerEncoderLayer::feed_forward_gradient(const Tensor& grad) {
  Tensor g = backward_child(*linear2_, backward_child(*dropout2_, grad));
  g = backward_child(*dropout_, g);
  const Tensor& through = grad_activated_.like(g);
  ops::unary_backward(activation_, g, hidden_, through);
  return backward_child(*linear1_, through);
}

Tensor TransformerEncoderLayer::backward(const Tensor& grad_output, bool input_grad) {
  require_gradient(grad_output, output_shape(), input_grad, &linear1_->weight()->value);
  begin_backward();
  const auto sum = [](const Tensor& a, const Tensor& b, Scratch& memory) -> Tensor {
    const Tensor& out = memory.like(b);
    ops::add(a, b, out);
    return out;
  };
  const Tensor last = grad_output.contiguous();
  if (norm_first_) {
    const Tensor ff = backward_child(*norm2_, feed_forward_gradient(last));
    const Tensor g = sum(last, ff, grad_sum2_);
    const Tensor attended = attend_gradient(g, true);
    const Tensor before = backward_child(*norm1_, attended, input_grad);
    return input_grad ? sum(g, before, grad_sum1_) : Tensor();
  }
  const Tensor after = backward_child(*norm2_, last);
  const Tensor g = backward_child(*norm1_, sum(after, feed_forward_gradient(after), grad_sum2_));
  const Tensor attended = attend_gradient(g, input_grad);
  return input_grad ? sum(g, attended, grad_sum1_) : Tensor();
}

// -- Several --------------------------------------------------------------------------------------

TransformerEncoder::TransformerEncoder(const TransformerEncoderLayer& layer,
                                       std::int64_t num_layers, std::unique_ptr<LayerNorm> norm) {
  if (num_layers < 1) {
    throw ValueError(concat("TransformerEncoder: num_layers must be at least 1, got ", num_layers));
  }
  auto layers = std::make_unique<Sequential>();
  for (std::int64_t i = 0; i < num_layers; ++i) {
    layers->append(std::to_string(i), layer.clone());
  }
  register_child("layers", std::unique_ptr<Module>(std::move(layers)));
  if (norm != nullptr) register_child("norm", std::unique_ptr<Module>(std::move(norm)));
  find_children();
}

TransformerEncoder::TransformerEncoder(const TransformerEncoder& other, ModuleCopier& copier)
    : Module(other, copier) {
  find_children();
}

void TransformerEncoder::find_children() {
  for (const auto& [name, child] : children().front().second->children()) {
    layers_.push_back(static_cast<TransformerEncoderLayer*>(child.get()));
  }
  if (children().size() > 1) norm_ = static_cast<LayerNorm*>(children()[1].second.get());
}

std::unique_ptr<Module> TransformerEncoder::copy(ModuleCopier& copier) const {
  return std::make_unique<TransformerEncoder>(*this, copier);
}

Tensor TransformerEncoder::forward(const Tensor& src, const EncoderMasks& masks) {
  require_defined(src);
  Tensor x = apart_from(output_, src, copy_);
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    x = within("layers", [&] {
      return within(std::to_string(i), [&] { return layers_[i]->forward(x, masks); });
    });
    if (i == 0) begin_forward();  // the first one has found the input right
  }
  if (norm_ != nullptr) x = forward_child(*norm_, x);
  output_ = x;
  end_forward();
  return x;
}

void TransformerEncoder::require_saved_intact(bool input_grad) const {
  if (norm_ != nullptr)
    within("norm", [&] { static_cast<const Module*>(norm_)->require_saved_intact(true); });
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    within("layers", [&] {
      within(std::to_string(i), [&] { layers_[i]->require_saved_intact(input_grad); });
    });
  }
}

Tensor TransformerEncoder::backward(const Tensor& grad_output, bool input_grad) {
  require_gradient(grad_output, output_.defined() ? output_.shape() : Dims{}, input_grad);
  begin_backward();
  Tensor grad = grad_output;
  if (norm_ != nullptr) grad = backward_child(*norm_, grad);
  for (std::size_t i = layers_.size(); i-- > 0;) {
    grad = within("layers", [&] {
      return within(std::to_string(i),
                    [&] { return layers_[i]->backward(grad, i > 0 || input_grad); });
    });
  }
  return grad;
}

}  // namespace wick::nn
