// SPDX-License-Identifier: MIT
// Attention of several heads.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "wick/core/compiler.h"
#include "wick/core/ops_attention.h"
#include "wick/core/random.h"
#include "wick/nn/layers/linear.h"
#include "wick/nn/module.h"
#include "wick/nn/saved_tensor.h"
#include "wick/nn/scratch.h"

namespace wick::nn {

struct MultiheadAttentionOptions {
  double dropout = 0.0;  // of the probabilities, in training
  bool bias = true;
  bool batch_first = false;
  DType dtype = DType::float32;
  Device device = kCpu;
};

/// Which keys a query does not see. As in torch.nn.MultiheadAttention, a bool mask is true where a
/// key is hidden; one of numbers, of the layer's dtype, is added to the scores. Undefined tensors
/// stand for no mask.
struct AttentionMasks {
  Tensor key_padding_mask{};  // (N, S), unbatched (S)
  Tensor attn_mask{};         // (L, S), or (N * num_heads, L, S)
  /// Query i sees keys 0 to i, besides what the masks say. PyTorch wants the same as an attn_mask,
  /// too; here it costs no memory.
  bool is_causal = false;
};

/// The gradients by the three inputs; undefined where they were not wanted. Where all three were
/// one tensor, `query` has the sum, and the others are undefined.
struct AttentionInputGradients {
  Tensor query;
  Tensor key;
  Tensor value;
};

/// torch.nn.MultiheadAttention (Vaswani et al. 2017), with parameters `in_proj_weight` (3 *
/// embed_dim, embed_dim), `in_proj_bias` (3 * embed_dim), `out_proj.weight` and `out_proj.bias`. A
/// query is (L, N, embed_dim), with batch_first (N, L, embed_dim), unbatched (L, embed_dim); keys
/// and values likewise with S in the place of L.
///
/// It gives the attention alone, as need_weights=False does; a query that sees no key has a result
/// of zeros before out_proj. There is no kdim, vdim, add_bias_kv and add_zero_attn. Long rows take
/// no more memory than short ones: the matrix of scores is never whole, but where dropout draws for
/// each of them (a byte each).
class WICK_API MultiheadAttention final : public Module {
 public:
  /// Draws the initial weights from `generator`, and in training the masks of the dropout: where
  /// there is any, it must live as long as the layer. Throws ValueError for an embed_dim that
  /// num_heads does not divide, and for a dropout outside [0, 1].
  MultiheadAttention(std::int64_t embed_dim, std::int64_t num_heads, Generator& generator,
                     const MultiheadAttentionOptions& options = {});
  /// Draws from the default generator of the device.
  MultiheadAttention(std::int64_t embed_dim, std::int64_t num_heads,
                     const MultiheadAttentionOptions& options = {});
  MultiheadAttention(const MultiheadAttention& other, ModuleCopier& copier);

  [[nodiscard]] std::string_view type_name() const noexcept override {
    return "MultiheadAttention";
  }
  [[nodiscard]] std::string description() const override;
  [[nodiscard]] std::unique_ptr<Module> copy(ModuleCopier& copier) const override;
  [[nodiscard]] std::int64_t embed_dim() const { return in_proj_weight_->value.size(1); }
  [[nodiscard]] std::int64_t num_heads() const noexcept { return num_heads_; }
  [[nodiscard]] bool batch_first() const noexcept { return batch_first_; }
  /// Draws the masks of the dropout from this one from now on; it must live as long as the layer.
  void set_generator(Generator& generator) noexcept { generator_ = &generator; }

  /// Of a sequence to itself.
  [[nodiscard]] Tensor forward(const Tensor& input) override {
    return forward(input, input, input);
  }
  /// Throws ShapeError for inputs or masks that do not fit each other, DTypeError for a mask that
  /// is neither bool nor of the layer's dtype, DeviceError for one elsewhere; then nothing has
  /// changed.
  [[nodiscard]] Tensor forward(const Tensor& query, const Tensor& key, const Tensor& value,
                               const AttentionMasks& masks = {});

  /// Of a sequence to itself; else ValueError: use backward_all().
  Tensor backward(const Tensor& grad_output, bool input_grad = true) override;
  AttentionInputGradients backward_all(const Tensor& grad_output, bool input_grad = true);

  void require_saved_intact(bool input_grad) const override;

 protected:
  void release_saved() noexcept override;

 private:
  struct Sizes {
    std::int64_t samples = 0;
    std::int64_t queries = 0;
    std::int64_t keys = 0;
    bool batched = true;
  };
  // A part of in_proj, and the input that it is of: all three of a sequence to itself.
  struct Projection {
    SavedTensor saved;  // the input, as it was given
    Tensor input;       // contiguous, as (N, L, E) or (L, N, E)
    Scratch copy;       // of an input that is what forward() has returned
    std::int64_t first = 0;
    std::int64_t parts = 1;
    Scratch output;
    Scratch grad;
    Scratch grad_input;
  };
  MultiheadAttention(std::int64_t embed_dim, std::int64_t num_heads, Generator& generator,
                     bool keep, const MultiheadAttentionOptions& options);
  friend class TransformerEncoderLayer;
  // All that forward() checks.
  Sizes check(const Tensor& query, const Tensor& key, const Tensor& value,
              const AttentionMasks& masks) const;
  [[nodiscard]] Sizes check_inputs(const Tensor& query, const Tensor& key,
                                   const Tensor& value) const;
  void check_masks(const AttentionMasks& masks, const Sizes& sizes) const;
  // Part `part` of query, key and value as (N, H, length, size).
  [[nodiscard]] Tensor heads(const Projection& projection, const Tensor& rows, std::int64_t part,
                             std::int64_t length) const;
  struct Heads {
    Tensor query;
    Tensor key;
    Tensor value;
  };
  [[nodiscard]] Heads all_heads(bool gradients);
  [[nodiscard]] ops::AttentionOptions attention_options() const;
  void draw_kept();
  void project(Projection& projection, const Tensor& input, std::int64_t first, std::int64_t parts);
  [[nodiscard]] Tensor differentiate(Projection& projection, bool input_grad);

  ParameterPtr in_proj_weight_;
  ParameterPtr in_proj_bias_;  // null where there is none
  Linear* out_proj_ = nullptr;
  std::int64_t num_heads_;
  bool batch_first_;
  double dropout_;
  Generator* generator_ = nullptr;  // null: the default one

  // Of the last forward().
  Sizes sizes_{};
  std::int64_t projection_count_ = 1;
  Projection projections_[3];
  Tensor attn_mask_;  // (N, H, L, S), or what broadcasts to it
  Tensor key_padding_mask_;
  SavedTensor given_masks_[2];
  bool is_causal_ = false;
  bool drops_ = false;
  Dims output_shape_;
  Tensor output_;  // what it has returned, which the next one overwrites
  Scratch attended_, grad_attended_, log_sums_, deltas_, kept_, ones_;
};

}  // namespace wick::nn
