// SPDX-License-Identifier: MIT
// Rows picked by index: images to normalised floats, and rows of any dtype as they are.
//
// A warp takes a stretch of a row at a time, so that the row's index is read and checked once; rows
// of few units (labels) are spread over all threads instead.
#pragma once

#include "kernels/cuda/error_flag.cuh"
#include "kernels/cuda/pack.cuh"

namespace wick::cuda {

inline constexpr int kGatherThreads = 256;
inline constexpr int kGatherUnroll = 4;
inline constexpr int kMostChannels = 16;  // of one launch; their constants are arguments

/// This step's indices; null means rows 0, 1, ...
__device__ inline const std::int64_t* step_indices(const std::int64_t* indices, StepOffset offset) {
  if (indices == nullptr || offset.counter == nullptr) return indices;
  return indices + *offset.counter * offset.stride;
}

__device__ inline float fused_multiply_add(float a, float b, float c) {
  return fmaf(a, b, c);
}
__device__ inline double fused_multiply_add(double a, double b, double c) {
  return fma(a, b, c);
}

template <typename T, typename Source>
struct GatherTask {
  const Source* source;  // (source_rows, channels, pixels)
  std::int64_t source_rows;
  std::int64_t channels;
  std::int64_t pixels;
  const std::int64_t* indices;
  StepOffset offset;
  std::int64_t count;
  T* out;                      // (count, channels, pixels)
  std::int64_t first_channel;  // the constants below are of the channels from here
  std::int64_t used_channels;
  T scale[kMostChannels];
  T shift[kMostChannels];
  ErrorFlag* error;
};

template <int N, typename T, typename Source>
__global__ void __launch_bounds__(kGatherThreads)
    gather_affine_kernel(GatherTask<T, Source> task, std::int64_t stretches) {
  constexpr std::int64_t kStretch = kWarpSize * N * kGatherUnroll;
  const std::int64_t* const indices = step_indices(task.indices, task.offset);
  const int lane = static_cast<int>(threadIdx.x) % kWarpSize;
  const std::int64_t all = task.count * task.used_channels * stretches;
  for (std::int64_t w = grid_thread() / kWarpSize; w < all; w += grid_threads() / kWarpSize) {
    const std::int64_t plane = w / stretches;
    const std::int64_t i = plane / task.used_channels;
    const std::int64_t c = plane - i * task.used_channels;
    const std::int64_t row = indices == nullptr ? i : indices[i];
    const bool bad = row < 0 || row >= task.source_rows;
    if (bad && lane == 0 && c == 0 && w == plane * stretches) {
      report_out_of_range(task.error, CheckedOperation::gather_affine, i, row, task.source_rows);
    }
    const std::int64_t channel = task.first_channel + c;
    const Source* const source =
        task.source + ((bad ? 0 : row) * task.channels + channel) * task.pixels;
    T* const out = task.out + (i * task.channels + channel) * task.pixels;
    const T scale = task.scale[c];
    const T shift = task.shift[c];
    const std::int64_t begin = (w - plane * stretches) * kStretch;
    const std::int64_t end = begin + kStretch < task.pixels ? begin + kStretch : task.pixels;
    for (std::int64_t p = begin + lane * N; p < end; p += kWarpSize * N) {
      Pack<T, N> pack{};
      if (!bad) {
        const Pack<Source, N> in = load_pack<N>(source + p);
        for (int j = 0; j < N; ++j) {
          pack[j] = fused_multiply_add(static_cast<T>(in[j]), scale, shift);
        }
      }
      store_pack<N>(out + p, pack);
    }
  }
}

template <typename Unit>
struct SelectTask {
  const Unit* source;
  std::int64_t source_rows;
  std::int64_t units;  // per row
  const std::int64_t* indices;
  StepOffset offset;
  std::int64_t count;
  Unit* out;
  ErrorFlag* error;
};

/// `span` units of one row at `begin`; `lane` of `lanes` threads that share them.
template <typename Unit>
__device__ inline void select_units(const SelectTask<Unit>& task, const std::int64_t* indices,
                                    std::int64_t i, std::int64_t begin, std::int64_t span, int lane,
                                    int lanes) {
  const std::int64_t row = indices[i];
  const bool bad = row < 0 || row >= task.source_rows;
  if (bad && begin + lane == 0) {
    report_out_of_range(task.error, CheckedOperation::index_select, i, row, task.source_rows);
  }
  const std::int64_t end = begin + span < task.units ? begin + span : task.units;
  for (std::int64_t u = begin + lane; u < end; u += lanes) {
    task.out[i * task.units + u] = bad ? Unit{} : task.source[row * task.units + u];
  }
}

template <typename Unit>
__global__ void __launch_bounds__(kGatherThreads) index_select_kernel(SelectTask<Unit> task) {
  const std::int64_t* const indices = step_indices(task.indices, task.offset);
  if (task.units < kWarpSize) {
    const std::int64_t all = task.count * task.units;
    for (std::int64_t at = grid_thread(); at < all; at += grid_threads()) {
      const std::int64_t i = at / task.units;
      select_units(task, indices, i, at - i * task.units, 1, 0, 1);
    }
    return;
  }
  constexpr std::int64_t kStretch = kWarpSize * kGatherUnroll;
  const std::int64_t stretches = (task.units + kStretch - 1) / kStretch;
  const std::int64_t all = task.count * stretches;
  const int lane = static_cast<int>(threadIdx.x) % kWarpSize;
  for (std::int64_t w = grid_thread() / kWarpSize; w < all; w += grid_threads() / kWarpSize) {
    const std::int64_t i = w / stretches;
    select_units(task, indices, i, (w - i * stretches) * kStretch, kStretch, lane, kWarpSize);
  }
}

}  // namespace wick::cuda
