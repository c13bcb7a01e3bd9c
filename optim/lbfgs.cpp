// SPDX-License-Identifier: MIT
#include "wick/optim/lbfgs.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "optim/lbfgs_state.h"
#include "optim/line_search.h"
#include "optim/option_reader.h"
#include "optim/update_rule.h"
#include "wick/core/error.h"

namespace wick::optim {
namespace {

constexpr std::int64_t kMostIterations = std::int64_t{1} << 31;
// A state dictionary has an entry for each.
constexpr std::int64_t kMostHistory = std::int64_t{1} << 24;

/// The options alone: nothing is done for single parameters.
class LbfgsRule final : public UpdateRule {
 public:
  explicit LbfgsRule(LBFGSOptions options) : given(std::move(options)) {}

  [[nodiscard]] double lr() const noexcept override { return given.lr; }
  void set_lr(double lr) noexcept override { given.lr = lr; }
  [[nodiscard]] std::int64_t max_eval() const {
    return given.max_eval.value_or(given.max_iter * 5 / 4);
  }

  [[nodiscard]] std::vector<std::string> problems(Origin origin) const override {
    std::vector<std::string> found;
    require_not_negative(found, "learning rate", given.lr, origin);
    require_finite(found, "tolerance_grad", given.tolerance_grad, origin);
    require_finite(found, "tolerance_change", given.tolerance_change, origin);
    const auto require_count = [&found](const char* name, std::int64_t count, std::int64_t most) {
      if (count >= 1 && count <= most) return;
      found.push_back(concat("Invalid ", name, ": ", count, " (must be from 1 to ", most, ")"));
    };
    require_count("max_iter", given.max_iter, kMostIterations);
    if (given.max_eval) require_count("max_eval", *given.max_eval, 2 * kMostIterations);
    require_count("history_size", given.history_size, kMostHistory);
    if (given.line_search_fn && *given.line_search_fn != "strong_wolfe") {
      found.push_back(concat("Invalid line_search_fn: ", *given.line_search_fn,
                             " (only 'strong_wolfe' is supported)"));
    }
    return found;
  }

  [[nodiscard]] std::span<const std::string_view> state_names() const noexcept override {
    return {};
  }
  [[nodiscard]] bool counts_steps() const noexcept override { return false; }

  [[nodiscard]] Dict options() const override {
    return {{"lr", given.lr == 1.0 ? Value(1) : Value(given.lr)},  // PyTorch's default is an int
            {"max_iter", given.max_iter},
            {"max_eval", max_eval()},
            {"tolerance_grad", given.tolerance_grad},
            {"tolerance_change", given.tolerance_change},
            {"history_size", given.history_size},
            {"line_search_fn", given.line_search_fn ? Value(*given.line_search_fn) : Value()},
            {"maximize", given.maximize}};
  }

  [[nodiscard]] std::unique_ptr<UpdateRule> read(OptionReader& reader) const override {
    LBFGSOptions options;
    const auto count = [&reader](std::string_view key) {
      return static_cast<std::int64_t>(reader.count(key).as_double());
    };
    options.lr = reader.number("lr");
    options.max_iter = count("max_iter");
    options.max_eval = count("max_eval");
    options.tolerance_grad = reader.number("tolerance_grad");
    options.tolerance_change = reader.number("tolerance_change");
    options.history_size = count("history_size");
    options.line_search_fn = reader.optional_text("line_search_fn");
    options.maximize = reader.flag("maximize", false);
    return std::make_unique<LbfgsRule>(std::move(options));
  }

  void update(const Run& /*run*/) const override {}

  LBFGSOptions given;
};

}  // namespace

LBFGS::LBFGS(std::vector<ParameterPtr> params, const LBFGSOptions& options)
    : Optimizer("LBFGS", with_rules<LbfgsRule>(single_group("LBFGS", std::move(params), options))),
      state_(std::make_unique<State>()) {}

LBFGS::~LBFGS() = default;

void LBFGS::step() {
  throw ValueError(
      "LBFGS: a step evaluates the loss several times; call step(closure) with a function that "
      "sets the gradients and returns the loss");
}

double LBFGS::step(const Closure& closure) {
  if (!closure) {
    throw ValueError(
        "LBFGS: the closure is empty; give a function that sets the gradients and returns the "
        "loss");
  }
  const auto& its_rule = static_cast<const LbfgsRule&>(rule(0));
  const LBFGSOptions& options = its_rule.given;
  const std::int64_t max_eval = its_rule.max_eval();
  const double sign = options.maximize ? -1.0 : 1.0;
  State& s = *state_;
  s.settle(params(0));
  s.started = true;
  const auto evaluate = [&] {
    const double value = sign * closure();
    return LinePoint{.loss = value, .grad = s.vectors.gradients(sign)};
  };
  LinePoint now = evaluate();
  const double first_loss = sign * now.loss;
  std::int64_t evaluations = 1;
  ++s.func_evals;
  if (s.vectors.abs_max(now.grad) <= options.tolerance_grad) return first_loss;

  for (std::int64_t iteration = 1; iteration <= options.max_iter; ++iteration) {
    const bool first = s.n_iter == 0;
    if (!first) s.remember(now.grad, options.history_size);
    // The last change is in the history. Where `closure` throws, there is no other one.
    s.t = 0.0;
    s.prev_flat_grad = now.grad;
    s.prev_loss = now.loss;
    if (first) {
      s.begin(now.grad);
    } else {
      s.d = s.direction(now.grad, options.history_size);
    }
    const double rate =
        first ? std::min(1.0, 1.0 / s.vectors.abs_sum(now.grad)) * options.lr : options.lr;
    const auto finish = [&s](double t) {
      s.t = t;
      ++s.n_iter;
    };
    now.t = 0.0;
    now.slope = s.vectors.dot(now.grad, s.d);
    if (now.slope > -options.tolerance_change) {
      finish(rate);
      break;
    }

    std::int64_t more = 0;
    if (options.line_search_fn) {
      const Tensor x = s.vectors.values();
      auto at = [&](double t) {
        s.vectors.add_to_values(t, s.d);
        LinePoint point;
        try {
          point = evaluate();
        } catch (...) {
          s.vectors.set_values(x);
          throw;
        }
        s.vectors.set_values(x);
        point.t = t;
        point.slope = s.vectors.dot(point.grad, s.d);
        return point;
      };
      // As in PyTorch, tolerance_change is not passed on: the search has its own, 1e-9.
      LineSearchResult found = strong_wolfe(
          std::ref(at), now, rate,
          {.direction_size = s.vectors.abs_max(s.d), .max_evaluations = max_eval - evaluations});
      now = std::move(found.point);
      more = found.evaluations;
      s.vectors.add_to_values(now.t, s.d);
      finish(now.t);
    } else {
      s.vectors.add_to_values(rate, s.d);
      finish(rate);
      if (iteration < options.max_iter) {
        now = evaluate();
        more = 1;
      }
    }
    evaluations += more;
    s.func_evals += more;
    if (iteration == options.max_iter || evaluations >= max_eval) break;
    if (s.vectors.abs_max(now.grad) <= options.tolerance_grad) break;
    if (s.vectors.abs_max(s.d) * std::abs(s.t) <= options.tolerance_change) break;
    if (std::abs(now.loss - s.prev_loss) < options.tolerance_change) break;
  }
  s.stored = true;
  return first_loss;
}

}  // namespace wick::optim
