// SPDX-License-Identifier: MIT
// Softmax cross-entropy and its gradient in one pass over the logits; the formulas are those of
// kernels/cpu/simd/cross_entropy.h (torch.nn.functional.cross_entropy).
//
// Rows of few classes belong to a warp each, which keeps them in registers; longer rows to a block,
// which keeps them in shared memory where they fit. Each block adds its rows' losses in double, in
// row order, and the last block adds the blocks' sums up.
#pragma once

#include "kernels/cuda/error_flag.cuh"
#include "kernels/cuda/online_sum.cuh"
#include "kernels/cuda/pack.cuh"
#include "kernels/cuda/reduce.cuh"

namespace wick::cuda {

inline constexpr int kLossThreads = 128;
inline constexpr int kLossWarps = kLossThreads / kWarpSize;

/// What a mean divides by and, with class weights, their sum.
struct LossNorm {
  double divisor;
  double all_weights;
};

template <typename T>
struct CrossEntropyTask {
  const T* logits;
  std::int64_t stride;
  std::int64_t rows;
  std::int64_t classes;
  const std::int64_t* targets;
  const T* class_weights;  // or null
  T smooth;                // label_smoothing / classes
  T hard;                  // 1 - label_smoothing
  std::int64_t ignore_index;
  bool mean;
  bool vectors;  // rows of logits and grad are aligned to 16 bytes
  T* loss;
  double* loss_total;  // or null
  T* losses;           // of each row, or null
  T* grad;             // or null
  std::int64_t grad_stride;
  const LossNorm* norm;  // null: each block counts the targets itself
  double* partial;       // one per block; and, of the smoothed part, as many again
  unsigned* ticket;
  ErrorFlag* error;
};

/// The two parts of a loss: of the targets, and of the label smoothing.
template <typename T>
struct LossParts {
  T hard;
  T smooth;
};

struct LossShared {
  LossParts<double> sums[kLossWarps];
  double scratch[kLossWarps];
  int is_last;
};

template <typename T>
__device__ inline bool is_class(const CrossEntropyTask<T>& task, std::int64_t target) {
  return target >= 0 && target < task.classes;
}

/// This thread's share of the divisor, over the targets first, first + step, ...
template <typename T>
__device__ inline double sum_target_weights(const CrossEntropyTask<T>& task, std::int64_t first,
                                            std::int64_t step) {
  double sum = 0.0;
  for (std::int64_t r = first; r < task.rows; r += step) {
    const std::int64_t target = task.targets[r];
    if (target == task.ignore_index || !is_class(task, target)) continue;
    sum += task.class_weights == nullptr ? 1.0 : static_cast<double>(task.class_weights[target]);
  }
  return sum;
}

/// Works out `norm` for all blocks of the kernel after it; `partial` has a double per block.
template <typename T>
__global__ void __launch_bounds__(kLossThreads)
    loss_norm_kernel(CrossEntropyTask<T> task, LossNorm* norm) {
  auto& shared = *shared_memory<LossShared>();
  const double mine = sum_target_weights(task, grid_thread(), grid_threads());
  const double block = block_sum<kLossThreads>(mine, shared.scratch);
  if (threadIdx.x == 0) task.partial[blockIdx.x] = block;
  if (!last_block(task.ticket, gridDim.x, &shared.is_last)) return;
  double sum = 0.0;
  for (unsigned b = threadIdx.x; b < gridDim.x; b += kLossThreads) sum += __ldcg(task.partial + b);
  const double divisor = block_sum<kLossThreads>(sum, shared.scratch);
  double weights = 0.0;
  for (std::int64_t c = threadIdx.x; c < task.classes; c += kLossThreads) {
    weights += task.class_weights == nullptr ? 1.0 : static_cast<double>(task.class_weights[c]);
  }
  const double all_weights = block_sum<kLossThreads>(weights, shared.scratch);
  if (threadIdx.x == 0) *norm = {task.mean ? divisor : 1.0, all_weights};
}

/// The same for a block by itself, without class weights.
template <typename T>
__device__ inline LossNorm find_norm(const CrossEntropyTask<T>& task, double* scratch) {
  if (task.norm != nullptr) return *task.norm;
  const auto all_weights = static_cast<double>(task.classes);
  if (!task.mean) return {1.0, all_weights};
  const double mine = sum_target_weights(task, threadIdx.x, kLossThreads);
  return {block_sum<kLossThreads>(mine, scratch), all_weights};
}

template <typename T>
__device__ inline T not_a_number() {
  return static_cast<T>(nanf(""));
}

/// What the gradient of a row is made of, once its softmax is known.
template <typename T>
struct RowGradient {
  T factor;  // of exp(x - maximum)
  T target;  // what is taken off at the target
  T smooth;  // what is taken off everywhere, times the class weight
};

template <typename T>
__device__ inline T class_weight(const CrossEntropyTask<T>& task, std::int64_t c) {
  return task.class_weights == nullptr ? T{1} : task.class_weights[c];
}

template <typename T>
__device__ inline RowGradient<T> row_gradient(const CrossEntropyTask<T>& task, LossNorm norm,
                                              std::int64_t target, T sum) {
  // PyTorch's infinite gradients of both parts and all classes meet in the softmax's.
  const bool undefined = norm.divisor == 0.0 && task.smooth != T{0};
  const T scale = undefined ? not_a_number<T>() : static_cast<T>(1.0 / norm.divisor);
  const T weight = class_weight(task, target);
  return {scale * (task.hard * weight + task.smooth * static_cast<T>(norm.all_weights)) / sum,
          scale * task.hard * weight, scale * task.smooth};
}

template <typename T>
__device__ inline T gradient(const CrossEntropyTask<T>& task, const RowGradient<T>& row,
                             std::int64_t c, std::int64_t target, T exponential) {
  T value = exponential * row.factor;
  if (c == target) value -= row.target;
  if (task.smooth != T{0}) value -= row.smooth * class_weight(task, c);
  return value;
}

/// The sum over all blocks, for the last block's threads.
__device__ inline double sum_of_blocks(const double* partial, double* scratch) {
  double sum = 0.0;
  for (unsigned b = threadIdx.x; b < gridDim.x; b += kLossThreads) sum += __ldcg(partial + b);
  return block_sum<kLossThreads>(sum, scratch);
}

/// The end of both kernels: `mine` is the loss of this warp's rows (lane 0 counts), or of this
/// block's rows in warp 0.
template <typename T>
__device__ inline void finish_loss(const CrossEntropyTask<T>& task, LossNorm norm,
                                   LossParts<double> mine, LossShared& shared) {
  if (threadIdx.x % kWarpSize == 0) shared.sums[threadIdx.x / kWarpSize] = mine;
  __syncthreads();
  if (threadIdx.x == 0) {
    LossParts<double> block = shared.sums[0];
    for (int warp = 1; warp < kLossWarps; ++warp) {
      block.hard += shared.sums[warp].hard;
      block.smooth += shared.sums[warp].smooth;
    }
    task.partial[blockIdx.x] = block.hard;
    task.partial[gridDim.x + blockIdx.x] = block.smooth;
  }
  if (!last_block(task.ticket, gridDim.x, &shared.is_last)) return;
  // Each part is divided by itself: where the divisor is zero, PyTorch's parts are.
  double loss = sum_of_blocks(task.partial, shared.scratch) / norm.divisor;
  if (task.smooth != T{0}) {
    loss += sum_of_blocks(task.partial + gridDim.x, shared.scratch) / norm.divisor;
  }
  if (threadIdx.x == 0) {
    *task.loss = static_cast<T>(loss);
    if (task.loss_total != nullptr) *task.loss_total += loss;
  }
}

/// A warp per row of up to 32 * PerLane classes. A lane's element j is that of column_of(j).
template <int PerLane, typename T>
struct WarpRow {
  static constexpr int N = kPackSize<T>;
  T values[PerLane];

