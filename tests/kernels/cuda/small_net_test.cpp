// SPDX-License-Identifier: MIT
// The small network's fused steps against the same steps made of single operations in float64.
#include "kernels/cuda/small_net.h"

#include "kernels/cpu/cpu_backend.h"
#include "tests/kernels/cuda/device.h"
#include "wick/core/backend/matrix.h"
#include "wick/core/backend/rows.h"
#include "wick/core/backend/update.h"

namespace wick::testing {
namespace {

bool keeps_first(const UpdateArgs& update) {
  return update.op == UpdateOp::adam || update.momentum != 0.0;
}

using Doubles = std::vector<double>;

struct Problem {
  std::int64_t inputs, hidden, outputs, batch, steps;
  std::int64_t image_count = 50;
  std::vector<std::uint8_t> images{};
  std::vector<std::int64_t> labels{};
  std::vector<std::int64_t> indices{};
  std::vector<std::vector<float>> params{};  // weight1, bias1, weight2, bias2

  void fill() {
    std::mt19937 generator(3);
    images.resize(static_cast<std::size_t>(image_count * inputs));
    for (std::uint8_t& pixel : images) pixel = static_cast<std::uint8_t>(generator());
    labels = random_indices(image_count, outputs, 4);
    indices = random_indices(steps * batch, image_count, 5);
    params = {random_values<float>(hidden * inputs, 6), random_values<float>(hidden, 7),
              random_values<float>(outputs * hidden, 8), random_values<float>(outputs, 9)};
    for (float& weight : params[0]) weight *= 0.1F;
  }
};

constexpr double kScale = 1.0 / 255.0;
constexpr double kShift = -0.5;

cuda::SmallNetArgs options(const Problem& problem, bool adam, double momentum) {
  cuda::SmallNetArgs args;
  args.steps = problem.steps;
  args.batch = problem.batch;
  args.inputs = problem.inputs;
  args.hidden = problem.hidden;
  args.outputs = problem.outputs;
  args.image_count = problem.image_count;
  args.scale = static_cast<float>(kScale);
  args.shift = static_cast<float>(kShift);
  if (adam) {
    args.update = {.op = UpdateOp::adam,
                   .lr = 0.01,
                   .beta1 = 0.9,
                   .beta2 = 0.99,
                   .eps = 1e-4,
                   .weight_decay = 0.1,
                   .decoupled_weight_decay = true};
  } else {
    args.update = {.op = UpdateOp::sgd,
                   .lr = 0.1,
                   .momentum = momentum,
                   .weight_decay = 0.01,
                   .nesterov = momentum != 0.0};
  }
  return args;
}

// The losses' sum, then all parameters and states, then the last step's gradients.
Doubles reference(const Problem& problem, const cuda::SmallNetArgs& args) {
  cpu::CpuBackend cpu;
  const std::int64_t n = problem.batch;
  std::vector<Doubles> params;
  std::vector<Doubles> first;
  std::vector<Doubles> second;
  for (const std::vector<float>& values : problem.params) {
    params.emplace_back(values.begin(), values.end());
    first.emplace_back(values.size());
    second.emplace_back(values.size());
  }
  const auto size = [](std::int64_t count) { return static_cast<std::size_t>(count); };
  Doubles x(size(n * args.inputs)), h(size(n * args.hidden)), logits(size(n * args.outputs));
  Doubles dlogits(logits.size()), dh(h.size());
  std::vector<Doubles> grads = params;
  double losses = 0.0;
  const auto matrix = [](Doubles& data, std::int64_t rows, std::int64_t cols) {
    return MatrixRef{data.data(), rows, cols, cols};
  };
  for (std::int64_t step = 0; step < problem.steps; ++step) {
    const std::int64_t* const rows = problem.indices.data() + step * n;
    const DType f64 = DType::float64;
    cpu.gather_affine({DType::uint8, problem.images.data(), problem.image_count, 1, args.inputs,
                       rows, n, &kScale, &kShift, f64, x.data()});
    std::vector<std::int64_t> labels(size(n));
    cpu.index_select({problem.labels.data(), problem.image_count, 8, rows, n, labels.data()});
    MatmulArgs product{.dtype = f64, .transpose_b = true, .relu = true};
    product.a = matrix(x, n, args.inputs);
    product.b = matrix(params[0], args.hidden, args.inputs);
    product.c = matrix(h, n, args.hidden);
    product.bias = params[1].data();
    cpu.matmul(product);
    product = {.dtype = f64, .transpose_b = true};
    product.a = matrix(h, n, args.hidden);
    product.b = matrix(params[2], args.outputs, args.hidden);
    product.c = matrix(logits, n, args.outputs);
    product.bias = params[3].data();
    cpu.matmul(product);
    double loss = 0.0;
    CrossEntropyArgs entropy{.dtype = f64};
    entropy.logits = matrix(logits, n, args.outputs);
    entropy.targets = labels.data();
    entropy.ignore_index = args.ignore_index;
    entropy.label_smoothing = args.label_smoothing;
    entropy.loss = &loss;
    entropy.grad = matrix(dlogits, n, args.outputs);
    cpu.cross_entropy(entropy);
    losses += loss;
    product = {.dtype = f64};
    product.a = matrix(dlogits, n, args.outputs);
    product.b = matrix(params[2], args.outputs, args.hidden);
    product.c = matrix(dh, n, args.hidden);
    product.relu_mask = matrix(h, n, args.hidden);
    cpu.matmul(product);
    product = {.dtype = f64, .transpose_a = true};
    product.a = matrix(dh, n, args.hidden);
    product.b = matrix(x, n, args.inputs);
    product.c = matrix(grads[0], args.hidden, args.inputs);
    cpu.matmul(product);
    product.a = matrix(dlogits, n, args.outputs);
    product.b = matrix(h, n, args.hidden);
    product.c = matrix(grads[2], args.outputs, args.hidden);
    cpu.matmul(product);
    cpu.column_sums(f64, matrix(dh, n, args.hidden), grads[1].data(), false);
    cpu.column_sums(f64, matrix(dlogits, n, args.outputs), grads[3].data(), false);
    for (std::size_t p = 0; p < params.size(); ++p) {
      UpdateArgs update = args.update;
      update.dtype = f64;
      update.count = static_cast<std::int64_t>(params[p].size());
      update.param = params[p].data();
      update.grad = grads[p].data();
      if (keeps_first(update)) update.state[0] = first[p].data();
      if (update.op == UpdateOp::adam) update.state[1] = second[p].data();
      update.step = static_cast<double>(step + 1);
      update.first_step = step == 0;
      cpu.update(update);
    }
  }
  Doubles result{losses};
  for (const auto* const group : {&params, &first, &second, &grads}) {
    for (const Doubles& values : *group) result.insert(result.end(), values.begin(), values.end());
  }
  return result;
}

// The same from the fused kernel; `launches` launches share the steps.
std::vector<float> fused(const Problem& problem, cuda::SmallNetArgs args,
                         const cuda::SmallNetDevice& device, int launches,
                         cuda::ErrorFlag* error = nullptr) {
  const Context context;
  const DeviceArray<std::uint8_t> images(problem.images);
  const DeviceArray<std::int64_t> labels(problem.labels);
  const DeviceArray<std::int64_t> indices(problem.indices);
  const DeviceArray<double> total(std::vector<double>{0.0});
  std::vector<StepScalars> table;
  for (std::int64_t step = 0; step < problem.steps; ++step) {
    args.update.step = static_cast<double>(step + 1);
    args.update.first_step = step == 0;
    table.push_back(step_scalars(args.update));
  }
  const DeviceArray<StepScalars> scalars(table);
  std::vector<std::unique_ptr<DeviceArray<float>>> arrays;
  cuda::SmallNetParameter* const params[] = {&args.weight1, &args.bias1, &args.weight2,
                                             &args.bias2};
  for (int kind = 0; kind < 4; ++kind) {
    for (std::size_t p = 0; p < 4; ++p) {
      const std::vector<float> zeros(problem.params[p].size());
      arrays.push_back(std::make_unique<DeviceArray<float>>(kind == 0 ? problem.params[p] : zeros));
      float* const data = arrays.back()->data();
      if (kind == 0) params[p]->param = data;
      if (kind == 1 && keeps_first(args.update)) params[p]->first = data;
      if (kind == 2 && args.update.op == UpdateOp::adam) params[p]->second = data;
      if (kind == 3) params[p]->grad = data;
    }
  }
  args.images = images.data();
  args.labels = labels.data();
  args.loss_total = total.data();
  args.steps = problem.steps / launches;
  for (int i = 0; i < launches; ++i) {
    args.indices = indices.data() + i * args.steps * args.batch;
    args.index_rows = args.steps;
    args.scalars = scalars.data() + i * args.steps;
    require(cuda::launch_small_net(args, device, context));
  }
  std::vector<float> result{static_cast<float>(total.download()[0])};
  for (const auto& array : arrays) {
    const std::vector<float> values = array->download();
    result.insert(result.end(), values.begin(), values.end());
  }
  if (error != nullptr) *error = context.error();
  return result;
}

const cuda::SmallNetDevice kDevices[] = {
    {4, 0, 48 << 10}, {4, 8, 227 << 10}, {4, 16, 227 << 10}, {1, 0, 227 << 10}};

TEST(CudaSmallNet, FollowsTheSingleOperations) {
  Problem problem{196, 32, 10, 32, 4};
  problem.fill();
  for (const double momentum : {-1.0, 0.0, 0.9}) {  // -1: Adam
    const bool adam = momentum < 0.0;
    const cuda::SmallNetArgs args = options(problem, adam, adam ? 0.0 : momentum);
    const Doubles expected = reference(problem, args);
    for (const cuda::SmallNetDevice& device : kDevices) {
      ASSERT_TRUE(cuda::small_net_fits(args, device));
      const auto actual = in_every_order([&] { return fused(problem, args, device, 1); });
      expect_close(actual, expected, 2e-5);
      // Steps over several launches are the same steps.
      expect_same_bits(fused(problem, args, device, 2), actual);
    }
  }
}

TEST(CudaSmallNet, TakesOddShapes) {
  for (Problem problem :
       {Problem{33, 1, 1, 1, 3}, Problem{50, 7, 3, 5, 3}, Problem{70, 13, 32, 33, 2},
        Problem{784, 32, 10, 32, 2}, Problem{100, 30, 9, 129, 2}}) {
    problem.fill();
    cuda::SmallNetArgs args = options(problem, true, 0.0);
    for (const double label_smoothing : {0.0, 0.15}) {
      args.label_smoothing = label_smoothing;
      const auto actual = in_every_order([&] { return fused(problem, args, kDevices[1], 1); });
      expect_close(actual, reference(problem, args), 2e-5);
    }
  }
}

TEST(CudaSmallNet, LeavesOutIgnoredRows) {
  Problem problem{40, 8, 4, 16, 3};
  problem.fill();
  for (std::size_t i = 0; i < problem.labels.size(); i += 3) problem.labels[i] = -100;
  const cuda::SmallNetArgs args = options(problem, true, 0.0);
  expect_close(fused(problem, args, kDevices[0], 1), reference(problem, args), 2e-5);
}

TEST(CudaSmallNet, ReportsWhatIsOutOfRange) {
  Problem problem{40, 8, 4, 16, 3};
  problem.fill();
  const cuda::SmallNetArgs args = options(problem, true, 0.0);
  for (const simt::Schedule schedule : schedules()) {
    simt::set_schedule(schedule);
    cuda::ErrorFlag error;
    Problem wrong = problem;
    wrong.indices[20] = wrong.image_count;
    wrong.indices[22] = -1;
    static_cast<void>(fused(wrong, args, kDevices[1], 1, &error));
    EXPECT_EQ(error.operation, cuda::CheckedOperation::gather_affine);
    EXPECT_EQ(error.row, 20);
    EXPECT_EQ(error.value, wrong.image_count);
    wrong = problem;
    const auto image = static_cast<std::size_t>(wrong.indices[17]);
    wrong.labels[image] = 4;
    static_cast<void>(fused(wrong, args, kDevices[0], 1, &error));
    EXPECT_EQ(error.operation, cuda::CheckedOperation::cross_entropy);
    EXPECT_LE(error.row, 17);
    EXPECT_EQ(error.value, 4);
  }
  simt::set_schedule({});
}

TEST(CudaSmallNet, SaysWhatDoesNotFit) {
  Problem problem{784, 512, 10, 128, 1};
  const cuda::SmallNetArgs args = options(problem, true, 0.0);
  EXPECT_FALSE(cuda::small_net_fits(args, kDevices[2]));
  const Context context;
  EXPECT_THROW(static_cast<void>(cuda::launch_small_net(args, kDevices[2], context)), ValueError);
  Problem small{784, 32, 10, 32, 1};
  EXPECT_TRUE(cuda::small_net_fits(options(small, true, 0.0), kDevices[2]));
}

}  // namespace
}  // namespace wick::testing
