// SPDX-License-Identifier: MIT
#include "wick/optim/adam.h"

#include <array>
#include <tuple>
#include <utility>

#include "optim/option_reader.h"
#include "optim/update_rule.h"
#include "wick/core/backend.h"
#include "wick/core/backend/update.h"
#include "wick/core/error.h"

namespace wick::optim {
namespace {

/// Both optimizers: they differ in one flag and in what loading does to it.
class AdamRule final : public UpdateRule {
 public:
  explicit AdamRule(const AdamOptions& options) : options_(options) {}
  explicit AdamRule(const AdamWOptions& options)
      : options_{options.lr,           options.beta1,   options.beta2,   options.eps,
                 options.weight_decay, options.amsgrad, options.maximize},
        is_adamw_(true),
        decoupled_(true) {}
  AdamRule(const AdamOptions& options, bool is_adamw, bool decoupled)
      : options_(options), is_adamw_(is_adamw), decoupled_(decoupled) {}

  [[nodiscard]] double lr() const noexcept override { return options_.lr; }
  void set_lr(double lr) noexcept override { options_.lr = lr; }

  [[nodiscard]] std::vector<std::string> problems(Origin origin) const override {
    std::vector<std::string> found;
    require_not_negative(found, "learning rate", options_.lr, origin);
    require_not_negative(found, "epsilon value", options_.eps, origin);
    require_betas(found, options_.beta1, options_.beta2);
    require_not_negative(found, "weight_decay value", options_.weight_decay, origin);
    return found;
  }

  [[nodiscard]] std::optional<double> momentum() const noexcept override { return options_.beta1; }
  [[nodiscard]] bool momentum_is_beta1() const noexcept override { return true; }
  void set_momentum(double momentum) noexcept override { options_.beta1 = momentum; }

  [[nodiscard]] std::span<const std::string_view> state_names() const noexcept override {
    static constexpr std::array<std::string_view, 3> kNames = {"exp_avg", "exp_avg_sq",
                                                               "max_exp_avg_sq"};
    return std::span(kNames).first(options_.amsgrad ? 3 : 2);
  }
  [[nodiscard]] bool counts_steps() const noexcept override { return true; }

  [[nodiscard]] Dict options() const override {
    // AdamW's default decay is a float in PyTorch, Adam's is the int 0.
    const Value decay =
        is_adamw_ ? Value(options_.weight_decay) : zero_as_int(options_.weight_decay);
    return {{"lr", options_.lr},
            {"betas", Tuple{{options_.beta1, options_.beta2}}},
            {"eps", options_.eps},
            {"weight_decay", decay},
            {"amsgrad", options_.amsgrad},
            {"maximize", options_.maximize},
            {"foreach", nullptr},
            {"capturable", false},
            {"differentiable", false},
            {"fused", nullptr},
            {"decoupled_weight_decay", decoupled_}};
  }

  [[nodiscard]] std::unique_ptr<UpdateRule> read(OptionReader& reader) const override {
    AdamOptions options;
    options.lr = reader.number("lr");
    std::tie(options.beta1, options.beta2) = reader.pair("betas");
    options.eps = reader.number("eps");
    options.weight_decay = reader.number("weight_decay");
    options.amsgrad = reader.flag("amsgrad", false);
    options.maximize = reader.flag("maximize", false);
    const bool decoupled = reader.flag("decoupled_weight_decay", false);
    // torch.optim.AdamW decays apart whatever it loads.
    return std::make_unique<AdamRule>(options, is_adamw_, is_adamw_ || decoupled);
  }

  void update(const Run& run) const override {
    UpdateArgs args = run.args(UpdateOp::adam);
    args.lr = options_.lr;
    args.beta1 = options_.beta1;
    args.beta2 = options_.beta2;
    args.eps = options_.eps;
    args.weight_decay = options_.weight_decay;
    args.decoupled_weight_decay = decoupled_;
    args.maximize = options_.maximize;
    run.backend->update(args);
  }

 private:
  AdamOptions options_;
  bool is_adamw_ = false;
  bool decoupled_ = false;
};

}  // namespace

Adam::Adam(std::vector<ParameterPtr> params, const AdamOptions& options)
    : Adam(single_group("Adam", std::move(params), options)) {}

Adam::Adam(std::vector<Group> groups)
    : Optimizer("Adam", with_rules<AdamRule>(std::move(groups))) {}

AdamW::AdamW(std::vector<ParameterPtr> params, const AdamWOptions& options)
    : AdamW(single_group("AdamW", std::move(params), options)) {}

AdamW::AdamW(std::vector<Group> groups)
    : Optimizer("AdamW", with_rules<AdamRule>(std::move(groups))) {}

}  // namespace wick::optim
