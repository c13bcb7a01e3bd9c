// SPDX-License-Identifier: MIT
// Losses that are sums over elements: gradients, sums, threads, errors.
#include "wick/nn/losses/pointwise_loss.h"

#include <cmath>
#include <memory>
#include <random>

#include <gtest/gtest.h>

#include "tests/count_allocations.h"
#include "tests/nn/finite_differences.h"
#include "tests/support.h"
#include "wick/core/error.h"
#include "wick/core/ops.h"
#include "wick/kernels/devices.h"

namespace wick::nn {
namespace {

using testing::expect_gradient;
using testing::expect_throw_with;

std::vector<std::unique_ptr<Loss>> all_losses(Reduction reduction, std::int64_t cols, DType dtype,
                                              Generator& generator) {
  std::vector<std::unique_ptr<Loss>> losses;
  losses.push_back(std::make_unique<L1Loss>(reduction));
  losses.push_back(std::make_unique<MSELoss>(reduction));
  losses.push_back(std::make_unique<SmoothL1Loss>(reduction, 0.7));
  losses.push_back(std::make_unique<SmoothL1Loss>(reduction, 0.0));
  losses.push_back(std::make_unique<HuberLoss>(reduction, 0.6));
  BCEWithLogitsLossOptions options;
  options.reduction = reduction;
  losses.push_back(std::make_unique<BCEWithLogitsLoss>(options));
  options.pos_weight = Tensor::uniform({cols}, 0.5, 3.0, generator, dtype);
  losses.push_back(std::make_unique<BCEWithLogitsLoss>(options));
  options.weight = Tensor::uniform({cols}, 0.5, 3.0, generator, dtype);
  losses.push_back(std::make_unique<BCEWithLogitsLoss>(options));
  return losses;
}

TEST(PointwiseLoss, GradientsAreThoseOfFiniteDifferences) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  Generator generator(seed);
  for (const Reduction reduction : {Reduction::mean, Reduction::sum}) {
    for (const auto& loss : all_losses(reduction, 5, DType::float64, generator)) {
      const Tensor x = Tensor::normal({3, 5}, 0.0, 1.5, generator, DType::float64);
      const Tensor t = Tensor::uniform({3, 5}, 0.0, 1.0, generator, DType::float64);
      (void)loss->forward(x, t);
      const Tensor gradient = loss->backward().clone();
      const auto value = [&] { return loss->forward(x, t).item<double>(); };
      expect_gradient(x, gradient, value, std::string(loss->type_name()));
    }
  }
}

// Float32 in vectors and rests of them against float64.
TEST(PointwiseLoss, VectorsGiveWhatSingleElementsGive) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  Generator weights(seed);
  for (const std::int64_t cols : {1, 3, 7, 8, 17, 64, 1000}) {
    for (const std::int64_t rows : {1, 4}) {
      Generator first(seed);
      Generator second(seed);
      const auto narrow = all_losses(Reduction::mean, cols, DType::float32, first);
      const auto wide = all_losses(Reduction::mean, cols, DType::float32, second);
      const Tensor x = Tensor::normal({rows, cols}, 0.0, 4.0, weights);
      const Tensor t = Tensor::uniform({rows, cols}, 0.0, 1.0, weights);
      for (std::size_t i = 0; i < narrow.size(); ++i) {
        if (i >= 6) continue;  // their weights are float32
        const double expected =
            wide[i]->forward(x.to(DType::float64), t.to(DType::float64)).item<double>();
        EXPECT_NEAR(static_cast<double>(narrow[i]->forward(x, t).item<float>()), expected,
                    2e-6 * std::fabs(expected));
        const auto a = narrow[i]->backward().to_vector<float>();
        const auto b = wide[i]->backward().to_vector<double>();
        double largest = 0.0;
        for (const double each : b) largest = std::max(largest, std::fabs(each));
        // The difference of two numbers up to 1, in the mean of all, may be small.
        const double bound = 1e-6 * largest + 2e-7 / static_cast<double>(x.numel());
        for (std::size_t j = 0; j < a.size(); ++j) {
          ASSERT_NEAR(static_cast<double>(a[j]), b[j], bound) << narrow[i]->type_name();
        }
      }
    }
  }
}

