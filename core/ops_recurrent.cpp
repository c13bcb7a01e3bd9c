// SPDX-License-Identifier: MIT
#include "wick/core/ops_recurrent.h"

#include "core/op_checks.h"
#include "wick/core/backend.h"
#include "wick/core/error.h"

namespace wick::ops {
namespace {

// What is checked of all tensors of one operation.
class Checks {
 public:
  Checks(CellOp op, const Tensor& gates, bool batch_first, bool reverse) : op_(op), gates_(gates) {
    const std::int64_t slots = info_of(op).slots;
    if (gates.dim() != 3 || gates.size(2) % slots != 0) {
      throw ShapeError(
          concat(name(), ": the gates must be (steps, rows, ", slots, " * hidden), got ", gates));
    }
    if (gates.dtype() != DType::float32 && gates.dtype() != DType::float64) {
      throw DTypeError(
          concat(name(), ": expected float32 or float64, got ", gates, "; convert with to(DType)"));
    }
    checks::require_contiguous(name(), gates);
    const std::int64_t first = gates.size(0);
    const std::int64_t second = gates.size(1);
    shape_.steps = batch_first ? second : first;
    shape_.rows = batch_first ? first : second;
    shape_.hidden = gates.size(2) / slots;
    shape_.step_pitch = batch_first ? 1 : second;
    shape_.row_pitch = batch_first ? second : 1;
    shape_.reverse = reverse;
  }

  [[nodiscard]] const char* name() const { return info_of(op_).name; }
  [[nodiscard]] const SequenceShape& shape() const { return shape_; }

  [[nodiscard]] void* given(const char* what, const Tensor* tensor, const Dims& shape,
                            bool needed) const {
    if (tensor == nullptr) {
      if (needed) throw ValueError(concat(name(), ": ", what, " is missing"));
      return nullptr;
    }
    checks::require_operand(name(), gates_, *tensor);
    checks::require_shape(name(), what, *tensor, shape);
    checks::require_contiguous(name(), *tensor);
    return tensor->raw();
  }
  [[nodiscard]] void* state(const char* what, const Tensor* tensor, bool needed) const {
    return given(what, tensor, {shape_.rows, shape_.hidden}, needed);
  }
  [[nodiscard]] void* states(const char* what, const Tensor* tensor, bool needed) const {
    return given(what, tensor, sequence(), needed);
  }
  [[nodiscard]] const void* weight(const Tensor* tensor, bool needed) const {
    return given("weight_hh", tensor, {info_of(op_).gates * shape_.hidden, shape_.hidden}, needed);
  }
  // Of the sequence, perhaps a slice of the last dimension; returns the stride from place to place.
  [[nodiscard]] std::int64_t places(const char* what, const Tensor* tensor) const {
    if (tensor == nullptr) return 0;
    checks::require_operand(name(), gates_, *tensor);
    checks::require_shape(name(), what, *tensor, sequence());
    const Dims& strides = tensor->strides();
    const bool single = tensor->size(1) == 1;
    const std::int64_t stride = single ? strides[0] : strides[1];
    if (tensor->numel() != 0 &&
        ((shape_.hidden > 1 && strides[2] != 1) ||
         (!single && tensor->size(0) > 1 && strides[0] != tensor->size(1) * stride))) {
      throw ShapeError(concat(name(), ": ", what, ' ', *tensor, " with strides ", strides,
                              " is no slice of a contiguous tensor's last dimension; use "
                              "contiguous()"));
    }
    return stride;
  }
  [[nodiscard]] const std::int64_t* lengths(const Tensor* tensor) const {
    if (tensor == nullptr) return nullptr;
    checks::require_same_device(name(), gates_, *tensor);
    checks::require_dtype(name(), *tensor, DType::int64);
    checks::require_vector(name(), "lengths", *tensor, shape_.rows);
    return static_cast<const std::int64_t*>(tensor->raw());
  }
  void apart(const Tensor* out, std::initializer_list<const Tensor*> others) const {
    if (out == nullptr) return;
    for (const Tensor* const other : others) {
      if (other != out) checks::require_one_apart(name(), *out, other);
    }
  }

