// SPDX-License-Identifier: MIT
// The loss of logarithms of probabilities, and the losses of single rows, against the CPU backend.
#include <cmath>

#include "kernels/cpu/cpu_backend.h"
#include "tests/kernels/cuda/device.h"
#include "wick/core/backend/rows.h"

namespace wick::testing {
namespace {

template <typename T>
class CudaClassLoss : public ::testing::Test {};
using Types = ::testing::Types<float, double>;
TYPED_TEST_SUITE(CudaClassLoss, Types);

TYPED_TEST(CudaClassLoss, OfEachRowIsTheCpus) {
  using T = TypeParam;
  cpu::CpuBackend cpu;
  for (const auto& [rows, classes] : {std::pair<std::int64_t, std::int64_t>{0, 3},
                                      {1, 1},
                                      {37, 10},
                                      {300, 65},
                                      {9, 1500},
                                      {3, 13'000}}) {
    const std::vector<T> logits = random_values<T>(rows * classes, 1);
    std::vector<std::int64_t> targets = random_indices(rows, classes, 2);
    for (std::size_t i = 0; i < targets.size(); i += 5) targets[i] = -100;
    std::vector<T> weights = random_values<T>(classes, 3);
    for (T& weight : weights) weight += T{1.5};
    for (const bool are_logs : {false, true}) {
      for (const bool weighted : {false, true}) {
        for (const bool mean : {false, true}) {
          CrossEntropyArgs args;
          args.dtype = DType::float64;
          args.label_smoothing = !are_logs && weighted ? 0.1 : 0.0;
          args.mean = mean;
          const std::vector<double> wide(logits.begin(), logits.end());
          const std::vector<double> wide_weights(weights.begin(), weights.end());
          double loss = 0.0;
          std::vector<double> losses(targets.size());
          std::vector<double> grad(wide.size());
          args.logits = {wide.data(), rows, classes, classes};
          args.targets = targets.data();
          args.class_weights = weighted ? wide_weights.data() : nullptr;
          args.loss = &loss;
          args.losses = losses.data();
          args.grad = {grad.data(), rows, classes, classes};
          are_logs ? cpu.nll_loss(args) : cpu.cross_entropy(args);
          std::vector<double> expected{loss};
          expected.insert(expected.end(), losses.begin(), losses.end());
          expected.insert(expected.end(), grad.begin(), grad.end());
          const auto actual = in_every_order([&] {
            const Context context;
            const DeviceArray<T> in(logits);
            const DeviceArray<std::int64_t> at(targets);
            const DeviceArray<T> factors(weights);
            const DeviceArray<T> value(1);
            const DeviceArray<T> values(rows);
            const DeviceArray<T> gradient(rows * classes);
            CrossEntropyArgs there = args;
            there.dtype = dtype_of<T>;
            there.logits.data = in.data();
            there.targets = at.data();
            there.class_weights = weighted ? factors.data() : nullptr;
            there.loss = value.data();
            there.losses = values.data();
            there.grad.data = gradient.data();
            require(are_logs ? cuda::launch_nll_loss(there, context)
                             : cuda::launch_cross_entropy(there, nullptr, context));
            EXPECT_EQ(context.error().operation, cuda::CheckedOperation::none);
            std::vector<T> result = value.download();
            for (const DeviceArray<T>* const array : {&values, &gradient}) {
              const std::vector<T> elements = array->download();
              result.insert(result.end(), elements.begin(), elements.end());
            }
            return result;
          });
          expect_close(actual, expected, sizeof(T) == 4 ? 1e-5 : 1e-12);
        }
      }
    }
  }
}

TYPED_TEST(CudaClassLoss, ReportsATargetOutOfRange) {
  using T = TypeParam;
  const Context context;
  const DeviceArray<T> in(std::vector<T>(6, T{-1}));
  const DeviceArray<std::int64_t> at(std::vector<std::int64_t>{0, 3, 1});
  const DeviceArray<T> loss(1);
  CrossEntropyArgs args;
  args.dtype = dtype_of<T>;
  args.logits = {in.data(), 3, 2, 2};
  args.targets = at.data();
  args.loss = loss.data();
  args.mean = false;
  require(cuda::launch_nll_loss(args, context));
  EXPECT_TRUE(std::isnan(loss.download()[0]));
  EXPECT_EQ(context.error().operation, cuda::CheckedOperation::nll_loss);
  EXPECT_EQ(context.error().row, 1);
  EXPECT_EQ(context.error().value, 3);
}

}  // namespace
}  // namespace wick::testing
