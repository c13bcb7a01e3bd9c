// SPDX-License-Identifier: MIT
// Losses that are sums over elements, and their gradients, against the CPU backend in float64.
#include <cmath>

#include "kernels/cpu/cpu_backend.h"
#include "tests/kernels/cuda/device.h"
#include "wick/core/backend/loss.h"

namespace wick::testing {
namespace {

template <typename T>
class CudaPointwiseLoss : public ::testing::Test {};
using Types = ::testing::Types<float, double>;
TYPED_TEST_SUITE(CudaPointwiseLoss, Types);

struct Case {
  std::int64_t rows, cols, misaligned;
};

template <typename T>
struct Values {
  std::vector<T> input, target, weight, pos_weight, var;
};

template <typename T>
Values<T> make_values(const Case& shape, LossOp op = LossOp::mse_loss) {
  Values<T> values{random_values<T>(shape.rows * shape.cols, 1),
                   random_values<T>(shape.rows * shape.cols, 2), random_values<T>(shape.cols, 3),
                   random_values<T>(shape.cols, 4), random_values<T>(shape.rows * shape.cols, 5)};
  for (T& value : values.input) {
    value *= T{4};
    // Probabilities and means.
    if (op == LossOp::binary_cross_entropy) value = std::abs(value) / T{4};
    if (op == LossOp::poisson_nll_loss) value = std::abs(value);
  }
  for (T& value : values.target) value = std::abs(value);
  for (T& value : values.weight) value += T{1.5};
  for (T& value : values.var) value += T{1.25};
  for (T& value : values.pos_weight) value += T{1.5};
  return values;
}

// The loss, the running total, and then the gradient.
template <typename T>
std::vector<T> run(const Case& shape, const Values<T>& values, bool weighted,
                   PointwiseLossArgs args) {
  const Context context;
  const DeviceArray<T> input(values.input, shape.misaligned);
  const DeviceArray<T> target(values.target, shape.misaligned);
  const DeviceArray<T> weight(values.weight);
  const DeviceArray<T> pos_weight(values.pos_weight);
  const DeviceArray<T> var(values.var, shape.misaligned);
  const DeviceArray<T> loss(1);
  const DeviceArray<T> losses(shape.rows * shape.cols, shape.misaligned);
  const DeviceArray<T> grad_var(
      std::vector<T>(static_cast<std::size_t>(shape.rows * shape.cols), T{0}), shape.misaligned);
  const DeviceArray<double> total(std::vector<double>{10.0});
  const DeviceArray<T> grad(shape.rows * shape.cols);
  args.dtype = dtype_of<T>;
  args.rows = shape.rows;
  args.cols = shape.cols;
  args.input = input.data();
  args.target = target.data();
  args.weight = weighted ? weight.data() : nullptr;
  args.pos_weight = weighted ? pos_weight.data() : nullptr;
  args.var = var.data();
  args.loss = loss.data();
  args.loss_sum = total.data();
  require(cuda::launch_pointwise_loss(args, context));  // without a gradient
  const T alone = loss.download()[0];
  args.grad = grad.data();
  args.losses = losses.data();
  args.grad_var = grad_var.data();
  args.loss_sum = nullptr;
  require(cuda::launch_pointwise_loss(args, context));
  std::vector<T> result{loss.download()[0], static_cast<T>(total.download()[0] - 10.0)};
  if (!std::isnan(result[0])) {
    EXPECT_EQ(alone, result[0]);
  }
  for (const DeviceArray<T>* const array : {&grad, &losses, &grad_var}) {
    const std::vector<T> elements = array->download();
    result.insert(result.end(), elements.begin(), elements.end());
  }
  return result;
}

template <typename T>
std::vector<double> reference(const Case& shape, const Values<T>& values, bool weighted,
                              PointwiseLossArgs args) {
  cpu::CpuBackend cpu;
  const std::vector<double> input(values.input.begin(), values.input.end());
  const std::vector<double> target(values.target.begin(), values.target.end());
  const std::vector<double> weight(values.weight.begin(), values.weight.end());
  const std::vector<double> pos_weight(values.pos_weight.begin(), values.pos_weight.end());
  const std::vector<double> var(values.var.begin(), values.var.end());
  std::vector<double> grad(input.size());
  std::vector<double> losses(input.size());
  std::vector<double> grad_var(input.size());
  double loss = 0.0;
  args.dtype = DType::float64;
  args.rows = shape.rows;
  args.cols = shape.cols;
  args.input = input.data();
  args.target = target.data();
  args.weight = weighted ? weight.data() : nullptr;
  args.pos_weight = weighted ? pos_weight.data() : nullptr;
  args.var = var.data();
  args.loss = &loss;
  args.losses = losses.data();
  args.grad = grad.data();
  args.grad_var = grad_var.data();
  cpu.pointwise_loss(args);
  std::vector<double> result{loss, loss};
  for (const std::vector<double>* const elements : {&grad, &losses, &grad_var}) {
    result.insert(result.end(), elements->begin(), elements->end());
  }
  return result;
}

TYPED_TEST(CudaPointwiseLoss, EveryLossAndShape) {
  using T = TypeParam;
  for (std::size_t op = 0; op < kLossOpCount; ++op) {
    SCOPED_TRACE(kLossNames[op]);
    for (const Case shape : {Case{1, 1, 0}, {1, 7, 1}, {3, 256, 0}, {5, 257, 1}, {37, 61, 0}}) {
      for (const bool weighted : {false, true}) {
        for (const bool mean : {false, true}) {
          PointwiseLossArgs args{
              .op = static_cast<LossOp>(op), .a = 0.7, .b = weighted ? 1.0 : 0.0};
          if (mean) args.divisor = static_cast<double>(shape.rows * shape.cols);
          const Values<T> values = make_values<T>(shape, args.op);
          const auto actual = in_every_order([&] { return run<T>(shape, values, weighted, args); });
          expect_close(actual, reference<T>(shape, values, weighted, args),
                       sizeof(T) == 4 ? 3e-6 : 1e-12);
        }
      }
    }
  }
}

TYPED_TEST(CudaPointwiseLoss, OfNoElements) {
  using T = TypeParam;
  const Case shape{0, 3, 0};
  const Values<T> values = make_values<T>(shape);
  PointwiseLossArgs args{.op = LossOp::mse_loss};
  EXPECT_EQ(run<T>(shape, values, false, args)[0], T{0});
  args.divisor = 0.0;
  EXPECT_TRUE(std::isnan(run<T>(shape, values, false, args)[0]));
}

}  // namespace
}  // namespace wick::testing
