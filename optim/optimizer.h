// SPDX-License-Identifier: MIT
// What all optimizers share: parameter groups, flat storage, and PyTorch's state layout.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wick/core/compiler.h"
#include "wick/core/parameter_arena.h"
#include "wick/core/value.h"

namespace wick::optim {

class LRScheduler;
class UpdateRule;

/// Parameters that are updated under options of their own.
template <typename Options>
struct ParamGroup {
  std::vector<ParameterPtr> params;
  Options options;
};

/// torch.optim.Optimizer. At its construction it puts each group's parameters into a
/// ParameterArena, so that a step is one pass per group; the state lies in flat tensors of the same
/// layout. Where the parameters have been moved since (Module::to, another optimizer), the next
/// step() or load_state_dict() moves them, and the state with them, again. After its first call,
/// step() allocates nothing unless parameters were moved.
///
/// The constructors of the subclasses throw ValueError for an option outside its range or, stricter
/// than PyTorch's, not finite in float32 (a learning rate of inf or 1e300), for no parameters at
/// all, for a parameter that is given twice, and for a group of several dtypes or devices;
/// DTypeError for parameters that are neither float32 nor float64.
///
/// Thread safety: none.
class WICK_API Optimizer {
 public:
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;
  virtual ~Optimizer();

  /// PyTorch's class name: "Adam".
  [[nodiscard]] virtual std::string_view type_name() const noexcept = 0;

  /// Updates every parameter that has a gradient. The others keep their value, their state and
  /// their step count.
  virtual void step();
  /// Forgets all gradients: the next backward pass sets them.
  void zero_grad();

  [[nodiscard]] std::size_t group_count() const noexcept;
  /// The learning rate of a group. Throws IndexError.
  [[nodiscard]] double lr(std::size_t group = 0) const;
  /// Throws IndexError, and ValueError for a rate that is negative or not finite in float32.
  void set_lr(double lr, std::size_t group = 0);
  /// The rate that a scheduler counts from: PyTorch's param_groups[i]['initial_lr']; lr() where
  /// no scheduler has been attached. Throws IndexError.
  [[nodiscard]] double initial_lr(std::size_t group = 0) const;
  /// Sets 'initial_lr' to the present rate in each group that has none. Schedulers call it.
  void mark_initial_lr();

  /// Where a group's parameters and gradients lie. It stays the same object; step() and
  /// load_state_dict() refresh it. Throws IndexError.
  [[nodiscard]] const ParameterArena& arena(std::size_t group = 0) const;
  /// A tensor of the state ("exp_avg", "momentum_buffer") for all parameters of a group at once, of
  /// arena(group)'s layout; undefined before the first step. Shares memory with the optimizer
  /// until it is loaded or moved. Throws IndexError, and ValueError for a name that the optimizer
  /// does not keep under its present options.
  [[nodiscard]] Tensor flat_state(std::string_view name, std::size_t group = 0) const;

  /// PyTorch's layout, keys and key order:
  /// {'state': {i: {...}}, 'param_groups': [{..., 'params': [i, ...]}]}. A parameter that was never
  /// stepped has no entry in 'state'; the entries are in the order of their first steps. The
  /// state's tensors share their storage with the optimizer, except for the step counts, which are
  /// copies.
  ///
  /// Options that are zero by PyTorch's default are the int 0, as they are there. After
  /// load_state_dict(), what was loaded comes back as it was, while it has the same value: an int
  /// stays an int, a float a float, and keys that wick does not know (foreach, fused, param_names)
  /// are kept.
  [[nodiscard]] Value state_dict() const;
  /// Takes what state_dict() or PyTorch's optimizer of the same class gave (2.x, and older ones
  /// with fewer keys), options included, and copies the tensors, converting their dtype and device
  /// to the parameter's. Where it does not fit, throws StateDictError that lists every problem, and
  /// changes nothing. Tensors taken from state_dict() before no longer share their storage. State
  /// that the loaded options do not use (a momentum buffer where momentum is 0) is left out.
  /// Options may be ints, floats or tensors of one element, negative ones too, which schedulers can
  /// lead to: PyTorch's arithmetic decides what they do.
  void load_state_dict(const Value& state);

 protected:
  using RuleGroup = ParamGroup<std::unique_ptr<UpdateRule>>;
  Optimizer(std::string_view type_name, std::vector<RuleGroup> groups);

  // For an optimizer that is more than a rule for each parameter: LBFGS.

  [[nodiscard]] const std::vector<ParameterPtr>& params(std::size_t group) const noexcept;
  [[nodiscard]] const UpdateRule& rule(std::size_t group) const noexcept;
  /// The state of all parameters together, which PyTorch keeps as that of the first one; empty
  /// where there is none.
  [[nodiscard]] virtual Dict common_state() const { return {}; }
  /// Reads such a state, an empty one too, and notes what is wrong, in sentences. Returns what
  /// makes it the optimizer's, called once everything else has been found right.
  [[nodiscard]] virtual std::function<void()> read_common_state(
      const Dict& /*state*/, std::vector<std::string>& /*problems*/) const {
    return [] {};
  }

 private:
  friend class LRScheduler;
  friend class ReduceLROnPlateau;
  struct Group;
  /// Whatever rate a schedule arrives at; the group exists.
  void take_lr(double lr, std::size_t group) noexcept;
  void take_initial_lr(double lr, std::size_t group) noexcept;
  /// PyTorch's 'momentum', or the first of 'betas'; none where the optimizer has neither.
  [[nodiscard]] std::optional<double> momentum(std::size_t group) const noexcept;
  [[nodiscard]] bool momentum_is_beta1() const noexcept;
  void take_momentum(double momentum, std::size_t group) noexcept;
  /// A number that a scheduler keeps among the options of a group.
  void set_group_number(std::size_t group, std::string_view key, double value);
  [[nodiscard]] std::optional<double> group_number(std::size_t group, std::string_view key) const;
  [[nodiscard]] Group& group_at(std::size_t index, std::string_view operation) const;

  std::vector<std::unique_ptr<Group>> groups_;
  std::int64_t last_place_ = 0;  // of the newest entry in 'state'
};

}  // namespace wick::optim
