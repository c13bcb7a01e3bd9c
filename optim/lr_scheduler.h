// SPDX-License-Identifier: MIT
// What all learning-rate schedulers share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>
#include <vector>

#include "wick/core/compiler.h"
#include "wick/core/value.h"
#include "wick/optim/optimizer.h"

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
class WICK_API LRScheduler {
 public:
  LRScheduler(const LRScheduler&) = delete;
  LRScheduler& operator=(const LRScheduler&) = delete;
  virtual ~LRScheduler() = default;

  /// Call it after Optimizer::step(), once per epoch or per batch. Most schedules throw nothing;
  /// where one does, nothing has changed.
  virtual void step();
  /// The rates that the last step() set, one per group.
  [[nodiscard]] const std::vector<double>& last_lr() const noexcept { return last_lr_; }
  /// How many times step() has been called, rounded down where a state of PyTorch's was loaded that
  /// was somewhere in between.
  [[nodiscard]] std::int64_t last_epoch() const noexcept;

  /// PyTorch's keys in PyTorch's order.
  [[nodiscard]] virtual Value state_dict() const;
  /// Takes what state_dict() or PyTorch's scheduler of the same class gave. Keys that older
  /// versions do not have keep their present value, other keys are passed over. Numbers may be ints
  /// or floats, and come back from state_dict() as they were. The optimizer's
  /// rates stay as they are: they come with its own state. Where it does not fit, throws
  /// StateDictError that lists every problem, and changes nothing.
  virtual void load_state_dict(const Value& state);

 protected:
  /// Attaches to the optimizer: marks its present rates as initial ones, where none are marked.
  /// The first rate is the present one, unless the constructor of the schedule ends with start().
  explicit LRScheduler(Optimizer& optimizer);
  /// Sets the rates of epoch 0.
  void start() { initial_step(); }

  /// The options, in PyTorch's order.
  [[nodiscard]] virtual Dict options() const = 0;
  /// Those that follow the other keys.
  [[nodiscard]] virtual Dict more_options() const { return {}; }
  /// Reads the options and notes what is wrong; takes them only where the reader has no problems.
  virtual void read_options(OptionReader& reader) = 0;
  /// Where a schedule stands, and for which parameter group a rate is wanted.
  struct Step {
    double epoch = 0.0;       // PyTorch's last_epoch
    double count = 1.0;       // PyTorch's _step_count: steps so far and one for the construction
    bool is_initial = false;  // the construction's own step
    std::size_t group = 0;
  };
  /// The rate of a group for the epoch of a step.
  [[nodiscard]] virtual double next_lr(double lr, double base_lr, const Step& step) const = 0;
  /// The same for epoch 0, where a SequentialLR begins with this schedule: PyTorch's closed form.
  [[nodiscard]] virtual double begin_lr(double /*lr*/, double base_lr, const Step& /*step*/) const {
    return base_lr;
  }
  /// Throws what is wrong with a step before anything has changed.
  virtual void require_step(const Step& /*step*/) const {}
  /// What else is set in a step, in each group.
  virtual void follow(const Step& /*step*/) {}
  /// The construction's own step.
  virtual void initial_step();

  [[nodiscard]] const Step& now() const noexcept { return step_; }
  /// Sets the rates of a step.
  void move_to(Step step);

  // What OneCycleLR needs of the optimizer, whose groups keep its numbers.
  static void set_initial_lr(Optimizer& optimizer, std::size_t group, double lr);
  static void set_group_number(Optimizer& optimizer, std::size_t group, std::string_view key,
                               double value);
  [[nodiscard]] static std::optional<double> momentum(const Optimizer& optimizer,
                                                      std::size_t group);
  static void set_momentum(Optimizer& optimizer, std::size_t group, double momentum);
  void change_momentum(std::size_t group, double momentum) {
    set_momentum(optimizer_, group, momentum);
  }
  [[nodiscard]] bool uses_beta1() const;
  /// Throws ValueError where a group has no such number.
  void require_group_numbers(std::string_view scheduler,
                             std::initializer_list<std::string_view> keys) const;
  [[nodiscard]] double group_number(std::size_t group, std::string_view key) const;

 private:
  friend class SequentialLR;
  // Sets the rates of a step by next_lr() or, with `begins`, by begin_lr().
  void take_rates(Step step, bool begins);
  void begin();  // epoch 0, as SequentialLR does it
  void undo_step() noexcept { step_.epoch -= 1.0; }
  void restore_initial_lr();
  [[nodiscard]] bool is_of(const Optimizer& optimizer) const noexcept {
    return &optimizer_ == &optimizer;
  }
  [[nodiscard]] virtual bool has_parts() const noexcept { return false; }
  [[nodiscard]] Value epoch_value() const;
  [[nodiscard]] Value last_lr_value() const;
  void take_epoch(const Value& epoch);

  Optimizer& optimizer_;
  std::vector<double> base_lrs_;
  std::vector<double> last_lr_;
  std::vector<double> next_;  // of the step that is being made
  Step step_;
  // PyTorch's last_epoch and _step_count are floats where a float was loaded.
  bool epoch_is_float_ = false;
  bool count_is_float_ = false;
};

}  // namespace wick::optim
