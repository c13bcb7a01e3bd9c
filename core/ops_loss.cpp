// SPDX-License-Identifier: MIT
// Losses.
#include "core/op_checks.h"
#include "wick/core/backend.h"
#include "wick/core/backend/loss.h"
#include "wick/core/backend/rows.h"
#include "wick/core/ops.h"

namespace wick::ops {
namespace {

using namespace checks;  // NOLINT(google-build-using-namespace)

// What losses have in common. Tensors that are null are not wanted.

// One weight for each column.
const void* column_weights(const char* name, const char* what, const Tensor& input,
                           const Tensor* weight, std::int64_t cols) {
  if (weight == nullptr) return nullptr;
  require_operand(name, input, *weight);
  require_vector(name, what, *weight, cols);
  return weight->raw();
}

void* only_element(const char* name, const char* what, const Tensor& tensor) {
  if (tensor.numel() != 1) {
    throw ShapeError(concat(name, ": the ", what, " must have one element, got ", tensor));
  }
  return tensor.raw();
}

double* sum_of_losses(const char* name, const Tensor& input, const Tensor* sum) {
  if (sum == nullptr) return nullptr;
  require_same_device(name, input, *sum);
  require_dtype(name, *sum, DType::float64);
  return static_cast<double*>(only_element(name, "sum of losses", *sum));
}

}  // namespace

void pointwise_loss(LossOp op, const Tensor& input, const Tensor& target, const Tensor& loss,
                    const Tensor* grad, const PointwiseLossOptions& options) {
  const char* const name = name_of(op);
  require_operand(name, input, target);
  require_operand(name, input, loss);
  require_shape(name, "the target", target, input.shape());
  require_contiguous(name, input);
  require_contiguous(name, target);
  PointwiseLossArgs args{.op = op, .dtype = input.dtype()};
  args.loss = only_element(name, "loss", loss);
  args.cols = input.dim() == 0 ? 1 : input.size(-1);
  args.rows = args.cols == 0 ? 0 : input.numel() / args.cols;
  args.input = input.raw();
  args.target = target.raw();
  args.weight = column_weights(name, "the weight", input, options.weight, args.cols);
  args.pos_weight = column_weights(name, "pos_weight", input, options.pos_weight, args.cols);
  args.a = options.a;
  args.b = options.b;
  args.divisor = options.divisor > 0.0 ? options.divisor
                 : options.mean        ? static_cast<double>(input.numel())
                                       : 1.0;
  args.loss_sum = sum_of_losses(name, input, options.loss_sum);
  const auto elements = [&](const char* what, const Tensor* tensor) -> void* {
    if (tensor == nullptr) return nullptr;
    require_operand(name, input, *tensor);
    require_shape(name, what, *tensor, input.shape());
    require_contiguous(name, *tensor);
    return tensor->raw();
  };
  if ((op == LossOp::gaussian_nll_loss) != (options.var != nullptr)) {
    throw ValueError(concat(name, ": a variance is of gaussian_nll_loss, which must have one"));
  }
  args.var = elements("the variance", options.var);
  args.losses = elements("the losses of the elements", options.losses);
  args.grad_var = elements("the gradient by the variance", options.grad_var);
  if (grad != nullptr) {
    require_operand(name, input, *grad);
    require_shape(name, "the gradient", *grad, input.shape());
    require_contiguous(name, *grad);
    require_apart(name, *grad, loss, options.loss_sum);
    args.grad = grad->raw();
  }
  for (const Tensor* const out :
       {&loss, options.loss_sum, grad, options.losses, options.grad_var}) {
    if (out != nullptr) {
      require_apart(name, *out, input, target, options.weight, options.pos_weight, options.var);
    }
  }
  require_one_apart(name, loss, options.loss_sum);
  will_write({&loss, options.loss_sum, grad, options.losses, options.grad_var});
  input.backend().pointwise_loss(args);
}

namespace {

// What cross_entropy and nll_loss have in common.
CrossEntropyArgs class_loss(const char* name, const Tensor& logits, const Tensor& targets,
                            const Tensor& loss, const Tensor* grad,
                            const CrossEntropyOptions& options) {
  require_operand(name, logits, loss);
  require_same_device(name, logits, targets);
  require_dtype(name, targets, DType::int64);
  CrossEntropyArgs args{.dtype = logits.dtype(),
                        .logits = matrix(name, logits),
                        .label_smoothing = options.label_smoothing,
                        .ignore_index = options.ignore_index,
                        .mean = options.mean};
  if (args.logits.cols == 0) throw ShapeError(concat(name, ": no classes in ", logits));
  require_vector(name, "the targets", targets, args.logits.rows);
  args.targets = static_cast<const std::int64_t*>(targets.raw());
  args.loss = only_element(name, "loss", loss);
  if (!(options.label_smoothing >= 0.0 && options.label_smoothing <= 1.0)) {
    throw ValueError(
        concat(name, ": label_smoothing ", options.label_smoothing, " is not between 0 and 1"));
  }
  args.class_weights =
      column_weights(name, "the class weights", logits, options.weight, args.logits.cols);
  args.loss_sum = sum_of_losses(name, logits, options.loss_sum);
  if (grad != nullptr) {
    require_operand(name, logits, *grad);
    require_shape(name, "the gradient", *grad, logits.shape());
    args.grad = matrix(name, *grad);
    require_apart(name, *grad, logits, targets, loss, options.weight, options.loss_sum);
  }
  for (const Tensor* const out : {&loss, options.loss_sum}) {
    if (out != nullptr) require_apart(name, *out, logits, targets, options.weight);
  }
  require_one_apart(name, loss, options.loss_sum);
  if (options.losses != nullptr) {
    require_operand(name, logits, *options.losses);
    require_vector(name, "the losses of the rows", *options.losses, args.logits.rows);
    require_apart(name, *options.losses, logits, targets, options.weight, loss);
    args.losses = options.losses->raw();
  }
  will_write({&loss, options.loss_sum, grad, options.losses});
  return args;
}

}  // namespace

void cross_entropy(const Tensor& logits, const Tensor& targets, const Tensor& loss,
                   const Tensor* grad, const CrossEntropyOptions& options) {
  logits.backend().cross_entropy(class_loss("cross_entropy", logits, targets, loss, grad, options));
}

void nll_loss(const Tensor& log_probabilities, const Tensor& targets, const Tensor& loss,
              const Tensor* grad, const CrossEntropyOptions& options) {
  log_probabilities.backend().nll_loss(
      class_loss("nll_loss", log_probabilities, targets, loss, grad, options));
}

}  // namespace wick::ops
