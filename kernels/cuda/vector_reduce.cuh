// SPDX-License-Identifier: MIT
// Reductions of a vector to one number, and scaling by a norm.
#pragma once

#include <bit>

#include "kernels/cuda/reduce.cuh"
#include "kernels/formulas/vector_reduce.h"

namespace wick::cuda {

inline constexpr int kReduceThreads = 256;

template <typename T>
struct VectorReduceTask {
  const T* a;
  const T* b;  // of dot; else a
  std::int64_t count;
  double power;
  double* out;
  bool accumulate;
  double* partial;  // of each block
  unsigned* ticket;
};

struct ReduceShared {
  double scratch[kReduceThreads / kWarpSize];
  std::int64_t bits[kReduceThreads / kWarpSize];
  int is_last;
};

/// The results of all threads together, for every thread.
template <VectorReduceOp Op>
__device__ inline double reduce_block(double value, ReduceShared& shared) {
  if constexpr (Op == VectorReduceOp::abs_max) {
    // The bits of numbers that are not negative are in their order, and NaN's behind infinity's.
    return std::bit_cast<double>(
        block_max<kReduceThreads>(std::bit_cast<std::int64_t>(::fabs(value)), shared.bits));
  } else {
    return block_sum<kReduceThreads>(value, shared.scratch);
  }
}

template <VectorReduceOp Op, typename T>
__global__ void __launch_bounds__(kReduceThreads) reduce_kernel(VectorReduceTask<T> task) {
  auto& shared = *shared_memory<ReduceShared>();
  double mine = 0.0;
  for (std::int64_t i = grid_thread(); i < task.count; i += grid_threads()) {
    mine = formulas::reduce_both<Op>(
        mine, formulas::reduce_term<Op>(static_cast<double>(task.a[i]),
                                        static_cast<double>(task.b[i]), task.power));
  }
  const double block = reduce_block<Op>(mine, shared);
  if (threadIdx.x == 0) task.partial[blockIdx.x] = block;
  if (!last_block(task.ticket, gridDim.x, &shared.is_last)) return;
  double all = 0.0;
  for (unsigned b = threadIdx.x; b < gridDim.x; b += kReduceThreads) {
    all = formulas::reduce_both<Op>(all, __ldcg(task.partial + b));
  }
  all = reduce_block<Op>(all, shared);
  if (threadIdx.x != 0) return;
  *task.out = task.accumulate ? formulas::reduce_both<Op>(*task.out, all) : all;
}

/// `N` is the dtype of the norm.
template <typename T, typename N>
__global__ void __launch_bounds__(kReduceThreads) scale_by_norm_kernel(ScaleByNormArgs args) {
  const N norm = formulas::norm_from<N>(args, *args.reduced);
  if (grid_thread() == 0 && args.norm != nullptr) *static_cast<N*>(args.norm) = norm;
  const T factor = static_cast<T>(formulas::scale_from<N>(args, norm));
  if (factor == T{1}) return;
  auto* const data = static_cast<T*>(args.data);
  for (std::int64_t i = grid_thread(); i < args.count; i += grid_threads()) data[i] *= factor;
}

}  // namespace wick::cuda
