// SPDX-License-Identifier: MIT
// A network from what another program has saved of it.
#include <string>
#include <vector>

#include "nn/linear_chain.h"
#include "wick/core/error.h"
#include "wick/nn/make_module.h"
#include "wick/nn/sequential.h"

namespace wick::nn {
namespace {

std::vector<std::string> split(const std::string& path) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  for (std::size_t dot = path.find('.'); dot != std::string::npos; dot = path.find('.', begin)) {
    parts.push_back(path.substr(begin, dot - begin));
    begin = dot + 1;
  }
  parts.push_back(path.substr(begin));
  return parts;
}

/// Appends layers under dotted names.
class NestedChain {
 public:
  explicit NestedChain(Sequential& root) { open_.push_back(&root); }

  /// Goes to the Sequential in which a layer of this name stands.
  void enter(const std::string& path) {
    std::vector<std::string> parts = split(path);
    parts.pop_back();
    std::size_t common = 0;
    while (common < parts.size() && common < names_.size() && parts[common] == names_[common]) {
      ++common;
    }
    names_.resize(common);
    open_.resize(common + 1);
    for (std::size_t i = common; i < parts.size(); ++i) {
      for (const auto& [name, child] : here().children()) {
        if (name != parts[i]) continue;
        throw StateDictError(concat("Sequential::from_state_dict: '", path,
                                    "' comes later than layers outside of '", name,
                                    "', so that no Sequential of that name has them one after the "
                                    "other; rename the layers"));
      }
      open_.push_back(
          static_cast<Sequential*>(&here().append(parts[i], std::make_unique<Sequential>())));
      names_.push_back(parts[i]);
    }
  }
  [[nodiscard]] Sequential& here() { return *open_.back(); }

 private:
  std::vector<std::string> names_;
  std::vector<Sequential*> open_;  // the root, then one for each name
};

}  // namespace

std::unique_ptr<Sequential> Sequential::from_state_dict(const StateDict& state,
                                                        std::string_view activation) {
  const LinearChain chain = find_linear_chain(state, "Sequential::from_state_dict");
  const Tensor& first = chain.layers.front().weight;
  auto model = std::make_unique<Sequential>();
  NestedChain nested(*model);
  Generator generator(0);  // its numbers are overwritten
  for (std::size_t i = 0; i < chain.layers.size(); ++i) {
    const LinearLayer& layer = chain.layers[i];
    if (layer.name.empty()) {
      throw StateDictError(
          "Sequential::from_state_dict: the layer of 'weight' has no name; load the state into a "
          "Linear");
    }
    nested.enter(layer.name);
    nested.here().add<Linear>(split(layer.name).back(), layer.weight.size(1), layer.weight.size(0),
                              generator,
                              LinearOptions{layer.bias.defined(), first.dtype(), first.device()});
    if (i + 1 == chain.layers.size() || activation == "Identity") continue;
    nested.here().append(concat("activation", i + 1), make_module(activation, Dict{}, generator));
  }
  model->load_state_dict(state);
  return model;
}

}  // namespace wick::nn
