// SPDX-License-Identifier: MIT
#include "wick/nn/layers/dropout.h"

#include "wick/core/error.h"
#include "wick/core/ops.h"

namespace wick::nn {

Dropout::Dropout(Generator& generator, double p) : Dropout(p) {
  generator_ = &generator;
}

Dropout::Dropout(double p) : p_(p) {
  if (!(p >= 0.0 && p <= 1.0)) {
    throw ValueError(concat("Dropout: the probability p must be between 0 and 1, got ", p));
  }
}

Dropout::Dropout(const Dropout& other, ModuleCopier& copier)
    : Module(other, copier), generator_(other.generator_), p_(other.p_) {}

std::string Dropout::extra_repr() const {
  return concat("p=", python_repr(p_), ", inplace=False");
}

Tensor Dropout::forward(const Tensor& input) {
  require_defined(input);
  const bool draws = is_training() && p_ > 0.0;
  if (!draws) {
    begin_forward();
    mask_ = Tensor();
    shape_ = input.shape();
    end_forward();
    return input;
  }
  require_input(input);
  require_contiguous(input);
  if (generator_ != nullptr && generator_->device() != input.device()) {
    throw DeviceError(concat("Dropout: the input is on ", input.device(), ", the generator on ",
                             generator_->device(),
                             "; make a Generator on the input's device, and set_generator()"));
  }
  const Tensor& output = output_.apart_from(input);
  const Tensor& mask = mask_memory_.get(input.shape(), DType::boolean, input.device());
  if (generator_ != nullptr) {
    generator_->dropout(input, p_, mask, output);
  } else {
    default_generator(input.device())->dropout(input, p_, mask, output);
  }
  begin_forward();
  mask_ = mask;
  shape_ = input.shape();
  end_forward();
  return output;
}

Tensor Dropout::backward(const Tensor& grad_output, bool input_grad) {
  require_gradient(grad_output, shape_);
  if (!input_grad || !mask_.defined()) {
    begin_backward();
    return input_grad ? grad_output : Tensor();
  }
  const Tensor& grad_input = grad_input_.apart_from(grad_output);
  ops::masked_scale(grad_output, mask_, ops::dropout_scale(p_, grad_output.dtype()), grad_input);
  begin_backward();
  return grad_input;
}

ValueId Dropout::append_steps(StepList& /*steps*/, ValueId x) const {
  return x;
}

std::unique_ptr<Module> Dropout::copy(ModuleCopier& copier) const {
  return std::make_unique<Dropout>(*this, copier);
}

}  // namespace wick::nn
