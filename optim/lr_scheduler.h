// SPDX-License-Identifier: MIT
// What all learning-rate schedulers share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/value.h"
#include "optim/optimizer.h"

namespace wick::optim {

class OptionReader;

/// torch.optim.lr_scheduler.LRScheduler: each step() sets the rate of every parameter group from
/// its present rate, by PyTorch's recursive formula and in the order of its arithmetic, so that
/// the rates are PyTorch's bit for bit, and schedulers can be chained.
///
/// A scheduler refers to its optimizer, which must outlive it. Attach it before the optimizer loads
/// its state; to resume, load the state of both.
///
/// Thread safety: none.
class LRScheduler {
 public:
  LRScheduler(const LRScheduler&) = delete;
  LRScheduler& operator=(const LRScheduler&) = delete;
  virtual ~LRScheduler() = default;

  /// Call it after Optimizer::step(), once per epoch or per batch.
  void step();
  /// The rates that the last step() set, one per group.
  [[nodiscard]] const std::vector<double>& last_lr() const noexcept { return last_lr_; }
  /// How many times step() has been called.
  [[nodiscard]] std::int64_t last_epoch() const noexcept { return last_epoch_; }

  /// PyTorch's keys in PyTorch's order.
  [[nodiscard]] Value state_dict() const;
  /// Takes what state_dict() or PyTorch's scheduler of the same class gave. Keys that older
  /// versions do not have keep their present value, other keys are passed over. The optimizer's
  /// rates stay as they are: they come with its own state. Where it does not fit, throws
  /// StateDictError that lists every problem, and changes nothing.
  void load_state_dict(const Value& state);

 protected:
  /// Attaches to the optimizer: marks its present rates as initial ones, where none are marked.
  /// The first rate of every schedule is the present one.
  explicit LRScheduler(Optimizer& optimizer);

  /// The options, in PyTorch's order.
  [[nodiscard]] virtual Dict options() const = 0;
  /// Reads the options and notes what is wrong; takes them only where the reader has no problems.
  virtual void read_options(OptionReader& reader) = 0;
  /// The rate of a group for epoch last_epoch().
  [[nodiscard]] virtual double next_lr(double lr, double base_lr) const = 0;

  /// PyTorch's _step_count: steps so far and one for the construction.
  [[nodiscard]] std::int64_t step_count() const noexcept { return step_count_; }

 private:
  Optimizer& optimizer_;
  std::vector<double> base_lrs_;
  std::vector<double> last_lr_;
  std::int64_t last_epoch_ = 0;
  std::int64_t step_count_ = 1;
};

}  // namespace wick::optim
