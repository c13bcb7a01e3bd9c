// SPDX-License-Identifier: MIT
// Tensors as text, as PyTorch prints them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "wick/core/compiler.h"
#include "wick/core/tensor.h"

namespace wick {

/// torch.set_printoptions, for one call.
struct PrintOptions {
  /// Digits after the point.
  int precision = 4;
  /// With more elements than this, only the first and last ones of each dimension are shown.
  std::int64_t threshold = 1000;
  /// How many of them; 1 at least.
  std::int64_t edgeitems = 3;
  /// Characters in a line.
  std::int64_t linewidth = 80;
  /// With exponents; none: where the numbers' magnitudes differ widely, or are large or small.
  std::optional<bool> sci_mode{};
};

/// str(tensor) of PyTorch 2.15, character for character:
///
///   tensor([[ 0.1234, -1.0000],
///           [ 2.5000,  3.0000]], dtype=torch.float64)
///
/// Elements of another device are copied to the host. Those of opaque dtypes (is_opaque()) are not
/// shown: "tensor(..., size=(2,), dtype=torch.int4)". An undefined tensor is "Tensor(undefined)".
/// Throws ValueError for edgeitems below 1 and a negative precision.
[[nodiscard]] WICK_API std::string to_string(const Tensor& tensor, const PrintOptions& options);

}  // namespace wick
