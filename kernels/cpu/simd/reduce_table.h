// SPDX-License-Identifier: MIT
// Reductions of a vector: what the kernels get, and which there are.
#pragma once

#include <cstdint>

#include "core/backend/reduce.h"

namespace wick::cpu {

/// Backend::reduce of a part.
template <typename T>
struct ReduceTask {
  const T* a;
  const T* b;  // of dot; else a
  std::int64_t count;
  double power;
};

template <typename T>
struct ReduceTable {
  // By ReduceOp; they return the result.
  double (*reduce[kReduceOpCount])(const ReduceTask<T>&);
  /// data[i] *= factor.
  void (*scale)(T* data, T factor, std::int64_t count);
};
template <typename T, typename Isa>
[[nodiscard]] ReduceTable<T> reduce_table();

}  // namespace wick::cpu
