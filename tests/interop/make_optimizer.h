// SPDX-License-Identifier: MIT
// Optimizers from PyTorch's names and options.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "wick/core/error.h"
#include "wick/core/value.h"
#include "wick/optim/adagrad.h"
#include "wick/optim/adam.h"
#include "wick/optim/adamax.h"
#include "wick/optim/nadam.h"
#include "wick/optim/radam.h"
#include "wick/optim/rmsprop.h"
#include "wick/optim/sgd.h"

namespace wick::testing {

/// The options that a class has, from a dict with PyTorch's names.
template <typename Options>
Options read_options(const Value& given) {
  Options o;
  for (const auto& [key, value] : given.as_dict()) {
    const std::string& name = key.as_string();
    bool known = false;
    const auto number = [&](const char* wanted, double& option) {
      if (name == wanted) option = value.as_double(), known = true;
    };
    const auto flag = [&](const char* wanted, bool& option) {
      if (name == wanted) option = value.as_bool(), known = true;
    };
    number("lr", o.lr);
    number("weight_decay", o.weight_decay);
    flag("maximize", o.maximize);
    if constexpr (requires { o.beta1; }) {
      if (name == "betas") {
        o.beta1 = value.at_index(0).as_double();
        o.beta2 = value.at_index(1).as_double();
        known = true;
      }
    }
    if constexpr (requires { o.eps; }) number("eps", o.eps);
    if constexpr (requires { o.momentum; }) number("momentum", o.momentum);
    if constexpr (requires { o.dampening; }) number("dampening", o.dampening);
    if constexpr (requires { o.nesterov; }) flag("nesterov", o.nesterov);
    if constexpr (requires { o.amsgrad; }) flag("amsgrad", o.amsgrad);
    if constexpr (requires { o.alpha; }) number("alpha", o.alpha);
    if constexpr (requires { o.centered; }) flag("centered", o.centered);
    if constexpr (requires { o.lr_decay; }) number("lr_decay", o.lr_decay);
    if constexpr (requires { o.initial_accumulator_value; }) {
      number("initial_accumulator_value", o.initial_accumulator_value);
    }
    if constexpr (requires { o.momentum_decay; }) number("momentum_decay", o.momentum_decay);
    if constexpr (requires { o.decoupled_weight_decay; }) {
      flag("decoupled_weight_decay", o.decoupled_weight_decay);
    }
    if (!known) throw ValueError("no option " + name);
  }
  return o;
}

template <typename Optimizer, typename Options>
std::unique_ptr<optim::Optimizer> make(const std::vector<ParameterPtr>& params,
                                       const Value& given) {
  return std::make_unique<Optimizer>(params, read_options<Options>(given));
}

/// From {'name', 'options'}.
inline std::unique_ptr<optim::Optimizer> make_optimizer(const std::vector<ParameterPtr>& params,
                                                        const Value& wanted) {
  const std::string& name = wanted.at("name").as_string();
  const Value& given = wanted.at("options");
  if (name == "SGD") return make<optim::SGD, optim::SGDOptions>(params, given);
  if (name == "Adam") return make<optim::Adam, optim::AdamOptions>(params, given);
  if (name == "AdamW") return make<optim::AdamW, optim::AdamWOptions>(params, given);
  if (name == "RMSprop") return make<optim::RMSprop, optim::RMSpropOptions>(params, given);
  if (name == "Adagrad") return make<optim::Adagrad, optim::AdagradOptions>(params, given);
  if (name == "NAdam") return make<optim::NAdam, optim::NAdamOptions>(params, given);
  if (name == "RAdam") return make<optim::RAdam, optim::RAdamOptions>(params, given);
  if (name == "Adamax") return make<optim::Adamax, optim::AdamaxOptions>(params, given);
  throw ValueError("no optimizer " + name);
}

}  // namespace wick::testing
