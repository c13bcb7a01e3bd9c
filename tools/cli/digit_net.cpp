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

std::vector<std::int64_t> layer_sizes(const nn::Module& model) {
  nn::StepList list(nn::StepList::Purpose::description);
  model.describe(list);
  std::vector<std::int64_t> sizes;
  for (const nn::Step& step : list.steps()) {
    if (step.kind != nn::StepKind::linear) continue;
    const Tensor& weight = step.weight->value;
    if (sizes.empty()) sizes.push_back(weight.size(1));
    sizes.push_back(weight.size(0));
  }
  return sizes;
}

}  // namespace wick::tools