TEST(PointwiseLoss, IsTheSameForAnyNumberOfThreads) {
  Generator generator(3);
  const Tensor x = Tensor::normal({700, 301}, 0.0, 1.0, generator);
  const Tensor t = Tensor::uniform({700, 301}, 0.0, 1.0, generator);
  for (const auto& loss : all_losses(Reduction::mean, 301, DType::float32, generator)) {
    set_num_threads(1);
    const Tensor value = loss->forward(x, t).clone();
    const Tensor grad = loss->backward().clone();
    for (const int threads : {2, 3, 8}) {
      set_num_threads(threads);
      EXPECT_TRUE(bitwise_equal(loss->forward(x, t), value)) << threads;
      EXPECT_TRUE(bitwise_equal(loss->backward(), grad)) << threads;
    }
    set_num_threads(1);
  }
}

TEST(PointwiseLoss, AddsUpAndAllocatesNothing) {
  Generator generator(4);
  const Tensor x = Tensor::normal({30, 10}, 0.0, 1.0, generator);
  const Tensor t = Tensor::normal({30, 10}, 0.0, 1.0, generator);
  MSELoss loss;
  const Tensor sum = Tensor::zeros({}, DType::float64);
  loss.accumulate_in(sum);
  const double once = static_cast<double>(loss.forward(x, t).item<float>());
  const std::size_t before = testing::allocation_count();
  (void)loss.forward(x, t);
  (void)loss.backward();
  EXPECT_EQ(testing::allocation_count(), before);
  EXPECT_EQ(sum.item<double>(), 2 * once);
}

TEST(PointwiseLoss, NoElementsAndNaN) {
  MSELoss mean;
  EXPECT_TRUE(std::isnan(mean.forward(Tensor::empty({0, 3}), Tensor::empty({0, 3})).item<float>()));
  MSELoss sum(Reduction::sum);
  EXPECT_EQ(sum.forward(Tensor::empty({0, 3}), Tensor::empty({0, 3})).item<float>(), 0.0F);
  Generator generator(1);
  for (const auto& loss : all_losses(Reduction::sum, 1, DType::float32, generator)) {
    const Tensor value = loss->forward(Tensor::full({3, 1}, NAN), Tensor::ones({3, 1}));
    EXPECT_TRUE(std::isnan(value.item<float>())) << loss->type_name();
  }
}

TEST(PointwiseLoss, NamesWhatDoesNotFit) {
  MSELoss loss;
  expect_throw_with<ValueError>([&] { (void)loss.backward(); }, "MSELoss: backward() before");
  const Tensor x = Tensor::ones({2, 3});
  expect_throw_with<ShapeError>(
      [&] {
        (void)loss.forward(x, Tensor::ones({3, 2}));
      },
      "MSELoss: target has shape");
  expect_throw_with<DTypeError>(
      [&] {
        (void)loss.forward(x, Tensor::ones({2, 3}, DType::float64));
      },
      "float32");
  expect_throw_with<ShapeError>(
      [&] {
        (void)loss.forward(x.transpose(0, 1), Tensor::ones({3, 2}));
      },
      "not contiguous");
  EXPECT_THROW(HuberLoss(Reduction::mean, 0.0), ValueError);
  EXPECT_THROW(SmoothL1Loss(Reduction::mean, -1.0), ValueError);
  BCEWithLogitsLoss weighted({.pos_weight = Tensor::ones({2})});
  expect_throw_with<ShapeError>([&] { (void)weighted.forward(x, x); }, "pos_weight");
}

}  // namespace
}  // namespace wick::nn
