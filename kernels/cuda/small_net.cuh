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

#include "kernels/cuda/error_flag.cuh"
#include "kernels/cuda/reduce.cuh"
#include "kernels/cuda/small_net.h"
#include "kernels/cuda/update.cuh"

namespace wick::cuda {

inline constexpr int kNetThreads = 256;
inline constexpr int kRowThreads = 8;  // that share a row of logits
inline constexpr int kMostOutputs = 32;
inline constexpr int kLogitsPerThread = kMostOutputs / kRowThreads;
inline constexpr int kImagesAhead = 8;  // pixels that a thread loads ahead

/// Where things lie in a block's shared memory, in floats. Odd strides keep threads that walk down
/// a column in different banks.
struct SmallNetLayout {
  int share;          // inputs per block
  int share_stride;   // of weight1 and of the images
  int hidden_stride;  // of h and weight2
  int dh_stride;      // a multiple of 4: read as packs
  int logit_stride;
  int dh, weight1, image, h, weight2, dlogits, bias1, bias2, losses, rows, floats;
  // Each parameter is followed by its two optimizer states, `*_size` floats apart.
  int weight1_size, weight2_size, bias1_size, bias2_size, image_size;
};

__host__ __device__ inline SmallNetLayout small_net_layout(int batch, int share, int hidden,
                                                           int outputs) {
  SmallNetLayout at{};
  at.share = share;
  at.share_stride = share | 1;
  at.hidden_stride = hidden | 1;
  at.dh_stride = (hidden + 3) / 4 * 4;
  at.logit_stride = outputs | 1;
  at.weight1_size = hidden * at.share_stride;
  at.weight2_size = outputs * at.hidden_stride;
  at.bias1_size = hidden;
  at.bias2_size = outputs;
  at.image_size = batch * at.share_stride;
  int next = 0;
  const auto take = [&next](int floats) {
    const int here = next;
    next += floats;
    return here;
  };
  at.dh = take(batch * at.dh_stride);  // first, for its alignment
  at.rows = take(8 * batch);           // two steps' images and labels, 64 bits each
  at.weight1 = take(3 * at.weight1_size);
  at.image = take(2 * at.image_size);
  at.h = take(batch * at.hidden_stride);
  at.weight2 = take(3 * at.weight2_size);
  at.dlogits = take(batch * at.logit_stride);
  at.bias1 = take(3 * at.bias1_size);
  at.bias2 = take(3 * at.bias2_size);
  at.losses = take(batch);
  at.floats = next;
  return at;
}

struct SmallNetTask {
  SmallNetArgs args;
  SmallNetLayout layout;
  AdamOptions<float> adam;
  SgdOptions<float> sgd;
  float* partial;  // (2, blocks, batch, hidden)
  ErrorFlag* error;
};

/// One block's view of its shared memory and its work.
class SmallNetBlock {
 public:
  __device__ explicit SmallNetBlock(const SmallNetTask& task)
      : task_(task),
        at_(task.layout),
        memory_(shared_memory<float>()),
        rows_(reinterpret_cast<std::int64_t*>(memory_ + at_.rows)),
        batch_(static_cast<int>(task.args.batch)),
        hidden_(static_cast<int>(task.args.hidden)),
        outputs_(static_cast<int>(task.args.outputs)),
        first_input_(static_cast<int>(blockIdx.x) * at_.share) {
    const int left = static_cast<int>(task.args.inputs) - first_input_;
    share_ = left < at_.share ? left : at_.share;
  }

  // Global parameters to shared memory, or back.
  __device__ void load_parameters() { move_parameters<true>(true); }
  __device__ void store_parameters() { move_parameters<false>(blockIdx.x == 0); }

