// SPDX-License-Identifier: MIT
// Ones, with which a product of matrices adds up or repeats elements.
#pragma once

#include "core/tensor.h"

namespace wick::nn {

/// Hands out contiguous tensors of ones over one allocation, which is filled when it grows.
class Ones {
 public:
  [[nodiscard]] Tensor get(const Dims& shape, DType dtype, Device device) {
    const std::int64_t count = element_count(shape);
    if (!memory_.defined() || memory_.dtype() != dtype || memory_.device() != device ||
        memory_.numel() < count) {
      memory_ = Tensor::ones({count}, dtype, device);
    }
    return memory_.as_strided(shape, contiguous_strides(shape), 0);
  }

 private:
  Tensor memory_;
};

}  // namespace wick::nn
