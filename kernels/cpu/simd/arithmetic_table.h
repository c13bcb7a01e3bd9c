// SPDX-License-Identifier: MIT
// Arithmetic between rows of elements: what the kernels get, and which there are.
#pragma once

#include <cstdint>

#include "wick/core/backend/arithmetic.h"

namespace wick::cpu {

/// `count` elements of each; strides in elements.
template <typename T>
struct BinaryRow {
  const T* a;
  const T* b;
  void* out;  // T, or bool of a comparison; may be a or b where the strides are the same
  std::int64_t count;
  std::int64_t a_stride;
  std::int64_t b_stride;
  std::int64_t out_stride;
  T alpha;
};

/// Likewise.
template <typename T>
struct TernaryRow {
  const T* a;
  const T* b;
  const T* c;
  T* out;
  std::int64_t count;
  std::int64_t a_stride;
  std::int64_t b_stride;
  std::int64_t c_stride;
  std::int64_t out_stride;
};

template <typename T>
struct ArithmeticTable {
  void (*binary[kBinaryOpCount])(const BinaryRow<T>&);  // by BinaryOp
  void (*lerp)(const TernaryRow<T>&);
  void (*clamp)(const TernaryRow<T>&);
};
template <typename T, typename Isa>
[[nodiscard]] ArithmeticTable<T> arithmetic_table();

}  // namespace wick::cpu
