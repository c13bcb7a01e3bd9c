// SPDX-License-Identifier: MIT
// Elements of several layouts, gone through row by row and shared among threads.
#pragma once

#include <algorithm>
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

/// Calls row(places, count) for rows [begin, end), runs of `count` elements along the last of the
/// loops.
template <std::size_t N, typename Row>
void walk_rows(const LoopsOf<N>& loops, const Places<N>& first, std::int64_t begin,
               std::int64_t end, const Row& row) {
  const std::size_t outer = loops.shape.size() - 1;
  const std::int64_t length = loops.shape[outer];
  if (outer == 0) {
    if (begin < end) row(first, length);
    return;
  }
  Places<N> here = first;
  Dims position(outer, 0);
  std::int64_t rest = begin;
  for (std::size_t d = outer; d-- > 0;) {
    position[d] = rest % loops.shape[d];
    rest /= loops.shape[d];
    for (std::size_t k = 0; k < N; ++k) here.move(k, position[d] * loops.strides[k][d]);
  }
  const std::size_t inner = outer - 1;
  std::array<std::int64_t, N> step{};  // from row to row, in bytes
  for (std::size_t k = 0; k < N; ++k) step[k] = loops.strides[k][inner] * here.size[k];
  std::array<Dims, N> carry;  // from the end of a dimension to the next begin, likewise
  for (std::size_t k = 0; k < N; ++k) {
    carry[k].push_back(0);
    for (std::size_t d = 1; d < outer; ++d) {
      const std::int64_t elements = loops.strides[k][d - 1] - loops.shape[d] * loops.strides[k][d];
      carry[k].push_back(elements * here.size[k]);
    }
  }
  while (begin < end) {
    const std::int64_t run = std::min(end - begin, loops.shape[inner] - position[inner]);
    for (std::int64_t i = 0; i < run; ++i) {
      row(here, length);
      for (std::size_t k = 0; k < N; ++k) here.at[k] += step[k];
    }
    begin += run;
    position[inner] += run;
    // Carries like an odometer.
    for (std::size_t d = inner; d > 0 && position[d] == loops.shape[d]; --d) {
      for (std::size_t k = 0; k < N; ++k) here.at[k] += carry[k][d];
      position[d] = 0;
      ++position[d - 1];
    }
  }
}

/// How many rows there are.
template <std::size_t N>
std::int64_t row_count(const LoopsOf<N>& loops) {
  std::int64_t rows = 1;
  for (std::size_t d = 0; d + 1 < loops.shape.size(); ++d) rows *= loops.shape[d];
  return rows;
}

/// The same for all rows, shared among threads; a single one is shared by its elements.
template <std::size_t N, typename Row>
void for_rows(ThreadPool& pool, const LoopsOf<N>& loops, const Places<N>& first, const Row& row) {
  const std::int64_t length = loops.shape[loops.shape.size() - 1];
  if (loops.shape.size() == 1) {
    share_elements(pool, length, [&](std::int64_t begin, std::int64_t end) {
      Places<N> here = first;
      for (std::size_t k = 0; k < N; ++k) here.move(k, begin * loops.strides[k][0]);
      row(here, end - begin);
    });
    return;
  }
  const std::int64_t rows = row_count(loops);
  if (rows * length == 0) return;
  const std::int64_t grain = 1 + kPartElements / length;
  share(pool, rows, grain, rows * length,
        [&](std::int64_t begin, std::int64_t end) { walk_rows(loops, first, begin, end, row); });
}

}  // namespace wick::cpu
