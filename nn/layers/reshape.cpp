// SPDX-License-Identifier: MIT
#include "wick/nn/layers/reshape.h"

#include "wick/core/error.h"

namespace wick::nn {
namespace {

// A view, by way of a copy where it is not contiguous.
Tensor in_shape(const Tensor& tensor, const Dims& shape, Scratch& scratch) {
  if (tensor.shape() == shape) return tensor;
  if (tensor.is_contiguous()) return tensor.view(shape);
  const Tensor& copy = scratch.apart_from(tensor);
  copy.copy_(tensor);
  return copy.view(shape);
}

}  // namespace

Dims unflattened_shape(const Dims& shape, std::int64_t dim, const Dims& sizes) {
  const std::size_t at = wrap_dim(dim, shape.size(), "Unflatten");
  std::int64_t known = 1;
  int open = 0;
  bool negative = false;
  for (const std::int64_t size : sizes) {
    if (size == -1) {
      ++open;
    } else {
      negative = negative || size < 0;
      known *= size;
    }
  }
  const std::int64_t whole = shape[at];
  const bool fits = open == 0 ? known == whole : open == 1 && known > 0 && whole % known == 0;
  if (sizes.empty() || negative || !fits) {
    throw ShapeError(concat("Unflatten: the sizes ", sizes, " do not make up dimension ", dim,
                            " of the shape ", shape));
  }
  Dims result;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (i != at) {
      result.push_back(shape[i]);
      continue;
    }
    for (const std::int64_t size : sizes) result.push_back(size == -1 ? whole / known : size);
  }
  return result;
}

Tensor Reshape::forward(const Tensor& input) {
  require_defined(input);
  Dims shape = output_shape(input.shape());
  begin_forward();
  input_shape_ = input.shape();
  output_shape_ = std::move(shape);
  end_forward();
  return in_shape(input, output_shape_, input_copy_);
}

Tensor Reshape::backward(const Tensor& grad_output, bool input_grad) {
  require_gradient(grad_output, output_shape_);
  begin_backward();
  return input_grad ? in_shape(grad_output, input_shape_, grad_copy_) : Tensor();
}

std::string Flatten::extra_repr() const {
  return concat("start_dim=", start_dim_, ", end_dim=", end_dim_);
}

std::string Unflatten::extra_repr() const {
  return concat("dim=", dim_, ", unflattened_size=", python_tuple(sizes_));
}

std::unique_ptr<Module> Identity::copy(ModuleCopier& copier) const {
  return std::make_unique<Identity>(*this, copier);
}

std::unique_ptr<Module> Flatten::copy(ModuleCopier& copier) const {
  return std::make_unique<Flatten>(*this, copier);
}

std::unique_ptr<Module> Unflatten::copy(ModuleCopier& copier) const {
  return std::make_unique<Unflatten>(*this, copier);
}

}  // namespace wick::nn
