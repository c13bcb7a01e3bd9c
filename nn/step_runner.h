// SPDX-License-Identifier: MIT
// Runs the steps of a network forward and backward.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "wick/core/compiler.h"
#include "wick/core/tensor.h"
#include "wick/nn/fusion_rules.h"
#include "wick/nn/scratch.h"
#include "wick/nn/steps.h"

namespace wick::nn {

/// The modules of a list of steps do the work, two at once where a fusion rule says so. A value may
/// be used by several steps: their gradients are added up. After the first pass with the largest
/// batch, nothing is allocated.
///
/// The modules must live as long as the runner. What they save for backward() is theirs; the runner
/// keeps the values that its own operations need. Thread safety: none.
class WICK_API StepRunner {
 public:
  /// Throws ValueError for a list without outputs, and for a module that appears in two steps.
  explicit StepRunner(StepList steps);

  [[nodiscard]] const StepList& list() const noexcept { return list_; }

  /// As many tensors as the list has inputs; the results are output(0) and so on.
  /// What a step throws gets its path in front (Error::add_where), here and in backward().
  void forward(std::span<const Tensor> inputs);
  [[nodiscard]] const Tensor& output(std::size_t i) const { return value(list_.outputs()[i]); }

  /// The gradients of the loss by the outputs, of their shapes; an undefined one stands for zeros.
  /// Adds to the gradients of the parameters. Throws ValueError, before it changes anything, where
  /// a value that it would read has been overwritten. Where `input_grad` is set, input_grad(i) has
  /// the gradients by the inputs; undefined where the outputs do not depend on one.
  void backward(std::span<const Tensor> grads, bool input_grad);
  [[nodiscard]] const Tensor& input_grad(std::size_t i) const { return grad(list_.inputs()[i]); }

  /// Whether the modules have what forward() has saved in them.
  [[nodiscard]] bool is_ready() const noexcept;
  /// Throws a ValueError that names the module that has not.
  void require_ready() const;
  /// For a number or a shape of gradients that does not fit, throws ValueError or ShapeError that
  /// begins with `owner`.
  void require_grads(std::string_view owner, std::span<const Tensor> grads) const;

  /// Lets go of the values and gradients.
  void release() noexcept;

 private:
  WICK_HIDDEN static constexpr std::size_t kNone = StepList::kNone;
  struct State {  // of a step
    std::vector<ParameterPtr> parameters;
    std::uint64_t forward_count = 0;                  // the module's, after the last forward()
    std::array<std::uint64_t, 2> operand_versions{};  // of multiply, in the last forward()
    std::size_t next = kNone;                         // the step that alone uses this one's output
    // Fused with another step, by its index, or kNone.
    std::size_t activation_behind = kNone;  // forward: this product does that activation's work
    std::size_t activation_before = kNone;  // backward: likewise
    std::size_t product_before = kNone;     // forward: that product does this activation's work
    std::size_t product_behind = kNone;     // backward: likewise
  };

  [[nodiscard]] const Tensor& value(ValueId id) const {
    return values_[static_cast<std::size_t>(id)];
  }
  [[nodiscard]] const Tensor& grad(ValueId id) const {
    return grads_[static_cast<std::size_t>(id)];
  }
  void fuse();
  [[nodiscard]] bool feeds_autocast(const State& state) const;
  void find_needed(bool input_grad);
  void find_reached(std::span<const Tensor> grads);
  [[nodiscard]] bool runs_backward(std::size_t i) const;
  void find_shared();
  // Tells the parameters of several steps how many parts of their gradients are still to come.
  void announce_grad_parts();
  void forget_grad_parts() noexcept;
  [[nodiscard]] bool is_needed(ValueId id) const {
    return needed_[static_cast<std::size_t>(id)] != 0;
  }
  // Calls work(i) for a step; an error gets the step's path in front.
  template <typename Work>
  void with_path(std::size_t i, Work&& work) const;
  void require_intact(std::size_t i) const;
  [[nodiscard]] std::size_t index_of(const Step& step) const noexcept {
    return static_cast<std::size_t>(&step - list_.steps().data());
  }
  [[nodiscard]] State& state_of(const Step& step) noexcept { return states_[index_of(step)]; }
  void run_forward(std::size_t i);
  void run_backward(std::size_t i);
  void run_operation(const Step& step);
  void differentiate_operation(const Step& step);
  void contribute(ValueId id, const Tensor& gradient);
  [[nodiscard]] bool is_ready(std::size_t i) const noexcept;

  StepList list_;
  std::vector<State> states_;
  std::vector<Tensor> values_;
  std::vector<Scratch> results_;  // of the runner's own operations
  std::vector<Tensor> grads_;
  std::vector<Scratch> sums_;                // of the gradients of a value with several uses
  std::vector<std::vector<Scratch>> parts_;  // gradients by a step's inputs
  std::vector<std::uint8_t> needed_;         // whether a gradient by the value is wanted
  std::vector<std::uint8_t> reached_;        // and whether there is one to compute it from
  struct Shared {
    ParameterPtr parameter;
    std::vector<std::size_t> steps;
  };
  std::vector<Shared> shared_;  // the parameters of several steps
};

}  // namespace wick::nn
