// SPDX-License-Identifier: MIT
// What all losses have in common.
#pragma once

#include <string_view>
#include <utility>

#include "core/tensor.h"
#include "nn/scratch.h"

namespace wick::nn {

/// How the losses of the elements (or rows) become one number.
enum class Reduction { mean, sum };

/// A function of a network's output and a target that training makes small. forward() computes its
/// value and its gradient in one pass.
///
///   const Tensor loss = criterion.forward(model.forward(x), target);
///   model.backward(criterion.backward());
///
/// Thread safety: none; give each thread a loss of its own.
class Loss {
 public:
  Loss() = default;
  Loss(const Loss&) = delete;
  Loss& operator=(const Loss&) = delete;
  virtual ~Loss() = default;

  /// PyTorch's class name: "MSELoss".
  [[nodiscard]] virtual std::string_view type_name() const noexcept = 0;

  /// The loss, as a tensor of one element on the input's device that the next call overwrites.
  [[nodiscard]] virtual Tensor forward(const Tensor& input, const Tensor& target) = 0;
  /// The gradient of the last loss by the input; the next forward() overwrites it. Throws
  /// ValueError before any forward().
  [[nodiscard]] Tensor backward() const;
  /// Each forward() from now on also adds its loss to `sum`, a float64 tensor of one element on the
  /// input's device, so that nobody has to wait for every single loss. An undefined tensor ends it.
  void accumulate_in(Tensor sum) { sum_ = std::move(sum); }

 protected:
  Loss(Loss&&) = default;
  Loss& operator=(Loss&&) = default;

  /// One element of the input's dtype, where forward() writes the loss.
  [[nodiscard]] const Tensor& loss_for(const Tensor& input) {
    return loss_.get({}, input.dtype(), input.device());
  }
  /// Of the input's shape, where forward() writes the gradient.
  [[nodiscard]] const Tensor& grad_for(const Tensor& input) {
    last_grad_ = grad_.like(input);
    return last_grad_;
  }
  /// What accumulate_in() was given; null for none.
  [[nodiscard]] const Tensor* sum() const noexcept { return sum_.defined() ? &sum_ : nullptr; }

 private:
  Scratch loss_;
  Scratch grad_;
  Tensor last_grad_;
  Tensor sum_;
};

}  // namespace wick::nn
