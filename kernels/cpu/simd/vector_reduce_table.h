// SPDX-License-Identifier: MIT
// Reductions of a vector: what the kernels get, and which there are.
#pragma once

#include <cstdint>

#include "wick/core/backend/vector_reduce.h"

namespace wick::cpu {

/// Backend::vector_reduce of a part.
template <typename T>
struct VectorReduceTask {
  const T* a;
  const T* b;  // of dot; else a
  std::int64_t count;
  double power;
};

template <typename T>
struct VectorReduceTable {
  // By VectorReduceOp; they return the result.
  double (*vector_reduce[kVectorReduceOpCount])(const VectorReduceTask<T>&);
  /// data[i] *= factor.
  void (*scale)(T* data, T factor, std::int64_t count);
};
template <typename T, typename Isa>
[[nodiscard]] VectorReduceTable<T> vector_reduce_table();

}  // namespace wick::cpu
