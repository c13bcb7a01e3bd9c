// SPDX-License-Identifier: MIT
// What all losses have in common.
#pragma once

#include <string_view>
#include <utility>

#include "wick/core/compiler.h"
#include "wick/core/tensor.h"
#include "wick/nn/scratch.h"

namespace wick::nn {

/// How the losses of the elements (or rows) become one number: their mean or sum; `batchmean`, of
/// KLDivLoss alone, is the sum over the size of the first dimension. With `none` they stay as they
/// are, and backward() takes the gradient by each.
enum class Reduction { mean, sum, none, batchmean };

/// A function of a network's output and a target that training makes small. forward() computes its
/// value and its gradient in one pass.
///
///   const Tensor loss = criterion.forward(model.forward(x), target);
///   model.backward(criterion.backward());
///
/// Thread safety: none; give each thread a loss of its own.
class WICK_API Loss {
 public:
  Loss() = default;
  Loss(const Loss&) = delete;
  Loss& operator=(const Loss&) = delete;
  virtual ~Loss() = default;

  /// PyTorch's class name: "MSELoss".
  [[nodiscard]] virtual std::string_view type_name() const noexcept = 0;

  /// The loss, as a tensor of one element on the input's device that the next call overwrites; with
  /// Reduction::none, the losses. Who needs the gradient alone may leave it.
  virtual Tensor forward(const Tensor& input, const Tensor& target) = 0;
  /// The gradient of the last loss by the input; the next forward() overwrites it. Throws
  /// ValueError before any forward(), and with Reduction::none.
  [[nodiscard]] Tensor backward() const;
  /// The same for Reduction::none: `grad_output` is the gradient by each of the losses, of their
  /// shape. The next call overwrites it. Throws ValueError before any forward() and with another
  /// reduction, ShapeError for another shape.
  [[nodiscard]] Tensor backward(const Tensor& grad_output);
  /// Each forward() from now on also adds its loss, or the sum of its losses, to `sum`, a float64
  /// tensor of one element on the input's device, so that nobody has to wait for every single loss.
  /// An undefined tensor ends it.
  void accumulate_in(Tensor sum) { sum_ = std::move(sum); }
  /// What accumulate_in() was given; null for none.
  [[nodiscard]] const Tensor* sum() const noexcept { return sum_.defined() ? &sum_ : nullptr; }

 protected:
  Loss(Loss&&) = default;
  Loss& operator=(Loss&&) = default;

  // What a loss checks of its arguments, before anything changes. An undefined one throws
  // ValueError.

  /// Throws DTypeError unless float32 or float64.
  void require_input(const Tensor& input) const;
  /// For the `what` of an input: throws DTypeError for another dtype, DeviceError for another
  /// device.
  void require_like(std::string_view what, const Tensor& tensor, const Tensor& input) const;
  /// The same, and ShapeError for another shape than `shape`.
  void require_like(std::string_view what, const Tensor& tensor, const Tensor& input,
                    const Dims& shape) const;
  /// Throws ShapeError.
  void require_contiguous(std::string_view what, const Tensor& tensor) const;
  void require_defined(std::string_view what, const Tensor& tensor) const;
  void require_same_device(std::string_view what, const Tensor& tensor, const Tensor& input) const;

  /// One element of the input's dtype, where forward() writes the loss.
  [[nodiscard]] const Tensor& loss_for(const Tensor& input) {
    return loss_.get({}, input.dtype(), input.device());
  }
  /// Of the input's shape, where forward() writes the gradient.
  [[nodiscard]] const Tensor& grad_for(const Tensor& input) {
    last_grad_ = grad_.like(input);
    return last_grad_;
  }
  /// What forward() returns: the loss, or, where `losses` is defined, these.
  [[nodiscard]] Tensor result(const Tensor& loss, const Tensor& losses) {
    losses_ = losses;
    return losses.defined() ? losses : loss;
  }
  [[nodiscard]] const Tensor& last_grad() const noexcept { return last_grad_; }
  /// out = grad, each element times the gradient by its loss; as it is written here, for losses of
  /// the input's shape.
  virtual void chain(const Tensor& grad_output, const Tensor& grad, const Tensor& out);

 private:
  Scratch loss_;
  Scratch grad_;
  Scratch chained_;
  Tensor last_grad_;
  Tensor losses_;  // of the last forward() with Reduction::none
  Tensor sum_;
};

}  // namespace wick::nn