  /// Rows of `step` that this thread keeps for the block: its index and label.
  struct Row {
    std::int64_t image = -1;
    std::int64_t label = 0;
  };
  __device__ std::int64_t load_index(std::int64_t step, int r) const {
    return step < task_.args.steps ? task_.args.indices[step * batch_ + r] : 0;
  }
  __device__ std::int64_t load_label(std::int64_t image) const {
    return is_image(image) ? task_.args.labels[image] : -1;
  }
  __device__ std::int64_t* images_of(std::int64_t step) const {
    return rows_ + (step % 2) * 2 * batch_;
  }
  __device__ std::int64_t* labels_of(std::int64_t step) const { return images_of(step) + batch_; }
  __device__ float* inputs_of(std::int64_t step) const {
    return memory_ + at_.image + (step % 2) * at_.image_size;
  }

  /// Pixels of one step, on their way from global memory.
  struct Ahead {
    std::uint8_t pixels[kImagesAhead];
  };
  __device__ Ahead load_ahead(std::int64_t step) const {
    Ahead ahead;
#pragma unroll
    for (int u = 0; u < kImagesAhead; ++u) {
      ahead.pixels[u] = load_pixel(step, static_cast<int>(threadIdx.x) + u * kNetThreads);
    }
    return ahead;
  }
  __device__ void store_inputs(std::int64_t step, const Ahead& ahead) const {
#pragma unroll
    for (int u = 0; u < kImagesAhead; ++u) {
      store_pixel(step, static_cast<int>(threadIdx.x) + u * kNetThreads, ahead.pixels[u]);
    }
    const int count = batch_ * share_;
    for (int i = static_cast<int>(threadIdx.x) + kImagesAhead * kNetThreads; i < count;
         i += kNetThreads) {
      store_pixel(step, i, load_pixel(step, i));
    }
  }
  __device__ void report_images(std::int64_t step) const {
    for (int r = static_cast<int>(threadIdx.x); blockIdx.x == 0 && r < batch_; r += kNetThreads) {
      if (is_image(images_of(step)[r])) continue;
      report_out_of_range(task_.error, CheckedOperation::gather_affine, step * batch_ + r,
                          images_of(step)[r], task_.args.image_count);
    }
  }

  /// What the hidden layer gets from this block's inputs, to global memory.
  __device__ void hidden_sums(std::int64_t step) const;
  /// h = relu(sum over blocks + bias1). Ends with the block in step.
  __device__ void hidden_layer(std::int64_t step) const;
  /// Logits, losses of the rows, and dlogits. Ends with the block in step.
  __device__ void output_layer(std::int64_t step) const;
  /// dh = dlogits weight2 where h is positive. Ends with the block in step.
  __device__ void hidden_gradient() const;
  /// With `last`, the gradients are also left in global memory.
  __device__ void update(std::int64_t step, const StepScalars& scalars, bool last) const;
  /// The mean of the rows' losses; for the first warp, the same in each lane.
  __device__ double mean_loss(std::int64_t step) const;

