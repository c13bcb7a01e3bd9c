// SPDX-License-Identifier: MIT
// Recurrent layers and attention from their descriptions. Private to make_module().
#pragma once

#include <memory>

#include "nn/module_options.h"
#include "wick/core/random.h"
#include "wick/nn/module.h"

namespace wick::nn {

// A null generator is the default one.
std::unique_ptr<Module> make_rnn(ModuleOptions& options, Generator* generator);
std::unique_ptr<Module> make_lstm(ModuleOptions& options, Generator* generator);
std::unique_ptr<Module> make_gru(ModuleOptions& options, Generator* generator);
std::unique_ptr<Module> make_rnn_cell(ModuleOptions& options, Generator* generator);
std::unique_ptr<Module> make_lstm_cell(ModuleOptions& options, Generator* generator);
std::unique_ptr<Module> make_gru_cell(ModuleOptions& options, Generator* generator);
std::unique_ptr<Module> make_multihead_attention(ModuleOptions& options, Generator* generator);
std::unique_ptr<Module> make_transformer_encoder_layer(ModuleOptions& options,
                                                       Generator* generator);

}  // namespace wick::nn
