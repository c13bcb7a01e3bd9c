// SPDX-License-Identifier: MIT
// The loops over the elements of several layouts of one shape, as few as they can be: for the
// kernels of every device.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "wick/core/dims.h"

namespace wick {

/// Outermost first; strides in elements.
template <std::size_t N>
struct LoopsOf {
  Dims shape;
  std::array<Dims, N> strides;
};

/// Dimensions of size 1 are gone, and neighbours that are one run in all layouts are one
/// dimension. At least one is left. The shape is without zeros.
template <std::size_t N>
LoopsOf<N> coalesce(const Dims& shape, const std::array<const Dims*, N>& strides) {
  LoopsOf<N> loops;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const std::int64_t size = shape[i];
    if (size == 1) continue;
    const std::size_t last = loops.shape.size();
    bool one_run = last > 0;
    for (std::size_t k = 0; one_run && k < N; ++k) {
      one_run = loops.strides[k][last - 1] == size * (*strides[k])[i];
    }
    if (one_run) loops.shape[last - 1] *= size;
    if (!one_run) loops.shape.push_back(size);
    for (std::size_t k = 0; k < N; ++k) {
      if (one_run) loops.strides[k][last - 1] = (*strides[k])[i];
      if (!one_run) loops.strides[k].push_back((*strides[k])[i]);
    }
  }
  if (loops.shape.empty()) {
    loops.shape.push_back(1);
    for (Dims& each : loops.strides) each.push_back(1);
  }
  return loops;
}

/// The same, where the order of the elements is free: they are gone through as they lie in the
/// first layout, so that tensors transposed alike are one run.
template <std::size_t N>
LoopsOf<N> coalesce_sorted(const Dims& shape, const std::array<const Dims*, N>& strides) {
  LoopsOf<N> sorted{shape, {}};
  for (std::size_t k = 0; k < N; ++k) sorted.strides[k] = *strides[k];
  for (std::size_t i = 1; i < shape.size(); ++i) {
    for (std::size_t d = i; d > 0 && sorted.strides[0][d - 1] < sorted.strides[0][d]; --d) {
      std::swap(sorted.shape[d - 1], sorted.shape[d]);
      for (Dims& each : sorted.strides) std::swap(each[d - 1], each[d]);
    }
  }
  std::array<const Dims*, N> in_order{};
  for (std::size_t k = 0; k < N; ++k) in_order[k] = &sorted.strides[k];
  return coalesce<N>(sorted.shape, in_order);
}

}  // namespace wick
