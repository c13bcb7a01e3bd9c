// SPDX-License-Identifier: MIT
// What happens to a finished vector of C on its way to memory.
#pragma once

#include "kernels/cpu/simd/matmul_table.h"
#include "kernels/cpu/simd/vector.h"

namespace wick::cpu {

/// Stores `count` lanes of row m from column n: adds what C holds (`add`), and where the sum is
/// finished (`finish`) the bias, then applies ReLU and the mask.
template <typename T, typename Isa>
[[gnu::always_inline]] inline void store_result(const MatmulTask<T>& task, std::int64_t m,
                                                std::int64_t n, Vector<T, Isa> value, int count,
                                                bool add, bool finish) {
  using V = Vector<T, Isa>;
  constexpr int kAll = kLanes<T, Isa>;
  T* const to = task.c + m * task.c_row + n;
  const auto get = [count](const T* from) {
    return count == kAll ? load<T, Isa>(from) : load_first<T, Isa>(from, count);
  };
  if (add) value += get(to);
  if (finish) {
    const V zero{};
    if (task.bias != nullptr) value += get(task.bias + n);
    // Written so that NaN passes.
    if (task.relu) value = value < zero ? zero : value;
    if (task.relu_mask != nullptr) {
      value = get(task.relu_mask + m * task.mask_row + n) <= zero ? zero : value;
    }
  }
  if (count == kAll) {
    store<T, Isa>(to, value);
  } else {
    store_first<T, Isa>(to, value, count);
  }
}

}  // namespace wick::cpu
