// SPDX-License-Identifier: MIT
#include "nn/layers/embedding.h"

#include "core/error.h"
#include "core/ops.h"

namespace wick::nn {

Embedding::Embedding(std::int64_t num_embeddings, std::int64_t embedding_dim, Generator& generator,
                     const EmbeddingOptions& options)
    : padding_idx_(options.padding_idx) {
  if (num_embeddings < 0 || embedding_dim < 0) {
    throw ValueError(concat("Embedding: sizes must not be negative, got num_embeddings ",
                            num_embeddings, " and embedding_dim ", embedding_dim));
  }
  if (padding_idx_) {
    if (*padding_idx_ < -num_embeddings || *padding_idx_ >= num_embeddings) {
      throw ValueError(concat("Embedding: padding_idx ", *padding_idx_,
                              " must be within the num_embeddings, ", num_embeddings));
    }
    if (*padding_idx_ < 0) *padding_idx_ += num_embeddings;
  }
  const Tensor weight =
      Tensor::empty({num_embeddings, embedding_dim}, options.dtype, options.device);
  weight.normal_(0.0, 1.0, generator);
  if (padding_idx_) weight.slice(0, *padding_idx_, *padding_idx_ + 1).zero_();
  weight_ = register_parameter("weight", weight);
}

Embedding::Embedding(const Embedding& other, ModuleCopier& copier)
    : Module(other, copier), weight_(copier(other.weight_)), padding_idx_(other.padding_idx_) {}

Tensor Embedding::forward(const Tensor& indices) {
  if (indices.dtype() != DType::int64) {
    throw DTypeError(concat("Embedding: expected int64 indices, got ", indices,
                            "; convert with to(DType::int64)"));
  }
  if (!indices.is_contiguous()) {
    throw ShapeError(concat("Embedding: the indices ", indices, " with strides ", indices.strides(),
                            " are not contiguous; use contiguous()"));
  }
  const Tensor& weight = weight_->value;
  const Tensor flat = indices.view({indices.numel()});
  Dims shape = indices.shape();
  shape.push_back(embedding_dim());
  const Tensor& output = output_.get(shape, weight.dtype(), weight.device());
  ops::index_select(weight, flat, output.view({indices.numel(), embedding_dim()}));
  begin_forward();
  indices_ = flat;
  shape_ = std::move(shape);
  end_forward();
  return output;
}

Tensor Embedding::backward(const Tensor& grad_output, bool /*input_grad*/) {
  require_gradient(grad_output, shape_);
  if (weight_->requires_grad) {
    const Tensor rows = grad_output.reshape({indices_.numel(), embedding_dim()});
    if (!weight_->has_grad) weight_->grad.zero_();
    ops::index_add(rows, indices_, weight_->grad, padding_idx_.value_or(-1));
    weight_->mark_grad_ready();
  }
  begin_backward();
  return {};
}

}  // namespace wick::nn
