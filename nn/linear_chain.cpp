// SPDX-License-Identifier: MIT
#include "nn/linear_chain.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <span>
#include <string_view>
#include <utility>

#include "nn/chain_order.h"
#include "nn/name_order.h"
#include "wick/core/error.h"

namespace wick::nn {
namespace {

using Layers = std::vector<LinearLayer>;
using Order = std::vector<std::size_t>;

constexpr std::size_t kListed = 8;  // keys in one message

std::string key_of(const LinearLayer& layer, std::string_view parameter) {
  return layer.name.empty() ? std::string(parameter) : concat(layer.name, '.', parameter);
}

bool is_layer_weight(const std::string& key, const Tensor& tensor) {
  return (key == "weight" || key.ends_with(".weight")) && tensor.dim() == 2;
}

/// "'a', 'b' and 3 more".
std::string list(const std::vector<std::string>& keys) {
  std::string text;
  const std::size_t shown = std::min(keys.size(), kListed);
  for (std::size_t i = 0; i < shown; ++i) text += concat(i == 0 ? "'" : ", '", keys[i], "'");
  return shown == keys.size() ? text : concat(text, " and ", keys.size() - shown, " more");
}

std::string list_weights(const Layers& layers, const Order& order) {
  std::vector<std::string> keys;
  for (const std::size_t i : order) keys.push_back(key_of(layers[i], "weight"));
  return list(keys);
}

void require_no_other_keys(const StateDict& state, const Layers& layers, const std::string& name) {
  std::set<std::string> used;
  for (const LinearLayer& layer : layers) {
    used.insert(key_of(layer, "weight"));
    if (layer.bias.defined()) used.insert(key_of(layer, "bias"));
  }
  std::vector<std::string> unused;
  for (const auto& [key, tensor] : state) {
    if (!used.contains(key)) unused.push_back(key);
  }
  if (unused.empty()) return;
  // The shape tells a convolution from a normalisation.
  const std::string& first = unused.front();
  std::string others;
  if (unused.size() > 1) others = ", and neither do " + list({unused.begin() + 1, unused.end()});
  throw StateDictError(concat(name, ": its model is no chain of linear layers: '", first,
                              "' of shape ", state.at(first).shape(), " belongs to none", others));
}

/// In the order of the dictionary.
Layers collect_layers(const StateDict& state, const std::string& name) {
  Layers layers;
  for (const auto& [key, tensor] : state) {
    if (!is_layer_weight(key, tensor)) continue;
    const std::size_t dot = key.rfind('.');
    LinearLayer layer{dot == std::string::npos ? "" : key.substr(0, dot), tensor, {}};
    if (const Tensor* const bias = state.find(key_of(layer, "bias"))) layer.bias = *bias;
    layers.push_back(std::move(layer));
  }
  if (layers.empty()) {
    throw StateDictError(concat(name, ": its model has no matrix named *.weight"));
  }
  require_no_other_keys(state, layers, name);
  return layers;
}

void require_sound_numbers(const Tensor& tensor, const std::string& key, const std::string& name) {
  if (is_complex(tensor.dtype())) {
    throw StateDictError(concat(name, ": '", key, "' is ", tensor.dtype(),
                                "; a network of real numbers would lose the imaginary parts"));
  }
  if (!is_floating_point(tensor.dtype())) {
    throw StateDictError(concat(name, ": '", key, "' is ", tensor.dtype(),
                                ", which is no dtype of weights (a quantised model must be"
                                " converted back to float32 first)"));
  }
  const Tensor numbers = tensor.to(kCpu).to(DType::float32).contiguous();
  const std::span<const float> values(numbers.data<float>(),
                                      static_cast<std::size_t>(numbers.numel()));
  const auto nans = std::ranges::count_if(values, [](float value) { return std::isnan(value); });
  if (nans == 0) return;
  throw StateDictError(
      concat(name, ": '", key, "' holds ",
             nans == tensor.numel() ? std::string("nothing but NaN") : concat(nans, " NaN"), " in ",
             tensor.numel(), tensor.numel() == 1 ? " element" : " elements",
             "; the network can answer nothing but NaN"));
}

void check_tensors(const Layers& layers, const std::string& name) {
  for (const LinearLayer& layer : layers) {
    if (layer.weight.numel() == 0) {
      throw StateDictError(concat(name, ": '", key_of(layer, "weight"), "' has shape ",
                                  layer.weight.shape(), ", which is empty"));
    }
    require_sound_numbers(layer.weight, key_of(layer, "weight"), name);
    if (!layer.bias.defined()) continue;
    const Dims wanted = {layer.weight.size(0)};
    if (layer.bias.shape() != wanted) {
      throw StateDictError(concat(name, ": '", key_of(layer, "bias"), "' has shape ",
                                  layer.bias.shape(), ", but '", key_of(layer, "weight"), "' ",
                                  layer.weight.shape()));
    }
    require_sound_numbers(layer.bias, key_of(layer, "bias"), name);
  }
}

/// Sorted by the numbers in their names; `complete` where these decide every place.
Order order_of_numbers(const Layers& layers, bool& complete) {
  Order order(layers.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
    return natural_less(layers[a].name, layers[b].name);
  });
  // In sorted order it is enough to look at neighbours.
  complete = true;
  for (std::size_t i = 0; i + 1 < order.size(); ++i) {
    complete = complete && order_by_numbers(layers[order[i]].name, layers[order[i + 1]].name) ==
                               std::partial_ordering::less;
  }
  return order;
}

/// The first place where a layer does not take what the one before gives, in words; empty where
/// there is none.
std::string describe_break(const Layers& layers, const Order& order) {
  for (std::size_t i = 0; i + 1 < order.size(); ++i) {
    const LinearLayer& layer = layers[order[i]];
    const LinearLayer& next = layers[order[i + 1]];
    if (layer.weight.size(0) == next.weight.size(1)) continue;
    return concat('\'', key_of(layer, "weight"), "' gives ", layer.weight.size(0), " numbers, '",
                  key_of(next, "weight"), "' takes ", next.weight.size(1));
  }
  return {};
}

std::vector<LayerShape> shapes_of(const Layers& layers) {
  std::vector<LayerShape> shapes;
  for (const LinearLayer& layer : layers) {
    shapes.push_back({.in = layer.weight.size(1), .out = layer.weight.size(0)});
  }
  return shapes;
}

/// Where the numbers alone do not do: by the shapes too.
Order order_of_shapes(const Layers& layers, const Order& by_numbers, bool complete,
                      const std::string& name) {
  using Count = ChainOrders::Count;
  const std::vector<LayerShape> shapes = shapes_of(layers);
  ChainOrders found;
  if (!complete) {
    found = find_chain_orders(shapes, [&layers](std::size_t a, std::size_t b) {
      return order_by_numbers(layers[a].name, layers[b].name) == std::partial_ordering::less;
    });
  }
  // No order, or none that agrees with the numbers: these may be sizes ("fc_784_128").
  if (found.count == Count::none) {
    found = find_chain_orders(shapes, [](std::size_t, std::size_t) { return false; });
    // Several that contradict the numbers are no better than none.
    if (complete && found.count == Count::several) found.count = Count::none;
  }
  if (found.count == Count::one) return found.order;
  if (found.count == Count::several) {
    throw StateDictError(
        concat(name,
               ": the order of its layers is ambiguous: neither numbers in their names nor their"
               " shapes decide it: ",
               list_weights(layers, by_numbers), " (rename them: layer1, layer2, ...)"));
  }
  Order of_file(layers.size());
  std::iota(of_file.begin(), of_file.end(), std::size_t{0});
  throw StateDictError(concat(name, ": its model is no chain of linear layers: ",
                              describe_break(layers, complete ? by_numbers : of_file)));
}

}  // namespace