  // 32 bits are enough for a column here, and cheaper.
  __device__ static int column_of(int j) {
    const int lane = static_cast<int>(threadIdx.x) % kWarpSize;
    return (j / N * kWarpSize + lane) * N + j % N;
  }
  __device__ static int lane_of(std::int64_t column) {
    return static_cast<int>(column / N % kWarpSize);
  }
  __device__ void load(const T* row, int classes, bool vectors, T otherwise) {
#pragma unroll
    for (int j = 0; j < PerLane; j += N) {
      const int c = column_of(j);
      if (vectors && c + N <= classes) {
        const Pack<T, N> pack = load_pack<N>(row + c);
        for (int k = 0; k < N; ++k) values[j + k] = pack[k];
      } else {
        for (int k = 0; k < N; ++k) values[j + k] = c + k < classes ? row[c + k] : otherwise;
      }
    }
  }
  __device__ void store(T* row, int classes, bool vectors) const {
#pragma unroll
    for (int j = 0; j < PerLane; j += N) {
      const int c = column_of(j);
      if (vectors && c + N <= classes) {
        Pack<T, N> pack;
        for (int k = 0; k < N; ++k) pack[k] = values[j + k];
        store_pack<N>(row + c, pack);
      } else {
        for (int k = 0; k < N && c + k < classes; ++k) row[c + k] = values[j + k];
      }
    }
  }
};

/// The loss of one row; its gradient is written.
template <int PerLane, typename T>
__device__ inline LossParts<T> warp_row_loss(const CrossEntropyTask<T>& task, LossNorm norm,
                                             std::int64_t r) {
  using Row = WarpRow<PerLane, T>;
  const std::int64_t target = task.targets[r];
  T* const grad = task.grad == nullptr ? nullptr : task.grad + r * task.grad_stride;
  Row row;
  const auto classes = static_cast<int>(task.classes);
  const bool bad = !is_class(task, target);
  if (target == task.ignore_index || bad) {
    if (grad != nullptr) {
      for (int j = 0; j < PerLane; ++j) row.values[j] = T{0};
      row.store(grad, classes, task.vectors);
    }
    if (target == task.ignore_index) return {T{0}, T{0}};
    if (threadIdx.x % kWarpSize == 0) {
      report_out_of_range(task.error, CheckedOperation::cross_entropy, r, target, task.classes);
    }
    return {not_a_number<T>(), T{0}};
  }
  const T* const x = task.logits + r * task.stride;
  const T lowest = static_cast<T>(-INFINITY);
  row.load(x, classes, task.vectors, lowest);
  T maximum = row.values[0];
  for (int j = 1; j < PerLane; ++j) {
    maximum = row.values[j] > maximum ? row.values[j] : maximum;
  }
  maximum = warp_max(maximum);
  const T weight = class_weight(task, target);
  T smooth_sum{0};
  if (task.smooth != T{0}) {
    // Before the logits make room for their exponentials.
    for (int j = 0; j < PerLane; ++j) {
      const int c = Row::column_of(j);
      if (c < classes) smooth_sum += class_weight(task, c) * (maximum - row.values[j]);
    }
    smooth_sum = warp_sum(smooth_sum);
  }
  // What fills the row up is exp(-inf) = 0.
  T sum{0};
  for (int j = 0; j < PerLane; ++j) {
    row.values[j] = exponential(row.values[j] - maximum);
    sum += row.values[j];
  }
  sum = warp_sum(sum);
  const T log_sum = natural_log(sum);  // above the maximum
  const T at_target = x[target] - maximum;
  const LossParts<T> loss{task.hard * weight * (log_sum - at_target),
                          task.smooth * (smooth_sum + static_cast<T>(norm.all_weights) * log_sum)};
  if (grad != nullptr) {
    const RowGradient<T> parts = row_gradient(task, norm, target, sum);
    for (int j = 0; j < PerLane; ++j) row.values[j] *= parts.factor;
    if (task.smooth != T{0}) {
      for (int j = 0; j < PerLane; ++j) {
        const int c = Row::column_of(j);
        if (c < classes) row.values[j] -= parts.smooth * class_weight(task, c);
      }
    }
    row.store(grad, classes, task.vectors);
    // The lane that has stored the target's gradient stores it once more; a comparison per element
    // would cost all lanes more.
    if (Row::lane_of(target) == static_cast<int>(threadIdx.x) % kWarpSize) {
      grad[target] = gradient(task, parts, target, target, exponential(at_target));
    }
  }
  return loss;
}

template <int PerLane, typename T>
__global__ void __launch_bounds__(kLossThreads)
    cross_entropy_warp_kernel(CrossEntropyTask<T> task) {
  auto& shared = *shared_memory<LossShared>();
  const LossNorm norm = find_norm(task, shared.scratch);
  LossParts<double> mine{0.0, 0.0};
  const std::int64_t warps = grid_threads() / kWarpSize;
  for (std::int64_t r = grid_thread() / kWarpSize; r < task.rows; r += warps) {
    const LossParts<T> loss = warp_row_loss<PerLane>(task, norm, r);
    if (task.losses != nullptr && threadIdx.x % kWarpSize == 0) {
      task.losses[r] = loss.hard + loss.smooth;
    }
    mine.hard += static_cast<double>(loss.hard);
    mine.smooth += static_cast<double>(loss.smooth);
  }
  finish_loss(task, norm, mine, shared);
}

template <typename T>
struct BlockRowShared {
  LossShared loss;
  T sums[kLossWarps];
  T maxima[kLossWarps];
};

/// Where the cached row lies behind BlockRowShared.
template <typename T>
inline constexpr std::size_t kRowCacheOffset = (sizeof(BlockRowShared<T>) + 15) / 16 * 16;

/// A block per row. `cached`: shared memory has room for a row of logits behind BlockRowShared.
template <typename T>
__global__ void __launch_bounds__(kLossThreads)
    cross_entropy_block_kernel(CrossEntropyTask<T> task, bool cached) {
  auto& shared = *shared_memory<BlockRowShared<T>>();
  T* const cache = reinterpret_cast<T*>(shared_memory<unsigned char>() + kRowCacheOffset<T>);
  const LossNorm norm = find_norm(task, shared.loss.scratch);
  const int lane = static_cast<int>(threadIdx.x) % kWarpSize;
  LossParts<double> mine{0.0, 0.0};
  for (std::int64_t r = blockIdx.x; r < task.rows; r += gridDim.x) {
    const T* const x = task.logits + r * task.stride;
    T* const grad = task.grad == nullptr ? nullptr : task.grad + r * task.grad_stride;
    const std::int64_t target = task.targets[r];
    const bool bad = !is_class(task, target);
    if (target == task.ignore_index || bad) {  // the same for the whole block
      for (std::int64_t c = threadIdx.x; grad != nullptr && c < task.classes; c += kLossThreads) {
        grad[c] = T{0};
      }
      if (target != task.ignore_index && threadIdx.x == 0) {
        report_out_of_range(task.error, CheckedOperation::cross_entropy, r, target, task.classes);
        mine.hard = static_cast<double>(not_a_number<T>());
      }
      if (task.losses != nullptr && threadIdx.x == 0) {
        task.losses[r] = target == task.ignore_index ? T{0} : not_a_number<T>();
      }
      continue;
    }
    OnlineSum<T> online;
    for (std::int64_t c = threadIdx.x; c < task.classes; c += kLossThreads) {
      const T value = x[c];
      if (cached) cache[c] = value;  // only this thread reads it
      online.add(value);
    }
    const T warp_maximum = warp_max(online.maximum);
    if (lane == 0) shared.maxima[threadIdx.x / kWarpSize] = warp_maximum;
    __syncthreads();
    T maximum = shared.maxima[0];
    for (int w = 1; w < kLossWarps; ++w) {
      maximum = shared.maxima[w] > maximum ? shared.maxima[w] : maximum;
    }
    T sum = online.sum * exponential(online.maximum - maximum);
    sum = block_sum<kLossThreads>(sum, shared.sums);
    const T log_sum = natural_log(sum);
    const T hard_loss = task.hard * class_weight(task, target) * (log_sum + maximum - x[target]);
    if (threadIdx.x == 0) {
      mine.hard += static_cast<double>(hard_loss);
      if (task.losses != nullptr) task.losses[r] = hard_loss;
    }
    if (task.smooth != T{0}) {
      T smooth_sum{0};
      for (std::int64_t c = threadIdx.x; c < task.classes; c += kLossThreads) {
        smooth_sum += class_weight(task, c) * (maximum - (cached ? cache[c] : x[c]));
      }
      smooth_sum = block_sum<kLossThreads>(smooth_sum, shared.sums);
      const T smooth_loss = task.smooth * (smooth_sum + static_cast<T>(norm.all_weights) * log_sum);
      if (threadIdx.x == 0) {
        mine.smooth += static_cast<double>(smooth_loss);
        if (task.losses != nullptr) task.losses[r] += smooth_loss;
      }
    }
    if (grad == nullptr) continue;
    const RowGradient<T> parts = row_gradient(task, norm, target, sum);
    for (std::int64_t c = threadIdx.x; c < task.classes; c += kLossThreads) {
      const T value = exponential((cached ? cache[c] : x[c]) - maximum);
      grad[c] = gradient(task, parts, c, target, value);
    }
  }
  finish_loss(task, norm, mine, shared.loss);
}

}  // namespace wick::cuda
