// SPDX-License-Identifier: MIT
// Kernels beside random numbers: what they get, and which there are.
#pragma once

#include <cstdint>

namespace wick::cpu {

template <typename T>
struct RandomTable {
  /// y[i] = x[i] * (mask[i] ? scale : 0); in place if y is x.
  void (*masked_scale)(const T* x, const std::uint8_t* mask, T scale, T* y, std::int64_t count);
};
template <typename T, typename Isa>
[[nodiscard]] RandomTable<T> random_table();

}  // namespace wick::cpu
