// SPDX-License-Identifier: MIT
// Makes the network of the programs from sizes or from a state dictionary.
#include "tools/cli/digit_net.h"

#include <algorithm>
#include <string_view>

#include "core/error.h"

namespace wick::tools {
namespace {

constexpr std::string_view kWeight = ".weight";

bool is_weight_name(const std::string& name) {
  return name == "weight" || name.ends_with(kWeight);
}

/// "fc1.weight" to "fc1.bias".
std::string bias_name(const std::string& weight_name) {
  return weight_name.substr(0, weight_name.size() - (kWeight.size() - 1)) + "bias";
}

/// One linear layer of a state dictionary.
struct Layer {
  std::string name;  // of its weight
  Tensor weight;     // (out, in)
  Tensor bias;       // (out) or undefined
};

std::vector<Layer> find_layers(const StateDict& state, const std::string& name) {
  std::vector<Layer> layers;
  std::vector<std::string> used;
  for (const auto& [key, tensor] : state) {
    if (!is_weight_name(key) || tensor.dim() != 2) continue;
    Layer layer{key, tensor, {}};
    used.push_back(key);
    if (const Tensor* const bias = state.find(bias_name(key))) {
      layer.bias = *bias;
      used.push_back(bias_name(key));
    }
    layers.push_back(std::move(layer));
  }
  if (layers.empty()) {
    throw StateDictError(concat(name, ": its model has no matrix named *.weight"));
  }
  for (const auto& [key, tensor] : state) {
    if (std::find(used.begin(), used.end(), key) != used.end()) continue;
    throw StateDictError(concat(name, ": its model is no chain of linear layers: '", key,
                                "' of shape ", tensor.shape(), " belongs to none"));
  }
  for (std::size_t i = 0; i + 1 < layers.size(); ++i) {
    const std::int64_t out = layers[i].weight.size(0);
    const std::int64_t in = layers[i + 1].weight.size(1);
    if (out != in) {
      throw StateDictError(concat(name, ": its model is no chain of linear layers: '",
                                  layers[i].name, "' gives ", out, " numbers, '",
                                  layers[i + 1].name, "' takes ", in));
    }
  }
  for (const Layer& layer : layers) {
    if (layer.weight.numel() == 0) {
      throw StateDictError(concat(name, ": '", layer.name, "' has shape ", layer.weight.shape(),
                                  ", which is empty"));
    }
  }
  return layers;
}

}  // namespace

std::unique_ptr<nn::Sequential> make_digit_net(const std::vector<std::int64_t>& sizes,
                                               Generator& generator) {
  auto model = std::make_unique<nn::Sequential>();
  for (std::size_t i = 1; i < sizes.size(); ++i) {
    const std::string number = std::to_string(i);
    model->add<nn::Linear>("fc" + number, sizes[i - 1], sizes[i], generator);
    if (i + 1 < sizes.size()) model->add<nn::ReLU>("relu" + number);
  }
  return model;
}

std::unique_ptr<nn::Sequential> rebuild_digit_net(const StateDict& state, const std::string& name) {
  const std::vector<Layer> layers = find_layers(state, name);
  auto model = std::make_unique<nn::Sequential>();
  Generator generator;  // its numbers are overwritten
  StateDict renamed;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const Layer& layer = layers[i];
    const std::string child = "fc" + std::to_string(i + 1);
    nn::LinearOptions options;
    options.bias = layer.bias.defined();
    model->add<nn::Linear>(child, layer.weight.size(1), layer.weight.size(0), generator, options);
    if (i + 1 < layers.size()) model->add<nn::ReLU>("relu" + std::to_string(i + 1));
    renamed.set(child + ".weight", layer.weight);
    if (options.bias) renamed.set(child + ".bias", layer.bias);
  }
  model->load_state_dict(renamed);
  model->eval();
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
