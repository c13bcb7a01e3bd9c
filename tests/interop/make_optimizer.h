// SPDX-License-Identifier: MIT
// The optimizers of the programs that train networks, from PyTorch's names and options.
#pragma once

#include <memory>
#include <string>
#include <type_traits>

#include "core/error.h"
#include "core/value.h"
#include "nn/module.h"
#include "optim/adam.h"
#include "optim/sgd.h"

namespace wick::testing {

template <typename T>
void read_option(const Value& options, const char* name, T& option) {
  if (!options.contains(name)) return;
  if constexpr (std::is_same_v<T, bool>) {
    option = options.at(name).as_bool();
  } else {
    option = options.at(name).as_double();
  }
}

template <typename Optimizer, typename Options>
std::unique_ptr<optim::Optimizer> make_adam(const nn::Module& model, const Value& given) {
  Options options;
  read_option(given, "lr", options.lr);
  read_option(given, "eps", options.eps);
  read_option(given, "weight_decay", options.weight_decay);
  read_option(given, "amsgrad", options.amsgrad);
  read_option(given, "maximize", options.maximize);
  return std::make_unique<Optimizer>(model.parameters(), options);
}

/// SGD, Adam or AdamW, from {'name', 'options'}.
inline std::unique_ptr<optim::Optimizer> make_optimizer(const nn::Module& model,
                                                        const Value& wanted) {
  const std::string& name = wanted.at("name").as_string();
  const Value& given = wanted.at("options");
  if (name == "Adam") return make_adam<optim::Adam, optim::AdamOptions>(model, given);
  if (name == "AdamW") return make_adam<optim::AdamW, optim::AdamWOptions>(model, given);
  if (name != "SGD") throw ValueError("no optimizer " + name);
  optim::SGDOptions options;
  read_option(given, "lr", options.lr);
  read_option(given, "momentum", options.momentum);
  read_option(given, "dampening", options.dampening);
  read_option(given, "weight_decay", options.weight_decay);
  read_option(given, "nesterov", options.nesterov);
  read_option(given, "maximize", options.maximize);
  return std::make_unique<optim::SGD>(model.parameters(), options);
}

}  // namespace wick::testing
