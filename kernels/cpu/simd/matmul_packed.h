// SPDX-License-Identifier: MIT
// Products with a B that was packed beforehand: panel after panel of columns, each with its rows
// one behind the other, filled up with zeros to whole vectors. Of few columns, as they are: inner
// products need no more.
#pragma once

#include "kernels/cpu/simd/matmul_inner.h"
#include "kernels/cpu/simd/matmul_outer.h"

namespace wick::cpu {

template <typename T, typename Isa>
std::int64_t packed_size(std::int64_t cols, std::int64_t depth) {
  constexpr std::int64_t kWide = kLanes<T, Isa>;
  return (cols + kWide - 1) / kWide * kWide * depth;
}

template <typename T, typename Isa>
void pack(const MatmulTask<T>& whole, T* packed) {
  constexpr std::int64_t kWide = kLanes<T, Isa>;
  if (has_few_cols(whole)) {
    copy_runs<T, Isa>(whole.b, whole.b_col, whole.cols, whole.depth, packed, whole.depth);
    return;
  }
  const Division panels = divide_columns<T, Isa>(whole, kTileVectors<Isa>);
  for_panels<T, Isa>(panels, whole.cols, [&](std::int64_t n, std::int64_t width, int vectors) {
    Panel<T> panel{};
    panel.depth = whole.depth;
    panel.n = n;
    panel.width = width;
    pack_panel<T, Isa>(whole, panel, whole.b + n * whole.b_col, packed + n * whole.depth,
                       vectors * kWide);
  });
}

// One row by one panel. The sums are split by k as well, for a sum waits for its last addition.
template <typename T, typename Isa, int Vectors>
[[gnu::noinline]] void packed_row(const MatmulTask<T>& task, const T* b, std::int64_t n) {
  using V = Vector<T, Isa>;
  constexpr int kWide = kLanes<T, Isa>;
  constexpr int kStride = Vectors * kWide;
  constexpr int kChains = Vectors == 1 ? 8 : 4;
  V sum[kChains][Vectors] = {};
  const T* a = task.a;
  std::int64_t k = 0;
  for (; k + kChains <= task.depth; k += kChains) {
    unroll<kChains>([&](auto i) {
      const V scale = broadcast<T, Isa>(a[i]);
      unroll<Vectors>(
          [&](auto v) { sum[i][v] += scale * load<T, Isa>(b + i * kStride + v * kWide); });
    });
    a += kChains;
    b += kChains * kStride;
  }
  for (; k < task.depth; ++k, ++a, b += kStride) {
    const V scale = broadcast<T, Isa>(*a);
    unroll<Vectors>([&](auto v) { sum[0][v] += scale * load<T, Isa>(b + v * kWide); });
  }
  // Unrolled: sums with an index that is not a constant would lie in memory.
  const auto fold = [&]<int Half>() __attribute__((always_inline)) {
    unroll<Half>([&](auto i) { unroll<Vectors>([&](auto v) { sum[i][v] += sum[i + Half][v]; }); });
  };
  if constexpr (kChains == 8) fold.template operator()<4>();
  fold.template operator()<2>();
  fold.template operator()<1>();
  unroll<Vectors>([&](auto v) {
    const std::int64_t left = task.cols - n - v * kWide;
    store_result<T, Isa>(task, 0, n + v * kWide, sum[0][v],
                         left < kWide ? static_cast<int>(left) : kWide, task.accumulate, true);
  });
}

template <typename T, typename Isa, int Vectors = kTileVectors<Isa>>
void packed_row_of(std::int64_t vectors, const MatmulTask<T>& task, const T* b, std::int64_t n) {
  if constexpr (Vectors > 0) {
    if (vectors == Vectors) {
      packed_row<T, Isa, Vectors>(task, b, n);
    } else {
      packed_row_of<T, Isa, Vectors - 1>(vectors, task, b, n);
    }
  }
}

// For a C of one row.
template <typename T, typename Isa>
void matmul_packed_row(const MatmulTask<T>& task) {
  const Division panels = divide_columns<T, Isa>(task, kTileVectors<Isa>);
  for_panels<T, Isa>(panels, task.cols, [&](std::int64_t n, std::int64_t /*width*/, int vectors) {
    packed_row_of<T, Isa>(vectors, task, task.b + n * task.depth, n);
  });
}

}  // namespace wick::cpu
