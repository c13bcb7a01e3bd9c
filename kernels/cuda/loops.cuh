// SPDX-License-Identifier: MIT
// The loops over the elements of several layouts of one shape (kernels/strided_loops.h) in kernels.
#pragma once

#include <array>
#include <cstdint>

#include "kernels/cuda/launch.cuh"
#include "kernels/strided_loops.h"

namespace wick::cuda {

inline constexpr int kMostLoops = 8;

/// The bytes of a complex128, which is aligned to 8 bytes only.
struct EightByteAligned16 {
  std::uint64_t halves[2];
};

/// Of N layouts, outermost first.
template <int N>
struct KernelLoops {
  int dims;
  std::int64_t count;  // elements in all
  std::int64_t shape[kMostLoops];
  std::int64_t strides[N][kMostLoops];  // in elements
};

template <int N>
struct Offsets {
  std::int64_t at[N];
};

/// Where element number `i` lies. Index: 32 bits where they hold every number, since dividing 64
/// bits is slow.
template <typename Index, int N>
__device__ inline Offsets<N> offsets_of(const KernelLoops<N>& loops, std::int64_t i) {
  Offsets<N> offsets{};
  auto rest = static_cast<Index>(i);
  for (int d = loops.dims - 1; d > 0; --d) {
    const auto size = static_cast<Index>(loops.shape[d]);
    const Index next = rest / size;
    const auto position = static_cast<std::int64_t>(rest - next * size);
    for (int k = 0; k < N; ++k) offsets.at[k] += position * loops.strides[k][d];
    rest = next;
  }
  for (int k = 0; k < N; ++k) {
    offsets.at[k] += static_cast<std::int64_t>(rest) * loops.strides[k][0];
  }
  return offsets;
}

template <int N>
[[nodiscard]] bool fits_32_bits(const KernelLoops<N>& loops) {
  return loops.count <= INT64_C(0x7FFFFFFF);
}

template <int N>
[[nodiscard]] bool is_contiguous(const KernelLoops<N>& loops) {
  bool contiguous = loops.dims == 1;
  for (int k = 0; k < N; ++k) contiguous = contiguous && loops.strides[k][0] == 1;
  return contiguous;
}

/// Calls launch(KernelLoops<N>, Offsets<N>) for loops that a kernel takes; where there are more
/// dimensions, the outermost ones are gone through here.
template <int N, typename Launch>
[[nodiscard]] cudaError_t launch_loops(const LoopsOf<N>& loops, const Launch& launch,
                                       std::size_t from = 0, const Offsets<N>& at = {}) {
  const std::size_t dims = loops.shape.size() - from;
  if (dims <= static_cast<std::size_t>(kMostLoops)) {
    KernelLoops<N> plain{};
    plain.dims = static_cast<int>(dims);
    plain.count = 1;
    for (std::size_t d = 0; d < dims; ++d) {
      plain.shape[d] = loops.shape[from + d];
      plain.count *= plain.shape[d];
      for (int k = 0; k < N; ++k) {
        plain.strides[k][d] = loops.strides[static_cast<std::size_t>(k)][from + d];
      }
    }
    return launch(plain, at);
  }
  Offsets<N> here = at;
  for (std::int64_t i = 0; i < loops.shape[from]; ++i) {
    const cudaError_t status = launch_loops<N>(loops, launch, from + 1, here);
    if (status != cudaSuccess) return status;
    for (int k = 0; k < N; ++k) here.at[k] += loops.strides[static_cast<std::size_t>(k)][from];
  }
  return cudaSuccess;
}

}  // namespace wick::cuda
