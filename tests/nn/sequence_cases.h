// SPDX-License-Identifier: MIT
// How the rows of the table of layers (layer_cases.h) that are of sequences are made. All of them
// have the batch first, so that the table's inputs fit.
#pragma once

#include <cstdint>
#include <memory>

#include "wick/nn/layers/multihead_attention.h"
#include "wick/nn/layers/recurrent.h"
#include "wick/nn/layers/recurrent_cell.h"
#include "wick/nn/layers/transformer_encoder.h"

namespace wick::testing {

struct RecurrentKind {
  std::int64_t num_layers = 1;
  bool bias = true;
  bool bidirectional = false;
  double dropout = 0.0;
  bool eval = false;
};

template <typename Layer, std::int64_t Input, std::int64_t Hidden, RecurrentKind Kind,
          typename Context>
std::unique_ptr<nn::Module> make_recurrent(const Context& context) {
  constexpr bool kIsLstm = std::is_same_v<Layer, nn::LSTM>;
  std::conditional_t<kIsLstm, nn::LSTMOptions, nn::GRUOptions> options;
  options.num_layers = Kind.num_layers;
  options.bias = Kind.bias;
  options.batch_first = true;
  options.dropout = Kind.dropout;
  options.bidirectional = Kind.bidirectional;
  options.dtype = context.dtype;
  auto layer = std::make_unique<Layer>(Input, Hidden, context.generator, options);
  if (Kind.eval) layer->eval();
  return layer;
}

template <std::int64_t Input, std::int64_t Hidden, std::int64_t Layers, bool Relu, bool Bias,
          typename Context>
std::unique_ptr<nn::Module> make_rnn(const Context& context) {
  return std::make_unique<nn::RNN>(Input, Hidden, context.generator,
                                   nn::RNNOptions{.num_layers = Layers,
                                                  .nonlinearity = Relu ? "relu" : "tanh",
                                                  .bias = Bias,
                                                  .batch_first = true,
                                                  .dtype = context.dtype});
}

template <typename Cell, std::int64_t Input, std::int64_t Hidden, bool Bias, typename Context>
std::unique_ptr<nn::Module> make_cell(const Context& context) {
  return std::make_unique<Cell>(Input, Hidden, context.generator,
                                nn::CellOptions{.bias = Bias, .dtype = context.dtype});
}
template <std::int64_t Input, std::int64_t Hidden, bool Bias, bool Relu, typename Context>
std::unique_ptr<nn::Module> make_rnn_cell(const Context& context) {
  return std::make_unique<nn::RNNCell>(
      Input, Hidden, context.generator,
      nn::RNNCellOptions{
          .bias = Bias, .nonlinearity = Relu ? "relu" : "tanh", .dtype = context.dtype});
}

template <std::int64_t Size, std::int64_t Heads, bool Bias, typename Context>
std::unique_ptr<nn::Module> make_attention(const Context& context) {
  return std::make_unique<nn::MultiheadAttention>(
      Size, Heads, context.generator,
      nn::MultiheadAttentionOptions{.bias = Bias, .batch_first = true, .dtype = context.dtype});
}

struct EncoderKind {
  bool gelu = false;
  bool norm_first = false;
  bool bias = true;
};
template <std::int64_t Size, std::int64_t Heads, std::int64_t Feedforward, EncoderKind Kind,
          typename Context>
std::unique_ptr<nn::Module> make_encoder_layer(const Context& context) {
  return std::make_unique<nn::TransformerEncoderLayer>(
      Size, Heads, context.generator,
      nn::TransformerEncoderLayerOptions{.dim_feedforward = Feedforward,
                                         .dropout = 0.0,
                                         .activation = Kind.gelu ? "gelu" : "relu",
                                         .batch_first = true,
                                         .norm_first = Kind.norm_first,
                                         .bias = Kind.bias,
                                         .dtype = context.dtype});
}

}  // namespace wick::testing
