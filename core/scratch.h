// SPDX-License-Identifier: MIT
// Memory that a layer or an optimizer keeps from call to call.
#pragma once

#include "wick/core/compiler.h"
#include "wick/core/tensor.h"

namespace wick {

/// Hands out contiguous tensors over one allocation, which grows when a larger one is asked for and
/// is kept otherwise.
class WICK_API Scratch {
 public:
  /// Uninitialised; shares its memory with what earlier calls returned.
  [[nodiscard]] const Tensor& get(const Dims& shape, DType dtype, Device device) {
    const bool same_kind =
        memory_.defined() && memory_.dtype() == dtype && memory_.device() == device;
    if (same_kind && current_.shape() == shape) return current_;
    const std::int64_t count = element_count(shape);
    if (!same_kind || memory_.numel() < count) memory_ = Tensor::empty({count}, dtype, device);
    current_ = memory_.as_strided(shape, contiguous_strides(shape), 0);
    return current_;
  }
  /// One of the shape, dtype and device of `other`.
  [[nodiscard]] const Tensor& like(const Tensor& other) {
    return get(other.shape(), other.dtype(), other.device());
  }
  /// The same, and not over the memory of `other`: a caller may give back what a layer has
  /// returned.
  [[nodiscard]] const Tensor& apart_from(const Tensor& other) {
    const Tensor& tensor = like(other);
    if (tensor.storage() != other.storage()) return tensor;
    *this = Scratch();
    return like(other);
  }

 private:
  Tensor memory_;
  Tensor current_;
};

}  // namespace wick
