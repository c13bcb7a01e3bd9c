// SPDX-License-Identifier: MIT
// Tensors over memory that wick has not allocated.
#pragma once

#include <functional>
#include <memory>

#include "wick/core/tensor.h"

namespace wick::c {

/// What keeps foreign memory. It gives it back when it is destroyed, once it has been taken over:
/// before, an error leaves the memory the caller's.
class ForeignOwner {
 public:
  /// `give_back` may be empty.
  ForeignOwner(Device device, std::function<void()> give_back)
      : device_(device), give_back_(std::move(give_back)) {}
  ForeignOwner(const ForeignOwner&) = delete;
  ForeignOwner& operator=(const ForeignOwner&) = delete;
  ~ForeignOwner();
  void take_over() noexcept { is_taken_ = true; }

 private:
  Device device_;
  std::function<void()> give_back_;
  bool is_taken_ = false;
};

/// The owner of memory that is used no longer than a call lasts.
[[nodiscard]] std::shared_ptr<const void> borrowed();

/// Throws ValueError for an address that is not aligned to the dtype's elements, DeviceError for a
/// device that is not there or has no memory, and ShapeError for a layout that is none.
[[nodiscard]] Tensor tensor_over_memory(void* data, const Dims& shape, const Dims& strides,
                                        DType dtype, Device device,
                                        std::shared_ptr<const void> owner);

}  // namespace wick::c
