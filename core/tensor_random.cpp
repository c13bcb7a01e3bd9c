// SPDX-License-Identifier: MIT
// Tensors of random numbers: drawn where the generator is.
#include "core/error.h"
#include "core/random.h"
#include "core/tensor.h"

namespace wick {
namespace {

// Where the numbers for a tensor are drawn.
Device draws_on(const char* operation, const Tensor& tensor, const Generator& generator) {
  if (generator.device() != kCpu && generator.device() != tensor.device()) {
    throw DeviceError(concat(operation, ": the tensor is on ", tensor.device(),
                             ", the generator on ", generator.device(),
                             "; use one on the tensor's device, or on the CPU"));
  }
  return generator.device();
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

void Tensor::uniform_(double low, double high, Generator& generator) const {
  require_defined("Tensor::uniform_");
  if (device() == generator.device() && is_contiguous()) {
    generator.uniform(*this, low, high);
    return;
  }
  const Tensor drawn = empty(shape_, dtype_, draws_on("Tensor::uniform_", *this, generator));
  generator.uniform(drawn, low, high);
  copy_(drawn);
}

void Tensor::normal_(double mean, double deviation, Generator& generator) const {
  require_defined("Tensor::normal_");
  if (device() == generator.device() && is_contiguous()) {
    generator.normal(*this, mean, deviation);
    return;
  }
  const Tensor drawn = empty(shape_, dtype_, draws_on("Tensor::normal_", *this, generator));
  generator.normal(drawn, mean, deviation);
  copy_(drawn);
}

}  // namespace wick
