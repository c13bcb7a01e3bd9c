// SPDX-License-Identifier: MIT
// How one parameter group is updated: the options, their form in a state dictionary, and the call
// of the backend. Implemented by each optimizer, used by Optimizer.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "wick/core/backend.h"
#include "wick/core/backend/update.h"
#include "wick/core/error.h"
#include "wick/core/value.h"
#include "wick/optim/optimizer.h"

namespace wick::optim {

class OptionReader;

/// Where options come from: constructors take what makes sense, loading takes what PyTorch's
/// arithmetic takes.
enum class Origin { constructor, loaded };

/// Neighbouring parameters that are updated in one pass, with the padding between them.
struct Run {
  Backend* backend = nullptr;
  DType dtype = DType::float32;
  std::int64_t count = 0;
  void* param = nullptr;
  const void* grad = nullptr;
  std::array<void*, kMaxUpdateState> state{};  // in the order of state_names(), else null
  double step = 1.0;                           // 1 for the first; 0 where steps are not counted
  double product = 1.0;  // of UpdateRule::product_factor() in all steps, this one included
  bool first = false;    // the state holds zeros, nothing of a step before
  /// For rules that look at single parameters: those, where they and the whole group's state lie,
  /// and the first of them there.
  std::span<const ParameterPtr> params{};
  const ParameterArena* arena = nullptr;
  std::span<const Tensor> state_tensors{};
  std::size_t first_param = 0;

  /// All but the options.
  [[nodiscard]] UpdateArgs args(UpdateOp op) const {
    UpdateArgs args;
    args.op = op;
    args.dtype = dtype;
    args.count = count;
    args.param = param;
    args.grad = grad;
    args.state = state;
    args.step = step;
    return args;
  }
};

class UpdateRule {
 public:
  UpdateRule() = default;
  UpdateRule(const UpdateRule&) = delete;
  UpdateRule& operator=(const UpdateRule&) = delete;
  virtual ~UpdateRule() = default;

  [[nodiscard]] virtual double lr() const noexcept = 0;
  virtual void set_lr(double lr) noexcept = 0;
  /// What is wrong with these options: one sentence per problem.
  [[nodiscard]] virtual std::vector<std::string> problems(Origin origin) const = 0;

  /// The keys of the tensors in a parameter's state, in PyTorch's order; none where the options
  /// need no state. A key that is empty keeps the place of a tensor that these options do not need.
  [[nodiscard]] virtual std::span<const std::string_view> state_names() const noexcept = 0;
  /// True where the state begins with 'step'.
  [[nodiscard]] virtual bool counts_steps() const noexcept = 0;

  /// The key of a number in the state, behind 'step', that begins with 1 and is multiplied in each
  /// step; empty where there is none.
  [[nodiscard]] virtual std::string_view product_name() const noexcept { return {}; }
  /// What it is multiplied by in step `step`.
  [[nodiscard]] virtual double product_factor(double /*step*/) const noexcept { return 1.0; }
  /// What the state's tensors begin with where they are there from the construction on; none where
  /// the first step makes them, of zeros.
  [[nodiscard]] virtual std::optional<double> initial_state() const noexcept { return {}; }

  /// PyTorch's 'momentum', or the first of 'betas'; none where the optimizer has neither.
  [[nodiscard]] virtual std::optional<double> momentum() const noexcept { return {}; }
  [[nodiscard]] virtual bool momentum_is_beta1() const noexcept { return false; }
  virtual void set_momentum(double /*momentum*/) noexcept {}

  /// The options in PyTorch's order.
  [[nodiscard]] virtual Dict options() const = 0;
  /// A rule of the same class with the options that the reader finds.
  [[nodiscard]] virtual std::unique_ptr<UpdateRule> read(OptionReader& reader) const = 0;

  virtual void update(const Run& run) const = 0;
};

/// All parameters under the same options. Throws ValueError where there are none.
template <typename Options>
[[nodiscard]] std::vector<ParamGroup<Options>> single_group(std::string_view type_name,
                                                            std::vector<ParameterPtr> params,
                                                            const Options& options) {
  if (params.empty()) {
    throw ValueError(concat(type_name, ": optimizer got an empty parameter list"));
  }
  std::vector<ParamGroup<Options>> groups;
  groups.push_back({std::move(params), options});
  return groups;
}

/// Gives each group a rule made from its options.
template <typename Rule, typename Options>
[[nodiscard]] std::vector<ParamGroup<std::unique_ptr<UpdateRule>>> with_rules(
    std::vector<ParamGroup<Options>> groups) {
  std::vector<ParamGroup<std::unique_ptr<UpdateRule>>> result;
  result.reserve(groups.size());
  for (ParamGroup<Options>& group : groups) {
    result.push_back({std::move(group.params), std::make_unique<Rule>(group.options)});
  }
  return result;
}

/// An option whose default is the int 0 in PyTorch.
[[nodiscard]] inline Value zero_as_int(double value) {
  return value == 0.0 ? Value(0) : Value(value);
}

/// Adds a problem for an option that is no number or, in a constructor, not finite in float32.
inline void require_finite(std::vector<std::string>& problems, std::string_view what, double value,
                           Origin origin) {
  const bool sound =
      origin == Origin::loaded ? !std::isnan(value) : std::isfinite(static_cast<float>(value));
  if (sound) return;
  const std::string_view wanted = origin == Origin::loaded ? "a number" : "finite in float32";
  problems.push_back(concat("Invalid ", what, ": ", value, " (must be ", wanted, ")"));
}

/// The same for an option that constructors do not take below 0 either.
inline void require_not_negative(std::vector<std::string>& problems, std::string_view what,
                                 double value, Origin origin) {
  if (origin == Origin::constructor && value < 0.0) {
    problems.push_back(concat("Invalid ", what, ": ", value, " (must be at least 0)"));
  } else {
    require_finite(problems, what, value, origin);
  }
}

inline void require_betas(std::vector<std::string>& problems, double beta1, double beta2) {
  for (const auto& [index, beta] : {std::pair(0, beta1), std::pair(1, beta2)}) {
    if (beta >= 0.0 && beta < 1.0) continue;
    problems.push_back(concat("Invalid beta parameter at index ", index, ": ", beta,
                              " (must be at least 0 and below 1)"));
  }
}

}  // namespace wick::optim
