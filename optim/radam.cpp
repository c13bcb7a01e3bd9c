// SPDX-License-Identifier: MIT
#include "wick/optim/radam.h"

#include <utility>

#include "optim/table_rule.h"
#include "wick/core/backend.h"
#include "wick/core/backend/update.h"

namespace wick::optim {
namespace {

class RAdamRule final : public TableRule<RAdamRule, RAdamOptions> {
 public:
  using Options = RAdamOptions;
  static constexpr OptionRow<Options> kRows[] = {
      {.key = "lr", .number = &Options::lr, .what = "learning rate"},
      {.key = "betas", .number = &Options::beta1, .second = &Options::beta2},
      {.key = "eps", .number = &Options::eps, .what = "epsilon value"},
      {.key = "weight_decay",
       .number = &Options::weight_decay,
       .what = "weight_decay value",
       .is_int_zero = true},
      {.key = "maximize", .flag = &Options::maximize},
      {.key = "foreach"},
      {.key = "capturable", .is_foreign_flag = true},
      {.key = "decoupled_weight_decay", .flag = &Options::decoupled_weight_decay},
      {.key = "differentiable", .is_foreign_flag = true},
  };
  using TableRule::TableRule;

  [[nodiscard]] std::span<const std::string_view> state_names() const noexcept override {
    static constexpr std::string_view kNames[] = {"exp_avg", "exp_avg_sq"};
    return kNames;
  }

  void update(const Run& run) const override {
    UpdateArgs args = run.args(UpdateOp::radam);
    args.lr = given().lr;
    args.beta1 = given().beta1;
    args.beta2 = given().beta2;
    args.eps = given().eps;
    args.weight_decay = given().weight_decay;
    args.decoupled_weight_decay = given().decoupled_weight_decay;
    args.maximize = given().maximize;
    run.backend->update(args);
  }
};

}  // namespace

RAdam::RAdam(std::vector<ParameterPtr> params, const RAdamOptions& options)
    : RAdam(single_group("RAdam", std::move(params), options)) {}

RAdam::RAdam(std::vector<Group> groups)
    : Optimizer("RAdam", with_rules<RAdamRule>(std::move(groups))) {}

}  // namespace wick::optim
