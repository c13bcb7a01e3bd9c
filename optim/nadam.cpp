// SPDX-License-Identifier: MIT
#include "wick/optim/nadam.h"

#include <cmath>
#include <utility>

#include "optim/table_rule.h"
#include "wick/core/backend.h"
#include "wick/core/backend/update.h"

namespace wick::optim {
namespace {

class NAdamRule final : public TableRule<NAdamRule, NAdamOptions> {
 public:
  using Options = NAdamOptions;
  static constexpr OptionRow<Options> kRows[] = {
      {.key = "lr", .number = &Options::lr, .what = "learning rate"},
      {.key = "betas", .number = &Options::beta1, .second = &Options::beta2},
      {.key = "eps", .number = &Options::eps, .what = "epsilon value"},
      {.key = "weight_decay",
       .number = &Options::weight_decay,
       .what = "weight_decay value",
       .is_int_zero = true},
      {.key = "momentum_decay", .number = &Options::momentum_decay, .what = "momentum_decay value"},
      {.key = "decoupled_weight_decay", .flag = &Options::decoupled_weight_decay},
      {.key = "maximize", .flag = &Options::maximize},
      {.key = "foreach"},
      {.key = "capturable", .is_foreign_flag = true},
      {.key = "differentiable", .is_foreign_flag = true},
  };
  using TableRule::TableRule;

  [[nodiscard]] std::span<const std::string_view> state_names() const noexcept override {
    static constexpr std::string_view kNames[] = {"exp_avg", "exp_avg_sq"};
    return kNames;
  }

  [[nodiscard]] std::string_view product_name() const noexcept override { return "mu_product"; }
  [[nodiscard]] double product_factor(double step) const noexcept override { return mu(step); }

  void update(const Run& run) const override {
    UpdateArgs args = run.args(UpdateOp::nadam);
    args.lr = given().lr;
    args.beta1 = given().beta1;
    args.beta2 = given().beta2;
    args.momentum = mu(run.step);
    args.next_momentum = mu(run.step + 1.0);
    args.momentum_product = run.product;
    args.eps = given().eps;
    args.weight_decay = given().weight_decay;
    args.decoupled_weight_decay = given().decoupled_weight_decay;
    args.maximize = given().maximize;
    run.backend->update(args);
  }

 private:
  [[nodiscard]] double mu(double step) const noexcept {
    return given().beta1 * (1.0 - 0.5 * std::pow(0.96, step * given().momentum_decay));
  }
};

}  // namespace

NAdam::NAdam(std::vector<ParameterPtr> params, const NAdamOptions& options)
    : NAdam(single_group("NAdam", std::move(params), options)) {}

NAdam::NAdam(std::vector<Group> groups)
    : Optimizer("NAdam", with_rules<NAdamRule>(std::move(groups))) {}

}  // namespace wick::optim