LinearChain find_linear_chain(const StateDict& state, const std::string& name) {
  Layers layers = collect_layers(state, name);
  check_tensors(layers, name);
  LinearChain chain;
  bool complete = false;
  Order order = order_of_numbers(layers, complete);
  const bool by_numbers = complete && describe_break(layers, order).empty();
  if (!by_numbers) order = order_of_shapes(layers, order, complete, name);
  if (by_numbers && !std::ranges::is_sorted(order)) {
    chain.notes.push_back(
        "its layers are put in the order of the numbers in their names, which is not that of the"
        " file: " +
        list_weights(layers, order));
  } else if (!by_numbers && (complete || !std::ranges::is_sorted(order))) {
    chain.notes.push_back("its layers are put in the only order that their shapes allow: " +
                          list_weights(layers, order));
  }
  for (const std::size_t i : order) chain.layers.push_back(std::move(layers[i]));
  return chain;
}

std::vector<std::int64_t> layer_sizes(const LinearChain& chain) {
  std::vector<std::int64_t> sizes = {chain.layers.front().weight.size(1)};
  for (const LinearLayer& layer : chain.layers) sizes.push_back(layer.weight.size(0));
  return sizes;
}

StateDict numbered_state(const LinearChain& chain, const std::string& prefix) {
  StateDict state;
  for (std::size_t i = 0; i < chain.layers.size(); ++i) {
    const LinearLayer& layer = chain.layers[i];
    const std::string child = prefix + std::to_string(i + 1);
    state.set(child + ".weight", layer.weight);
    if (layer.bias.defined()) state.set(child + ".bias", layer.bias);
  }
  return state;
}

}  // namespace wick::nn
