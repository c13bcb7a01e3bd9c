// SPDX-License-Identifier: MIT
#include "nn/make_sequence_modules.h"

#include <string>

#include "wick/nn/layers/multihead_attention.h"
#include "wick/nn/layers/recurrent.h"
#include "wick/nn/layers/recurrent_cell.h"
#include "wick/nn/layers/transformer_encoder.h"

namespace wick::nn {
namespace {

using ModulePtr = std::unique_ptr<Module>;

// A layer of two sizes, once all options have been read and before anything is drawn.
template <typename Layer, typename Options>
ModulePtr made(ModuleOptions& options, std::int64_t first, std::int64_t second,
               Generator* generator, const Options& more) {
  options.require_all_taken();
  return generator == nullptr ? std::make_unique<Layer>(first, second, more)
                              : std::make_unique<Layer>(first, second, *generator, more);
}

// What all options of recurrent layers have.
template <typename Options>
void read_common(ModuleOptions& options, Options& result) {
  result.num_layers = options.integer("num_layers", 1);
  result.bias = options.flag("bias", true);
  result.batch_first = options.flag("batch_first", false);
  result.dropout = options.number("dropout", 0.0);
  result.bidirectional = options.flag("bidirectional", false);
  result.dtype = options.dtype();
  result.device = options.device();
}

template <typename Cell>
ModulePtr cell(ModuleOptions& options, Generator* generator) {
  const std::int64_t inputs = options.integer("input_size");
  const std::int64_t hidden = options.integer("hidden_size");
  const CellOptions more{options.flag("bias", true), options.dtype(), options.device()};
  return made<Cell>(options, inputs, hidden, generator, more);
}

}  // namespace

ModulePtr make_rnn(ModuleOptions& options, Generator* generator) {
  const std::int64_t inputs = options.integer("input_size");
  const std::int64_t hidden = options.integer("hidden_size");
  const std::string nonlinearity = options.text("nonlinearity", "tanh");
  options.require_only("proj_size", 0);
  RNNOptions more{.nonlinearity = nonlinearity};
  read_common(options, more);
  return made<RNN>(options, inputs, hidden, generator, more);
}

ModulePtr make_lstm(ModuleOptions& options, Generator* generator) {
  const std::int64_t inputs = options.integer("input_size");
  const std::int64_t hidden = options.integer("hidden_size");
  LSTMOptions more;
  more.proj_size = options.integer("proj_size", 0);
  read_common(options, more);
  return made<LSTM>(options, inputs, hidden, generator, more);
}

ModulePtr make_gru(ModuleOptions& options, Generator* generator) {
  const std::int64_t inputs = options.integer("input_size");
  const std::int64_t hidden = options.integer("hidden_size");
  options.require_only("proj_size", 0);
  GRUOptions more;
  read_common(options, more);
  return made<GRU>(options, inputs, hidden, generator, more);
}

ModulePtr make_rnn_cell(ModuleOptions& options, Generator* generator) {
  const std::int64_t inputs = options.integer("input_size");
  const std::int64_t hidden = options.integer("hidden_size");
  const std::string nonlinearity = options.text("nonlinearity", "tanh");
  const RNNCellOptions more{options.flag("bias", true), nonlinearity, options.dtype(),
                            options.device()};
  return made<RNNCell>(options, inputs, hidden, generator, more);
}

ModulePtr make_lstm_cell(ModuleOptions& options, Generator* generator) {
  return cell<LSTMCell>(options, generator);
}

ModulePtr make_gru_cell(ModuleOptions& options, Generator* generator) {
  return cell<GRUCell>(options, generator);
}

ModulePtr make_multihead_attention(ModuleOptions& options, Generator* generator) {
  const std::int64_t size = options.integer("embed_dim");
  const std::int64_t heads = options.integer("num_heads");
  MultiheadAttentionOptions more;
  more.dropout = options.number("dropout", 0.0);
  more.bias = options.flag("bias", true);
  more.batch_first = options.flag("batch_first", false);
  more.dtype = options.dtype();
  more.device = options.device();
  options.require_only("add_bias_kv", false);
  options.require_only("add_zero_attn", false);
  options.require_only("kdim", nullptr);
  options.require_only("vdim", nullptr);
  return made<MultiheadAttention>(options, size, heads, generator, more);
}

ModulePtr make_transformer_encoder_layer(ModuleOptions& options, Generator* generator) {
  const std::int64_t size = options.integer("d_model");
  const std::int64_t heads = options.integer("nhead");
  const std::string activation = options.text("activation", "relu");
  TransformerEncoderLayerOptions more;
  more.dim_feedforward = options.integer("dim_feedforward", more.dim_feedforward);
  more.dropout = options.number("dropout", more.dropout);
  more.activation = activation;
  more.layer_norm_eps = options.number("layer_norm_eps", more.layer_norm_eps);
  more.batch_first = options.flag("batch_first", false);
  more.norm_first = options.flag("norm_first", false);
  more.bias = options.flag("bias", true);
  more.dtype = options.dtype();
  more.device = options.device();
  return made<TransformerEncoderLayer>(options, size, heads, generator, more);
}

}  // namespace wick::nn
