// SPDX-License-Identifier: MIT
// Pointwise functions of two arguments.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/dtype.h"

namespace wick {

enum class BinaryOp : std::uint8_t { add, multiply };

/// "add".
[[nodiscard]] constexpr std::string_view to_string(BinaryOp op) noexcept {
  switch (op) {
    case BinaryOp::add: return "add";
    case BinaryOp::multiply: return "multiply";
  }
  return "unknown";
}

/// out[i] = op(a[i], b[i]) for `count` elements of float32 or float64. `out` may be `a` or `b`.
struct BinaryArgs {
  BinaryOp op = BinaryOp::add;
  DType dtype = DType::float32;
  const void* a = nullptr;
  const void* b = nullptr;
  void* out = nullptr;
  std::int64_t count = 0;
};

}  // namespace wick
