// SPDX-License-Identifier: MIT
// Convolutions, pooling and resizing against the CPU backend, at sizes that fill tiles and shares
// and such that do not.
#include "kernels/cpu/cpu_backend.h"
#include "tests/kernels/cuda/device.h"
#include "wick/core/backend/image.h"

namespace wick::testing {
namespace {

WindowDim window(std::int64_t input, std::int64_t kernel, std::int64_t stride, std::int64_t padding,
                 std::int64_t dilation) {
  WindowDim dim{input, 0, kernel, stride, padding, dilation};
  dim.output = (input + 2 * padding - dim.extent()) / stride + 1;
  return dim;
}

template <typename T>
std::vector<double> widened(const std::vector<T>& values) {
  return {values.begin(), values.end()};
}

template <typename T>
class CudaConv : public ::testing::Test {};
using Types = ::testing::Types<float, double>;
TYPED_TEST_SUITE(CudaConv, Types);

TYPED_TEST(CudaConv, IsTheCpus) {
  using T = TypeParam;
  cpu::CpuBackend cpu;
  const double tolerance = sizeof(T) == sizeof(float) ? 2e-4 : 1e-12;
  // Of a tile and more; of a depth that blocks share; groups; depthwise, short and long.
  for (const ConvShape& shape :
       {ConvShape{2, 3, 70, 1, window(9, 3, 1, 1, 1), window(7, 3, 2, 0, 1)},
        ConvShape{3, 6, 10, 2, window(21, 2, 3, 2, 2), window(20, 3, 1, 2, 1)},
        ConvShape{2, 5, 10, 5, window(11, 3, 2, 1, 1), window(13, 2, 1, 1, 3)},
        ConvShape{7, 2, 2, 2, window(9, 3, 1, 1, 1), window(9, 3, 1, 1, 1)}}) {
    const std::int64_t inputs = shape.samples * shape.channels * shape.input_plane();
    const std::int64_t outputs = shape.samples * shape.outputs * shape.output_plane();
    const std::int64_t weights = shape.outputs * shape.depth();
    for (const ConvOp op : {ConvOp::forward, ConvOp::input_gradient, ConvOp::weight_gradient}) {
      const std::int64_t biases = op == ConvOp::input_gradient ? shape.channels : shape.outputs;
      std::vector<T> input = random_values<T>(inputs, 1);
      std::vector<T> weight = random_values<T>(weights, 2);
      std::vector<T> output = random_values<T>(outputs, 3);
      std::vector<T> bias = random_values<T>(biases, 4);
      ConvArgs args{.op = op, .dtype = dtype_of<T>, .shape = shape};
      args.accumulate_weight = true;
      args.accumulate_bias = shape.groups == 1;
      args.has_activation = op == ConvOp::forward;
      const auto actual = in_every_order([&] {
        const Context context;
        const DeviceArray<T> there_input(input);
        const DeviceArray<T> there_weight(weight);
        const DeviceArray<T> there_output(output);
        const DeviceArray<T> there_bias(bias);
        ConvArgs there = args;
        there.input = there_input.data();
        there.weight = there_weight.data();
        there.output = there_output.data();
        there.bias = there_bias.data();
        require(cuda::launch_conv(there, context));
        std::vector<T> all = there_input.download();
        for (const auto* const each : {&there_weight, &there_output, &there_bias}) {
          const std::vector<T> more = each->download();
          all.insert(all.end(), more.begin(), more.end());
        }
        return all;
      });
      args.input = input.data();
      args.weight = weight.data();
      args.output = output.data();
      args.bias = bias.data();
      cpu.conv(args);
      std::vector<T> expected = input;
      for (const auto* const each : {&weight, &output, &bias}) {
        expected.insert(expected.end(), each->begin(), each->end());
      }
      expect_close(actual, widened(expected), tolerance);
    }
  }
}

TYPED_TEST(CudaConv, PoolsAndResizesAsTheCpuDoes) {
  using T = TypeParam;
  cpu::CpuBackend cpu;
  const double tolerance = sizeof(T) == sizeof(float) ? 1e-5 : 1e-13;
  const std::vector<T> image = random_values<T>(3 * 10 * 9, 1);
  for (const PoolOp op :
       {PoolOp::max, PoolOp::average, PoolOp::adaptive_max, PoolOp::adaptive_average}) {
    PoolArgs args{.op = op, .dtype = dtype_of<T>, .planes = 3};
    args.height = window(10, 3, 2, 1, is_max(op) ? 2 : 1);
    args.width = window(9, 2, 3, 1, 1);
    const std::int64_t outputs = 3 * args.height.output * args.width.output;
    const std::vector<T> grad = random_values<T>(outputs, 2);
    std::vector<T> expected(static_cast<std::size_t>(outputs));
    std::vector<T> expected_grad(image.size());
    std::vector<std::int64_t> indices(static_cast<std::size_t>(outputs));
    args.from = image.data();
    args.to = expected.data();
    args.indices = is_max(op) ? indices.data() : nullptr;
    cpu.pool(args);
    PoolArgs back = args;
    back.backward = true;
    back.from = grad.data();
    back.to = expected_grad.data();
    cpu.pool(back);
    expected.insert(expected.end(), expected_grad.begin(), expected_grad.end());
    const auto actual = in_every_order([&] {
      const Context context;
      const DeviceArray<T> x(image);
      const DeviceArray<T> y(outputs);
      const DeviceArray<T> dy(grad);
      const DeviceArray<T> dx(static_cast<std::int64_t>(image.size()));
      const DeviceArray<std::int64_t> at(outputs);
      PoolArgs there = args;
      there.from = x.data();
      there.to = y.data();
      there.indices = is_max(op) ? at.data() : nullptr;
      require(cuda::launch_pool(there, context));
      there.backward = true;
      there.from = dy.data();
      there.to = dx.data();
      require(cuda::launch_pool(there, context));
      std::vector<T> all = y.download();
      const std::vector<T> more = dx.download();
      all.insert(all.end(), more.begin(), more.end());
      return all;
    });
    expect_close(actual, widened(expected), tolerance);
  }
  for (const ResampleOp op : {ResampleOp::zeros, ResampleOp::reflect, ResampleOp::replicate,
                              ResampleOp::circular, ResampleOp::nearest, ResampleOp::bilinear}) {
    for (const bool small : {false, true}) {
      const bool resizes = op == ResampleOp::nearest || op == ResampleOp::bilinear;
      ResampleArgs args{.op = op, .dtype = dtype_of<T>, .planes = 3};
      args.height = {10, resizes && small ? 3 : 17, resizes ? 0 : 5, 10.0 / (small ? 3 : 17)};
      args.width = {9, 14, resizes ? 0 : 3, 9.0 / 14};
      args.align_corners = op == ResampleOp::bilinear && small;
      const std::int64_t outputs = 3 * args.height.output * args.width.output;
      const std::vector<T> grad = random_values<T>(outputs, 2);
      std::vector<T> expected(static_cast<std::size_t>(outputs));
      std::vector<T> expected_grad(image.size());
      args.from = image.data();
      args.to = expected.data();
      cpu.resample(args);
      ResampleArgs back = args;
      back.backward = true;
      back.from = grad.data();
      back.to = expected_grad.data();
      cpu.resample(back);
      expected.insert(expected.end(), expected_grad.begin(), expected_grad.end());
      const Context context;
      const DeviceArray<T> x(image);
      const DeviceArray<T> y(outputs);
      const DeviceArray<T> dy(grad);
      const DeviceArray<T> dx(static_cast<std::int64_t>(image.size()));
      ResampleArgs there = args;
      there.from = x.data();
      there.to = y.data();
      require(cuda::launch_resample(there, context));
      there.backward = true;
      there.from = dy.data();
      there.to = dx.data();
      require(cuda::launch_resample(there, context));
      std::vector<T> all = y.download();
      const std::vector<T> more = dx.download();
      all.insert(all.end(), more.begin(), more.end());
      expect_close(all, widened(expected), tolerance);
    }
  }
}

}  // namespace
}  // namespace wick::testing
