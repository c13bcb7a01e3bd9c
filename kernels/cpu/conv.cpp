// SPDX-License-Identifier: MIT
// Convolutions and the gradients by their inputs, as passes of products.
#include <algorithm>
#include <cstdint>

#include "kernels/cpu/conv_runner.h"
#include "kernels/cpu/cpu_backend.h"
#include "wick/core/backend/image.h"

namespace wick::cpu {
namespace {

struct TapScratch {};
struct WeightScratch {};

// The taps of a forward convolution, in the order of the weights.
void set_taps(const ConvShape& shape, ConvTap* taps) {
  for (std::int64_t i = 0; i < shape.height.kernel; ++i) {
    for (std::int64_t j = 0; j < shape.width.kernel; ++j) {
      *taps++ = {i * shape.height.dilation - shape.height.padding,
                 j * shape.width.dilation - shape.width.padding};
    }
  }
}

template <typename T>
ConvPass<T> forward_pass(const ConvArgs& args, const ConvTap* taps) {
  const ConvShape& shape = args.shape;
  ConvPass<T> pass;
  pass.source = static_cast<const T*>(args.input);
  pass.samples = shape.samples;
  pass.groups = shape.groups;
  pass.channels = shape.group_channels();
  pass.height = shape.height.input;
  pass.width = shape.width.input;
  pass.taps = taps;
  pass.tap_count = shape.kernel_size();
  pass.row_step = shape.height.stride;
  pass.col_step = shape.width.stride;
  pass.rows = shape.height.output;
  pass.cols = shape.width.output;
  pass.weight = static_cast<const T*>(args.weight);
  pass.bias = static_cast<const T*>(args.bias);
  pass.outputs = shape.group_outputs();
  pass.target = static_cast<T*>(args.output);
  pass.target_plane = shape.output_plane();
  pass.target_row = pass.cols;
  pass.has_activation = args.has_activation;
  pass.activation = args.activation;
  pass.parameters = args.parameters;
  return pass;
}

// Of one dimension: element i of a window has a part in positions that leave `remainder`, and then
// it is from output position + `tap`.
bool takes_part(const WindowDim& dim, std::int64_t remainder, std::int64_t i, std::int64_t* tap) {
  const std::int64_t at = remainder + dim.padding - i * dim.dilation;
  *tap = at / dim.stride;
  return at % dim.stride == 0;
}

// One of the passes of the gradient by the input: its taps and which elements of a kernel they are
// are set, and the weights are brought into their order.
template <typename T>
ConvPass<T> gradient_pass(const ConvArgs& args, std::int64_t row, std::int64_t col, ConvTap* taps,
                          std::int64_t* elements, T* weights) {
  const ConvShape& shape = args.shape;
  const auto count = [](const WindowDim& dim, std::int64_t remainder) {
    return remainder < dim.input ? (dim.input - remainder - 1) / dim.stride + 1 : 0;
  };
  ConvPass<T> pass;
  pass.source = static_cast<const T*>(args.output);
  pass.samples = shape.samples;
  pass.groups = shape.groups;
  pass.channels = shape.group_outputs();
  pass.height = shape.height.output;
  pass.width = shape.width.output;
  pass.taps = taps;
  pass.rows = count(shape.height, row);
  pass.cols = count(shape.width, col);
  pass.weight = weights;
  pass.bias = static_cast<const T*>(args.bias);
  pass.outputs = shape.group_channels();
  pass.target = static_cast<T*>(args.input) + row * shape.width.input + col;
  pass.target_plane = shape.input_plane();
  pass.target_row = shape.height.stride * shape.width.input;
  pass.target_step = shape.width.stride;
  for (std::int64_t i = 0; i < shape.height.kernel; ++i) {
    std::int64_t y = 0;
    if (!takes_part(shape.height, row, i, &y)) continue;
    for (std::int64_t j = 0; j < shape.width.kernel; ++j) {
      std::int64_t x = 0;
      if (!takes_part(shape.width, col, j, &x)) continue;
      elements[pass.tap_count] = i * shape.width.kernel + j;
      taps[pass.tap_count++] = {y, x};
    }
  }
  // Some channels at a time: what is read of an output's weights for one is beside that of the
  // next.
  constexpr std::int64_t kTogether = 16;
  const std::int64_t kernel = shape.kernel_size();
  const std::int64_t depth = pass.depth();
  const T* from = static_cast<const T*>(args.weight);
  for (std::int64_t group = 0; group < shape.groups; ++group) {
    for (std::int64_t first = 0; first < pass.outputs; first += kTogether) {
      const std::int64_t some = std::min(kTogether, pass.outputs - first);
      for (std::int64_t o = 0; o < pass.channels; ++o) {
        const T* own = from + (o * pass.outputs + first) * kernel;
        T* to = weights + first * depth + o * pass.tap_count;
        for (std::int64_t c = 0; c < some; ++c, own += kernel, to += depth) {
          for (std::int64_t t = 0; t < pass.tap_count; ++t) to[t] = own[elements[t]];
        }
      }
    }
    from += pass.channels * pass.outputs * kernel;
    weights += pass.outputs * depth;
  }
  return pass;
}

}  // namespace

template <typename T>
void CpuBackend::run_conv(const ConvArgs& args) {
  const ConvShape& shape = args.shape;
  auto* const taps = thread_workspace<ConvTap, TapScratch>(shape.kernel_size());
  if (args.op == ConvOp::forward) {
    set_taps(shape, taps);
    const ConvPass<T> pass = forward_pass<T>(args, taps);
    return ConvRunner<T>(pass, kernels<T>(), *pool_, block_elements_).run();
  }
  auto* const elements = thread_workspace<std::int64_t, TapScratch>(shape.kernel_size());
  T* const weights = thread_workspace<T, WeightScratch>(shape.outputs * shape.depth());
  for (std::int64_t row = 0; row < shape.height.stride; ++row) {
    for (std::int64_t col = 0; col < shape.width.stride; ++col) {
      const ConvPass<T> pass = gradient_pass<T>(args, row, col, taps, elements, weights);
      ConvRunner<T>(pass, kernels<T>(), *pool_, block_elements_).run();
    }
  }
}

void CpuBackend::conv(const ConvArgs& args) {
  visit_arithmetic(args.dtype, name_of(args.op), [&]<typename T>(TypeTag<T>) {
    args.op == ConvOp::weight_gradient ? run_conv_weight<T>(args) : run_conv<T>(args);
  });
}

}  // namespace wick::cpu
