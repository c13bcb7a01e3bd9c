// SPDX-License-Identifier: MIT
#include "wick/nn/layers/embedding.h"

#include "nn/named_errors.h"
#include "wick/core/error.h"
#include "wick/core/ops.h"

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

std::string Embedding::description() const {
  return concat("Embedding(", num_embeddings(), ", ", embedding_dim(), ")");
}

std::string Embedding::extra_repr() const {
  std::string text = concat(num_embeddings(), ", ", embedding_dim());
  if (padding_idx_) text += concat(", padding_idx=", *padding_idx_);
  return text;
}

Tensor Embedding::forward(const Tensor& indices) {
  require_defined(indices);
  if (indices.dtype() != DType::int64) {
    throw DTypeError(concat(description(), ": input is ", indices.dtype(),
                            ", expected int64 indices; use x.to(DType::int64)"));
  }
  const Tensor& weight = weight_->value;
  require_same_device(indices, weight);
  require_contiguous(indices);
  const Tensor flat = indices.view({indices.numel()});
  Dims shape = indices.shape();
  shape.push_back(embedding_dim());
  const Tensor& output = output_.get(shape, weight.dtype(), weight.device());
  const Tensor rows = output.view({indices.numel(), embedding_dim()});
  with_name_of([this] { return description(); }, [&] { ops::index_select(weight, flat, rows); });
  begin_forward();
  indices_ = flat;
  shape_ = std::move(shape);
  end_forward();
  return output;
}

Tensor Embedding::backward(const Tensor& grad_output, bool /*input_grad*/) {
  require_gradient(grad_output, shape_, false, &weight_->value);
  if (weight_->requires_grad) {
    const Tensor rows = grad_output.reshape({indices_->numel(), embedding_dim()});
    if (!weight_->has_grad) weight_->grad.zero_();
    ops::index_add(rows, *indices_, weight_->grad, padding_idx_.value_or(-1));
    weight_->mark_grad_ready();
  }
  begin_backward();
  return {};
}

std::unique_ptr<Module> Embedding::copy(ModuleCopier& copier) const {
  return std::make_unique<Embedding>(*this, copier);
}

}  // namespace wick::nn
