// SPDX-License-Identifier: MIT
// Schedulers by PyTorch's names and options.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "wick/core/error.h"
#include "wick/optim/constant_lr.h"
#include "wick/optim/cosine_annealing_lr.h"
#include "wick/optim/cosine_annealing_warm_restarts.h"
#include "wick/optim/exponential_lr.h"
#include "wick/optim/lambda_lr.h"
#include "wick/optim/linear_lr.h"
#include "wick/optim/multi_step_lr.h"
#include "wick/optim/one_cycle_lr.h"
#include "wick/optim/polynomial_lr.h"
#include "wick/optim/sequential_lr.h"
#include "wick/optim/step_lr.h"
#include "wick/optim/swa_lr.h"

namespace wick::testing {

inline std::vector<std::int64_t> ints_of(const Value& list) {
  std::vector<std::int64_t> result;
  for (const Value& item : list.as_list()) result.push_back(item.as_int());
  return result;
}

inline optim::OneCycleLROptions one_cycle_options(const Value& o) {
  optim::OneCycleLROptions options;
  options.max_lr = o.at("max_lr").as_double();
  options.total_steps = o.at("total_steps").as_int();
  options.pct_start = o.at("pct_start").as_double();
  options.anneal_strategy = o.at("anneal_strategy").as_string();
  options.cycle_momentum = o.at("cycle_momentum").as_bool();
  options.base_momentum = o.at("base_momentum").as_double();
  options.max_momentum = o.at("max_momentum").as_double();
  options.div_factor = o.at("div_factor").as_double();
  options.final_div_factor = o.at("final_div_factor").as_double();
  options.three_phase = o.at("three_phase").as_bool();
  return options;
}

/// {'name': ..., 'options': {...}}; of a SequentialLR, 'schedulers' is a list of these. A LambdaLR
/// has 1 / (1 + rate t).
inline std::unique_ptr<optim::LRScheduler> make_schedule(const Value& given,
                                                         optim::Optimizer& optimizer) {
  const std::string& name = given.at("name").as_string();
  const Value& o = given.at("options");
  const auto number = [&o](const char* key) { return o.at(key).as_double(); };
  const auto whole = [&o](const char* key) { return o.at(key).as_int(); };
  if (name == "StepLR") {
    return std::make_unique<optim::StepLR>(optimizer, whole("step_size"), number("gamma"));
  }
  if (name == "CosineAnnealingLR") {
    return std::make_unique<optim::CosineAnnealingLR>(optimizer, whole("T_max"), number("eta_min"));
  }
  if (name == "ExponentialLR") {
    return std::make_unique<optim::ExponentialLR>(optimizer, number("gamma"));
  }
  if (name == "MultiStepLR") {
    return std::make_unique<optim::MultiStepLR>(optimizer, ints_of(o.at("milestones")),
                                                number("gamma"));
  }
  if (name == "LinearLR") {
    return std::make_unique<optim::LinearLR>(optimizer, number("start_factor"),
                                             number("end_factor"), whole("total_iters"));
  }
  if (name == "ConstantLR") {
    return std::make_unique<optim::ConstantLR>(optimizer, number("factor"), whole("total_iters"));
  }
  if (name == "PolynomialLR") {
    return std::make_unique<optim::PolynomialLR>(optimizer, whole("total_iters"), number("power"));
  }
  if (name == "CosineAnnealingWarmRestarts") {
    return std::make_unique<optim::CosineAnnealingWarmRestarts>(optimizer, whole("T_0"),
                                                                whole("T_mult"), number("eta_min"));
  }
  if (name == "SWALR") {
    return std::make_unique<optim::SWALR>(optimizer, number("swa_lr"), whole("anneal_epochs"),
                                          o.at("anneal_strategy").as_string());
  }
  if (name == "OneCycleLR") {
    return std::make_unique<optim::OneCycleLR>(optimizer, one_cycle_options(o));
  }
  if (name == "LambdaLR") {
    return std::make_unique<optim::LambdaLR>(optimizer, [rate = number("rate")](std::int64_t t) {
      return 1.0 / (1.0 + rate * static_cast<double>(t));
    });
  }
  if (name == "SequentialLR") {
    std::vector<std::unique_ptr<optim::LRScheduler>> parts;
    for (const Value& part : o.at("schedulers").as_list()) {
      parts.push_back(make_schedule(part, optimizer));
    }
    return std::make_unique<optim::SequentialLR>(optimizer, std::move(parts),
                                                 ints_of(o.at("milestones")));
  }
  throw ValueError("no scheduler " + name);
}

}  // namespace wick::testing
