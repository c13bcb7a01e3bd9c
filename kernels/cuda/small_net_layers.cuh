// SPDX-License-Identifier: MIT
// The parts of a step of the small network: forward, loss, backward, update.
#pragma once

#include "kernels/cuda/small_net_block.cuh"

namespace wick::cuda {

__device__ inline void SmallNetBlock::hidden_sums(std::int64_t step) const {
  const float* const inputs = inputs_of(step);
  const float* const weights = memory_ + at_.weight1;
  float* const partial = partial_of(step, blockIdx.x);
  // Two rows by two hidden units per thread and round.
  const int hidden_pairs = (hidden_ + 1) / 2;
  const int pairs = (batch_ + 1) / 2 * hidden_pairs;
  for (int i = static_cast<int>(threadIdx.x); i < pairs; i += kNetThreads) {
    const int r = i / hidden_pairs * 2;
    const int j = i % hidden_pairs * 2;
    const int next_r = r + 1 < batch_ ? 1 : 0;
    const int next_j = j + 1 < hidden_ ? 1 : 0;
    const float* const x0 = inputs + r * at_.share_stride;
    const float* const x1 = x0 + next_r * at_.share_stride;
    const float* const w0 = weights + j * at_.share_stride;
    const float* const w1 = w0 + next_j * at_.share_stride;
    float sums[2][2] = {};
#pragma unroll 4
    for (int k = 0; k < share_; ++k) {
      sums[0][0] += x0[k] * w0[k];
      sums[0][1] += x0[k] * w1[k];
      sums[1][0] += x1[k] * w0[k];
      sums[1][1] += x1[k] * w1[k];
    }
    for (int dr = 0; dr <= next_r; ++dr) {
      for (int dj = 0; dj <= next_j; ++dj) {
        partial[(r + dr) * hidden_ + j + dj] = sums[dr][dj];
      }
    }
  }
}

__device__ inline void SmallNetBlock::hidden_layer(std::int64_t step) const {
  for (int i = static_cast<int>(threadIdx.x); i < batch_ * hidden_; i += kNetThreads) {
    float sum = 0.0F;
#pragma unroll 4
    for (unsigned block = 0; block < gridDim.x; ++block) sum += __ldcg(partial_of(step, block) + i);
    sum += memory_[at_.bias1 + i % hidden_];
    memory_[at_.h + i / hidden_ * at_.hidden_stride + i % hidden_] = sum < 0.0F ? 0.0F : sum;
  }
  __syncthreads();
}

__device__ inline void SmallNetBlock::output_layer(std::int64_t step) const {
  const float scale = 1.0F / static_cast<float>(count_rows(step));
  // What is wanted of a class: its share of the smoothing, and of the target the rest besides.
  const auto smoothing = static_cast<float>(task_.args.label_smoothing);
  const float target_share = 1.0F - smoothing;
  const float class_share = smoothing / static_cast<float>(outputs_);
  const int member = static_cast<int>(threadIdx.x) % kRowThreads;
  constexpr int kRowsAtOnce = kNetThreads / kRowThreads;
  for (int first = 0; first < batch_; first += kRowsAtOnce) {  // the same for all threads
    const int own = first + static_cast<int>(threadIdx.x) / kRowThreads;
    const int r = own < batch_ ? own : batch_ - 1;
    const float* const h = memory_ + at_.h + r * at_.hidden_stride;
    const std::int64_t label = labels_of(step)[r];
    float logits[kLogitsPerThread];
    float maximum = -INFINITY;
    float target = 0.0F;
    float all = 0.0F;  // the sum of the logits
#pragma unroll
    for (int q = 0; q < kLogitsPerThread; ++q) {
      const int o = member + q * kRowThreads;
      logits[q] = -INFINITY;
      if (o >= outputs_) continue;
      float sum = memory_[at_.bias2 + o];
      const float* const w = memory_ + at_.weight2 + o * at_.hidden_stride;
      for (int j = 0; j < hidden_; ++j) sum += h[j] * w[j];
      logits[q] = sum;
      if (sum > maximum || sum != sum) maximum = sum;
      if (o == label) target = sum;
      all += sum;
    }
    for (int offset = kRowThreads / 2; offset > 0; offset /= 2) {
      const float other = __shfl_xor_sync(kAllLanes, maximum, offset);
      maximum = other > maximum ? other : maximum;
    }
    float total = 0.0F;
#pragma unroll
    for (int q = 0; q < kLogitsPerThread; ++q) {
      const int o = member + q * kRowThreads;
      logits[q] = o < outputs_ ? expf(logits[q] - maximum) : 0.0F;
      total += logits[q];
    }
    for (int offset = kRowThreads / 2; offset > 0; offset /= 2) {
      total += __shfl_xor_sync(kAllLanes, total, offset);
      target += __shfl_xor_sync(kAllLanes, target, offset);
      all += __shfl_xor_sync(kAllLanes, all, offset);
    }
    if (own >= batch_) continue;
    const bool valid = counts(label);
    const float factor = valid ? scale / total : 0.0F;
    float* const dlogits = memory_ + at_.dlogits + r * at_.logit_stride;
#pragma unroll
    for (int q = 0; q < kLogitsPerThread; ++q) {
      const int o = member + q * kRowThreads;
      if (o < outputs_) {
        const float wanted = (o == label ? target_share : 0.0F) + class_share;
        dlogits[o] = valid ? logits[q] * factor - wanted * scale : 0.0F;
      }
    }
    if (member != 0) continue;
    const bool ignored = label == task_.args.ignore_index;
    const float wanted = smoothing > 0.0F ? target_share * target + class_share * all : target;
    memory_[at_.losses + r] = valid ? logf(total) + maximum - wanted : ignored ? 0.0F : nanf("");
    if (!valid && !ignored && blockIdx.x == 0 && is_image(images_of(step)[r])) {
      report_out_of_range(task_.error, CheckedOperation::cross_entropy, step * batch_ + r, label,
                          outputs_);
    }
  }
  __syncthreads();
}

__device__ inline double SmallNetBlock::mean_loss(std::int64_t step) const {
  double sum = 0.0;
  for (int r = static_cast<int>(threadIdx.x) % kWarpSize; r < batch_; r += kWarpSize) {
    sum += static_cast<double>(memory_[at_.losses + r]);
  }
  return warp_sum(sum) / count_rows(step);
}

__device__ inline void SmallNetBlock::hidden_gradient() const {
  for (int i = static_cast<int>(threadIdx.x); i < batch_ * at_.dh_stride; i += kNetThreads) {
    const int r = i / at_.dh_stride;
    const int j = i % at_.dh_stride;
    float sum = 0.0F;
    if (j < hidden_ && !(memory_[at_.h + r * at_.hidden_stride + j] <= 0.0F)) {  // NaN passes
      for (int o = 0; o < outputs_; ++o) {
        sum += memory_[at_.dlogits + r * at_.logit_stride + o] *
               memory_[at_.weight2 + o * at_.hidden_stride + j];
      }
    }
    memory_[at_.dh + i] = sum;  // zero in the columns that fill up a pack
  }
  __syncthreads();
}

__device__ inline void SmallNetBlock::update(std::int64_t step, const StepScalars& scalars,
                                             bool last) const {
  const bool leaves = last && blockIdx.x == 0;  // the gradients that all blocks have
  const float* const dlogits = memory_ + at_.dlogits;
  const float* const dh = memory_ + at_.dh;
  for (int i = static_cast<int>(threadIdx.x); i < outputs_ * (hidden_ + 1); i += kNetThreads) {
    const int o = i / (hidden_ + 1);
    const int j = i % (hidden_ + 1);  // the last one is the bias
    float grad = 0.0F;
    for (int r = 0; r < batch_; ++r) {
      const float input = j < hidden_ ? memory_[at_.h + r * at_.hidden_stride + j] : 1.0F;
      grad += dlogits[r * at_.logit_stride + o] * input;
    }
    if (j < hidden_) {
      update_element(memory_ + at_.weight2 + o * at_.hidden_stride + j, at_.weight2_size, grad,
                     scalars);
      if (leaves) leave(task_.args.weight2, o * hidden_ + j, grad);
    } else {
      update_element(memory_ + at_.bias2 + o, at_.bias2_size, grad, scalars);
      if (leaves) leave(task_.args.bias2, o, grad);
    }
  }
  for (int j = static_cast<int>(threadIdx.x); j < hidden_; j += kNetThreads) {
    float grad = 0.0F;
    for (int r = 0; r < batch_; ++r) grad += dh[r * at_.dh_stride + j];
    update_element(memory_ + at_.bias1 + j, at_.bias1_size, grad, scalars);
    if (leaves) leave(task_.args.bias1, j, grad);
  }
  // Four hidden units of one input per thread and round.
  const float* const inputs = inputs_of(step);
  const int packs = at_.dh_stride / 4;
  for (int i = static_cast<int>(threadIdx.x); i < packs * share_; i += kNetThreads) {
    const int j = i / share_ * 4;
    const int k = i % share_;
    float grads[4] = {};
#pragma unroll 4
    for (int r = 0; r < batch_; ++r) {
      const Pack<float, 4> d = load_pack<4>(dh + r * at_.dh_stride + j);
      const float x = inputs[r * at_.share_stride + k];
      for (int q = 0; q < 4; ++q) grads[q] += d[q] * x;
    }
#pragma unroll
    for (int q = 0; q < 4; ++q) {
      if (j + q >= hidden_) continue;
      update_element(memory_ + at_.weight1 + (j + q) * at_.share_stride + k, at_.weight1_size,
                     grads[q], scalars);
      if (last) leave(task_.args.weight1, (j + q) * task_.args.inputs + first_input_ + k, grads[q]);
    }
  }
}

}  // namespace wick::cuda
