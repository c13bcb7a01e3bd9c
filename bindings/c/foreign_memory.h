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
  explicit ForeignOwner(std::function<void()> give_back) : give_back_(std::move(give_back)) {}
  ForeignOwner(const ForeignOwner&) = delete;
  ForeignOwner& operator=(const ForeignOwner&) = delete;
  ~ForeignOwner();
  void take_over() noexcept { is_taken_ = true; }

 private:
  std::function<void()> give_back_;
  bool is_taken_ = false;
};

/// For Tensor::from_blob(): the owner lives as long as a tensor over the memory.
[[nodiscard]] BlobOptions kept_by(std::shared_ptr<ForeignOwner> owner, Dims strides, Device device);

/// Throws ValueError for an address that is not aligned to the dtype's elements, and DeviceError
/// for a device that has no memory; Tensor::from_blob() checks all else.
void require_usable(const void* data, DType dtype, Device device);

}  // namespace wick::c
