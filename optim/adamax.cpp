// SPDX-License-Identifier: MIT
#include "wick/optim/adamax.h"

#include <utility>

#include "optim/table_rule.h"
#include "wick/core/backend.h"
#include "wick/core/backend/update.h"

namespace wick::optim {
namespace {

class AdamaxRule final : public TableRule<AdamaxRule, AdamaxOptions> {
 public:
  using Options = AdamaxOptions;
  static constexpr OptionRow<Options> kRows[] = {
      {.key = "lr", .number = &Options::lr, .what = "learning rate"},
      {.key = "betas", .number = &Options::beta1, .second = &Options::beta2},
      {.key = "eps", .number = &Options::eps, .what = "epsilon value"},
      {.key = "weight_decay",
       .number = &Options::weight_decay,
       .what = "weight_decay value",
       .is_int_zero = true},
      {.key = "foreach"},
      {.key = "maximize", .flag = &Options::maximize},
      {.key = "differentiable", .is_foreign_flag = true},
      {.key = "capturable", .is_foreign_flag = true},
  };
  using TableRule::TableRule;

  [[nodiscard]] std::span<const std::string_view> state_names() const noexcept override {
    static constexpr std::string_view kNames[] = {"exp_avg", "exp_inf"};
    return kNames;
  }

  void update(const Run& run) const override {
    UpdateArgs args = run.args(UpdateOp::adamax);
    args.lr = given().lr;
    args.beta1 = given().beta1;
    args.beta2 = given().beta2;
    args.eps = given().eps;
    args.weight_decay = given().weight_decay;
    args.maximize = given().maximize;
    run.backend->update(args);
  }
};

}  // namespace

Adamax::Adamax(std::vector<ParameterPtr> params, const AdamaxOptions& options)
    : Adamax(single_group("Adamax", std::move(params), options)) {}

Adamax::Adamax(std::vector<Group> groups)
    : Optimizer("Adamax", with_rules<AdamaxRule>(std::move(groups))) {}

}  // namespace wick::optim
