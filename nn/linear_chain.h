// SPDX-License-Identifier: MIT
// A state dictionary of any program as linear layers, one after the other.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "wick/core/state_dict.h"

namespace wick::nn {

struct LinearLayer {
  std::string name;  // of its module: "layers.3" has "layers.3.weight"; may be empty
  Tensor weight;     // (out, in), of a floating-point dtype
  Tensor bias;       // (out), likewise; or undefined
};

struct LinearChain {
  std::vector<LinearLayer> layers;  // at least one; each takes what the one before gives
  std::vector<std::string> notes;   // what was assumed about their order, a clause each
};

/// Takes the two-dimensional `*.weight` tensors of a state dictionary for linear layers, with the
/// `*.bias` of the same name where there is one, and puts them in order: not that of the file,
/// which other tools sort by name, but that of the numbers in their names (see order_by_numbers()).
/// Where these leave the order open, or contradict the shapes, the only order in which each layer
/// takes what the one before gives is right, and a note says so.
///
/// Throws StateDictError that begins with `name` and names the keys: where there is no layer; where
/// other tensors are left over; where no order fits the shapes, or several do; and for weights that
/// are complex, not floating-point, empty, or hold NaN.
[[nodiscard]] LinearChain find_linear_chain(const StateDict& state, const std::string& name);

/// The chain's numbers of values: inputs of the first layer, then outputs of each.
[[nodiscard]] std::vector<std::int64_t> layer_sizes(const LinearChain& chain);

/// The chain under numbered names, as tools/train has them: <prefix>1.weight, <prefix>1.bias,
/// <prefix>2.weight, ... The tensors are the chain's own.
[[nodiscard]] StateDict numbered_state(const LinearChain& chain,
                                       const std::string& prefix = "layer");

}  // namespace wick::nn
