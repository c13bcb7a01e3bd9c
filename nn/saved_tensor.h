// SPDX-License-Identifier: MIT
// What a forward pass keeps for the backward pass.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>

#include "wick/core/compiler.h"
#include "wick/core/tensor.h"

namespace wick::nn {

/// A tensor, not a copy of its elements, with the version that its storage had when it was saved. A
/// change of the elements in place shows, as far as Storage::version() counts it: in any view of
/// the same storage, as in PyTorch.
class WICK_API SavedTensor {
 public:
  SavedTensor() = default;
  SavedTensor& operator=(Tensor tensor) noexcept {
    tensor_ = std::move(tensor);
    version_ = now();
    return *this;
  }
  [[nodiscard]] const Tensor& operator*() const noexcept { return tensor_; }
  [[nodiscard]] const Tensor* operator->() const noexcept { return &tensor_; }

  /// That of the storage when the tensor was saved.
  [[nodiscard]] std::uint64_t version() const noexcept { return version_; }
  [[nodiscard]] bool is_intact() const noexcept { return version_ == now(); }

 private:
  [[nodiscard]] std::uint64_t now() const noexcept {
    return tensor_.defined() ? tensor_.storage()->version() : 0;
  }

  Tensor tensor_;
  std::uint64_t version_ = 0;
};

/// Throws the ValueError of a backward() whose `saved` value, the `what` of `who`, is no longer of
/// the version that it was saved with.
[[noreturn]] WICK_API void refuse_overwritten(std::string_view who, std::string_view what,
                                              const Tensor& saved, std::uint64_t version);

}  // namespace wick::nn
