// SPDX-License-Identifier: MIT
// A small GPT (Radford et al. 2018), put together from layers by hand: the class Gpt of
// gpt_parity.py.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "wick/core/ops_arithmetic.h"
#include "wick/core/ops_reduce.h"
#include "wick/nn/layers/embedding.h"
#include "wick/nn/layers/linear.h"
#include "wick/nn/layers/transformer_encoder.h"

namespace wick::testing {

struct GptSizes {
  std::int64_t tokens;   // different ones
  std::int64_t context;  // positions
  std::int64_t width;
  std::int64_t heads;
  std::int64_t layers;
  double dropout;
  DType dtype;
};

/// Tokens (N, T), of int64, to the scores of the next token at each position, (N * T, tokens).
class Gpt final : public nn::Module {
 public:
  Gpt(const GptSizes& sizes, Generator& generator) {
    const nn::EmbeddingOptions embedding{.dtype = sizes.dtype};
    tokens_ = &register_child(
        "tokens", std::make_unique<nn::Embedding>(sizes.tokens, sizes.width, generator, embedding));
    positions_ = &register_child(
        "positions",
        std::make_unique<nn::Embedding>(sizes.context, sizes.width, generator, embedding));
    const nn::TransformerEncoderLayer layer(sizes.width, sizes.heads, generator,
                                            {.dim_feedforward = 4 * sizes.width,
                                             .dropout = sizes.dropout,
                                             .activation = "gelu",
                                             .batch_first = true,
                                             .norm_first = true,
                                             .dtype = sizes.dtype});
    encoder_ = &register_child("encoder",
                               std::make_unique<nn::TransformerEncoder>(
                                   layer, sizes.layers,
                                   std::make_unique<nn::LayerNorm>(
                                       sizes.width, nn::LayerNormOptions{.dtype = sizes.dtype})));
    head_ = &register_child("head",
                            std::make_unique<nn::Linear>(sizes.width, sizes.tokens, generator,
                                                         nn::LinearOptions{.dtype = sizes.dtype}));
  }

  [[nodiscard]] std::string_view type_name() const noexcept override { return "Gpt"; }

  [[nodiscard]] Tensor forward(const Tensor& input) override {
    const Tensor places = Tensor::arange(input.size(1));
    sum_ = ops::add(forward_child(*tokens_, input), forward_child(*positions_, places));
    const Tensor scores = forward_child(*head_, encoder_->forward(sum_, {.is_causal = true}));
    shape_ = scores.shape();
    return scores.view({shape_[0] * shape_[1], shape_[2]});
  }

  Tensor backward(const Tensor& grad_output, bool /*input_grad*/) override {
    const Tensor grad = backward_child(*encoder_, backward_child(*head_, grad_output.view(shape_)));
    backward_child(*tokens_, grad);
    backward_child(*positions_, ops::sum(grad, 0));
    return {};
  }

 private:
  nn::Embedding* tokens_ = nullptr;
  nn::Embedding* positions_ = nullptr;
  nn::TransformerEncoder* encoder_ = nullptr;
  nn::Linear* head_ = nullptr;
  Tensor sum_;
  Dims shape_;
};

}  // namespace wick::testing
