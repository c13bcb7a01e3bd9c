// SPDX-License-Identifier: MIT
// Modules from their description.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "wick/core/compiler.h"
#include "wick/core/random.h"
#include "wick/core/value.h"
#include "wick/nn/module.h"

namespace wick::nn {

/// A layer by PyTorch's class name and the arguments of its constructor, under PyTorch's names:
///
///   make_module("Linear", {{"in_features", 784}, {"out_features", 10}}, generator)
///   make_module("GELU", {{"approximate", "tanh"}}, generator)
///
/// Arguments that have a default value may be left out; those that only say how PyTorch computes
/// (inplace) are taken and do nothing. Layers with parameters draw them from `generator`; a Dropout
/// keeps it, which must then outlive it. `device` and `dtype` are those of parameters; None and
/// absent ones are the CPU and float32.
///
/// Throws ValueError that names the layer and the argument for an unknown name of either, an
/// argument that is missing or of another kind; and what the layer's constructor throws.
[[nodiscard]] WICK_API std::unique_ptr<Module> make_module(std::string_view type_name,
                                                           const Dict& options,
                                                           Generator& generator);

/// The same, where parameters and a Dropout draw from the default generator (core/random.h).
[[nodiscard]] WICK_API std::unique_ptr<Module> make_module(std::string_view type_name,
                                                           const Dict& options = {});

/// The names that make_module() takes, sorted.
[[nodiscard]] WICK_API std::vector<std::string_view> module_names();

}  // namespace wick::nn
