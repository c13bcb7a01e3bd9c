// SPDX-License-Identifier: MIT
// Optimizers' updates: what the kernels get, and which there are.
#pragma once

#include <cstdint>

#include "kernels/formulas/update.h"
#include "wick/core/backend/update.h"

namespace wick::cpu {

/// Backend::update.
template <typename T>
struct UpdateTask {
  std::int64_t count;
  T* param;
  const T* grad;
  T* state[kMaxUpdateState];   // null where there is none
  formulas::StateMask states;  // those that there are
  formulas::UpdateOptions<T> options;
  formulas::UpdateScalars<T> scalars;
};

template <typename T>
struct UpdateTable {
  // By UpdateOp.
  void (*update[kUpdateOpCount])(const UpdateTask<T>&);
};
template <typename T, typename Isa>
[[nodiscard]] UpdateTable<T> update_table();

}  // namespace wick::cpu
