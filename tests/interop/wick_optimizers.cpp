// SPDX-License-Identifier: MIT
// Steps of optimizers and schedulers over given gradients, as optimizer_parity.py wants them.
#include <memory>
#include <utility>
#include <vector>

#include "tests/interop/descent.h"
#include "tests/interop/make_optimizer.h"
#include "tests/interop/program.h"
#include "tests/interop/wick_schedules.h"
#include "wick/optim/reduce_lr_on_plateau.h"
#include "wick/optim/sgd.h"

namespace {

using wick::Dict;
using wick::List;
using wick::ParameterPtr;
using wick::Tensor;
using wick::Value;
namespace optim = wick::optim;

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
  const auto optimizer = wick::testing::make_optimizer(params, request);
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
  const auto optimizer = wick::testing::make_optimizer(params, wanted);
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