 private:
  [[nodiscard]] Dims sequence() const { return {gates_.size(0), gates_.size(1), shape_.hidden}; }

  CellOp op_;
  const Tensor& gates_;
  SequenceShape shape_;
};

}  // namespace

void recurrent(CellOp op, const Tensor& gates, const RecurrentOptions& options) {
  const Checks checks(op, gates, options.batch_first, options.reverse);
  const bool memory = op == CellOp::lstm;
  const bool several = checks.shape().steps > 1;
  if (!memory &&
      (options.c_0 != nullptr || options.c_before != nullptr || options.c_n != nullptr)) {
    throw ValueError(concat(checks.name(), ": has no cell state c"));
  }
  RecurrentArgs args{.op = op, .dtype = gates.dtype(), .shape = checks.shape()};
  args.gates = gates.raw();
  args.weight_hh = checks.weight(options.weight_hh, several);
  args.bias_hh =
      checks.given("bias_hh", options.bias_hh, {info_of(op).gates * args.shape.hidden}, false);
  args.h_0 = checks.state("h_0", options.h_0, true);
  args.c_0 = checks.state("c_0", options.c_0, memory);
  args.h_before = checks.states("h_before", options.h_before, several);
  args.c_before = checks.states("c_before", options.c_before, several && memory);
  args.output_stride = checks.places("the output", options.output);
  args.output = options.output == nullptr ? nullptr : options.output->raw();
  args.h_n = checks.state("h_n", options.h_n, true);
  args.c_n = checks.state("c_n", options.c_n, memory);
  args.lengths = checks.lengths(options.lengths);
  const std::initializer_list<const Tensor*> all = {
      &gates,           options.weight_hh, options.bias_hh, options.h_before,
      options.c_before, options.output,    options.h_n,     options.c_n};
  for (const Tensor* const out :
       {&gates, options.h_before, options.c_before, options.output, options.h_n, options.c_n}) {
    checks.apart(out, all);
  }
  const bool in_place = options.h_before == nullptr;
  for (const Tensor* const start : {options.h_0, options.c_0}) {
    checks.apart(start, {&gates, options.h_before, options.c_before, options.output});
    if (!in_place) checks.apart(start, {options.h_n, options.c_n});
  }
  checks::will_write(
      {&gates, options.h_before, options.c_before, options.output, options.h_n, options.c_n});
  gates.backend().recurrent(args);
}

void recurrent_backward(CellOp op, const Tensor& gates, const RecurrentBackwardOptions& options) {
  const Checks checks(op, gates, options.batch_first, options.reverse);
  const bool memory = op == CellOp::lstm;
  RecurrentBackwardArgs args{.op = op, .dtype = gates.dtype(), .shape = checks.shape()};
  args.gates = gates.raw();
  args.weight_hh = checks.weight(options.weight_hh, true);
  args.h_before = checks.states("h_before", options.h_before, true);
  args.c_before = checks.states("c_before", options.c_before, memory);
  args.output_stride = checks.places("the gradient by the output", options.grad_output);
  args.grad_output = options.grad_output == nullptr ? nullptr : options.grad_output->raw();
  args.grad_h = checks.state("the gradient by h_n", options.grad_h, true);
  args.grad_c = checks.state("the gradient by c_n", options.grad_c, memory);
  args.lengths = checks.lengths(options.lengths);
  for (const Tensor* const out : {&gates, options.grad_h, options.grad_c}) {
    checks.apart(out, {&gates, options.weight_hh, options.h_before, options.c_before,
                       options.grad_output, options.grad_h, options.grad_c});
  }
  checks::will_write({&gates, options.grad_h, options.grad_c});
  gates.backend().recurrent_backward(args);
}

}  // namespace wick::ops
