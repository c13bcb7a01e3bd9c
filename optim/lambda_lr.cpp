// SPDX-License-Identifier: MIT
#include "wick/optim/lambda_lr.h"

#include <cmath>
#include <utility>

#include "optim/option_reader.h"
#include "wick/core/error.h"

namespace wick::optim {
namespace {

Optimizer& checked(Optimizer& optimizer, const std::vector<LambdaLR::Function>& functions) {
  if (functions.size() != optimizer.group_count()) {
    throw ValueError(concat("LambdaLR: got ", functions.size(), " functions for ",
                            optimizer.group_count(), " parameter groups"));
  }
  for (const LambdaLR::Function& function : functions) {
    if (!function) throw ValueError("LambdaLR: the function lr_lambda is empty");
  }
  return optimizer;
}

}  // namespace

LambdaLR::LambdaLR(Optimizer& optimizer, const Function& lr_lambda)
    : LambdaLR(optimizer, std::vector<Function>(optimizer.group_count(), lr_lambda)) {}

LambdaLR::LambdaLR(Optimizer& optimizer, std::vector<Function> lr_lambdas)
    : LRScheduler(checked(optimizer, lr_lambdas)), lr_lambdas_(std::move(lr_lambdas)) {
  start();
}

Dict LambdaLR::more_options() const {
  List none;
  none.items.resize(lr_lambdas_.size());
  return {{"lr_lambdas", std::move(none)}};
}

void LambdaLR::read_options(OptionReader& reader) {
  const Value* const found = reader.find("lr_lambdas");
  if (found == nullptr) return;
  if (found->kind() != Value::Kind::list || found->as_list().size() != lr_lambdas_.size()) {
    reader.problem("'lr_lambdas' must be a list with an item for each parameter group");
  }
}

double LambdaLR::next_lr(double /*lr*/, double base_lr, const Step& step) const {
  const auto epoch = static_cast<std::int64_t>(std::floor(step.epoch));
  return base_lr * lr_lambdas_[step.group](epoch);
}

}  // namespace wick::optim
