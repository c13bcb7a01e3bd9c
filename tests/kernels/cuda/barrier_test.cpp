// SPDX-License-Identifier: MIT
// Would these tests notice a missing __syncthreads()? For each place where a kernel has one, the
// kernel runs without it, and some order of threads must then give another result.
#include <cstring>

#include "kernels/cuda/small_net.h"
#include "tests/kernels/cuda/device.h"
#include "wick/core/backend/image.h"
#include "wick/core/backend/loss.h"
#include "wick/core/backend/norm.h"
#include "wick/core/backend/reduce.h"
#include "wick/core/backend/rows.h"
#include "wick/core/backend/vector_reduce.h"

namespace wick::testing {
namespace {

using Bytes = std::vector<unsigned char>;

template <typename T>
void append(Bytes& bytes, const DeviceArray<T>& array) {
  const std::vector<T> values = array.download();
  const auto* const first = reinterpret_cast<const unsigned char*>(values.data());
  bytes.insert(bytes.end(), first, first + values.size() * sizeof(T));
}

// Work that passes every barrier of the kernels, each more than once where it stands in a loop.
Bytes run_kernels() {
  // Tickets that a broken kernel leaves must not disturb the next run.
  DeviceArray<unsigned char> workspace(static_cast<std::int64_t>(cuda::kWorkspaceBytes));
  require(cudaMemset(workspace.data(), 0, cuda::kTicketBytes));
  DeviceArray<cuda::ErrorFlag> flag(std::vector<cuda::ErrorFlag>(1));
  cuda::LaunchContext context;
  context.multiprocessors = 2;
  context.threads_per_multiprocessor = 512;
  context.workspace = workspace.data();
  context.error = flag.data();
  cuda::LaunchContext narrow = context;  // few blocks, which go round more than once
  narrow.multiprocessors = 1;
  narrow.threads_per_multiprocessor = 256;
  Bytes results;

  const std::int64_t rows = 300;
  const std::int64_t cols = 120;
  const DeviceArray<float> x(random_values<float>(rows * cols, 1));
  const DeviceArray<float> sums(std::vector<float>(static_cast<std::size_t>(cols), 1.0F));
  require(cuda::launch_column_sums(DType::float32, {x.data(), rows, cols, cols}, DType::float32,
                                   sums.data(), true, context));
  append(results, sums);

  const DeviceArray<std::int64_t> labels(random_indices(rows, cols, 2));
  const DeviceArray<std::int64_t> hits(1);
  require(cuda::launch_count_hits(DType::float32, {x.data(), rows, cols, cols}, labels.data(),
                                  hits.data(), false, context));
  append(results, hits);

  const DeviceArray<float> wide(random_values<float>(12 * 4200, 3));
  const DeviceArray<std::int64_t> best(12);
  require(cuda::launch_argmax(DType::float32, {wide.data(), 12, 4200, 4200}, best.data(), narrow));
  append(results, best);

  const DeviceArray<float> weights(random_values<float>(4200, 5));
  for (const bool long_rows : {false, true}) {
    const std::int64_t classes = long_rows ? 4200 : cols;
    const std::int64_t count = long_rows ? 12 : rows;
    for (const bool weighted : {false, true}) {
      const DeviceArray<std::int64_t> targets(random_indices(count, classes, 4));
      const DeviceArray<float> loss(1);
      const DeviceArray<float> grad(count * classes);
      CrossEntropyArgs args;
      args.logits = {long_rows ? wide.data() : x.data(), count, classes, classes};
      args.targets = targets.data();
      args.class_weights = weighted ? weights.data() : nullptr;
      args.label_smoothing = 0.1;
      args.loss = loss.data();
      args.grad = {grad.data(), count, classes, classes};
      require(cuda::launch_cross_entropy(args, nullptr, context));
      append(results, loss);
      append(results, grad);
    }
  }

  const DeviceArray<float> target(random_values<float>(rows * cols, 12));
  const DeviceArray<float> loss(1);
  PointwiseLossArgs mse;
  mse.rows = rows;
  mse.cols = cols;
  mse.input = x.data();
  mse.target = target.data();
  mse.divisor = static_cast<double>(rows * cols);
  mse.loss = loss.data();
  require(cuda::launch_pointwise_loss(mse, context));
  append(results, loss);

  const DeviceArray<double> reduced(2);
  VectorReduceArgs whole{.count = rows * cols, .a = x.data(), .out = reduced.data()};
  require(cuda::launch_vector_reduce(whole, context));
  whole.op = VectorReduceOp::abs_max;
  whole.out += 1;
  require(cuda::launch_vector_reduce(whole, context));
  append(results, reduced);

  const DeviceArray<float> normalised(12 * 4200);
  require(cuda::launch_softmax({DType::float32, false, 12, 4200, 1, wide.data(), normalised.data()},
                               narrow));
  append(results, normalised);

  // Of rows, of columns, and of a dimension in parts.
  for (const bool columns : {false, true}) {
    const DeviceArray<float> least(columns ? cols : rows);
    ReduceArgs reduce{.op = ReduceOp::min, .size = columns ? rows : cols};
    reduce.x = x.data();
    reduce.outer = 1;
    reduce.inner = columns ? cols : rows;
    reduce.size_stride = columns ? cols : 1;
    reduce.inner_stride = columns ? 1 : cols;
    reduce.out = least.data();
    require(cuda::launch_reduce(reduce, narrow));
    append(results, least);
  }
  const DeviceArray<float> total(1);
  ReduceArgs all{.op = ReduceOp::sum, .x = wide.data(), .outer = 1, .size = 12 * 4200};
  all.out = total.data();
  require(cuda::launch_reduce(all, narrow));
  append(results, total);

  // Rows that a block holds, rows and channels that blocks share, and columns.
  const DeviceArray<float> grad(random_values<float>(12 * 4200, 13));
  for (const auto& [op, shape] : {std::pair(NormOp::layer_norm, NormShape{3, 2300, 1, 1}),
                                  std::pair(NormOp::layer_norm, NormShape{1, 1, 16400, 1}),
                                  std::pair(NormOp::batch_norm, NormShape{2, 1, 9000, 1}),
                                  std::pair(NormOp::batch_norm, NormShape{6, 2, 1100, 1}),
                                  std::pair(NormOp::batch_norm, NormShape{150, 120, 1, 1})}) {
    const DeviceArray<float> y(shape.samples * shape.channels * shape.inner);
    const DeviceArray<float> by_weight(shape.channels);
    const DeviceArray<float> mean(shape.statistics(op));
    const DeviceArray<float> rstd(shape.statistics(op));
    NormArgs args{.op = op, .shape = shape};
    args.x = wide.data();
    args.y = y.data();
    args.mean = mean.data();
    args.rstd = rstd.data();
    const cuda::LaunchContext& where = shape.samples == 6 ? narrow : context;
    require(cuda::launch_norm(args, where));
    append(results, y);
    NormBackwardArgs back{.op = op, .shape = shape};
    back.grad_output = grad.data();
    back.x = wide.data();
    back.mean = mean.data();
    back.rstd = rstd.data();
    back.grad_input = y.data();
    back.grad_weight = by_weight.data();
    require(cuda::launch_norm_backward(back, where));
    append(results, y);
    append(results, by_weight);
  }

  // A tile, one whose depth blocks share, and a block for each weight.
  WindowDim side{20, 18, 3, 1, 0, 1};
  for (const ConvShape& shape :
       {ConvShape{2, 6, 10, 1, side, side}, ConvShape{2, 2, 2, 2, side, side}}) {
    const DeviceArray<float> by_kernel(shape.outputs * shape.depth());
    ConvArgs args{.op = ConvOp::weight_gradient, .shape = shape};
    args.input = wide.data();
    args.output = grad.data();
    args.weight = by_kernel.data();
    require(cuda::launch_conv(args, narrow));
    append(results, by_kernel);
  }

  const DeviceArray<float> transposed(rows * cols);
  require(cuda::launch_copy_strided({transposed.data(), DType::float32, {cols, rows}, {rows, 1}},
                                    {x.data(), DType::float32, {cols, rows}, {1, cols}}, narrow));
  append(results, transposed);

  cuda::SmallNetArgs net;
  net.steps = 3;
  net.batch = 40;
  net.inputs = 40;
  net.hidden = 20;
  net.outputs = 10;
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(rows * net.inputs));
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>(i * 37);
  const DeviceArray<std::uint8_t> images(pixels);
  const DeviceArray<std::int64_t> digits(random_indices(rows, net.outputs, 6));
  const DeviceArray<std::int64_t> indices(random_indices(net.steps * net.batch, rows, 7));
  const DeviceArray<StepScalars> scalars(std::vector<StepScalars>(3, {.rate = 0.1}));
  const DeviceArray<float> weight1(random_values<float>(net.hidden * net.inputs, 8));
  const DeviceArray<float> bias1(random_values<float>(net.hidden, 9));
  const DeviceArray<float> weight2(random_values<float>(net.outputs * net.hidden, 10));
  const DeviceArray<float> bias2(random_values<float>(net.outputs, 11));
  net.images = images.data();
  net.labels = digits.data();
  net.image_count = rows;
  net.scale = 1.0F / 256.0F;
  net.indices = indices.data();
  net.index_rows = net.steps;
  net.weight1.param = weight1.data();
  net.bias1.param = bias1.data();
  net.weight2.param = weight2.data();
  net.bias2.param = bias2.data();
  net.scalars = scalars.data();
  const DeviceArray<double> losses(std::vector<double>{0.0});
  net.loss_total = losses.data();
  require(cuda::launch_small_net(net, {2, 2, 48 << 10}, context));
  append(results, losses);
  for (const DeviceArray<float>* const array : {&weight1, &bias1, &weight2, &bias2}) {
    append(results, *array);
  }
  return results;
}

// Another result, or threads that wait for each other in vain.
bool is_noticed(const Bytes& expected) {
  try {
    return run_kernels() != expected;
  } catch (const std::runtime_error&) {
    EXPECT_NE(simt::last_failure(), "");
    simt::reset_failure();
    return true;
  }
}

TEST(CudaBarriers, AreAllNeeded) {
  simt::set_schedule({});
  simt::record_barriers(true);
  const Bytes expected = run_kernels();
  simt::record_barriers(false);
  const std::vector<std::string> places = simt::recorded_barriers();
  EXPECT_GE(places.size(), 10U);
  for (const std::string& place : places) {
    simt::remove_barrier(place);
    bool noticed = false;
    for (const simt::Order order :
         {simt::Order::forward, simt::Order::backward, simt::Order::random}) {
      for (std::uint64_t seed = 0; seed < 8 && !noticed; ++seed) {
        simt::set_schedule({order, seed, 8});
        noticed = is_noticed(expected);
      }
    }
    simt::remove_barrier("");
    EXPECT_TRUE(noticed) << "nothing changes without the barrier at " << place;
  }
  simt::set_schedule({});
  EXPECT_EQ(run_kernels(), expected);
}

}  // namespace
}  // namespace wick::testing
