// SPDX-License-Identifier: MIT
#include "wick/optim/swa_lr.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "optim/option_reader.h"
#include "optim/schedule_checks.h"

namespace wick::optim {
namespace {

constexpr std::string_view kName = "SWALR";

bool is_strategy(const std::string& text) {
  return text == "cos" || text == "linear";
}

}  // namespace

Optimizer& SWALR::prepared(Optimizer& optimizer, const std::vector<double>& swa_lrs,
                           std::int64_t anneal_epochs, const std::string& anneal_strategy) {
  if (swa_lrs.size() != optimizer.group_count()) {
    throw ValueError(concat(kName, ": got ", swa_lrs.size(), " rates, the optimizer has ",
                            optimizer.group_count(), " parameter groups"));
  }
  for (const double lr : swa_lrs) require_finite_option(kName, "swa_lr", lr);
  if (!is_strategy(anneal_strategy)) {
    throw ValueError(
        concat(kName, ": anneal_strategy must be 'cos' or 'linear', got '", anneal_strategy, "'"));
  }
  require_at_least(kName, "anneal_epochs", anneal_epochs, 0);
  for (std::size_t g = 0; g < swa_lrs.size(); ++g) {
    set_group_number(optimizer, g, "swa_lr", swa_lrs[g]);
  }
  return optimizer;
}

SWALR::SWALR(Optimizer& optimizer, double swa_lr, std::int64_t anneal_epochs,
             std::string anneal_strategy)
    : SWALR(optimizer, std::vector<double>(optimizer.group_count(), swa_lr), anneal_epochs,
            std::move(anneal_strategy)) {}

SWALR::SWALR(Optimizer& optimizer, const std::vector<double>& swa_lrs, std::int64_t anneal_epochs,
             std::string anneal_strategy)
    : LRScheduler(prepared(optimizer, swa_lrs, anneal_epochs, anneal_strategy)),
      anneal_strategy_(std::move(anneal_strategy)),
      anneal_epochs_(anneal_epochs) {
  start();
}

Dict SWALR::options() const {
  return {{"_anneal_strategy", anneal_strategy_}, {"anneal_epochs", anneal_epochs_}};
}

void SWALR::read_options(OptionReader& reader) {
  const Value* const strategy = reader.find("_anneal_strategy");
  const bool known = strategy != nullptr && strategy->kind() == Value::Kind::string &&
                     is_strategy(strategy->as_string());
  if (!known) reader.problem("'_anneal_strategy' must be 'cos' or 'linear'");
  const Value epochs = reader.number_value("anneal_epochs");
  if (reader.has_problems()) return;
  anneal_strategy_ = strategy->as_string();
  anneal_epochs_ = epochs;
}

void SWALR::require_step(const Step& /*step*/) const {
  require_group_numbers(kName, {"swa_lr"});
}

double SWALR::share(double step) const {
  const double t = std::max(0.0, std::min(1.0, step / std::max(1.0, anneal_epochs_.as_double())));
  return anneal_strategy_ == "cos" ? (1.0 - std::cos(std::numbers::pi * t)) / 2.0 : t;
}

double SWALR::next_lr(double lr, double /*base_lr*/, const Step& step) const {
  // The operations and their order are PyTorch's, to the last bit of the result.
  const double swa_lr = group_number(step.group, "swa_lr");
  double count = step.count - 1.0;
  if (anneal_epochs_.as_double() == 0.0) count = std::max(1.0, count);
  const double before = share(count - 1.0);
  const double initial = before == 1.0 ? swa_lr : (lr - before * swa_lr) / (1.0 - before);
  const double now = share(count);
  return swa_lr * now + initial * (1.0 - now);
}

}  // namespace wick::optim
