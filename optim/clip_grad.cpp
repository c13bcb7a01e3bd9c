// SPDX-License-Identifier: MIT
#include "wick/optim/clip_grad.h"

#include <cmath>

#include "wick/core/error.h"
#include "wick/core/ops.h"
#include "wick/core/ops_vector_reduce.h"
#include "wick/core/parameter_arena.h"

namespace wick::optim {
namespace {

using Parameters = std::span<const ParameterPtr>;

/// Null where no parameter has a gradient.
const Tensor* first_gradient(const char* operation, Parameters parameters) {
  const Tensor* first = nullptr;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const ParameterPtr& parameter = parameters[i];
    if (parameter == nullptr) throw ValueError(concat(operation, ": parameter ", i, " is null"));
    if (!parameter->has_grad) continue;
    const Tensor& grad = parameter->grad;
    if (grad.dtype() != DType::float32 && grad.dtype() != DType::float64) {
      throw DTypeError(concat(operation, ": gradients must be float32 or float64, got ", grad,
                              "; convert the model with Module::to(DType::float32)"));
    }
    if (first == nullptr) first = &grad;
    if (grad.device() != first->device()) {
      throw DeviceError(concat(operation, ": gradients must be on one device, got ", *first,
                               " and ", grad, "; move the model with Module::to(Device)"));
    }
  }
  return first;
}

/// Where the next parameter of an arena begins; see ParameterArena.
std::int64_t padded_end(const Tensor& grad) {
  return arena_padded(grad.offset() + grad.numel(), grad.dtype());
}

// Of one arena, where there are zeros between them.
bool is_next(const Parameter& last, const Parameter& next) {
  return next.has_grad && next.arena_memory != nullptr && next.arena_memory == last.arena_memory &&
         next.grad.storage() == last.grad.storage() && next.grad.dtype() == last.grad.dtype() &&
         next.grad.offset() == padded_end(last.grad);
}

/// Calls visitor(gradients as one vector, their parameters) for neighbours in flat memory, with the
/// zeros between them.
template <typename Visitor>
void for_each_run(Parameters parameters, const Visitor& visitor) {
  for (std::size_t first = 0; first < parameters.size();) {
    std::size_t end = first + 1;
    const Tensor& begin = parameters[first]->grad;
    if (parameters[first]->has_grad) {
      while (end < parameters.size() && is_next(*parameters[end - 1], *parameters[end])) ++end;
      const Tensor& last = parameters[end - 1]->grad;
      const std::int64_t count = last.offset() + last.numel() - begin.offset();
      visitor(begin.as_strided({count}, {1}, begin.offset()),
              parameters.subspan(first, end - first));
    }
    first = end;
  }
}

/// NaN times the zeros between gradients would be there for ever.
void clear_between(Parameters run) {
  for (const ParameterPtr& parameter : run.first(run.size() - 1)) {
    const Tensor& grad = parameter->grad;
    const std::int64_t end = grad.offset() + grad.numel();
    const std::int64_t gap = padded_end(grad) - end;
    if (gap > 0) grad.as_strided({gap}, {1}, end).zero_();
  }
}

VectorReduceOp reduce_op(double norm_type) {
  if (norm_type == 2.0) return VectorReduceOp::square_sum;
  if (norm_type == 1.0) return VectorReduceOp::abs_sum;
  return std::isinf(norm_type) ? VectorReduceOp::abs_max : VectorReduceOp::power_sum;
}

void require_finite_norm(const Tensor& norm, double norm_type) {
  const auto value = norm.to(kCpu).to(DType::float64).item<double>();
  if (std::isfinite(value)) return;
  throw ValueError(
      concat("clip_grad_norm_: the total norm of order ", norm_type, " of the gradients is ", value,
             ", so they cannot be clipped; look for the step that diverged, or call it "
             "with error_if_nonfinite = false"));
}

}  // namespace

const Tensor& GradNormClipper::clip(Parameters parameters, double max_norm, double norm_type,
                                    bool error_if_nonfinite) {
  constexpr const char* kName = "clip_grad_norm_";
  if (!(norm_type > 0.0)) {
    throw ValueError(concat(kName, ": norm_type must be above 0 or infinity, got ", norm_type));
  }
  const Tensor* const first = first_gradient(kName, parameters);
  DType dtype = first == nullptr ? DType::float32 : first->dtype();
  for (const ParameterPtr& parameter : parameters) {
    if (parameter->has_grad && parameter->grad.dtype() == DType::float64) dtype = DType::float64;
  }
  const Device device = first == nullptr ? kCpu : first->device();
  if (!norm_.defined() || norm_.device() != device)
    reduced_ = Tensor::empty({}, DType::float64, device);
  if (!norm_.defined() || norm_.device() != device || norm_.dtype() != dtype) {
    norm_ = Tensor::empty({}, dtype, device);
  }
  if (first == nullptr) {
    norm_.zero_();
    return norm_;
  }
  const VectorReduceOp op = reduce_op(norm_type);
  bool accumulate = false;
  for_each_run(parameters, [&](const Tensor& grads, Parameters /*run*/) {
    ops::vector_reduce(op, grads, reduced_, {.power = norm_type, .accumulate = accumulate});
    accumulate = true;
  });
  ops::ScaleByNormOptions options{.limit = max_norm, .op = op, .power = norm_type, .norm = &norm_};
  if (error_if_nonfinite) {
    // Of no elements: what the norm is, and nothing else.
    ops::scale_by_norm(first->as_strided({0}, {1}, first->offset()), reduced_, options);
    require_finite_norm(norm_, norm_type);
  }
  for_each_run(parameters, [&](const Tensor& grads, Parameters run) {
    ops::scale_by_norm(grads, reduced_, options);
    clear_between(run);
  });
  return norm_;
}

Tensor clip_grad_norm_(Parameters parameters, double max_norm, double norm_type,
                       bool error_if_nonfinite) {
  return GradNormClipper().clip(parameters, max_norm, norm_type, error_if_nonfinite);
}

void clip_grad_value_(Parameters parameters, double clip_value) {
  constexpr const char* kName = "clip_grad_value_";
  if (!(clip_value >= 0.0)) {
    throw ValueError(concat(kName, ": clip_value must be at least 0, got ", clip_value));
  }
  static_cast<void>(first_gradient(kName, parameters));
  for_each_run(parameters, [&](const Tensor& grads, Parameters /*run*/) {
    ops::unary(UnaryOp::hardtanh, grads, grads, {.a = -clip_value, .b = clip_value});
  });
}

}  // namespace wick::optim
