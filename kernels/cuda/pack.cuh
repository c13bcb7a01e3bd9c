// SPDX-License-Identifier: MIT
// Several elements that are loaded and stored by one instruction of up to 16 bytes.
#pragma once

#include <cstdint>
#include <type_traits>

#include "kernels/convert.h"
#include "kernels/cuda/launch.cuh"
#include "wick/core/backend/matrix.h"

namespace wick::cuda {

template <typename T, int N>
struct alignas(sizeof(T) * N) Pack {
  T values[N];
  __device__ T& operator[](int i) { return values[i]; }
  __device__ const T& operator[](int i) const { return values[i]; }
};

/// The type in which elements of T are computed with.
template <typename T>
using Computed = std::conditional_t<SmallFloat<T>, float, T>;

/// As many elements as 16 bytes hold.
template <typename T>
inline constexpr int kPackSize = 16 / static_cast<int>(sizeof(T));

/// `data` must be aligned to the whole pack.
template <int N, typename T>
__device__ inline Pack<T, N> load_pack(const T* data) {
  return *reinterpret_cast<const Pack<T, N>*>(data);
}
template <int N, typename T>
__device__ inline void store_pack(T* data, const Pack<T, N>& pack) {
  *reinterpret_cast<Pack<T, N>*>(data) = pack;
}

[[nodiscard]] inline bool is_aligned(const void* data, std::size_t bytes) {
  return reinterpret_cast<std::uintptr_t>(data) % bytes == 0;
}

/// Whether packs of 16 bytes can be used on all of these; a null pointer is no obstacle.
template <typename... Pointers>
[[nodiscard]] bool all_aligned(const Pointers*... data) {
  return (is_aligned(data, 16) && ...);
}

/// Whether each row of a matrix begins at a multiple of 16 bytes.
[[nodiscard]] inline bool rows_aligned(ConstMatrixRef matrix, std::size_t element_bytes) {
  return is_aligned(matrix.data, 16) &&
         static_cast<std::size_t>(matrix.stride) * element_bytes % 16 == 0;
}

}  // namespace wick::cuda
