// SPDX-License-Identifier: MIT
// The gradients by the weight and the bias of a convolution: products of the gradient by the output
// (outputs, positions) with the patches (positions, depth), over the positions of all samples. The
// order of the sums depends on the shape alone; threads take channels.
#include <algorithm>

#include "kernels/cpu/conv_source.h"
#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/matmul_float64.h"
#include "kernels/cpu/share.h"
#include "kernels/cpu/share_product.h"
#include "kernels/cpu/workspace.h"
#include "wick/core/backend/image.h"

namespace wick::cpu {
namespace {

struct TapScratch {};
struct PatchScratch {};
struct GradScratch {};
struct ProductScratch {};
struct SourceScratch {};
struct OffsetScratch {};
struct SumScratch {};
struct TotalScratch {};

// Positions that are added up in one product: at most, and where samples have few, of several
// samples at least.
constexpr std::int64_t kMostPositions = 1024;
constexpr std::int64_t kFewPositions = 256;
// Up to so many outputs of a group, patches would cost more than they save.
constexpr std::int64_t kFewOutputs = 8;
// Of the patches of a part, for the second-level cache.
constexpr std::int64_t kPatchElements = 64 * 1024;

template <typename T>
class WeightGradient {
 public:
  WeightGradient(const ConvArgs& args, const ConvTap* taps, const KernelTable<T>& kernels,
                 ThreadPool& pool, std::int64_t block_elements)
      : args_(args),
        shape_(args.shape),
        taps_(taps),
        kernels_(kernels),
        pool_(pool),
        block_elements_(block_elements) {}

  void run() const {
    const std::int64_t positions = shape_.output_plane();
    const std::int64_t kernel = shape_.kernel_size();
    const std::int64_t channels = shape_.group_channels();
    auto* const weight = static_cast<T*>(args_.weight);
    if (shape_.samples * positions == 0) {
      if (!args_.accumulate_weight) std::fill_n(weight, shape_.outputs * shape_.depth(), T{0});
      return;
    }
    if (shape_.outputs * shape_.depth() == 0) return;
    if (shape_.group_outputs() <= kFewOutputs) return run_direct();
    Part part{};
    part.samples =
        positions >= kFewPositions ? 1 : std::min(shape_.samples, 2 * kFewPositions / positions);
    part.positions = equal_parts(positions, kMostPositions);
    const std::int64_t some =
        std::clamp<std::int64_t>(kPatchElements / (whole_length() * kernel), 1, channels);
    const std::int64_t chunks = (channels + some - 1) / some;
    const auto units = [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t unit = first; unit < last; ++unit) {
        Part own = part;
        own.group = unit / chunks;
        own.first_channel = unit % chunks * some;
        own.channels = std::min(some, channels - own.first_channel);
        add_up(own);
      }
    };
    const std::int64_t count = shape_.groups * chunks;
    const std::int64_t work = shape_.samples * positions * shape_.outputs * shape_.depth();
    if (work < kParallelWork) {
      units(0, count);
    } else {
      pool_.run(count, 1, units);
    }
  }

 private:
  struct Part {
    std::int64_t group;
    std::int64_t first_channel;
    std::int64_t channels;
    std::int64_t samples;    // of a product
    std::int64_t positions;  // of a sample in a product
  };

  // Channel by channel, without a matrix of patches.
  void run_direct() const {
    ConvPass<T> pass;
    pass.height = shape_.height.input;
    pass.width = shape_.width.input;
    pass.taps = taps_;
    pass.tap_count = shape_.kernel_size();
    pass.row_step = shape_.height.stride;
    pass.col_step = shape_.width.stride;
    pass.rows = shape_.height.output;
    pass.cols = shape_.width.output;
    const std::int64_t rows = PaddedSource<T>::rows_at_once(pass);
    const PaddedSource<T> padded(pass, 1, rows);
    auto* const offsets = thread_workspace<std::int64_t, OffsetScratch>(pass.tap_count);
    padded.set_offsets(offsets);
    const auto units = [&, offsets](std::int64_t first, std::int64_t last) {
      for (std::int64_t c = first; c < last; ++c) add_channel(c, padded, rows, offsets);
    };
    if (shape_.samples * shape_.output_plane() * shape_.outputs * shape_.depth() < kParallelWork) {
      units(0, shape_.channels);
    } else {
      pool_.run(shape_.channels, 1, units);
    }
  }

