// SPDX-License-Identifier: MIT
#include "wick/optim/sgd.h"

#include <array>
#include <utility>

#include "optim/option_reader.h"
#include "optim/update_rule.h"
#include "wick/core/backend.h"
#include "wick/core/backend/update.h"
#include "wick/core/error.h"

namespace wick::optim {
namespace {

class SgdRule final : public UpdateRule {
 public:
  explicit SgdRule(const SGDOptions& options) : options_(options) {}

  [[nodiscard]] double lr() const noexcept override { return options_.lr; }
  void set_lr(double lr) noexcept override { options_.lr = lr; }

  [[nodiscard]] std::vector<std::string> problems(Origin origin) const override {
    std::vector<std::string> found;
    require_not_negative(found, "learning rate", options_.lr, origin);
    require_not_negative(found, "momentum value", options_.momentum, origin);
    require_not_negative(found, "weight_decay value", options_.weight_decay, origin);
    require_finite(found, "dampening value", options_.dampening, origin);
    if (origin == Origin::constructor && options_.nesterov &&
        (options_.momentum <= 0.0 || options_.dampening != 0.0)) {
      found.push_back(concat("Nesterov momentum requires a momentum and zero dampening, got ",
                             options_.momentum, " and ", options_.dampening));
    }
    return found;
  }

  [[nodiscard]] std::optional<double> momentum() const noexcept override {
    return options_.momentum;
  }
  void set_momentum(double momentum) noexcept override { options_.momentum = momentum; }

  [[nodiscard]] std::span<const std::string_view> state_names() const noexcept override {
    static constexpr std::array<std::string_view, 1> kNames = {"momentum_buffer"};
    return std::span(kNames).first(options_.momentum != 0.0 ? 1 : 0);
  }
  [[nodiscard]] bool counts_steps() const noexcept override { return false; }

  [[nodiscard]] Dict options() const override {
    return {{"lr", options_.lr},
            {"momentum", zero_as_int(options_.momentum)},
            {"dampening", zero_as_int(options_.dampening)},
            {"weight_decay", zero_as_int(options_.weight_decay)},
            {"nesterov", options_.nesterov},
            {"maximize", options_.maximize},
            {"foreach", nullptr},
            {"differentiable", false},
            {"fused", nullptr}};
  }

  [[nodiscard]] std::unique_ptr<UpdateRule> read(OptionReader& reader) const override {
    SGDOptions options;
    options.lr = reader.number("lr");
    options.momentum = reader.number("momentum");
    options.dampening = reader.number("dampening");
    options.weight_decay = reader.number("weight_decay");
    options.nesterov = reader.flag("nesterov", false);
    options.maximize = reader.flag("maximize", false);
    return std::make_unique<SgdRule>(options);
  }

  void update(const Run& run) const override {
    UpdateArgs args = run.args(UpdateOp::sgd);
    args.first_step = run.first;
    args.lr = options_.lr;
    args.momentum = options_.momentum;
    args.dampening = options_.dampening;
    args.weight_decay = options_.weight_decay;
    args.nesterov = options_.nesterov;
    args.maximize = options_.maximize;
    run.backend->update(args);
  }

 private:
  SGDOptions options_;
};

}  // namespace

SGD::SGD(std::vector<ParameterPtr> params, const SGDOptions& options)
    : SGD(single_group("SGD", std::move(params), options)) {}

SGD::SGD(std::vector<Group> groups) : Optimizer("SGD", with_rules<SgdRule>(std::move(groups))) {}

}  // namespace wick::optim
