// SPDX-License-Identifier: MIT
// The quasi-Newton method L-BFGS, which evaluates the loss as often as it likes.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wick/core/compiler.h"
#include "wick/optim/optimizer.h"

namespace wick::optim {

struct LBFGSOptions {
  double lr = 1.0;             // at least 0
  std::int64_t max_iter = 20;  // iterations of a step, from 1 to 2^31
  std::optional<std::int64_t>
      max_eval{};                   // evaluations of a step, from 1 to 2^32; none: max_iter * 5/4
  double tolerance_grad = 1e-7;     // ends the step where no |gradient| is larger
  double tolerance_change = 1e-9;   // or where loss or parameters change by less
  std::int64_t history_size = 100;  // pairs of changes that are kept, from 1 to 2^24
  std::optional<std::string> line_search_fn{};  // none (the rate is taken as it is) or strong_wolfe
  bool maximize = false;                        // climbs instead of descending
};

/// torch.optim.LBFGS (Nocedal and Wright, Numerical Optimization, chapter 7): one group of
/// parameters, whose gradients are taken as one vector; missing gradients count as zeros. It keeps
/// 2 * history_size + 8 vectors of that size.
///
/// State, of all parameters together under the first one: 'func_evals' and 'n_iter', and after the
/// first iteration 'd', 't', 'old_dirs', 'old_stps', 'ro', 'H_diag', 'prev_flat_grad', 'prev_loss',
/// 'al'. Numbers are computed in float64, where PyTorch has tensors of the parameters' dtype.
///
/// Stricter than PyTorch's: max_iter, max_eval and history_size have bounds.
class WICK_API LBFGS final : public Optimizer {
 public:
  explicit LBFGS(std::vector<ParameterPtr> params, const LBFGSOptions& options = {});
  LBFGS(const LBFGS&) = delete;
  LBFGS& operator=(const LBFGS&) = delete;
  ~LBFGS() override;

  [[nodiscard]] std::string_view type_name() const noexcept override { return "LBFGS"; }

  /// Sets the gradients anew (zero_grad(), forward and backward passes) and returns the loss.
  using Closure = std::function<double()>;
  /// Moves the parameters on and returns the loss before that. The gradients are those of the last
  /// evaluation. Allocates nothing once the history is full, except where `closure` does. On a GPU,
  /// the host waits for each scalar product. It takes the parameters where they are and does not
  /// refresh arena().
  ///
  /// Throws ValueError for an empty `closure`. Where `closure` throws, the parameters and the state
  /// are those after the last whole iteration, and a later step goes on from there; 'func_evals'
  /// lacks the evaluations of the iteration that was given up. (PyTorch leaves the parameters at a
  /// trial of the line search then.)
  double step(const Closure& closure);
  /// Throws ValueError: a step needs a closure.
  void step() override;

 private:
  struct State;
  [[nodiscard]] Dict common_state() const override;
  [[nodiscard]] std::function<void()> read_common_state(
      const Dict& state, std::vector<std::string>& problems) const override;

  std::unique_ptr<State> state_;
};

}  // namespace wick::optim
