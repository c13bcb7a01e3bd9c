// SPDX-License-Identifier: MIT
#include "wick/optim/adagrad.h"

#include <utility>

#include "optim/table_rule.h"
#include "wick/core/backend.h"
#include "wick/core/backend/update.h"

namespace wick::optim {
namespace {

class AdagradRule final : public TableRule<AdagradRule, AdagradOptions> {
 public:
  using Options = AdagradOptions;
  static constexpr OptionRow<Options> kRows[] = {
      {.key = "lr", .number = &Options::lr, .what = "learning rate"},
      {.key = "lr_decay",
       .number = &Options::lr_decay,
       .what = "lr_decay value",
       .is_int_zero = true},
      {.key = "eps", .number = &Options::eps, .what = "epsilon value"},
      {.key = "weight_decay",
       .number = &Options::weight_decay,
       .what = "weight_decay value",
       .is_int_zero = true},
      {.key = "initial_accumulator_value",
       .number = &Options::initial_accumulator_value,
       .what = "initial_accumulator_value value",
       .is_int_zero = true},
      {.key = "foreach"},
      {.key = "maximize", .flag = &Options::maximize},
      {.key = "differentiable", .is_foreign_flag = true},
      {.key = "fused"},
  };
  using TableRule::TableRule;

  [[nodiscard]] std::span<const std::string_view> state_names() const noexcept override {
    static constexpr std::string_view kNames[] = {"sum"};
    return kNames;
  }
  [[nodiscard]] std::optional<double> initial_state() const noexcept override {
    return given().initial_accumulator_value;
  }

  void update(const Run& run) const override {
    UpdateArgs args = run.args(UpdateOp::adagrad);
    args.lr = given().lr;
    args.lr_decay = given().lr_decay;
    args.eps = given().eps;
    args.weight_decay = given().weight_decay;
    args.maximize = given().maximize;
    run.backend->update(args);
  }
};

}  // namespace

Adagrad::Adagrad(std::vector<ParameterPtr> params, const AdagradOptions& options)
    : Adagrad(single_group("Adagrad", std::move(params), options)) {}

Adagrad::Adagrad(std::vector<Group> groups)
    : Optimizer("Adagrad", with_rules<AdagradRule>(std::move(groups))) {}

}  // namespace wick::optim
