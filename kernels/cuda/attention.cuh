// SPDX-License-Identifier: MIT
// Attention without the matrix of scores in memory: a warp for each query, or for each key in the
// gradients by keys and values. Its lanes compute the scores of 32 keys at a time, and then share
// the columns of the result (Milakov and Gimelshein 2018; Dao et al. 2022).
#pragma once

#include "kernels/cuda/online_sum.cuh"
#include "kernels/cuda/reduce.cuh"
#include "wick/core/backend/attention.h"

namespace wick::cuda {

inline constexpr int kAttentionThreads = 128;
/// Columns of a result that a lane sums at a time; wider ones go over the keys again.
inline constexpr int kAttentionCols = 4;
inline constexpr std::int64_t kAttentionTile = std::int64_t{kAttentionCols} * kWarpSize;

/// Rows of a tensor (batches, heads, rows, columns).
template <typename T>
struct HeadRows {
  T* data;  // or null
  std::int64_t batch;
  std::int64_t head;
  std::int64_t row;
};

template <typename T>
struct AttentionTask {
  AttentionShape shape;
  HeadRows<const T> query;
  HeadRows<const T> key;
  HeadRows<const T> value;
  AttentionMask masks[2];
  bool causal;
  T scale;
  const unsigned char* kept;  // or null
  T kept_scale;
  // Of the forward pass, or received from it.
  HeadRows<T> output;
  T* log_sums;  // or null
  // Of the backward pass.
  HeadRows<const T> grad_output;
  T* deltas;
  HeadRows<T> grad_query;
  HeadRows<T> grad_key;
  HeadRows<T> grad_value;
};

/// One head of one sample.
template <typename T>
struct AttentionHead {
  const AttentionTask<T>& task;
  std::int64_t batch;
  std::int64_t head;

