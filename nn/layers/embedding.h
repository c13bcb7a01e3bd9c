// SPDX-License-Identifier: MIT
// A table of vectors, looked up by numbers.
#pragma once

#include <optional>

#include "wick/core/compiler.h"
#include "wick/core/random.h"
#include "wick/nn/module.h"
#include "wick/nn/scratch.h"

namespace wick::nn {

struct EmbeddingOptions {
  /// The row that stays as it is, and begins as zeros; may count from the end.
  std::optional<std::int64_t> padding_idx{};
  DType dtype = DType::float32;
  Device device = kCpu;
};

/// torch.nn.Embedding: int64 indices of any shape to (..., embedding_dim), with the parameter
/// `weight` (num_embeddings, embedding_dim). Its gradient is added up in the order of the indices.
class WICK_API Embedding final : public Module {
 public:
  /// Draws the initial weights from `generator` as PyTorch does: normal_(), and zeros for
  /// padding_idx. Throws ValueError for a negative size and for a padding_idx outside the table.
  Embedding(std::int64_t num_embeddings, std::int64_t embedding_dim, Generator& generator,
            const EmbeddingOptions& options = {});
  /// Draws them from the default generator of the device.
  Embedding(std::int64_t num_embeddings, std::int64_t embedding_dim,
            const EmbeddingOptions& options = {})
      : Embedding(num_embeddings, embedding_dim, default_generator(options.device), options) {}
  Embedding(const Embedding& other, ModuleCopier& copier);

  [[nodiscard]] std::string_view type_name() const noexcept override { return "Embedding"; }
  [[nodiscard]] std::string description() const override;
  [[nodiscard]] std::string extra_repr() const override;
  [[nodiscard]] std::unique_ptr<Module> copy(ModuleCopier& copier) const override;
  [[nodiscard]] std::int64_t num_embeddings() const { return weight_->value.size(0); }
  [[nodiscard]] std::int64_t embedding_dim() const { return weight_->value.size(1); }
  /// From 0 on.
  [[nodiscard]] std::optional<std::int64_t> padding_idx() const noexcept { return padding_idx_; }
  [[nodiscard]] const ParameterPtr& weight() const noexcept { return weight_; }

  /// The indices must be contiguous. Throws IndexError for one outside [0, num_embeddings); on a
  /// CUDA device, where the host next waits.
  [[nodiscard]] Tensor forward(const Tensor& indices) override;
  /// Returns an undefined tensor: there is no gradient by whole numbers.
  Tensor backward(const Tensor& grad_output, bool input_grad = true) override;

 protected:
  void release_saved() noexcept override { indices_ = Tensor(); }
  void require_saved_intact(bool /*input_grad*/) const override {
    if (weight_->requires_grad) require_intact(indices_, "input");
  }

 private:
  ParameterPtr weight_;
  std::optional<std::int64_t> padding_idx_;
  SavedTensor indices_;  // of the last forward(), flat
  Dims shape_;           // of its output
  Scratch output_;
};

}  // namespace wick::nn
