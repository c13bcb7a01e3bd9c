// SPDX-License-Identifier: MIT
#include "wick/nn/layers/multihead_attention.h"

#include <utility>

#include "wick/core/error.h"
#include "wick/core/ops.h"
#include "wick/nn/init.h"

namespace wick::nn {
namespace {

bool same_tensor(const Tensor& a, const Tensor& b) {
  return a.storage() == b.storage() && a.offset() == b.offset() && a.shape() == b.shape() &&
         a.strides() == b.strides();
}

Tensor as_rows(const Tensor& sequence) {
  return sequence.view({sequence.size(0) * sequence.size(1), sequence.size(2)});
}

}  // namespace

// -- Construction ---------------------------------------------------------------------------------

MultiheadAttention::MultiheadAttention(std::int64_t embed_dim, std::int64_t num_heads,
                                       Generator& generator, bool keep,
                                       const MultiheadAttentionOptions& options)
    : num_heads_(num_heads), batch_first_(options.batch_first), dropout_(options.dropout) {
  if (embed_dim < 1 || num_heads < 1 || embed_dim % num_heads != 0) {
    throw ValueError(
        concat("MultiheadAttention: embed_dim must be divisible by num_heads, both at "
               "least 1, got ",
               embed_dim, " and ", num_heads));
  }
  if (!(dropout_ >= 0.0 && dropout_ <= 1.0)) {
    throw ValueError(
        concat("MultiheadAttention: the probability dropout must be between 0 and 1, "
               "got ",
               dropout_));
  }
  if (keep && dropout_ > 0.0) generator_ = &generator;
  // PyTorch draws out_proj first.
  auto out_proj = std::make_unique<Linear>(
      embed_dim, embed_dim, generator, LinearOptions{options.bias, options.dtype, options.device});
  const Tensor weight = Tensor::empty({3 * embed_dim, embed_dim}, options.dtype, options.device);
  init::xavier_uniform_(weight, 1.0, generator);
  in_proj_weight_ = register_parameter("in_proj_weight", weight);
  if (options.bias) {
    in_proj_bias_ = register_parameter(
        "in_proj_bias", Tensor::zeros({3 * embed_dim}, options.dtype, options.device));
    out_proj->bias()->value.zero_();
  }
  out_proj_ = &register_child("out_proj", std::move(out_proj));
}

MultiheadAttention::MultiheadAttention(std::int64_t embed_dim, std::int64_t num_heads,
                                       Generator& generator,
                                       const MultiheadAttentionOptions& options)
    : MultiheadAttention(embed_dim, num_heads, generator, true, options) {}

MultiheadAttention::MultiheadAttention(std::int64_t embed_dim, std::int64_t num_heads,
                                       const MultiheadAttentionOptions& options)
    : MultiheadAttention(embed_dim, num_heads, default_generator(options.device), false, options) {}

MultiheadAttention::MultiheadAttention(const MultiheadAttention& other, ModuleCopier& copier)
    : Module(other, copier),
      in_proj_weight_(copier(other.in_proj_weight_)),
      in_proj_bias_(copier(other.in_proj_bias_)),
      out_proj_(static_cast<Linear*>(children().front().second.get())),
      num_heads_(other.num_heads_),
      batch_first_(other.batch_first_),
      dropout_(other.dropout_),
      generator_(other.generator_) {}

std::unique_ptr<Module> MultiheadAttention::copy(ModuleCopier& copier) const {
  return std::make_unique<MultiheadAttention>(*this, copier);
}

std::string MultiheadAttention::description() const {
  return concat("MultiheadAttention(", embed_dim(), ", ", num_heads_, ')');
}

// -- Checks ---------------------------------------------------------------------------------------

MultiheadAttention::Sizes MultiheadAttention::check_inputs(const Tensor& query, const Tensor& key,
                                                           const Tensor& value) const {
  for (const Tensor* const input : {&query, &key, &value}) {
    require_input(*input, in_proj_weight_->value);
    if ((input->dim() != 2 && input->dim() != 3) || input->dim() != query.dim()) {
      throw ShapeError(concat(description(),
                              ": expected query, key and value of 2 dimensions "
                              "(length, ",
                              embed_dim(), ") or of 3 with a batch, got ", query, ", ", key,
                              " and ", value));
    }
    if (input->size(-1) != embed_dim()) {
      throw ShapeError(concat(description(), ": input has ", input->size(-1),
                              " features, expected ", embed_dim(), ", the last size of its shape ",
                              input->shape()));
    }
  }
  Sizes sizes;
  sizes.batched = query.dim() == 3;
  const std::int64_t length = sizes.batched && batch_first_ ? 1 : 0;
  sizes.queries = query.size(length);
  sizes.keys = key.size(length);
  sizes.samples = sizes.batched ? query.size(1 - length) : 1;
  if (key.shape() != value.shape() || (sizes.batched && key.size(1 - length) != sizes.samples)) {
    throw ShapeError(concat(description(), ": key ", key.shape(), " and value ", value.shape(),
                            " must have one length, and the samples of the query ", query.shape()));
  }
  return sizes;
}

void MultiheadAttention::check_masks(const AttentionMasks& masks, const Sizes& sizes) const {
  const DType dtype = in_proj_weight_->value.dtype();
  const auto check = [&](const char* what, const Tensor& mask, const Dims& shape,
                         const Dims& other) {
    if (!mask.defined()) return;
    if (mask.shape() != shape && mask.shape() != other) {
      throw ShapeError(concat(description(), ": ", what, " must have shape ", shape,
                              shape == other ? std::string() : concat(" or ", other), ", got ",
                              mask));
    }
    if (mask.dtype() != DType::boolean && mask.dtype() != dtype) {
      throw DTypeError(concat(description(), ": ", what, " must be bool or ", dtype, ", got ", mask,
                              "; convert with to(DType)"));
    }
    require_same_device(mask, in_proj_weight_->value);
  };
  const Dims keys = sizes.batched ? Dims{sizes.samples, sizes.keys} : Dims{sizes.keys};
  check("key_padding_mask", masks.key_padding_mask, keys, keys);
  check("attn_mask", masks.attn_mask, {sizes.queries, sizes.keys},
        {sizes.samples * num_heads_, sizes.queries, sizes.keys});
}

MultiheadAttention::Sizes MultiheadAttention::check(const Tensor& query, const Tensor& key,
                                                    const Tensor& value,
                                                    const AttentionMasks& masks) const {
  const Sizes sizes = check_inputs(query, key, value);
  check_masks(masks, sizes);
  if (is_training() && dropout_ > 0.0 && generator_ != nullptr &&
      generator_->device() != query.device()) {
    throw DeviceError(concat(description(), ": the input is on ", query.device(),
                             ", the generator on ", generator_->device(),
                             "; make a Generator on the input's device, and set_generator()"));
  }
  return sizes;
}

// -- Forward --------------------------------------------------------------------------------------

Tensor MultiheadAttention::heads(const Projection& projection, const Tensor& rows,
                                 std::int64_t part, std::int64_t length) const {
  const std::int64_t size = embed_dim() / num_heads_;
  const std::int64_t width = rows.size(-1);
  const std::int64_t sample = batch_first_ ? length * width : width;
  const std::int64_t step = batch_first_ ? width : sizes_.samples * width;
  return rows.as_strided({sizes_.samples, num_heads_, length, size}, {sample, size, step, 1},
                         rows.offset() + (part - projection.first) * embed_dim());
}

MultiheadAttention::Heads MultiheadAttention::all_heads(bool gradients) {
  const auto part = [&](std::int64_t index, std::int64_t length) {
    Projection& own = projections_[projection_count_ == 1 ? 0 : index];
    Dims shape = own.input.shape();
    shape[2] = own.parts * embed_dim();
    Scratch& memory = gradients ? own.grad : own.output;
    const Tensor& rows = memory.get(shape, own.input.dtype(), own.input.device());
    return heads(own, rows, index, length);
  };
  return {part(0, sizes_.queries), part(1, sizes_.keys), part(2, sizes_.keys)};
}

ops::AttentionOptions MultiheadAttention::attention_options() const {
  ops::AttentionOptions options;
  options.mask = attn_mask_.defined() ? &attn_mask_ : nullptr;
  options.mask_kind = MaskKind::hides;
  options.key_mask = key_padding_mask_.defined() ? &key_padding_mask_ : nullptr;
  options.key_mask_kind = MaskKind::hides;
  options.is_causal = is_causal_;
  return options;
}

// As torch's dropout of the probabilities draws.
void MultiheadAttention::draw_kept() {
  const Tensor& weight = in_proj_weight_->value;
  const Dims shape{sizes_.samples, num_heads_, sizes_.queries, sizes_.keys};
  const Tensor& kept = kept_.get(shape, DType::boolean, weight.device());
  const auto draw = [&](Generator& generator) {
    if (dropout_ == 1.0) {
      kept.zero_();
    } else if (weight.device() == kCpu) {
      generator.bernoulli(kept, 1.0 - dropout_);
    } else {
      const Tensor& ones = ones_.get(shape, weight.dtype(), weight.device());
      ones.fill_(1.0);
      generator.dropout(ones, dropout_, kept, ones);
    }
  };
  generator_ != nullptr ? draw(*generator_) : draw(default_generator(weight.device()));
}

void MultiheadAttention::project(Projection& projection, const Tensor& input, std::int64_t first,
                                 std::int64_t parts) {
  projection.saved = input;
  projection.first = first;
  projection.parts = parts;
  projection.input = input.contiguous();
  if (!sizes_.batched) projection.input = projection.input.unsqueeze(batch_first_ ? 0 : 1);
  const std::int64_t width = embed_dim();
  Dims shape = projection.input.shape();
  shape[2] = parts * width;
  const Tensor& output = projection.output.get(shape, input.dtype(), input.device());
  const Tensor bias = in_proj_bias_
                          ? in_proj_bias_->value.slice(0, first * width, (first + parts) * width)
                          : Tensor();
  ops::matmul(as_rows(projection.input),
              in_proj_weight_->value.slice(0, first * width, (first + parts) * width),
              as_rows(output), {.transpose_b = true, .bias = bias.defined() ? &bias : nullptr});
}

Tensor MultiheadAttention::forward(const Tensor& query, const Tensor& key, const Tensor& value,
                                   const AttentionMasks& masks) {
  const Sizes sizes = check(query, key, value, masks);
  begin_forward();
  sizes_ = sizes;
  given_masks_[0] = masks.attn_mask;
  given_masks_[1] = masks.key_padding_mask;
  attn_mask_ = masks.attn_mask;
  if (attn_mask_.defined() && attn_mask_.dim() == 3) {
    attn_mask_ =
        attn_mask_.contiguous().view({sizes.samples, num_heads_, sizes.queries, sizes.keys});
  }
  key_padding_mask_ = masks.key_padding_mask;
  if (key_padding_mask_.defined() && !sizes.batched) {
    key_padding_mask_ = key_padding_mask_.unsqueeze(0);
  }
  is_causal_ = masks.is_causal;
  drops_ = is_training() && dropout_ > 0.0;
  const bool itself = same_tensor(query, key) && same_tensor(query, value);
  projection_count_ = itself ? 1 : 3;
  const auto apart = [&](Projection& projection, const Tensor& input) -> Tensor {
    if (!output_.defined() || input.storage() != output_.storage()) return input;
    const Tensor& copy = projection.copy.like(input);
    copy.copy_(input);
    return copy;
  };
  project(projections_[0], apart(projections_[0], query), 0, itself ? 3 : 1);
  if (!itself) {
    project(projections_[1], apart(projections_[1], key), 1, 1);
    project(projections_[2], apart(projections_[2], value), 2, 1);
  }
  const Tensor& like = projections_[0].input;
  const Tensor& attended = attended_.get(like.shape(), like.dtype(), like.device());
  const Tensor& log_sums =
      log_sums_.get({sizes.samples, num_heads_, sizes.queries}, like.dtype(), like.device());
  if (drops_) draw_kept();
  ops::AttentionOptions options = attention_options();
  if (drops_) {
    options.kept = &kept_.get({sizes.samples, num_heads_, sizes.queries, sizes.keys},
                              DType::boolean, like.device());
    options.kept_scale = ops::dropout_scale(dropout_, like.dtype());
  }
  const Heads all = all_heads(false);
  Projection whole;  // where the heads' results lie side by side
  ops::attention(all.query, all.key, all.value, heads(whole, attended, 0, sizes.queries), &log_sums,
                 options);
  Tensor output = forward_child(*out_proj_, attended);
  output_ = output;
  if (!sizes.batched) output = output.squeeze(batch_first_ ? 0 : 1);
  output_shape_ = output.shape();
  end_forward();
  return output;
}

void MultiheadAttention::release_saved() noexcept {
  for (Projection& projection : projections_) {
    projection.saved = Tensor();
    projection.input = Tensor();
  }
  for (SavedTensor& mask : given_masks_) mask = Tensor();
  attn_mask_ = Tensor();
  key_padding_mask_ = Tensor();
}

void MultiheadAttention::require_saved_intact(bool /*input_grad*/) const {
  for (std::int64_t i = 0; i < projection_count_ && in_proj_weight_->requires_grad; ++i) {
    require_intact(projections_[i].saved, "input");
  }
  for (const SavedTensor& mask : given_masks_) require_intact(mask, "mask");
}

// -- Backward -------------------------------------------------------------------------------------

Tensor MultiheadAttention::backward(const Tensor& grad_output, bool input_grad) {
  require_ready_for_backward();
  if (projection_count_ != 1) {
    throw ValueError(concat(description(),
                            ": backward() is for a sequence that attends to itself; "
                            "after a forward() of several inputs, use "
                            "backward_all()"));
  }
  return backward_all(grad_output, input_grad).query;
}

Tensor MultiheadAttention::differentiate(Projection& projection, bool input_grad) {
  const std::int64_t width = embed_dim();
  const std::int64_t first = projection.first * width;
  const std::int64_t last = first + projection.parts * width;
  Dims shape = projection.input.shape();
  shape[2] = projection.parts * width;
  const Tensor grad =
      as_rows(projection.grad.get(shape, projection.input.dtype(), projection.input.device()));
  Parameter& weight = *in_proj_weight_;
  const bool wants_bias = in_proj_bias_ && in_proj_bias_->requires_grad;
  const Tensor bias_grad = wants_bias ? in_proj_bias_->grad.slice(0, first, last) : Tensor();
  if (weight.requires_grad) {
    ops::matmul(grad, as_rows(projection.input), weight.grad.slice(0, first, last),
                {.transpose_a = true,
                 .accumulate = weight.has_grad,
                 .a_sums = wants_bias ? &bias_grad : nullptr,
                 .accumulate_sums = wants_bias && in_proj_bias_->has_grad});
  } else if (wants_bias) {
    ops::column_sums(grad, bias_grad, in_proj_bias_->has_grad);
  }
  if (!input_grad) return {};
  const Tensor& grad_input = projection.grad_input.like(projection.input);
  ops::matmul(grad, weight.value.slice(0, first, last), as_rows(grad_input));
  return sizes_.batched ? grad_input : grad_input.squeeze(batch_first_ ? 0 : 1);
}

AttentionInputGradients MultiheadAttention::backward_all(const Tensor& grad_output,
                                                         bool input_grad) {
  require_gradient(grad_output, output_shape_, input_grad, &in_proj_weight_->value);
  begin_backward();
  const Tensor grad = sizes_.batched ? grad_output : grad_output.unsqueeze(batch_first_ ? 0 : 1);
  const Tensor grad_attended = backward_child(*out_proj_, grad);
  const Dims numbers{sizes_.samples, num_heads_, sizes_.queries};
  const Tensor& like = projections_[0].input;
  const Tensor& log_sums = log_sums_.get(numbers, like.dtype(), like.device());
  const Tensor& deltas = deltas_.get(numbers, like.dtype(), like.device());
  ops::AttentionOptions options = attention_options();
  if (drops_) {
    options.kept = &kept_.get({sizes_.samples, num_heads_, sizes_.queries, sizes_.keys},
                              DType::boolean, like.device());
    options.kept_scale = ops::dropout_scale(dropout_, like.dtype());
  }
  const Heads all = all_heads(false);
  const Heads grads = all_heads(true);
  Projection whole;
  const Tensor& attended = attended_.get(like.shape(), like.dtype(), like.device());
  const Tensor output = heads(whole, attended, 0, sizes_.queries);
  ops::attention_backward(heads(whole, grad_attended, 0, sizes_.queries), all.query, all.key,
                          all.value,
                          {.output = &output,
                           .log_sums = &log_sums,
                           .deltas = &deltas,
                           .query = &grads.query,
                           .key = &grads.key,
                           .value = &grads.value},
                          options);
  AttentionInputGradients result;
  result.query = differentiate(projections_[0], input_grad);
  if (projection_count_ == 3) {
    result.key = differentiate(projections_[1], input_grad);
    result.value = differentiate(projections_[2], input_grad);
  }
  for (const ParameterPtr& parameter : {in_proj_weight_, in_proj_bias_}) {
    if (parameter && parameter->requires_grad) parameter->mark_grad_ready();
  }
  return result;
}

}  // namespace wick::nn
