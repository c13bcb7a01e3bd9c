// SPDX-License-Identifier: MIT
// Elements of several layouts, gone through row by row and shared among threads.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "kernels/cpu/share.h"
#include "kernels/strided_loops.h"

namespace wick::cpu {

/// The first elements of N tensors, the first of which is written.
template <std::size_t N>
struct Places {
  std::array<std::byte*, N> at{};
  std::array<std::int64_t, N> size{};  // bytes of an element

  void move(std::size_t k, std::int64_t elements) { at[k] += elements * size[k]; }
};

/// Calls row(places, count) for runs of `count` elements along the last of the loops.
template <std::size_t N, typename Row>
void for_rows(ThreadPool& pool, const LoopsOf<N>& loops, const Places<N>& first, const Row& row) {
  const std::size_t outer = loops.shape.size() - 1;
  const std::int64_t length = loops.shape[outer];
  if (outer == 0) {
    share_elements(pool, length, [&](std::int64_t begin, std::int64_t end) {
      Places<N> here = first;
      for (std::size_t k = 0; k < N; ++k) here.move(k, begin * loops.strides[k][0]);
      row(here, end - begin);
    });
    return;
  }
  std::int64_t rows = 1;
  for (std::size_t d = 0; d < outer; ++d) rows *= loops.shape[d];
  if (rows * length == 0) return;
  const std::int64_t grain = 1 + kPartElements / length;
  share(pool, rows, grain, rows * length, [&](std::int64_t begin, std::int64_t end) {
    Places<N> here = first;
    Dims position(outer, 0);
    std::int64_t rest = begin;
    for (std::size_t d = outer; d-- > 0;) {
      position[d] = rest % loops.shape[d];
      rest /= loops.shape[d];
      for (std::size_t k = 0; k < N; ++k) here.move(k, position[d] * loops.strides[k][d]);
    }
    for (std::int64_t r = begin; r < end; ++r) {
      row(here, length);
      // Advances like an odometer.
      for (std::size_t d = outer; d-- > 0;) {
        for (std::size_t k = 0; k < N; ++k) here.move(k, loops.strides[k][d]);
        if (++position[d] < loops.shape[d]) break;
        for (std::size_t k = 0; k < N; ++k) {
          here.move(k, -loops.shape[d] * loops.strides[k][d]);
        }
        position[d] = 0;
      }
    }
  });
}

}  // namespace wick::cpu
