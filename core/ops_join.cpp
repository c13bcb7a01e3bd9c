// SPDX-License-Identifier: MIT
#include "wick/core/ops_join.h"

#include "core/op_checks.h"
#include "wick/core/error.h"

namespace wick::ops {
namespace {

using namespace checks;  // NOLINT(google-build-using-namespace)

void require_tensors(const char* operation, std::span<const Tensor> tensors) {
  if (tensors.empty()) throw ValueError(concat(operation, ": there are no tensors; give one"));
  for (const Tensor& tensor : tensors) require_operand(operation, tensors[0], tensor);
}

// PyTorch has let such a tensor stand for "nothing yet" from its beginnings.
bool is_left_out(const Tensor& tensor) {
  return tensor.dim() == 1 && tensor.numel() == 0;
}

struct Joined {
  Dims shape;
  std::size_t dim;
};

Joined joined_by_cat(std::span<const Tensor> tensors, std::int64_t dim) {
  constexpr const char* kName = "cat";
  require_tensors(kName, tensors);
  const Tensor* first = nullptr;
  Joined result{{0}, 0};
  for (const Tensor& tensor : tensors) {
    if (tensor.dim() == 0) {
      throw ShapeError(concat("cat: ", tensor, " has no dimensions; use stack()"));
    }
    if (is_left_out(tensor)) continue;
    if (first == nullptr) {
      first = &tensor;
      result.shape = tensor.shape();
      result.dim = wrap_dim(dim, result.shape.size(), kName);
      continue;
    }
    Dims expected = first->shape();
    if (tensor.dim() == first->dim()) expected[result.dim] = tensor.shape()[result.dim];
    if (tensor.shape() != expected) {
      throw ShapeError(concat("cat: ", *first, " and ", tensor,
                              " must agree in all dimensions but ", result.dim));
    }
    result.shape[result.dim] += tensor.shape()[result.dim];
  }
  if (first == nullptr) static_cast<void>(wrap_dim(dim, 1, kName));
  return result;
}

Joined joined_by_stack(std::span<const Tensor> tensors, std::int64_t dim) {
  constexpr const char* kName = "stack";
  require_tensors(kName, tensors);
  for (const Tensor& tensor : tensors) {
    require_shape(kName, "each tensor", tensor, tensors[0].shape());
  }
  Joined result{tensors[0].shape(), 0};
  result.dim = wrap_dim(dim, result.shape.size() + 1, kName);
  result.shape.insert(result.dim, static_cast<std::int64_t>(tensors.size()));
  return result;
}

void require_result(const char* operation, std::span<const Tensor> tensors, const Tensor& out,
                    const Dims& shape) {
  require_operand(operation, tensors[0], out);
  require_shape(operation, "the result", out, shape);
  require_no_internal_overlap(operation, out);
  for (const Tensor& tensor : tensors) require_no_overlap(operation, out, tensor);
}

void fill_by_cat(std::span<const Tensor> tensors, std::size_t dim, const Tensor& out) {
  std::int64_t at = 0;
  for (const Tensor& tensor : tensors) {
    if (is_left_out(tensor)) continue;
    const std::int64_t size = tensor.shape()[dim];
    out.slice(static_cast<std::int64_t>(dim), at, at + size).copy_(tensor);
    at += size;
  }
}

void fill_by_stack(std::span<const Tensor> tensors, std::size_t dim, const Tensor& out) {
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    out.select(static_cast<std::int64_t>(dim), static_cast<std::int64_t>(i)).copy_(tensors[i]);
  }
}

}  // namespace

Tensor cat(std::span<const Tensor> tensors, std::int64_t dim) {
  const Joined joined = joined_by_cat(tensors, dim);
  Tensor out = Tensor::empty(joined.shape, tensors[0].dtype(), tensors[0].device());
  fill_by_cat(tensors, joined.dim, out);
  return out;
}

void cat(std::span<const Tensor> tensors, std::int64_t dim, const Tensor& out) {
  const Joined joined = joined_by_cat(tensors, dim);
  require_result("cat", tensors, out, joined.shape);
  fill_by_cat(tensors, joined.dim, out);
}

Tensor stack(std::span<const Tensor> tensors, std::int64_t dim) {
  const Joined joined = joined_by_stack(tensors, dim);
  Tensor out = Tensor::empty(joined.shape, tensors[0].dtype(), tensors[0].device());
  fill_by_stack(tensors, joined.dim, out);
  return out;
}

void stack(std::span<const Tensor> tensors, std::int64_t dim, const Tensor& out) {
  const Joined joined = joined_by_stack(tensors, dim);
  require_result("stack", tensors, out, joined.shape);
  fill_by_stack(tensors, joined.dim, out);
}

}  // namespace wick::ops
