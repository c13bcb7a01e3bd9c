// SPDX-License-Identifier: MIT
// Kernels that walk over memory once: what they get, and which there are.
#pragma once

#include <cstdint>

#include "wick/core/backend/elementwise.h"

namespace wick::cpu {

/// Backend::unary.
template <typename T>
struct UnaryTask {
  const T* x;
  T* y;
  std::int64_t count;
  T a;
  T b;
};

/// Backend::unary_backward.
template <typename T>
struct UnaryBackwardTask {
  const T* grad_output;
  const T* saved;
  T* grad_input;
  std::int64_t count;
  T a;
  T b;
};

template <typename T>
struct ElementwiseTable {
  // By UnaryOp.
  void (*unary[kUnaryOpCount])(const UnaryTask<T>&);
  void (*unary_backward[kUnaryOpCount])(const UnaryBackwardTask<T>&);
};
template <typename T, typename Isa>
[[nodiscard]] ElementwiseTable<T> elementwise_table();

}  // namespace wick::cpu
