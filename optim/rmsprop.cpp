// SPDX-License-Identifier: MIT
#include "wick/optim/rmsprop.h"

#include <utility>

#include "optim/table_rule.h"
#include "wick/core/backend.h"
#include "wick/core/backend/update.h"

namespace wick::optim {
namespace {

class RMSpropRule final : public TableRule<RMSpropRule, RMSpropOptions> {
 public:
  using Options = RMSpropOptions;
  static constexpr OptionRow<Options> kRows[] = {
      {.key = "lr", .number = &Options::lr, .what = "learning rate"},
      {.key = "momentum",
       .number = &Options::momentum,
       .what = "momentum value",
       .is_int_zero = true,
       .otherwise = 0.0},
      {.key = "alpha", .number = &Options::alpha, .what = "alpha value"},
      {.key = "eps", .number = &Options::eps, .what = "epsilon value"},
      {.key = "centered", .flag = &Options::centered},
      {.key = "weight_decay",
       .number = &Options::weight_decay,
       .what = "weight_decay value",
       .is_int_zero = true},
      {.key = "capturable", .is_foreign_flag = true},
      {.key = "foreach"},
      {.key = "maximize", .flag = &Options::maximize},
      {.key = "differentiable", .is_foreign_flag = true},
  };
  using TableRule::TableRule;

  [[nodiscard]] std::span<const std::string_view> state_names() const noexcept override {
    static constexpr std::string_view kAll[] = {"square_avg", "momentum_buffer", "grad_avg"};
    static constexpr std::string_view kWithoutMomentum[] = {"square_avg", "", "grad_avg"};
    if (given().momentum > 0.0) return std::span(kAll).first(given().centered ? 3 : 2);
    return std::span(kWithoutMomentum).first(given().centered ? 3 : 1);
  }

  void update(const Run& run) const override {
    UpdateArgs args = run.args(UpdateOp::rmsprop);
    args.lr = given().lr;
    args.beta2 = given().alpha;
    args.eps = given().eps;
    args.weight_decay = given().weight_decay;
    args.momentum = given().momentum;
    args.maximize = given().maximize;
    run.backend->update(args);
  }
};

}  // namespace

RMSprop::RMSprop(std::vector<ParameterPtr> params, const RMSpropOptions& options)
    : RMSprop(single_group("RMSprop", std::move(params), options)) {}

RMSprop::RMSprop(std::vector<Group> groups)
    : Optimizer("RMSprop", with_rules<RMSpropRule>(std::move(groups))) {}

}  // namespace wick::optim
