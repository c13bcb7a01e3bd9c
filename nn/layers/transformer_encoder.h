// SPDX-License-Identifier: MIT
// The encoder of a Transformer (Vaswani et al. 2017).
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "wick/core/backend/elementwise.h"
#include "wick/core/compiler.h"
#include "wick/core/random.h"
#include "wick/nn/layers/dropout.h"
#include "wick/nn/layers/linear.h"
#include "wick/nn/layers/multihead_attention.h"
#include "wick/nn/layers/norm.h"
#include "wick/nn/module.h"
#include "wick/nn/scratch.h"

namespace wick::nn {

struct TransformerEncoderLayerOptions {
  std::int64_t dim_feedforward = 2048;
  double dropout = 0.1;
  std::string_view activation = "relu";  // or "gelu"
  double layer_norm_eps = 1e-5;
  bool batch_first = false;
  bool norm_first = false;
  bool bias = true;
  DType dtype = DType::float32;
  Device device = kCpu;
};

/// What of a sequence a position does not see: see AttentionMasks.
struct EncoderMasks {
  Tensor src_mask{};              // (L, L), or (N * nhead, L, L)
  Tensor src_key_padding_mask{};  // (N, L), unbatched (L)
  bool is_causal = false;
};

/// torch.nn.TransformerEncoderLayer: x = norm1(x + attention(x)), x = norm2(x + feed-forward(x));
/// with norm_first, x = x + attention(norm1(x)), x = x + feed-forward(norm2(x)). Modules
/// `self_attn`, `linear1`, `linear2`, `norm1` and `norm2` and the dropouts have PyTorch's names.
/// Inputs and outputs are those of MultiheadAttention.
class WICK_API TransformerEncoderLayer final : public Module {
 public:
  /// Draws the initial weights from `generator`, and in training the masks of the dropout: where
  /// there is any, it must live as long as the layer. Throws ValueError for a d_model that nhead
  /// does not divide, a dropout outside [0, 1] and another activation.
  TransformerEncoderLayer(std::int64_t d_model, std::int64_t nhead, Generator& generator,
                          const TransformerEncoderLayerOptions& options = {});
  /// Draws from the default generator of the device.
  TransformerEncoderLayer(std::int64_t d_model, std::int64_t nhead,
                          const TransformerEncoderLayerOptions& options = {});
  TransformerEncoderLayer(const TransformerEncoderLayer& other, ModuleCopier& copier);

  [[nodiscard]] std::string_view type_name() const noexcept override {
    return "TransformerEncoderLayer";
  }
  [[nodiscard]] std::unique_ptr<Module> copy(ModuleCopier& copier) const override;
  /// For the attention's dropout and the others; it must live as long as the layer.
  void set_generator(Generator& generator) noexcept;

  [[nodiscard]] Tensor forward(const Tensor& input) override { return forward(input, {}); }
  /// Throws as MultiheadAttention::forward() does.
  [[nodiscard]] Tensor forward(const Tensor& input, const EncoderMasks& masks);
  Tensor backward(const Tensor& grad_output, bool input_grad = true) override;
  void require_saved_intact(bool input_grad) const override;

 private:
  TransformerEncoderLayer(std::int64_t d_model, std::int64_t nhead, Generator& generator, bool keep,
                          const TransformerEncoderLayerOptions& options);
  void find_children();
  [[nodiscard]] Tensor attend(const Tensor& x, const EncoderMasks& masks);
  [[nodiscard]] Tensor attend_gradient(const Tensor& grad, bool input_grad);
  [[nodiscard]] Tensor feed_forward(const Tensor& x);
  [[nodiscard]] Tensor feed_forward_gradient(const Tensor& grad);

  MultiheadAttention* self_attn_ = nullptr;
  Linear* linear1_ = nullptr;
  Dropout* dropout_ = nullptr;
  Linear* linear2_ = nullptr;
  LayerNorm* norm1_ = nullptr;
  LayerNorm* norm2_ = nullptr;
  Dropout* dropout1_ = nullptr;
  Dropout* dropout2_ = nullptr;
  UnaryOp activation_;
  bool norm_first_;

  [[nodiscard]] Dims output_shape() const { return output_.defined() ? output_.shape() : Dims{}; }

  Tensor hidden_;  // of the last forward(): what the activation's gradient needs
  Tensor output_;  // what it has returned, which the next one overwrites
  Scratch copy_;
  bool draws_in_time_ = false;
  Scratch in_time_, grad_attended_;
  Scratch activated_, grad_activated_, sum1_, sum2_, grad_sum1_, grad_sum2_;

 protected:
  void release_saved() noexcept override { hidden_ = Tensor(); }
};

/// torch.nn.TransformerEncoder: layers one after the other, `layers.0`, `layers.1` and so on, and a
/// `norm` behind them, where there is one.
class WICK_API TransformerEncoder final : public Module {
 public:
  /// Copies of `layer`, with its weights, as PyTorch makes them. Throws ValueError for fewer than
  /// one.
  TransformerEncoder(const TransformerEncoderLayer& layer, std::int64_t num_layers,
                     std::unique_ptr<LayerNorm> norm = nullptr);
  TransformerEncoder(const TransformerEncoder& other, ModuleCopier& copier);

  [[nodiscard]] std::string_view type_name() const noexcept override {
    return "TransformerEncoder";
  }
  [[nodiscard]] std::unique_ptr<Module> copy(ModuleCopier& copier) const override;

  [[nodiscard]] Tensor forward(const Tensor& input) override { return forward(input, {}); }
  /// All layers get the same masks. Throws as MultiheadAttention::forward() does.
  [[nodiscard]] Tensor forward(const Tensor& src, const EncoderMasks& masks);
  Tensor backward(const Tensor& grad_output, bool input_grad = true) override;
  void require_saved_intact(bool input_grad) const override;

 private:
  void find_children();
  std::vector<TransformerEncoderLayer*> layers_;
  LayerNorm* norm_ = nullptr;  // or null
  Tensor output_;              // what the last forward() has returned
  Scratch copy_;
};

}  // namespace wick::nn
