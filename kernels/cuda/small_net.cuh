// SPDX-License-Identifier: MIT
// The kernel behind small_net.h. With B blocks, block b owns the inputs [b K, (b + 1) K): that
// share of each image and of weight1 with its optimizer state lies in its shared memory. A step:
//   1. hidden sums of the own share, written to `partial`; all blocks meet;
//   2. every block adds up the shares in block order, and from there on does by itself what is
//      small: logits, softmax, loss, gradients and updates of bias1, weight2 and bias2;
//   3. gradient and update of the own share of weight1.
// `partial` has two halves that steps take in turn, so that one meeting per step is enough. The
// next step's images are loaded while the present one is worked on.
#pragma once

#include <cooperative_groups.h>

#include "kernels/cuda/small_net_layers.cuh"

namespace wick::cuda {

/// All blocks wait for each other; what they wrote before is seen by all.
template <bool Cluster>
__device__ inline void meet() {
  if constexpr (Cluster) {
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900
    cooperative_groups::this_cluster().sync();
#else
    __trap();  // never launched: only devices of 9.0 and later have clusters
#endif
  } else {
    cooperative_groups::this_grid().sync();
  }
}

template <bool Cluster>
__global__ void __launch_bounds__(kNetThreads, 1)
    small_net_kernel(const __grid_constant__ SmallNetTask task) {
  if (task.args.steps <= 0) return;  // all blocks: see small_net_device()
  SmallNetBlock block(task);
  const int batch = static_cast<int>(task.args.batch);
  block.load_parameters();
  for (int r = static_cast<int>(threadIdx.x); r < batch; r += kNetThreads) {
    block.images_of(0)[r] = block.load_index(0, r);
    block.images_of(1)[r] = block.load_index(1, r);
    block.labels_of(0)[r] = block.load_label(block.images_of(0)[r]);
  }
  __syncthreads();
  block.store_inputs(0, block.load_ahead(0));
  double losses = 0.0;
  for (std::int64_t step = 0; step < task.args.steps; ++step) {
    __syncthreads();
    // On their way while this step is worked on: its scalars, the next one's pixels and labels, and
    // the indices of the one after.
    const StepScalars scalars = task.args.scalars[step];
    const SmallNetBlock::Ahead ahead = block.load_ahead(step + 1);
    const auto own = static_cast<int>(threadIdx.x);
    const bool owner = own < batch;  // small_net_fits: a batch has no more rows than threads
    const std::int64_t index = owner ? block.load_index(step + 2, own) : 0;
    const bool more = step + 1 < task.args.steps;
    const std::int64_t label = owner && more ? block.load_label(block.images_of(step + 1)[own]) : 0;

    block.report_images(step);
    block.hidden_sums(step);
    meet<Cluster>();
    block.hidden_layer(step);
    block.output_layer(step);
    if (blockIdx.x == 0 && threadIdx.x < kWarpSize) losses += block.mean_loss(step);
    block.hidden_gradient();
    block.update(step, scalars, !more);
    if (!more) break;
    block.store_inputs(step + 1, ahead);
    if (owner) {  // takes the place of this step's images, which nobody needs since output_layer
      block.images_of(step + 2)[own] = index;
      block.labels_of(step + 1)[own] = label;
    }
  }
  __syncthreads();
  block.store_parameters();
  if (blockIdx.x == 0 && threadIdx.x == 0 && task.args.loss_total != nullptr) {
    *task.args.loss_total += losses;
  }
}

}  // namespace wick::cuda
