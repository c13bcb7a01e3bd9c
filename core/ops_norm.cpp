// SPDX-License-Identifier: MIT
#include "wick/core/ops_norm.h"

#include "core/op_checks.h"
#include "wick/core/backend.h"
#include "wick/core/error.h"

namespace wick::ops {
namespace {

// What is checked of all tensors of one operation.
class Checks {
 public:
  Checks(NormOp op, const NormShape& shape, const Tensor& x) : op_(op), shape_(shape), x_(x) {
    const bool divides = shape.groups > 0 && shape.channels % shape.groups == 0;
    if (shape.samples < 0 || shape.channels < 0 || shape.inner < 0 || !divides ||
        shape.samples * shape.channels * shape.inner != x.numel()) {
      throw ShapeError(concat(name_of(op), ": ", x, " is not ", shape.samples, " samples of ",
                              shape.channels, " channels in ", shape.groups, " groups of ",
                              shape.inner, " elements each"));
    }
    if (x.dtype() != DType::float32 && x.dtype() != DType::float64) {
      throw DTypeError(concat(name_of(op), ": expected float32 or float64, got ", x,
                              "; convert with to(DType)"));
    }
    checks::require_contiguous(name_of(op), x);
  }

  // One of the shape of x.
  void* like_x(const char* what, const Tensor& tensor) const {
    require_kind(tensor);
    checks::require_shape(name_of(op_), what, tensor, x_.shape());
    return tensor.raw();
  }
  // An optional one of `count` elements in any shape.
  void* vector(const char* what, const Tensor* tensor, std::int64_t count) const {
    if (tensor == nullptr) return nullptr;
    require_kind(*tensor);
    if (tensor->numel() != count) {
      throw ShapeError(
          concat(name_of(op_), ": ", what, " must have ", count, " elements, got ", *tensor));
    }
    return tensor->raw();
  }
  void* of_channels(const char* what, const Tensor* tensor) const {
    return vector(what, tensor, shape_.channels);
  }
  void* of_statistics(const char* what, const Tensor* tensor) const {
    return vector(what, tensor, shape_.statistics(op_));
  }
  const std::int64_t* count(const char* what, const Tensor* tensor) const {
    if (tensor == nullptr) return nullptr;
    checks::require_same_device(name_of(op_), x_, *tensor);
    if (tensor->dtype() != DType::int64 || tensor->numel() != 1) {
      throw ValueError(
          concat(name_of(op_), ": ", what, " must be an int64 of one element, got ", *tensor));
    }
    return static_cast<const std::int64_t*>(tensor->raw());
  }
  void apart(const Tensor* out, std::initializer_list<const Tensor*> others) const {
    if (out == nullptr) return;
    checks::require_apart(name_of(op_), *out);
    for (const Tensor* const other : others) {
      checks::require_one_apart(name_of(op_), *out, other);
    }
  }

 private:
  // On the device and of the dtype of x, and contiguous.
  void require_kind(const Tensor& tensor) const {
    checks::require_same_device(name_of(op_), x_, tensor);
    if (tensor.dtype() != x_.dtype()) {
      throw DTypeError(concat(name_of(op_), ": the input is ", x_.dtype(), ", but there is ",
                              tensor, "; convert with to(DType)"));
    }
    checks::require_contiguous(name_of(op_), tensor);
  }

  NormOp op_;
  NormShape shape_;
  const Tensor& x_;
};

}  // namespace

void norm(NormOp op, const NormShape& shape, const Tensor& x, const Tensor& y,
          const NormOptions& options) {
  const Checks checks(op, shape, x);
  NormArgs args{.op = op, .dtype = x.dtype(), .shape = shape, .x = x.raw()};
  args.y = checks.like_x("the result", y);
  args.weight = checks.of_channels("the weight", options.weight);
  args.bias = checks.of_channels("the bias", options.bias);
  args.eps = options.eps;
  args.mean = checks.of_statistics("mean", options.mean);
  args.rstd = checks.of_statistics("rstd", options.rstd);
  args.running_mean = checks.of_channels("running_mean", options.running_mean);
  args.running_var = checks.of_channels("running_var", options.running_var);
  args.momentum = options.momentum;
  args.batches = checks.count("num_batches_tracked", options.batches);
  args.use_running = options.use_running;
  const bool running = options.running_mean != nullptr || options.running_var != nullptr;
  const bool both = options.running_mean != nullptr && options.running_var != nullptr;
  if ((options.use_running && (!both || op != NormOp::batch_norm)) ||
      (running && op != NormOp::batch_norm &&
       (op != NormOp::layer_norm || shape.groups != shape.channels))) {
    throw ValueError(concat(name_of(op), ": has no such running statistics"));
  }
  checks.apart(&y, {&x, options.weight, options.bias, options.mean, options.rstd,
                    options.running_mean, options.running_var});
  for (const Tensor* const out : {options.mean, options.rstd}) {
    checks.apart(out, {&x, options.weight, options.bias});
  }
  checks::will_write({&y, options.mean, options.rstd});
  if (!options.use_running) checks::will_write({options.running_mean, options.running_var});
  x.backend().norm(args);
}

void norm_backward(NormOp op, const NormShape& shape, const Tensor& grad_output, const Tensor& x,
                   const NormBackwardOptions& options) {
  const Checks checks(op, shape, x);
  NormBackwardArgs args{.op = op, .dtype = x.dtype(), .shape = shape};
  args.grad_output = checks.like_x("the gradient by the output", grad_output);
  args.x = x.raw();
  args.mean = checks.of_statistics("mean", options.mean);
  args.rstd = checks.of_statistics("rstd", options.rstd);
  args.weight = checks.of_channels("the weight", options.weight);
  args.eps = options.eps;
  args.running_var = checks.of_channels("running_var", options.running_var);
  args.use_running = options.use_running;
  const bool needs_mean = op != NormOp::rms_norm;
  if ((needs_mean && args.mean == nullptr) ||
      (args.use_running ? args.running_var : args.rstd) == nullptr) {
    throw ValueError(
        concat(name_of(op), ": the gradient needs the statistics of the forward pass"));
  }
  if (options.grad_input != nullptr) {
    args.grad_input = checks.like_x("the gradient by the input", *options.grad_input);
  }
  args.grad_weight = checks.of_channels("the gradient by the weight", options.grad_weight);
  args.grad_bias = checks.of_channels("the gradient by the bias", options.grad_bias);
  args.accumulate_weight = options.accumulate_weight;
  args.accumulate_bias = options.accumulate_bias;
  for (const Tensor* const out : {options.grad_input, options.grad_weight, options.grad_bias}) {
    checks.apart(
        out, {&grad_output, &x, options.weight, options.mean, options.rstd, options.running_var});
  }
  checks::will_write({options.grad_input, options.grad_weight, options.grad_bias});
  x.backend().norm_backward(args);
}

}  // namespace wick::ops