  void add_channel(std::int64_t c, const PaddedSource<T>& padded, std::int64_t rows,
                   const std::int64_t* offsets) const {
    const std::int64_t kernel = shape_.kernel_size();
    const std::int64_t outputs = shape_.group_outputs();
    const std::int64_t group = c / shape_.group_channels();
    T* const source = thread_workspace<T, SourceScratch>(padded.room());
    // Sums over some rows of positions, and in float64 over those.
    const std::int64_t some =
        std::max<std::int64_t>(1, kMostPositions / std::max<std::int64_t>(1, shape_.width.output));
    T* const own = thread_workspace<T, SumScratch>(kernel);
    auto* const sums = thread_workspace<double, TotalScratch>(outputs * kernel);
    std::fill_n(sums, outputs * kernel, 0.0);
    for (std::int64_t n = 0; n < shape_.samples; ++n) {
      for (std::int64_t y = 0; y < shape_.height.output; y += rows) {
        padded.copy(
            static_cast<const T*>(args_.input) + (n * shape_.channels + c) * shape_.input_plane(),
            y, kernels_, source);
        padded.end(source);
        const std::int64_t end = std::min(y + rows, shape_.height.output);
        for (std::int64_t o = 0; o < outputs; ++o) {
          const T* const grad = static_cast<const T*>(args_.output) +
                                (n * shape_.outputs + group * outputs + o) * shape_.output_plane();
          for (std::int64_t row = y; row < end; row += some) {
            std::fill_n(own, kernel, T{0});
            kernels_.direct_weight({source + (row - y) * padded.row_pitch(), offsets, kernel,
                                    padded.row_pitch(), grad + row * shape_.width.output,
                                    std::min(some, end - row), shape_.width.output, own});
            for (std::int64_t k = 0; k < kernel; ++k) {
              sums[o * kernel + k] += static_cast<double>(own[k]);
            }
          }
        }
      }
    }
    for (std::int64_t o = 0; o < outputs; ++o) {
      T* const weight =
          static_cast<T*>(args_.weight) +
          ((group * outputs + o) * shape_.group_channels() + c % shape_.group_channels()) * kernel;
      for (std::int64_t k = 0; k < kernel; ++k) {
        const double before = args_.accumulate_weight ? static_cast<double>(weight[k]) : 0.0;
        weight[k] = static_cast<T>(before + sums[o * kernel + k]);
      }
    }
  }

  void add_up(const Part& part) const {
    const std::int64_t positions = shape_.output_plane();
    bool add = args_.accumulate_weight;
    for (std::int64_t n = 0; n < shape_.samples; n += part.samples) {
      const std::int64_t samples = std::min(part.samples, shape_.samples - n);
      for (std::int64_t q = 0; q < positions; q += part.positions) {
        const std::int64_t count = std::min(part.positions, positions - q);
        multiply(part, n, samples, q, count, add);
        add = true;
      }
    }
  }

  // Positions of a product, where there are enough samples.
  [[nodiscard]] std::int64_t whole_length() const {
    const std::int64_t positions = shape_.output_plane();
    return positions >= kFewPositions ? equal_parts(positions, kMostPositions)
                                      : 2 * kFewPositions / positions * positions;
  }

  [[nodiscard]] bool is_pointwise() const {
    return shape_.kernel_size() == 1 && taps_[0].row == 0 && taps_[0].col == 0 &&
           shape_.height.stride == 1 && shape_.width.stride == 1 &&
           shape_.height.output == shape_.height.input && shape_.width.output == shape_.width.input;
  }

