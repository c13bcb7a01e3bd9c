// SPDX-License-Identifier: MIT
// The family of functions of two or three tensors, element by element, of any layout: what each is
// called, and what is given to the backend for it. The formulas are in
// kernels/formulas/arithmetic.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>

#include "wick/core/dims.h"
#include "wick/core/dtype.h"
#include "wick/core/scalar.h"

namespace wick {

/// Functions of two arguments; PyTorch's of the same names. Of bool, add is "or" and mul is "and".
enum class BinaryOp : std::uint8_t {
  add,  // a + alpha * b
  sub,  // a - alpha * b; not of bool
  mul,
  div,      // of float32 and float64
  minimum,  // NaN where one of them is
  maximum,  // likewise
  // Comparisons, which give bool.
  eq,
  ne,
  lt,
  le,
  gt,
  ge,
};

/// In the order of the enumerators.
inline constexpr const char* kBinaryNames[] = {"add", "sub", "mul", "div", "minimum", "maximum",
                                               "eq",  "ne",  "lt",  "le",  "gt",      "ge"};
inline constexpr std::size_t kBinaryOpCount = std::size(kBinaryNames);
/// "add".
[[nodiscard]] constexpr const char* name_of(BinaryOp op) {
  return kBinaryNames[static_cast<std::size_t>(op)];
}
[[nodiscard]] constexpr bool is_comparison(BinaryOp op) {
  return op >= BinaryOp::eq;
}

/// Functions of three arguments.
enum class TernaryOp : std::uint8_t {
  lerp,   // a + c * (b - a), as torch.lerp computes it; of float32 and float64
  clamp,  // minimum(maximum(a, b), c); of float32, float64 and int64
  where,  // a ? b : c, where a is bool, and b and c are of any dtype
};

/// In the order of the enumerators.
inline constexpr const char* kTernaryNames[] = {"lerp", "clamp", "where"};
/// "lerp".
[[nodiscard]] constexpr const char* name_of(TernaryOp op) {
  return kTernaryNames[static_cast<std::size_t>(op)];
}

/// The elements of one argument, or one number in their place.
struct ElementsRef {
  const void* data = nullptr;  // null: the number
  Dims strides{};              // in elements, one for each dimension of the result; 0 repeats
  Scalar number{};             // converted to the dtype
};

/// out = op(a, b). `out` may be a or b where the strides are the same; else they are apart.
struct BinaryArgs {
  BinaryOp op = BinaryOp::add;
  DType dtype = DType::float32;  // of a and b: float32, float64, int64 or bool
  Dims shape{};                  // of the result
  ElementsRef a{};
  ElementsRef b{};
  void* out = nullptr;  // of `dtype`; of a comparison bool
  Dims out_strides{};   // each element has a place of its own
  Scalar alpha{1};      // of add and sub
};

/// The arguments for `count` contiguous elements of each.
[[nodiscard]] inline BinaryArgs flat_binary(BinaryOp op, DType dtype, std::int64_t count,
                                            const void* a, const void* b, void* out) {
  return {.op = op,
          .dtype = dtype,
          .shape = {count},
          .a = {.data = a, .strides = {1}},
          .b = {.data = b, .strides = {1}},
          .out = out,
          .out_strides = {1}};
}

/// out = op(a, b, c); else as BinaryArgs.
struct TernaryArgs {
  TernaryOp op = TernaryOp::lerp;
  DType dtype = DType::float32;
  Dims shape{};
  ElementsRef a{};
  ElementsRef b{};
  ElementsRef c{};
  void* out = nullptr;
  Dims out_strides{};
};

}  // namespace wick
