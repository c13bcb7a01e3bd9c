// SPDX-License-Identifier: MIT
// Convolutions as products whose second operand, the patches, is never in memory: a block reads a
// tile of it from the image into its shared memory (implicit matrix products, Chetlur et al. 2014).
//
// A role says which matrices are multiplied: of a group, C (rows, cols) = A (rows, depth)
// B (depth, cols). Elements are summed in an order that depends on the shape alone.
#pragma once

#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/reduce.cuh"
#include "wick/core/backend/image.h"

namespace wick::cuda {

inline constexpr int kConvThreads = 256;
inline constexpr int kConvTile = 64;   // rows and columns of C
inline constexpr int kConvDepth = 16;  // of the tiles of A and B
inline constexpr int kConvOwn = 4;     // rows and columns of a thread

template <typename T>
struct ConvTask {
  ConvShape shape;
  T* input;
  T* weight;
  T* output;
  const T* bias;
  bool accumulate;
  std::int64_t rows;
  std::int64_t cols;
  std::int64_t depth;
  // Of a depth that several blocks share: what each leaves, (shares, groups, rows, cols).
  std::int64_t shares;
  std::int64_t share_depth;
  T* partial;
};

/// The element of the input, or zero around it.
template <typename T>
__device__ inline T image_element(const ConvTask<T>& task, std::int64_t plane, std::int64_t y,
                                  std::int64_t x) {
  const ConvShape& shape = task.shape;
  if (y < 0 || y >= shape.height.input || x < 0 || x >= shape.width.input) return T{0};
  return task.input[(plane * shape.height.input + y) * shape.width.input + x];
}

/// A position of a plane, and whose.
struct ConvPlace {
  std::int64_t sample;
  std::int64_t y;
  std::int64_t x;
};

__device__ inline ConvPlace place_of(std::int64_t i, std::int64_t height, std::int64_t width) {
  const std::int64_t plane = height * width;
  const std::int64_t sample = i / plane;
  const std::int64_t rest = i - sample * plane;
  return {sample, rest / width, rest % width};
}

/// An element of a kernel, and of which channel.
struct ConvElement {
  std::int64_t channel;
  std::int64_t i;
  std::int64_t j;
};

__device__ inline ConvElement element_of(const ConvShape& shape, std::int64_t k) {
  const std::int64_t size = shape.height.kernel * shape.width.kernel;
  const std::int64_t channel = k / size;
  const std::int64_t rest = k - channel * size;
  return {channel, rest / shape.width.kernel, rest % shape.width.kernel};
}

/// Outputs by positions of all samples: depth is channels and kernel.
template <typename T>
struct ConvForward {
  using Column = ConvPlace;
  __device__ static Column column(const ConvTask<T>& task, std::int64_t n) {
    return place_of(n, task.shape.height.output, task.shape.width.output);
  }
  __device__ static T a(const ConvTask<T>& task, std::int64_t group, std::int64_t m,
                        std::int64_t k) {
    return task.weight[(group * task.rows + m) * task.depth + k];
  }
  __device__ static T b(const ConvTask<T>& task, std::int64_t group, const Column& at,
                        std::int64_t k) {
    const ConvShape& shape = task.shape;
    const ConvElement e = element_of(shape, k);
    const std::int64_t plane =
        at.sample * shape.channels + group * (shape.channels / shape.groups) + e.channel;
    return image_element(
        task, plane,
        at.y * shape.height.stride + e.i * shape.height.dilation - shape.height.padding,
        at.x * shape.width.stride + e.j * shape.width.dilation - shape.width.padding);
  }
  __device__ static void store(const ConvTask<T>& task, std::int64_t group, std::int64_t m,
                               std::int64_t n, T value) {
    const Column at = column(task, n);
    const std::int64_t o = group * task.rows + m;
    if (task.bias != nullptr) value += task.bias[o];
    const ConvShape& shape = task.shape;
    task.output[((at.sample * shape.outputs + o) * shape.height.output + at.y) *
                    shape.width.output +
                at.x] = value;
  }
};

/// Channels by positions of the input: depth is outputs and kernel.
template <typename T>
struct ConvInputGradient {
  using Column = ConvPlace;
  __device__ static Column column(const ConvTask<T>& task, std::int64_t n) {
    return place_of(n, task.shape.height.input, task.shape.width.input);
  }
  __device__ static T a(const ConvTask<T>& task, std::int64_t group, std::int64_t m,
                        std::int64_t k) {
    const ConvShape& shape = task.shape;
    const std::int64_t size = shape.height.kernel * shape.width.kernel;
    const std::int64_t o = k / size;
    const std::int64_t outputs = shape.outputs / shape.groups;
    return task.weight[((group * outputs + o) * task.rows + m) * size + (k - o * size)];
  }
  __device__ static T b(const ConvTask<T>& task, std::int64_t group, const Column& at,
                        std::int64_t k) {
    const ConvShape& shape = task.shape;
    const ConvElement e = element_of(shape, k);
    const std::int64_t y = at.y + shape.height.padding - e.i * shape.height.dilation;
    const std::int64_t x = at.x + shape.width.padding - e.j * shape.width.dilation;
    if (y < 0 || x < 0 || y % shape.height.stride != 0 || x % shape.width.stride != 0) return T{0};
    const std::int64_t row = y / shape.height.stride;
    const std::int64_t col = x / shape.width.stride;
    if (row >= shape.height.output || col >= shape.width.output) return T{0};
    const std::int64_t plane =
        at.sample * shape.outputs + group * (shape.outputs / shape.groups) + e.channel;
    return task.output[(plane * shape.height.output + row) * shape.width.output + col];
  }
  __device__ static void store(const ConvTask<T>& task, std::int64_t group, std::int64_t m,
                               std::int64_t n, T value) {
    const Column at = column(task, n);
    const std::int64_t c = group * task.rows + m;
    if (task.bias != nullptr) value += task.bias[c];
    const ConvShape& shape = task.shape;
    task.input[((at.sample * shape.channels + c) * shape.height.input + at.y) * shape.width.input +
               at.x] = value;
  }
};

/// Outputs by channels and kernel: depth is positions of all samples.
template <typename T>
struct ConvWeightGradient {
  using Column = ConvElement;
  __device__ static Column column(const ConvTask<T>& task, std::int64_t n) {
    return element_of(task.shape, n);
  }
  __device__ static T a(const ConvTask<T>& task, std::int64_t group, std::int64_t m,
                        std::int64_t k) {
    const ConvShape& shape = task.shape;
    const std::int64_t positions = shape.height.output * shape.width.output;
    const std::int64_t sample = k / positions;
    return task.output[(sample * shape.outputs + group * task.rows + m) * positions +
                       (k - sample * positions)];
  }
  __device__ static T b(const ConvTask<T>& task, std::int64_t group, const Column& e,
                        std::int64_t k) {
    const ConvShape& shape = task.shape;
    const ConvPlace at = place_of(k, shape.height.output, shape.width.output);
    const std::int64_t plane =
        at.sample * shape.channels + group * (shape.channels / shape.groups) + e.channel;
    return image_element(
        task, plane,
        at.y * shape.height.stride + e.i * shape.height.dilation - shape.height.padding,
        at.x * shape.width.stride + e.j * shape.width.dilation - shape.width.padding);
  }
  __device__ static void store(const ConvTask<T>& task, std::int64_t group, std::int64_t m,
                               std::int64_t n, T value) {
    T& weight = task.weight[(group * task.rows + m) * task.cols + n];
    weight = task.accumulate ? weight + value : value;
  }
};

template <typename T>
struct ConvShared {
  T a[kConvDepth][kConvTile];
  T b[kConvDepth][kConvTile];
};

/// A block takes a tile of C, or a share of its depth.
template <typename Role, typename T>
__global__ void __launch_bounds__(kConvThreads) conv_tile_kernel(ConvTask<T> task) {
  auto& shared = *shared_memory<ConvShared<T>>();
  const std::int64_t row_tiles = (task.rows + kConvTile - 1) / kConvTile;
  const std::int64_t col_tiles = (task.cols + kConvTile - 1) / kConvTile;
  std::int64_t block = blockIdx.x;
  const std::int64_t share = block % task.shares;
  block /= task.shares;
  const std::int64_t m0 = block % row_tiles * kConvTile;
  block /= row_tiles;
  const std::int64_t n0 = block % col_tiles * kConvTile;
  const std::int64_t group = block / col_tiles;
  const auto thread = static_cast<int>(threadIdx.x);
  const int own = thread % kConvTile;
  const int first = thread / kConvTile;
  constexpr int kSteps = kConvThreads / kConvTile;
  const bool has_row = m0 + own < task.rows;
  const bool has_col = n0 + own < task.cols;
  const typename Role::Column column = Role::column(task, has_col ? n0 + own : 0);
  constexpr int kSide = kConvTile / kConvOwn;
  const int m = thread / kSide * kConvOwn;
  const int n = thread % kSide * kConvOwn;
  T sum[kConvOwn][kConvOwn] = {};
  const std::int64_t begin = share * task.share_depth;
  const std::int64_t end =
      begin + task.share_depth < task.depth ? begin + task.share_depth : task.depth;
  for (std::int64_t k0 = begin; k0 < end; k0 += kConvDepth) {
    for (int k = first; k < kConvDepth; k += kSteps) {
      const bool inside = k0 + k < end;
      shared.a[k][own] = inside && has_row ? Role::a(task, group, m0 + own, k0 + k) : T{0};
      shared.b[k][own] = inside && has_col ? Role::b(task, group, column, k0 + k) : T{0};
    }
    __syncthreads();
    for (int k = 0; k < kConvDepth; ++k) {
      T a[kConvOwn];
      T b[kConvOwn];
#pragma unroll
      for (int i = 0; i < kConvOwn; ++i) {
        a[i] = shared.a[k][m + i];
        b[i] = shared.b[k][n + i];
      }
#pragma unroll
      for (int i = 0; i < kConvOwn; ++i) {
#pragma unroll
        for (int j = 0; j < kConvOwn; ++j) sum[i][j] += a[i] * b[j];
      }
    }
    __syncthreads();
  }
  for (int i = 0; i < kConvOwn && m0 + m + i < task.rows; ++i) {
    for (int j = 0; j < kConvOwn && n0 + n + j < task.cols; ++j) {
      if (task.partial == nullptr) {
        Role::store(task, group, m0 + m + i, n0 + n + j, sum[i][j]);
      } else {
        const std::int64_t at = (share * task.shape.groups + group) * task.rows + m0 + m + i;
        task.partial[at * task.cols + n0 + n + j] = sum[i][j];
      }
    }
  }
}

/// What the shares have left, added up in their order.
template <typename Role, typename T>
__global__ void __launch_bounds__(kConvThreads) conv_finish_kernel(ConvTask<T> task) {
  const std::int64_t plane = task.rows * task.cols;
  const std::int64_t count = task.shape.groups * plane;
  for (std::int64_t i = grid_thread(); i < count; i += grid_threads()) {
    T sum{0};
    for (std::int64_t share = 0; share < task.shares; ++share) {
      sum += task.partial[share * count + i];
    }
    const std::int64_t group = i / plane;
    const std::int64_t rest = i - group * plane;
    Role::store(task, group, rest / task.cols, rest % task.cols, sum);
  }
}

/// Of few rows, such as depthwise convolutions have, a tile would be empty for the most part: a
/// thread takes an element.
template <typename Role, typename T>
__global__ void __launch_bounds__(kConvThreads) conv_element_kernel(ConvTask<T> task) {
  const std::int64_t plane = task.rows * task.cols;
  const std::int64_t count = task.shape.groups * plane;
  for (std::int64_t i = grid_thread(); i < count; i += grid_threads()) {
    const std::int64_t group = i / plane;
    const std::int64_t rest = i - group * plane;
    const std::int64_t m = rest / task.cols;
    const std::int64_t n = rest - m * task.cols;
    const typename Role::Column column = Role::column(task, n);
    T sum{0};
    for (std::int64_t k = 0; k < task.depth; ++k) {
      sum += Role::a(task, group, m, k) * Role::b(task, group, column, k);
    }
    Role::store(task, group, m, n, sum);
  }
}

/// The same for long sums: a block takes an element.
template <typename Role, typename T>
__global__ void __launch_bounds__(kConvThreads) conv_sum_kernel(ConvTask<T> task) {
  T* const scratch = shared_memory<T>();
  const std::int64_t plane = task.rows * task.cols;
  const std::int64_t count = task.shape.groups * plane;
  for (std::int64_t i = blockIdx.x; i < count; i += gridDim.x) {
    const std::int64_t group = i / plane;
    const std::int64_t rest = i - group * plane;
    const std::int64_t m = rest / task.cols;
    const std::int64_t n = rest - m * task.cols;
    const typename Role::Column column = Role::column(task, n);
    T sum{0};
    for (std::int64_t k = threadIdx.x; k < task.depth; k += kConvThreads) {
      sum += Role::a(task, group, m, k) * Role::b(task, group, column, k);
    }
    sum = block_sum<kConvThreads>(sum, scratch);
    if (threadIdx.x == 0) Role::store(task, group, m, n, sum);
  }
}

}  // namespace wick::cuda
