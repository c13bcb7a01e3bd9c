// SPDX-License-Identifier: MIT
// One block of the small network's kernel: its share of the data, and how that gets in and out.
#pragma once

#include "kernels/cuda/error_flag.cuh"
#include "kernels/cuda/reduce.cuh"
#include "kernels/cuda/small_net_layout.cuh"

namespace wick::cuda {

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
        first_input_(static_cast<int>(blockIdx.x) * at_.share),
        first_row_(task.args.position == nullptr ? 0 : *task.args.position) {
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
    if (step >= task_.args.steps) return 0;
    const std::int64_t row = first_row_ + step;
    // No image at all where the rows have come to an end.
    return row >= 0 && row < task_.args.index_rows ? task_.args.indices[row * batch_ + r] : -1;
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
  /// dh = dlogits weight2, and zero where h is zero or less. Ends with the block in step.
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
    return label >= 0 && label < outputs_ && label != task_.args.ignore_index;
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
    using M = UpdateMath<float>;
    const auto step = update_scalars<float>(scalars);
    const formulas::AnyFlags flags = formulas::any_flags(task_.options);
    formulas::UpdateState<float> state{};
    if (task_.args.update.op == UpdateOp::adam) {
      state = {param[size], param[2 * size], 0.0F};
      formulas::Update<UpdateOp::adam>::apply<M, 3>(task_.options, step, flags, param[0], grad,
                                                    state);
      param[size] = state.first;
      param[2 * size] = state.second;
    } else if (task_.args.weight1.first != nullptr) {
      state.first = param[size];
      formulas::Update<UpdateOp::sgd>::apply<M, 1>(task_.options, step, flags, param[0], grad,
                                                   state);
      param[size] = state.first;
    } else {
      formulas::Update<UpdateOp::sgd>::apply<M, 0>(task_.options, step, flags, param[0], grad,
                                                   state);
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
  const std::int64_t first_row_;  // of the indices
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

}  // namespace wick::cuda
