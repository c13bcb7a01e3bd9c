// SPDX-License-Identifier: MIT
#include "wick/optim/muon.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "optim/newton_schulz.h"
#include "optim/option_reader.h"
#include "optim/update_rule.h"
#include "wick/core/backend.h"
#include "wick/core/error.h"
#include "wick/core/ops.h"

namespace wick::optim {
namespace {

constexpr double kMostSteps = 100.0;

struct LrAdjustment {
  std::string_view name;
  double (*ratio)(double rows, double cols);
};

constexpr LrAdjustment kAdjustments[] = {
    {"original", [](double rows, double cols) { return std::sqrt(std::max(1.0, rows / cols)); }},
    {"match_rms_adamw",
     [](double rows, double cols) { return 0.2 * std::sqrt(std::max(rows, cols)); }},
    {"spectral_unclamped", [](double rows, double cols) { return std::sqrt(rows / cols); }},
};

/// Null where there is none of that name.
const LrAdjustment* find_adjustment(const std::optional<std::string>& name) {
  for (const LrAdjustment& one : kAdjustments) {
    if (name.value_or("original") == one.name) return &one;
  }
  return nullptr;
}

class MuonRule final : public UpdateRule {
 public:
  explicit MuonRule(MuonOptions options) : options_(std::move(options)) {}

  [[nodiscard]] double lr() const noexcept override { return options_.lr; }
  void set_lr(double lr) noexcept override { options_.lr = lr; }
  [[nodiscard]] std::optional<double> momentum() const noexcept override {
    return options_.momentum;
  }
  void set_momentum(double momentum) noexcept override { options_.momentum = momentum; }

  [[nodiscard]] std::vector<std::string> problems(Origin origin) const override {
    std::vector<std::string> found;
    require_not_negative(found, "learning rate", options_.lr, origin);
    require_not_negative(found, "momentum value", options_.momentum, origin);
    require_not_negative(found, "weight_decay value", options_.weight_decay, origin);
    require_not_negative(found, "epsilon value", options_.eps, origin);
    for (const double coefficient : options_.ns_coefficients) {
      require_finite(found, "Newton-Schulz coefficient", coefficient, origin);
    }
    if (options_.ns_steps < 0 || static_cast<double>(options_.ns_steps) >= kMostSteps) {
      found.push_back(concat("Invalid ns_steps: ", options_.ns_steps,
                             " (must be at least 0 and less than ", kMostSteps, ")"));
    }
    if (find_adjustment(options_.adjust_lr_fn) == nullptr) {
      found.push_back(concat("Adjust learning rate function ", *options_.adjust_lr_fn,
                             " is not supported (must be original, match_rms_adamw or "
                             "spectral_unclamped)"));
    }
    return found;
  }

  [[nodiscard]] std::span<const std::string_view> state_names() const noexcept override {
    static constexpr std::array<std::string_view, 1> kNames = {"momentum_buffer"};
    return kNames;
  }
  [[nodiscard]] bool counts_steps() const noexcept override { return false; }

  [[nodiscard]] Dict options() const override {
    const auto& [a, b, c] = options_.ns_coefficients;
    return {{"lr", options_.lr},
            {"weight_decay", options_.weight_decay},
            {"momentum", options_.momentum},
            {"nesterov", options_.nesterov},
            {"ns_coefficients", Tuple{{a, b, c}}},
            {"eps", options_.eps},
            {"ns_steps", options_.ns_steps},
            {"adjust_lr_fn", options_.adjust_lr_fn ? Value(*options_.adjust_lr_fn) : Value()}};
  }

  [[nodiscard]] std::unique_ptr<UpdateRule> read(OptionReader& reader) const override {
    MuonOptions options;
    options.lr = reader.number("lr");
    options.weight_decay = reader.number("weight_decay");
    options.momentum = reader.number("momentum");
    options.nesterov = reader.flag("nesterov", true);
    const std::vector<double> coefficients = reader.numbers("ns_coefficients", 3, "a, b and c");
    std::copy(coefficients.begin(), coefficients.end(), options.ns_coefficients.begin());
    options.eps = reader.number("eps");
    options.ns_steps = static_cast<std::int64_t>(
        std::clamp(reader.count("ns_steps").as_double(), -1.0, kMostSteps));
    options.adjust_lr_fn = reader.optional_text("adjust_lr_fn");
    return std::make_unique<MuonRule>(std::move(options));
  }

  void update(const Run& run) const override {
    for (std::size_t i = 0; i < run.params.size(); ++i) {
      update_matrix(*run.params[i], run.arena->part(run.state_tensors[0], run.first_param + i));
    }
  }

 private:
  struct Memory {
    NewtonSchulz orthogonalise;
    Scratch direction;  // of the parameter's dtype
    Scratch single;     // the same in float32, where that is another dtype
  };

  void update_matrix(const Parameter& param, const Tensor& buffer) const {
    const Tensor& value = param.value;
    if (value.numel() == 0) return;
    ops::lerp_(buffer, param.grad, 1.0 - options_.momentum);
    const Tensor& direction = memory_->direction.like(value);
    if (options_.nesterov) {
      ops::lerp(param.grad, buffer, options_.momentum, direction);
    } else {
      direction.copy_(buffer);
    }
    Tensor single = direction;
    if (value.dtype() != DType::float32) {
      single = memory_->single.get(value.shape(), DType::float32, value.device());
      single.copy_(direction);
    }
    memory_->orthogonalise.apply(single, {.coefficients = options_.ns_coefficients,
                                          .steps = options_.ns_steps,
                                          .eps = options_.eps});
    if (value.dtype() != DType::float32) direction.copy_(single);
    const double ratio =
        find_adjustment(options_.adjust_lr_fn)
            ->ratio(static_cast<double>(value.size(0)), static_cast<double>(value.size(1)));
    ops::weighted_sum(1.0 - options_.lr * options_.weight_decay, value, -options_.lr * ratio,
                      direction, value);
  }

  MuonOptions options_;
  // Of steps, which are no change of the rule.
  std::unique_ptr<Memory> memory_ = std::make_unique<Memory>();
};

/// Throws ValueError for the first parameter that is no matrix.
std::vector<Muon::Group> matrices(std::vector<Muon::Group> groups) {
  for (const Muon::Group& group : groups) {
    for (const ParameterPtr& param : group.params) {
      if (param == nullptr || !param->value.defined() || param->value.dim() == 2) continue;
      throw ValueError(concat("Muon: only matrices can be parameters, got ", param->value,
                              "; give the others to an optimizer such as AdamW"));
    }
  }
  return groups;
}

}  // namespace

Muon::Muon(std::vector<ParameterPtr> params, const MuonOptions& options)
    : Muon(single_group("Muon", std::move(params), options)) {}

Muon::Muon(std::vector<Group> groups)
    : Optimizer("Muon", with_rules<MuonRule>(matrices(std::move(groups)))) {}

}  // namespace wick::optim
