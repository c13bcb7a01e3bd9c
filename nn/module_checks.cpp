// SPDX-License-Identifier: MIT
// What modules check of their inputs, of their gradients and of what they have saved.
#include <algorithm>

#include "wick/core/error.h"
#include "wick/nn/module.h"

namespace wick::nn {

std::string Module::description() const {
  return std::string(type_name());
}

// -- Children that a module runs by itself --------------------------------------------------------

std::string_view Module::name_of(const Module& child) const noexcept {
  const auto found = std::ranges::find_if(
      children_, [&](const auto& each) { return each.second.get() == &child; });
  return found == children_.end() ? std::string_view() : std::string_view(found->first);
}

Tensor Module::forward_child(Module& child, const Tensor& input) const {
  try {
    return child.forward(input);
  } catch (Error& error) {
    error.add_where(name_of(child));
    throw;
  }
}

Tensor Module::backward_child(Module& child, const Tensor& grad_output, bool input_grad) const {
  try {
    return child.backward(grad_output, input_grad);
  } catch (Error& error) {
    error.add_where(name_of(child));
    throw;
  }
}

// -- Inputs ---------------------------------------------------------------------------------------

void Module::require_defined(const Tensor& input) const {
  if (input.defined()) return;
  throw ValueError(concat(description(),
                          ": input is an undefined tensor; give it elements, as "
                          "Tensor::from() and zeros() do"));
}

void Module::require_input(const Tensor& input, const Tensor& weight) const {
  require_defined(input);
  if (input.dtype() != weight.dtype()) {
    throw DTypeError(concat(description(), ": input is ", input.dtype(), ", weights are ",
                            weight.dtype(), "; use x.to(DType::", weight.dtype(), ")"));
  }
  require_same_device(input, weight);
}

void Module::require_same_device(const Tensor& input, const Tensor& weight) const {
  if (&input.backend() == &weight.backend()) return;
  throw DeviceError(concat(description(), ": input is on ", input.device(), ", weights are on ",
                           weight.device(), "; move one of them with to(Device)"));
}

void Module::require_input(const Tensor& input) const {
  require_defined(input);
  if (input.dtype() != DType::float32 && input.dtype() != DType::float64) {
    throw DTypeError(concat(description(), ": input is ", input.dtype(),
                            ", expected float32 or float64; use x.to(DType::float32)"));
  }
}

void Module::require_contiguous(const Tensor& input) const {
  if (input.is_contiguous()) return;
  throw ShapeError(concat(description(), ": input ", input, " with strides ", input.strides(),
                          " is not contiguous; use x.contiguous()"));
}

// -- The backward pass ----------------------------------------------------------------------------

bool Module::is_ready_for_backward() const noexcept {
  return saved_ == Saved::ready || forward_count_ == 0;
}

void Module::require_ready_for_backward() const {
  if (saved_ == Saved::ready) return;
  const std::string who = description();
  switch (saved_) {
    case Saved::nothing:
      throw ValueError(concat(who, ": backward() before any forward(); call forward() first"));
    case Saved::used:
      throw ValueError(concat(who,
                              ": a second backward() after one forward(), whose values the first "
                              "has used up; call forward() again before it"));
    case Saved::no_grad:
      throw ValueError(concat(who,
                              ": backward() after a forward() under a NoGradGuard, which saves "
                              "nothing; call forward() again before it, without one"));
    default:
      throw ValueError(
          concat(who,
                 ": backward() without the values of a forward(): train(), eval(), "
                 "to(), load_state_dict() or a forward() that failed has dropped them; "
                 "call forward() again before it"));
  }
}

void refuse_overwritten(std::string_view who, std::string_view what, const Tensor& saved,
                        std::uint64_t version) {
  throw ValueError(concat(who,
                          ": one of the variables needed for gradient computation has been "
                          "modified by an inplace operation: the ",
                          what, " ", saved, " is at version ", saved.storage()->version(),
                          ", expected version ", version,
                          "; write to it after backward() only, or give forward() a clone()"));
}

void Module::require_intact(const SavedTensor& saved, std::string_view what) const {
  if (!saved.is_intact()) refuse_overwritten(description(), what, *saved, saved.version());
}

void Module::require_gradient(const Tensor& grad_output, const Dims& output_shape, bool input_grad,
                              const Tensor* like) const {
  require_ready_for_backward();
  require_saved_intact(input_grad);
  if (!grad_output.defined() || grad_output.shape() != output_shape) {
    throw ShapeError(concat(description(), ": the last forward() gave shape ", output_shape,
                            ", backward() got the gradient ", grad_output));
  }
  if (like == nullptr) return;
  if (grad_output.dtype() != like->dtype()) {
    throw DTypeError(concat(description(), ": the last forward() gave ", like->dtype(),
                            ", backward() got the gradient ", grad_output,
                            "; use to(DType::", like->dtype(), ")"));
  }
  if (&grad_output.backend() != &like->backend()) {
    throw DeviceError(concat(description(), ": the last forward() was on ", like->device(),
                             ", backward() got the gradient ", grad_output,
                             "; move it with to(Device)"));
  }
}

}  // namespace wick::nn