 private:
  __device__ bool is_image(std::int64_t row) const {
    return row >= 0 && row < task_.args.image_count;
  }
  __device__ bool counts(std::int64_t label) const {
    return label >= 0 && label < outputs_;
  }
  // How many rows the mean is over.
  __device__ int count_rows(std::int64_t step) const {
    int count = 0;
    for (int r = static_cast<int>(threadIdx.x) % kWarpSize; r < batch_; r += kWarpSize) {
      count += counts(labels_of(step)[r]) ? 1 : 0;
    }
    return warp_sum(count);
  }
  __device__ float* partial_of(std::int64_t step, unsigned block) const {
    return task_.partial + ((step % 2) * gridDim.x + block) * batch_ * hidden_;
  }
  __device__ std::uint8_t load_pixel(std::int64_t step, int i) const {
    if (i >= batch_ * share_ || step >= task_.args.steps) return 0;
    const std::int64_t image = images_of(step)[i / share_];
    if (!is_image(image)) return 0;
    return task_.args.images[image * task_.args.inputs + first_input_ + i % share_];
  }
  __device__ void store_pixel(std::int64_t step, int i, std::uint8_t pixel) const {
    if (i >= batch_ * share_) return;
    inputs_of(step)[i / share_ * at_.share_stride + i % share_] =
        fmaf(static_cast<float>(pixel), task_.args.scale, task_.args.shift);
  }
  // param, first and second lie `size` floats apart.
  __device__ void update_element(float* param, int size, float grad,
                                 const StepScalars& scalars) const {
    if (task_.args.adam) {
      float unused = 0.0F;
      const AdamScalars<float> adam{static_cast<float>(scalars.decay),
                                    static_cast<float>(scalars.step_size),
                                    static_cast<float>(scalars.inverse_bias_correction2_sqrt)};
      adam_element<false>(task_.adam, adam, param[0], grad, param[size], param[2 * size], unused);
      return;
    }
    const SgdScalars<float> sgd{static_cast<float>(scalars.lr), scalars.first_step != 0};
    if (task_.args.weight1.first != nullptr) {
      sgd_element<true>(task_.sgd, sgd, param[0], grad, param[size]);
    } else {
      sgd_element<false>(task_.sgd, sgd, param[0], grad, param[size]);
    }
  }
  __device__ static void leave(const SmallNetParameter& parameter, std::int64_t i, float grad) {
    if (parameter.grad != nullptr) parameter.grad[i] = grad;
  }
  template <bool Load>
  __device__ static void move_rows(float* shared, int stride, int size,
                                   const SmallNetParameter& global, int rows, int cols,
                                   std::int64_t global_stride, int first_col);
  template <bool Load>
  __device__ void move_parameters(bool small_ones);

  const SmallNetTask& task_;
  const SmallNetLayout& at_;
  float* const memory_;
  std::int64_t* const rows_;
  const int batch_;
  const int hidden_;
  const int outputs_;
  const int first_input_;
  int share_ = 0;
};

template <bool Load>
__device__ inline void SmallNetBlock::move_rows(float* shared, int stride, int size,
                                                const SmallNetParameter& global, int rows, int cols,
                                                std::int64_t global_stride, int first_col) {
  float* const arrays[3] = {global.param, global.first, global.second};
  for (int a = 0; a < 3; ++a) {
    if (arrays[a] == nullptr) continue;
    for (int i = static_cast<int>(threadIdx.x); i < rows * cols; i += kNetThreads) {
      float& here = shared[a * size + i / cols * stride + i % cols];
      float& there = arrays[a][i / cols * global_stride + first_col + i % cols];
      if (Load) {
        here = there;
      } else {
        there = here;
      }
    }
  }
}

template <bool Load>
__device__ inline void SmallNetBlock::move_parameters(bool small_ones) {
  move_rows<Load>(memory_ + at_.weight1, at_.share_stride, at_.weight1_size, task_.args.weight1,
                  hidden_, share_, task_.args.inputs, first_input_);
  if (!small_ones) return;
  move_rows<Load>(memory_ + at_.weight2, at_.hidden_stride, at_.weight2_size, task_.args.weight2,
                  outputs_, hidden_, hidden_, 0);
  move_rows<Load>(memory_ + at_.bias1, hidden_, at_.bias1_size, task_.args.bias1, 1, hidden_,
                  hidden_, 0);
  move_rows<Load>(memory_ + at_.bias2, outputs_, at_.bias2_size, task_.args.bias2, 1, outputs_,
                  outputs_, 0);
}

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
    }
    if (own >= batch_) continue;
    const bool valid = counts(label);
    const float factor = valid ? scale / total : 0.0F;
    float* const dlogits = memory_ + at_.dlogits + r * at_.logit_stride;
#pragma unroll
    for (int q = 0; q < kLogitsPerThread; ++q) {
      const int o = member + q * kRowThreads;
      if (o < outputs_)
        dlogits[o] = valid ? logits[q] * factor - (o == label ? scale : 0.0F) : 0.0F;
    }
    if (member != 0) continue;
    const bool ignored = label == task_.args.ignore_index;
    memory_[at_.losses + r] = valid ? logf(total) + maximum - target : ignored ? 0.0F : nanf("");
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
    if (j < hidden_ && memory_[at_.h + r * at_.hidden_stride + j] > 0.0F) {
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
