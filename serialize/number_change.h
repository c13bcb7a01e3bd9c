// SPDX-License-Identifier: MIT
// What turns the bytes of a record into the elements of a tensor.
#pragma once

#include <cstddef>
#include <span>

#include "wick/core/dtype.h"

namespace wick {

/// PyTorch's bits for a view whose elements are the conjugates or the negatives of what is stored.
struct LazyBits {
  bool conj = false;
  bool neg = false;
  [[nodiscard]] bool any() const noexcept { return conj || neg; }
  friend bool operator==(const LazyBits&, const LazyBits&) = default;
};

/// Whether its elements are a real and an imaginary part, of half the size each: of the complex
/// dtypes, and of bcomplex32, which is opaque otherwise.
[[nodiscard]] bool has_imaginary_part(DType dtype);

/// Throws ValueError where PyTorch has no such view, or none that can be read: of bool, of float8,
/// of opaque dtypes but bcomplex32, conjugates of what is not complex.
void require_lazy_bits(DType dtype, LazyBits bits);

/// By default, the bytes stay as they are.
struct NumberChange {
  std::size_t reversed_bytes = 1;  // numbers of so many bytes are turned round; 1: none
  LazyBits bits = {};
  DType dtype = DType::uint8;  // of the elements that `bits` speak of

  [[nodiscard]] bool any() const noexcept { return reversed_bytes > 1 || bits.any(); }
  /// Changes the bytes, which are whole elements and perhaps a part of one at the end, that stays.
  void apply(std::span<char> bytes) const;
  friend bool operator==(const NumberChange&, const NumberChange&) = default;
};

}  // namespace wick
