// SPDX-License-Identifier: MIT
// The network of the programs: linear layers with ReLUs between them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "wick/core/random.h"
#include "wick/nn/sequential.h"

namespace wick::tools {

/// Layers layer1, relu1, layer2, ... from sizes[0] inputs over hidden sizes to sizes.back()
/// outputs, all at least 1; the generator draws the weights in that order. The state dictionary has
/// the keys layer1.weight, layer1.bias, layer2.weight, ...
[[nodiscard]] std::unique_ptr<nn::Sequential> make_digit_net(const std::vector<std::int64_t>& sizes,
                                                             Generator& generator);

/// "784-32-10".
[[nodiscard]] std::string describe(const std::vector<std::int64_t>& sizes);
/// The sizes of a network of linear layers and functions between them.
[[nodiscard]] std::vector<std::int64_t> layer_sizes(const nn::Module& model);

}  // namespace wick::tools