  template <typename U>
  __device__ U* row(const HeadRows<U>& rows, std::int64_t i) const {
    return rows.data + batch * rows.batch + head * rows.head + i * rows.row;
  }
  /// Where the numbers of a query stand: log_sums, deltas.
  __device__ std::int64_t place(std::int64_t query) const {
    return (batch * task.shape.heads + head) * task.shape.queries + query;
  }
  /// -inf where the query does not see the key.
  __device__ T score(std::int64_t i, std::int64_t j) const {
    const T* const q = row(task.query, i);
    const T* const k = row(task.key, j);
    T dot{0};
    for (std::int64_t e = 0; e < task.shape.head_size; ++e) dot += q[e] * k[e];
    T result = dot * task.scale;
    bool visible = !task.causal || j <= i;
    for (const AttentionMask& mask : task.masks) {
      if (mask.data == nullptr) continue;
      const std::int64_t at = batch * mask.batch + head * mask.head + i * mask.query + j * mask.key;
      if (mask.kind == MaskKind::added) {
        result += static_cast<const T*>(mask.data)[at];
      } else {
        const bool marked = static_cast<const unsigned char*>(mask.data)[at] != 0;
        visible = visible && marked == (mask.kind == MaskKind::shows);
      }
    }
    return visible ? result : static_cast<T>(-INFINITY);
  }
  /// What the probability is multiplied by.
  __device__ T keep(std::int64_t i, std::int64_t j) const {
    if (task.kept == nullptr) return T{1};
    return task.kept[place(i) * task.shape.keys + j] != 0 ? task.kept_scale : T{0};
  }
  __device__ T dot_value(std::int64_t i, std::int64_t j) const {
    const T* const g = row(task.grad_output, i);
    const T* const v = row(task.value, j);
    T dot{0};
    for (std::int64_t e = 0; e < task.shape.value_size; ++e) dot += g[e] * v[e];
    return dot;
  }
  __device__ std::int64_t keys_of(std::int64_t query) const {
    return task.causal && query + 1 < task.shape.keys ? query + 1 : task.shape.keys;
  }
};

template <typename T>
__device__ inline T probability(T score, T shift) {
  return score == static_cast<T>(-INFINITY) ? T{0} : exponential(score - shift);
}

/// acc[c] += sum over the warp's lanes of weight * row(lane)[column], for columns from `first` on.
template <typename T, typename Row>
__device__ inline void add_rows(T (&acc)[kAttentionCols], T weight, std::int64_t first,
                                std::int64_t cols, std::int64_t count, const Row& row) {
  const int lane = static_cast<int>(threadIdx.x) % kWarpSize;
  for (int k = 0; k < kWarpSize && k < count; ++k) {
    const T w = __shfl_sync(kAllLanes, weight, k);
    const T* const from = row(k);
    for (int c = 0; c < kAttentionCols; ++c) {
      const std::int64_t col = first + c * kWarpSize + lane;
      if (col < cols) acc[c] += w * from[col];
    }
  }
}
template <typename T>
__device__ inline void store_tile(T* to, const T (&acc)[kAttentionCols], T factor,
                                  std::int64_t first, std::int64_t cols) {
  const int lane = static_cast<int>(threadIdx.x) % kWarpSize;
  for (int c = 0; c < kAttentionCols; ++c) {
    const std::int64_t col = first + c * kWarpSize + lane;
    if (col < cols) to[col] = acc[c] * factor;
  }
}

/// Calls work(head, row) for `rows` of each head, a warp for each.
template <typename T, typename Work>
__device__ inline void for_head_rows(const AttentionTask<T>& task, std::int64_t rows,
                                     const Work& work) {
  const std::int64_t count = task.shape.batches * task.shape.heads * rows;
  for (std::int64_t at = grid_thread() / kWarpSize; at < count; at += grid_threads() / kWarpSize) {
    const std::int64_t unit = at / rows;
    const std::int64_t batch = unit / task.shape.heads;
    work(AttentionHead<T>{task, batch, unit - batch * task.shape.heads}, at - unit * rows);
  }
}

template <typename T>
__global__ void __launch_bounds__(kAttentionThreads) attention_kernel(AttentionTask<T> task) {
  const int lane = static_cast<int>(threadIdx.x) % kWarpSize;
  for_head_rows(task, task.shape.queries, [&](const AttentionHead<T>& head, std::int64_t i) {
    const std::int64_t keys = head.keys_of(i);
    for (std::int64_t first = 0; first < task.shape.value_size; first += kAttentionTile) {
      T largest = static_cast<T>(-INFINITY);
      T sum{0};
      T acc[kAttentionCols] = {};
      for (std::int64_t begin = 0; begin < keys; begin += kWarpSize) {
        const std::int64_t j = begin + lane;
        const T score = j < keys ? head.score(i, j) : static_cast<T>(-INFINITY);
        const T before = largest;
        const T here = warp_max(score);
        largest = here > largest ? here : largest;
        const T p = probability(score, largest);
        const T correction = probability(before, largest);
        sum = sum * correction + warp_sum(p);
        for (T& each : acc) each *= correction;
        add_rows(acc, j < keys ? p * head.keep(i, j) : T{0}, first, task.shape.value_size,
                 keys - begin, [&](int k) { return head.row(task.value, begin + k); });
      }
      store_tile(head.row(task.output, i), acc, sum == T{0} ? T{0} : T{1} / sum, first,
                 task.shape.value_size);
      if (first == 0 && lane == 0 && task.log_sums != nullptr) {
        task.log_sums[head.place(i)] =
            sum == T{0} ? static_cast<T>(-INFINITY) : largest + natural_log(sum);
      }
    }
  });
}

/// deltas = sums of grad_output * output.
template <typename T>
__global__ void __launch_bounds__(kAttentionThreads)
    attention_deltas_kernel(AttentionTask<T> task) {
  const int lane = static_cast<int>(threadIdx.x) % kWarpSize;
  for_head_rows(task, task.shape.queries, [&](const AttentionHead<T>& head, std::int64_t i) {
    const T* const g = head.row(task.grad_output, i);
    const T* const y = head.row(task.output, i);
    T delta{0};
    for (std::int64_t e = lane; e < task.shape.value_size; e += kWarpSize) delta += g[e] * y[e];
    delta = warp_sum(delta);
    if (lane == 0) task.deltas[head.place(i)] = delta;
  });
}

/// The gradient by the score of a query and a key, and the probability with its dropout.
template <typename T>
struct ScoreGradient {
  T score;
  T kept;
};
template <typename T>
__device__ inline ScoreGradient<T> score_gradient(const AttentionHead<T>& head, std::int64_t i,
                                                  std::int64_t j) {
  const AttentionTask<T>& task = head.task;
  const std::int64_t place = head.place(i);
  const T p = probability(head.score(i, j), task.log_sums[place]);
  const T keep = head.keep(i, j);
  return {p * (head.dot_value(i, j) * keep - task.deltas[place]) * task.scale, p * keep};
}

template <typename T>
__global__ void __launch_bounds__(kAttentionThreads)
    attention_query_grad_kernel(AttentionTask<T> task) {
  const int lane = static_cast<int>(threadIdx.x) % kWarpSize;
  for_head_rows(task, task.shape.queries, [&](const AttentionHead<T>& head, std::int64_t i) {
    const std::int64_t keys = head.keys_of(i);
    for (std::int64_t first = 0; first < task.shape.head_size; first += kAttentionTile) {
      T acc[kAttentionCols] = {};
      for (std::int64_t begin = 0; begin < keys; begin += kWarpSize) {
        const std::int64_t j = begin + lane;
        const T weight = j < keys ? score_gradient(head, i, j).score : T{0};
        add_rows(acc, weight, first, task.shape.head_size, keys - begin,
                 [&](int k) { return head.row(task.key, begin + k); });
      }
      store_tile(head.row(task.grad_query, i), acc, T{1}, first, task.shape.head_size);
    }
  });
}

/// Of keys and of values; either may be missing.
template <typename T>
__global__ void __launch_bounds__(kAttentionThreads)
    attention_key_grad_kernel(AttentionTask<T> task) {
  const int lane = static_cast<int>(threadIdx.x) % kWarpSize;
  const AttentionShape& shape = task.shape;
  const std::int64_t cols = shape.head_size > shape.value_size ? shape.head_size : shape.value_size;
  for_head_rows(task, shape.keys, [&](const AttentionHead<T>& head, std::int64_t j) {
    for (std::int64_t first = 0; first < cols; first += kAttentionTile) {
      T key_acc[kAttentionCols] = {};
      T value_acc[kAttentionCols] = {};
      for (std::int64_t begin = task.causal ? j : 0; begin < shape.queries; begin += kWarpSize) {
        const std::int64_t i = begin + lane;
        ScoreGradient<T> grad{T{0}, T{0}};
        if (i < shape.queries) grad = score_gradient(head, i, j);
        const std::int64_t count = shape.queries - begin;
        add_rows(key_acc, grad.score, first, shape.head_size, count,
                 [&](int k) { return head.row(task.query, begin + k); });
        add_rows(value_acc, grad.kept, first, shape.value_size, count,
                 [&](int k) { return head.row(task.grad_output, begin + k); });
      }
      if (task.grad_key.data != nullptr) {
        store_tile(head.row(task.grad_key, j), key_acc, T{1}, first, shape.head_size);
      }
      if (task.grad_value.data != nullptr) {
        store_tile(head.row(task.grad_value, j), value_acc, T{1}, first, shape.value_size);
      }
    }
  });
}

}  // namespace wick::cuda
