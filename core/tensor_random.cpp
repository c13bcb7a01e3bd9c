// SPDX-License-Identifier: MIT
// Tensors of random numbers: drawn where the generator is.
#include "core/overlap.h"
#include "wick/core/error.h"
#include "wick/core/random.h"
#include "wick/core/tensor.h"

namespace wick {
namespace {

// Calls fill() for the tensor itself where the generator can write there, else for one in between.
template <typename Fill>
void draw(const char* operation, const Tensor& tensor, const Generator& generator,
          const Fill& fill) {
  if (generator.device() != kCpu && generator.device() != tensor.device()) {
    throw DeviceError(concat(operation, ": the tensor is on ", tensor.device(),
                             ", the generator on ", generator.device(),
                             "; use one on the tensor's device, or on the CPU"));
  }
  visit_arithmetic(tensor.dtype(), operation, [](auto) {});
  require_no_internal_overlap(operation, tensor);
  if (tensor.device() == generator.device() && tensor.is_contiguous()) {
    fill(tensor);
    return;
  }
  const Tensor drawn = Tensor::empty(tensor.shape(), tensor.dtype(), generator.device());
  fill(drawn);
  tensor.copy_(drawn);
}

}  // namespace

Tensor Tensor::uniform(const Dims& shape, double low, double high, Generator& generator,
                       DType dtype, Device device) {
  Tensor result = empty(shape, dtype, device);
  result.uniform_(low, high, generator);
  return result;
}

Tensor Tensor::normal(const Dims& shape, double mean, double deviation, Generator& generator,
                      DType dtype, Device device) {
  Tensor result = empty(shape, dtype, device);
  result.normal_(mean, deviation, generator);
  return result;
}

Tensor Tensor::rand(const Dims& shape, DType dtype, Device device) {
  return uniform(shape, 0.0, 1.0, default_generator(device), dtype, device);
}

Tensor Tensor::randn(const Dims& shape, DType dtype, Device device) {
  return normal(shape, 0.0, 1.0, default_generator(device), dtype, device);
}

void Tensor::uniform_(double low, double high) const {
  uniform_(low, high, default_generator(device()));
}

void Tensor::normal_(double mean, double deviation) const {
  normal_(mean, deviation, default_generator(device()));
}

void Tensor::uniform_(double low, double high, Generator& generator) const {
  require_defined("Tensor::uniform_");
  draw("Tensor::uniform_", *this, generator,
       [&](const Tensor& out) { generator.uniform(out, low, high); });
}

void Tensor::normal_(double mean, double deviation, Generator& generator) const {
  require_defined("Tensor::normal_");
  draw("Tensor::normal_", *this, generator,
       [&](const Tensor& out) { generator.normal(out, mean, deviation); });
}

}  // namespace wick
