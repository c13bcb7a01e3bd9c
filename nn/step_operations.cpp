// SPDX-License-Identifier: MIT
// The operations that a network does between its modules, forward and backward.
#include "core/op_checks.h"
#include "wick/core/error.h"
#include "wick/core/ops.h"
#include "wick/nn/step_runner.h"

namespace wick::nn {
namespace {

std::int64_t positive(std::int64_t dim, const Tensor& x, const Step& step) {
  return static_cast<std::int64_t>(wrap_dim(dim, x.shape().size(), to_string(step.kind)));
}

// The positions [begin, begin + length) of a dimension.
struct Stretch {
  std::int64_t dim;
  std::int64_t begin;
  std::int64_t length;
};

Stretch stretch_of(const Step& step, const Tensor& x) {
  const std::int64_t dim = positive(step.dim, x, step);
  const std::int64_t size = x.size(dim);
  const std::int64_t begin = step.start < 0 ? step.start + size : step.start;
  if (begin < 0 || step.length < 0 || begin > size - step.length) {
    throw ShapeError(concat(to_string(step.kind), ": ", step.length, " from ", step.start,
                            " on of dimension ", dim, " of ", x));
  }
  return {dim, begin, step.length};
}

Tensor stretch(const Tensor& x, const Stretch& part) {
  return x.slice(part.dim, part.begin, part.begin + part.length);
}

Dims without(Dims shape, std::int64_t dim) {
  shape.erase(static_cast<std::size_t>(dim));
  return shape;
}

Dims concatenated_shape(const Step& step, std::span<const Tensor> values) {
  const Tensor& first = values[static_cast<std::size_t>(step.inputs.front())];
  const auto dim = static_cast<std::size_t>(positive(step.dim, first, step));
  Dims shape = first.shape();
  shape[dim] = 0;
  for (const ValueId input : step.inputs) {
    const Tensor& x = values[static_cast<std::size_t>(input)];
    Dims own = x.shape();
    ops::checks::require_operand("concatenate", first, x);
    if (own.size() != shape.size()) {
      throw ShapeError(concat("concatenate: ", first, " and ", x, " differ in their dimensions"));
    }
    shape[dim] += own[dim];
    own[dim] = shape[dim];
    if (own != shape) {
      throw ShapeError(
          concat("concatenate: ", first, " and ", x, " differ in more than dimension ", step.dim));
    }
  }
  return shape;
}

// The operations themselves broadcast, but the gradients of these steps have their inputs' shape.
void require_like(const Tensor& x, const Tensor& other, const Step& step) {
  if (other.shape() != x.shape()) {
    throw ShapeError(concat(to_string(step.kind), ": ", x, " and ", other, " must have one shape"));
  }
}

}  // namespace

void StepRunner::run_operation(const Step& step) {
  const Tensor& x = value(step.inputs.front());
  Tensor& y = values_[static_cast<std::size_t>(step.output)];
  Scratch& result = results_[static_cast<std::size_t>(step.output)];
  switch (step.kind) {
    case StepKind::add:
      require_like(x, value(step.inputs[1]), step);
      y = result.like(x);
      ops::add(x, value(step.inputs[1]), y);
      return;
    case StepKind::multiply:
      require_like(x, value(step.inputs[1]), step);
      y = result.like(x);
      ops::multiply(x, value(step.inputs[1]), y);
      for (std::size_t i = 0; i < 2; ++i) {
        state_of(step).operand_versions[i] = value(step.inputs[i]).storage()->version();
      }
      return;
    case StepKind::concatenate: {
      y = result.get(concatenated_shape(step, values_), x.dtype(), x.device());
      const std::int64_t dim = positive(step.dim, x, step);
      std::int64_t begin = 0;
      for (const ValueId input : step.inputs) {
        const std::int64_t length = value(input).size(dim);
        stretch(y, {dim, begin, length}).copy_(value(input));
        begin += length;
      }
      return;
    }
    case StepKind::reshape:
      if (x.is_contiguous()) {
        y = x.view(step.shape);
      } else {
        const Tensor& copy = result.like(x);
        copy.copy_(x);
        y = copy.view(step.shape);
      }
      return;
    case StepKind::narrow:
    case StepKind::select: {
      const Stretch part = stretch_of(step, x);
      const Tensor source = stretch(x, part);
      const Tensor& copy = result.like(source);
      copy.copy_(source);
      y = step.kind == StepKind::select ? copy.view(without(copy.shape(), part.dim)) : copy;
      return;
    }
    default: throw ValueError(concat("StepRunner: a ", to_string(step.kind), " needs a module"));
  }
}

void StepRunner::differentiate_operation(const Step& step) {
  const Tensor& gradient = grad(step.output);
  std::vector<Scratch>& parts = parts_[index_of(step)];
  const ValueId first = step.inputs.front();
  switch (step.kind) {
    case StepKind::add:
      for (const ValueId input : step.inputs) {
        if (is_needed(input)) contribute(input, gradient);
      }
      return;
    case StepKind::multiply:
      for (std::size_t i = 0; i < 2; ++i) {
        if (!is_needed(step.inputs[i])) continue;
        const Tensor& part = parts[i].like(gradient);
        ops::multiply(gradient, value(step.inputs[1 - i]), part);
        contribute(step.inputs[i], part);
      }
      return;
    case StepKind::concatenate: {
      const std::int64_t dim = positive(step.dim, gradient, step);
      std::int64_t begin = 0;
      for (std::size_t i = 0; i < step.inputs.size(); ++i) {
        const std::int64_t length = value(step.inputs[i]).size(dim);
        if (is_needed(step.inputs[i])) {
          const Tensor source = stretch(gradient, {dim, begin, length});
          const Tensor& part = parts[i].like(source);
          part.copy_(source);
          contribute(step.inputs[i], part);
        }
        begin += length;
      }
      return;
    }
    case StepKind::reshape:
      if (gradient.is_contiguous()) {
        contribute(first, gradient.view(value(first).shape()));
      } else {
        const Tensor& part = parts.front().like(gradient);
        part.copy_(gradient);
        contribute(first, part.view(value(first).shape()));
      }
      return;
    case StepKind::narrow:
    case StepKind::select: {
      const Tensor& x = value(first);
      const Stretch where = stretch_of(step, x);
      const Tensor& part = parts.front().like(x);
      part.zero_();
      const Tensor target = stretch(part, where);
      target.copy_(step.kind == StepKind::select ? gradient.unsqueeze(where.dim) : gradient);
      contribute(first, part);
      return;
    }
    default: return;
  }
}

}  // namespace wick::nn
