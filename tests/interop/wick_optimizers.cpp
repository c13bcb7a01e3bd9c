// SPDX-License-Identifier: MIT
// Steps of optimizers and schedulers over given gradients, as optimizer_parity.py wants them.
#include <memory>
#include <utility>
#include <vector>

#include "optim/adagrad.h"
#include "optim/adam.h"
#include "optim/adamax.h"
#include "optim/nadam.h"
#include "optim/radam.h"
#include "optim/reduce_lr_on_plateau.h"
#include "optim/rmsprop.h"
#include "optim/sgd.h"
#include "tests/interop/descent.h"
#include "tests/interop/program.h"
#include "tests/interop/wick_schedules.h"

namespace {

using wick::Dict;
using wick::List;
using wick::ParameterPtr;
using wick::Tensor;
using wick::Value;
namespace optim = wick::optim;

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
    if (!known) throw wick::ValueError("no option " + name);
  }
  return o;
}

template <typename Optimizer, typename Options>
std::unique_ptr<optim::Optimizer> make(const std::vector<ParameterPtr>& params,
                                       const Value& given) {
  return std::make_unique<Optimizer>(params, read_options<Options>(given));
}

std::unique_ptr<optim::Optimizer> make_optimizer(const std::string& name,
                                                 const std::vector<ParameterPtr>& params,
                                                 const Value& given) {
  if (name == "SGD") return make<optim::SGD, optim::SGDOptions>(params, given);
  if (name == "Adam") return make<optim::Adam, optim::AdamOptions>(params, given);
  if (name == "AdamW") return make<optim::AdamW, optim::AdamWOptions>(params, given);
  if (name == "RMSprop") return make<optim::RMSprop, optim::RMSpropOptions>(params, given);
  if (name == "Adagrad") return make<optim::Adagrad, optim::AdagradOptions>(params, given);
  if (name == "NAdam") return make<optim::NAdam, optim::NAdamOptions>(params, given);
  if (name == "RAdam") return make<optim::RAdam, optim::RAdamOptions>(params, given);
  if (name == "Adamax") return make<optim::Adamax, optim::AdamaxOptions>(params, given);
  throw wick::ValueError("no optimizer " + name);
}

/// Parameters, an optimizer over them, perhaps its state, and for each step a gradient or None for
/// each parameter.
Value run_case(const Value& request) {
  const auto device = wick::Device::parse(request.at("device").as_string());
  std::vector<ParameterPtr> params;
  for (const Value& value : request.at("params").as_list()) {
    auto param = std::make_shared<wick::Parameter>();
    param->value = value.as_tensor().clone().to(device);
    param->grad = Tensor::zeros(param->value.shape(), param->value.dtype(), device);
    params.push_back(std::move(param));
  }
  const auto optimizer =
      make_optimizer(request.at("name").as_string(), params, request.at("options"));
  if (!request.at("state").is_none()) optimizer->load_state_dict(request.at("state"));
  for (const Value& grads : request.at("grads").as_list()) {
    for (std::size_t i = 0; i < params.size(); ++i) {
      const Value& grad = grads.at_index(i);
      params[i]->has_grad = !grad.is_none();
      if (params[i]->has_grad) params[i]->grad.copy_(grad.as_tensor());
    }
    optimizer->step();
  }
  List values;
  for (const ParameterPtr& param : params) values.items.emplace_back(param->value.clone());
  return Dict{{"params", std::move(values)}, {"opt", optimizer->state_dict()}};
}

Value optimize(const Value& request) {
  List answers;
  for (const Value& one : request.at("cases").as_list()) answers.items.push_back(run_case(one));
  return Dict{{"answers", std::move(answers)}};
}

optim::ReduceLROnPlateauOptions plateau_options(const Value& o) {
  optim::ReduceLROnPlateauOptions options;
  options.mode = o.at("mode").as_string();
  options.factor = o.at("factor").as_double();
  options.patience = o.at("patience").as_int();
  options.threshold = o.at("threshold").as_double();
  options.threshold_mode = o.at("threshold_mode").as_string();
  options.cooldown = o.at("cooldown").as_int();
  options.min_lr = o.at("min_lr").as_double();
  options.eps = o.at("eps").as_double();
  return options;
}

/// The rates and the first momenta of some steps of a scheduler over an optimizer that does
/// nothing.
Value schedule_case(const Value& request) {
  std::vector<ParameterPtr> params{std::make_shared<wick::Parameter>()};
  params[0]->value = Tensor::zeros({1});
  params[0]->grad = Tensor::zeros({1});
  const Value& wanted = request.at("optimizer");
  const auto optimizer =
      make_optimizer(wanted.at("name").as_string(), params, wanted.at("options"));
  const Value& given = request.at("scheduler");
  const bool plateau = given.at("name").as_string() == "ReduceLROnPlateau";
  std::unique_ptr<optim::LRScheduler> scheduler;
  std::unique_ptr<optim::ReduceLROnPlateau> on_plateau;
  if (plateau) {
    on_plateau = std::make_unique<optim::ReduceLROnPlateau>(*optimizer,
                                                            plateau_options(given.at("options")));
  } else {
    scheduler = wick::testing::make_schedule(given, *optimizer);
  }
  if (const Value& state = request.at("state"); !state.is_none()) {
    optimizer->load_state_dict(state.at("opt"));
    if (plateau) on_plateau->load_state_dict(state.at("scheduler"));
    if (!plateau) scheduler->load_state_dict(state.at("scheduler"));
  }
  List rates;
  List groups;
  for (const Value& metrics : request.at("metrics").as_list()) {
    optimizer->step();
    if (plateau) on_plateau->step(metrics.as_double());
    if (!plateau) scheduler->step();
    rates.items.emplace_back(optimizer->lr());
    groups.items.push_back(optimizer->state_dict().at("param_groups").at_index(0));
  }
  return Dict{{"rates", std::move(rates)},
              {"groups", std::move(groups)},
              {"opt", optimizer->state_dict()},
              {"scheduler", plateau ? on_plateau->state_dict() : scheduler->state_dict()}};
}

Value schedule(const Value& request) {
  List answers;
  for (const Value& one : request.at("cases").as_list()) {
    answers.items.push_back(schedule_case(one));
  }
  return Dict{{"answers", std::move(answers)}};
}

}  // namespace

int main(int count, char** arguments) {
  return wick::testing::run_program(
      count, arguments,
      {{"optimize", optimize}, {"descend", wick::testing::descend}, {"schedule", schedule}});
}