  void multiply(const Part& part, std::int64_t n, std::int64_t samples, std::int64_t q,
                std::int64_t count, bool add) const {
    const std::int64_t positions = shape_.output_plane();
    const std::int64_t outputs = shape_.group_outputs();
    const std::int64_t length = samples * count;
    const T* grad = static_cast<const T*>(args_.output) +
                    (n * shape_.groups + part.group) * outputs * positions + q;
    std::int64_t grad_row = positions;
    if (samples > 1) {
      T* const copy = thread_workspace<T, GradScratch>(outputs * length);
      for (std::int64_t o = 0; o < outputs; ++o) {
        for (std::int64_t s = 0; s < samples; ++s) {
          std::copy_n(grad + (s * shape_.outputs + o) * positions, count,
                      copy + o * length + s * count);
        }
      }
      grad = copy;
      grad_row = length;
    }
    const std::int64_t kernel = shape_.kernel_size();
    const std::int64_t depth = part.channels * kernel;
    const std::int64_t channel = part.group * shape_.group_channels() + part.first_channel;
    const T* const image =
        static_cast<const T*>(args_.input) + (n * shape_.channels + channel) * shape_.input_plane();
    const T* patches = image + q;
    std::int64_t patch_row = shape_.input_plane();
    if (samples > 1 || !is_pointwise()) {
      T* const packed = thread_workspace<T, PatchScratch>(depth * length);
      PatchTask<T> task{};
      task.image = image;
      task.sample_pitch = shape_.channels * shape_.input_plane();
      task.height = shape_.height.input;
      task.width = shape_.width.input;
      task.taps = taps_;
      task.tap_count = kernel;
      task.row_step = shape_.height.stride;
      task.col_step = shape_.width.stride;
      task.rows = shape_.height.output;
      task.cols = shape_.width.output;
      task.first = q;
      task.count = length;
      task.depth = depth;
      task.to = packed;
      task.stride = length;
      kernels_.pack_patches(task);
      patches = packed;
      patch_row = length;
    }
    T* const weight =
        static_cast<T*>(args_.weight) +
        (part.group * outputs * shape_.group_channels() + part.first_channel) * kernel;
    if constexpr (sizeof(T) == sizeof(float)) {
      MatmulTask<T> task{};
      task.a = grad;
      task.a_row = grad_row;
      task.a_col = 1;
      task.b = patches;
      task.b_row = 1;
      task.b_col = patch_row;
      task.c = weight;
      task.c_row = shape_.depth();
      task.rows = outputs;
      task.cols = depth;
      // The method, and the room for it, are those of whole parts: the last samples of a batch, and
      // a smaller batch, are multiplied in the same way.
      const std::int64_t whole = whole_length();
      task.depth = whole;
      task.accumulate = add;
      task.block_elements = block_elements_;
      kernels_.plan_matmul(&task);
      task.depth = std::min(whole, task.depth_block);
      const std::int64_t workspace = kernels_.matmul_workspace(task);
      if (workspace > 0) task.workspace = thread_workspace<T, ProductScratch>(workspace);
      task.depth = length;
      kernels_.matmul(task);
    } else {
      MatmulArgs args{.dtype = DType::float64, .operand_dtype = DType::float64};
      args.a = {grad, outputs, length, grad_row};
      args.b = {patches, depth, length, patch_row};
      args.c = {weight, outputs, depth, shape_.depth()};
      args.transpose_b = true;
      args.accumulate = add;
      matmul_float64(args);
    }
  }

  const ConvArgs& args_;
  const ConvShape& shape_;
  const ConvTap* taps_;
  const KernelTable<T>& kernels_;
  ThreadPool& pool_;
  std::int64_t block_elements_;
};

// Of each channel, over samples and positions, in float64.
template <typename T>
void sum_channels(const T* x, std::int64_t samples, std::int64_t channels, std::int64_t plane,
                  bool accumulate, T* out, const KernelTable<T>& kernels, ThreadPool& pool) {
  share(pool, channels, 1, samples * channels * plane, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t c = first; c < last; ++c) {
      double sums[2] = {0.0, 0.0};
      for (std::int64_t n = 0; n < samples && plane > 0; ++n) {
        kernels.norm_sums(x + (n * channels + c) * plane, plane, T{0}, sums);
      }
      out[c] = static_cast<T>((accumulate ? static_cast<double>(out[c]) : 0.0) + sums[0]);
    }
  });
}

}  // namespace

template <typename T>
void CpuBackend::run_conv_weight(const ConvArgs& args) {
  const ConvShape& shape = args.shape;
  if (args.bias != nullptr) {
    const void* const x = args.bias_of_input ? args.input : args.output;
    sum_channels(static_cast<const T*>(x), shape.samples,
                 args.bias_of_input ? shape.channels : shape.outputs,
                 args.bias_of_input ? shape.input_plane() : shape.output_plane(),
                 args.accumulate_bias, static_cast<T*>(args.bias), kernels<T>(), *pool_);
  }
  if (args.weight == nullptr) return;
  auto* const taps = thread_workspace<ConvTap, TapScratch>(shape.kernel_size());
  ConvTap* tap = taps;
  for (std::int64_t i = 0; i < shape.height.kernel; ++i) {
    for (std::int64_t j = 0; j < shape.width.kernel; ++j) {
      *tap++ = {i * shape.height.dilation - shape.height.padding,
                j * shape.width.dilation - shape.width.padding};
    }
  }
  WeightGradient<T>(args, taps, kernels<T>(), *pool_, block_elements_).run();
}

template void CpuBackend::run_conv_weight<float>(const ConvArgs& args);
template void CpuBackend::run_conv_weight<double>(const ConvArgs& args);

}  // namespace wick::cpu
