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
/// the rates are PyTorch's bit for bit, and schedulers can be chained. A rate may become negative,
/// as it may there: the cosine's rounding leads to -1e-17.
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
  void step() noexcept;
  /// The rates that the last step() set, one per group.
  [[nodiscard]] const std::vector<double>& last_lr() const noexcept { return last_lr_; }
  /// How many times step() has been called, rounded down where a state of PyTorch's was loaded that
  /// was somewhere in between.
  [[nodiscard]] std::int64_t last_epoch() const noexcept;

  /// PyTorch's keys in PyTorch's order.
  [[nodiscard]] Value state_dict() const;
  /// Takes what state_dict() or PyTorch's scheduler of the same class gave. Keys that older
  /// versions do not have keep their present value, other keys are passed over. Numbers may be ints
  /// or floats, and come back from state_dict() as they were. The optimizer's
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
  /// The rate of a group for the epoch of a step.
  struct Step {
    double epoch;  // PyTorch's last_epoch
    double count;  // PyTorch's _step_count: steps so far and one for the construction
  };
  [[nodiscard]] virtual double next_lr(double lr, double base_lr, Step step) const noexcept = 0;

 private:
  Optimizer& optimizer_;
  std::vector<double> base_lrs_;
  std::vector<double> last_lr_;
  Step step_{0.0, 1.0};
  // PyTorch's last_epoch and _step_count are floats where a float was loaded.
  bool epoch_is_float_ = false;
  bool count_is_float_ = false;
};

}  // namespace wick::optim
