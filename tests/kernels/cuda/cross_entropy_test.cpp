// SPDX-License-Identifier: MIT
// The loss and its gradient against the CPU backend in float64, for every kernel that a shape can
// get: warps of few and many registers, blocks with and without a cached row.
#include "kernels/cpu/cpu_backend.h"
#include "tests/kernels/cuda/device.h"
#include "tests/kernels/loss_cases.h"
#include "wick/core/backend/rows.h"

namespace wick::testing {
namespace {

template <typename T>
class CudaCrossEntropy : public ::testing::Test {};
using Types = ::testing::Types<float, double>;
TYPED_TEST_SUITE(CudaCrossEntropy, Types);

struct Case {
  std::int64_t rows, classes, gap;
};

// The loss, the running total and then the gradient with its gaps.
template <typename T>
std::vector<T> run(const Case& shape, const std::vector<T>& logits,
                   const std::vector<std::int64_t>& targets, const std::vector<T>& weights,
                   CrossEntropyArgs args, bool with_gradient = true) {
  const Context context;
  const std::int64_t stride = shape.classes + shape.gap;
  const DeviceArray<T> in(logits);
  const DeviceArray<std::int64_t> target_array(targets);
  const DeviceArray<T> weight_array(weights);
  const DeviceArray<T> loss(1);
  const DeviceArray<double> total(std::vector<double>{10.0});
  const DeviceArray<T> grad(std::vector<T>(logits.size(), static_cast<T>(kGap)));
  args.dtype = dtype_of<T>;
  args.logits = {in.data(), shape.rows, shape.classes, stride};
  args.targets = target_array.data();
  args.class_weights = weights.empty() ? nullptr : weight_array.data();
  args.loss = loss.data();
  if (with_gradient) args.grad = {grad.data(), shape.rows, shape.classes, stride};
  require(cuda::launch_cross_entropy(args, total.data(), context));
  std::vector<T> result{loss.download()[0], static_cast<T>(total.download()[0] - 10.0)};
  const std::vector<T> gradient = grad.download();
  result.insert(result.end(), gradient.begin(), gradient.end());
  EXPECT_EQ(context.error().operation, cuda::CheckedOperation::none);
  return result;
}

template <typename T>
std::vector<double> reference(const Case& shape, const std::vector<T>& logits,
                              const std::vector<std::int64_t>& targets,
                              const std::vector<T>& weights, CrossEntropyArgs args) {
  cpu::CpuBackend cpu;
  const std::int64_t stride = shape.classes + shape.gap;
  const std::vector<double> wide(logits.begin(), logits.end());
  const std::vector<double> wide_weights(weights.begin(), weights.end());
  std::vector<double> grad(logits.size(), kGap);
  double loss = 0.0;
  args.dtype = DType::float64;
  args.logits = {wide.data(), shape.rows, shape.classes, stride};
  args.targets = targets.data();
  args.class_weights = weights.empty() ? nullptr : wide_weights.data();
  args.loss = &loss;
  args.grad = {grad.data(), shape.rows, shape.classes, stride};
  cpu.cross_entropy(args);
  std::vector<double> result{loss, loss};
  result.insert(result.end(), grad.begin(), grad.end());
  return result;
}

template <typename T>
void check(const Case& shape, int options) {
  std::vector<T> logits = random_matrix<T>(shape.rows, shape.classes, shape.gap, 1);
  for (T& value : logits) {
    if (value != static_cast<T>(kGap)) value *= T{8};
  }
  std::vector<std::int64_t> targets = random_indices(shape.rows, shape.classes, 2);
  CrossEntropyArgs args;
  args.mean = (options & 1) == 0;
  args.label_smoothing = (options & 2) != 0 ? 0.1 : 0.0;
  std::vector<T> weights;
  if ((options & 4) != 0) {
    weights = random_values<T>(shape.classes, 3);
    for (T& weight : weights) weight += T{1.5};
  }
  if ((options & 8) != 0) {
    args.ignore_index = -7;
    for (std::size_t r = 1; r < targets.size(); r += 3) targets[r] = -7;
  }
  const auto actual = in_every_order([&] { return run<T>(shape, logits, targets, weights, args); });
  const auto expected = reference<T>(shape, logits, targets, weights, args);
  expect_close(actual, expected, sizeof(T) == 4 ? 3e-6 : 1e-12);
  // The loss alone is the same.
  EXPECT_EQ(run<T>(shape, logits, targets, weights, args, false)[0], actual[0]);
}

TYPED_TEST(CudaCrossEntropy, EveryOption) {
  for (int options = 0; options < 16; ++options) {
    check<TypeParam>({13, 10, 0}, options);
    check<TypeParam>({5, 130, 2}, options);
    check<TypeParam>({3, 1111, 1}, options);
  }
}

TYPED_TEST(CudaCrossEntropy, EveryShape) {
  for (const Case shape : {Case{1, 1, 0},
                           {4, 2, 0},
                           {33, 10, 2},
                           {70, 3, 0},
                           {6, 128, 0},
                           {3, 512, 0},
                           {3, 513, 0},
                           {3, 1024, 0},
                           {2, 1025, 0},
                           {2, 13'001, 0}}) {
    check<TypeParam>(shape, 0);
    check<TypeParam>(shape, 14);
  }
}

TYPED_TEST(CudaCrossEntropy, IsPyTorchsForAllOptionsItsNaNsIncluded) {
  using T = TypeParam;
  for (const LossCase& c : loss_cases()) {
    const std::vector<T> logits(c.logits.begin(), c.logits.end());
    const std::vector<T> weights(c.weights.begin(), c.weights.end());
    const auto actual = in_every_order([&] {
      return run<T>({c.rows, c.classes, 0}, logits, c.targets, weights, c.args);
    });
    expect_like(static_cast<double>(actual[0]), c.loss, c);
    for (std::size_t i = 0; i < c.grad.size(); ++i) {
      expect_like(static_cast<double>(actual[2 + i]), c.grad[i], c);
    }
  }
}

// Rows so long that a block has each.
TYPED_TEST(CudaCrossEntropy, LongRowsWhoseTargetsWeighNothingGiveNaN) {
  using T = TypeParam;
  const Case shape{3, 1300, 0};
  const std::vector<T> logits = random_matrix<T>(3, 1300, 0, 1);
  std::vector<T> weights(1300, T{1});
  weights[7] = T{0};
  CrossEntropyArgs args;
  args.label_smoothing = 0.1;
  const auto actual = run<T>(shape, logits, {7, 7, -100}, weights, args);
  EXPECT_TRUE(std::isnan(actual[0]));
  EXPECT_TRUE(std::isnan(actual[2]));
  EXPECT_EQ(actual[2 + 2 * 1300], T{0});
}

TYPED_TEST(CudaCrossEntropy, ManyRowsAreCountedOnce) {
  check<TypeParam>({4097, 3, 0}, 0);
  check<TypeParam>({4300, 2, 0}, 12);
}

TYPED_TEST(CudaCrossEntropy, NoRows) {
  using T = TypeParam;
  CrossEntropyArgs args;
  EXPECT_TRUE(std::isnan(run<T>({0, 4, 0}, {}, {}, {}, args)[0]));
  args.mean = false;
  EXPECT_EQ(run<T>({0, 4, 0}, {}, {}, {}, args)[0], T{0});
}

TYPED_TEST(CudaCrossEntropy, UnusualLogits) {
  using T = TypeParam;
  const auto big = static_cast<T>(1e30);
  const auto infinite = static_cast<T>(INFINITY);
  for (const std::int64_t classes : {std::int64_t{5}, std::int64_t{1300}}) {
    const Case shape{5, classes, 0};
    std::vector<T> logits = random_matrix<T>(5, classes, 0, 1);
    const auto at = [&](std::int64_t r, std::int64_t c) -> T& {
      return logits[static_cast<std::size_t>(r * classes + c)];
    };
    at(0, 1) = big;
    at(1, 2) = -big;
    at(2, 0) = -infinite;
    at(3, 3) = static_cast<T>(NAN);
    at(4, 4) = infinite;
    const std::vector<std::int64_t> targets{1, 1, 1, 1, 1};
    CrossEntropyArgs args;
    args.mean = false;
    const auto actual = run<T>(shape, logits, targets, {}, args);
    // The gradient, without the loss, which is NaN.
    const auto expected = reference<T>(shape, logits, targets, {}, args);
    expect_close(actual, expected, 1e-5);
  }
}

TYPED_TEST(CudaCrossEntropy, ReportsTheFirstTargetOutOfRange) {
  using T = TypeParam;
  for (const std::int64_t classes : {std::int64_t{10}, std::int64_t{1300}}) {
    for (const simt::Schedule schedule : schedules()) {
      simt::set_schedule(schedule);
      const Context context;
      std::vector<std::int64_t> targets(20, 3);
      targets[7] = classes;
      targets[12] = -1;
      const DeviceArray<T> logits(random_values<T>(20 * classes, 1));
      const DeviceArray<std::int64_t> target_array(targets);
      const DeviceArray<T> loss(1);
      const DeviceArray<T> grad(20 * classes);
      CrossEntropyArgs args;
      args.dtype = dtype_of<T>;
      args.logits = {logits.data(), 20, classes, classes};
      args.targets = target_array.data();
      args.loss = loss.data();
      args.grad = {grad.data(), 20, classes, classes};
      require(cuda::launch_cross_entropy(args, nullptr, context));
      const cuda::ErrorFlag error = context.error();
      EXPECT_EQ(error.operation, cuda::CheckedOperation::cross_entropy);
      EXPECT_EQ(error.row, 7);
      EXPECT_EQ(error.value, classes);
      EXPECT_EQ(error.limit, classes);
      EXPECT_TRUE(std::isnan(loss.download()[0]));
      const std::vector<T> gradient = grad.download();
      EXPECT_EQ(gradient[static_cast<std::size_t>(7 * classes)], T{0});
      EXPECT_NE(gradient[static_cast<std::size_t>(8 * classes)], T{0});
    }
  }
  simt::set_schedule({});
}

}  // namespace
}  // namespace wick::testing
