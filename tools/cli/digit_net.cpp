// SPDX-License-Identifier: MIT
// Makes the network of the programs from sizes.
#include "tools/cli/digit_net.h"

namespace wick::tools {

std::unique_ptr<nn::Sequential> make_digit_net(const std::vector<std::int64_t>& sizes,
                                               Generator& generator) {
  auto model = std::make_unique<nn::Sequential>();
  for (std::size_t i = 1; i < sizes.size(); ++i) {
    const std::string number = std::to_string(i);
    model->add<nn::Linear>("layer" + number, sizes[i - 1], sizes[i], generator);
    if (i + 1 < sizes.size()) model->add<nn::ReLU>("relu" + number);
  }
  return model;
}

std::string describe(const std::vector<std::int64_t>& sizes) {
  std::string text;
  for (const std::int64_t size : sizes) {
    if (!text.empty()) text += '-';
    text += std::to_string(size);
  }
  return text;
}

std::vector<std::int64_t> layer_sizes(const nn::Sequential& model) {
  std::vector<std::int64_t> sizes;
  for (const auto& [name, child] : model.children()) {
    const auto* const linear = dynamic_cast<const nn::Linear*>(child.get());
    if (linear == nullptr) continue;
    if (sizes.empty()) sizes.push_back(linear->in_features());
    sizes.push_back(linear->out_features());
  }
  return sizes;
}

}  // namespace wick::tools
