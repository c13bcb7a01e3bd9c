// SPDX-License-Identifier: MIT
// What holds of every loss, over the table of losses.
#include "tests/nn/loss_cases.h"

#include <random>

#include <gtest/gtest.h>

#include "tests/count_allocations.h"
#include "tests/nn/finite_differences.h"
#include "tests/support.h"
#include "wick/core/error.h"
#include "wick/kernels/devices.h"

namespace wick::testing {
namespace {

using nn::Reduction;

constexpr Reduction kReductions[] = {Reduction::mean, Reduction::sum, Reduction::none};

class Losses : public ::testing::TestWithParam<LossRow> {
 protected:
  [[nodiscard]] std::unique_ptr<nn::Loss> make(Reduction reduction, DType dtype) {
    return GetParam().make({generator_, reduction, dtype});
  }
  [[nodiscard]] LossCall call(nn::Loss& loss, const Dims& batch, DType dtype) {
    return make_call(GetParam(), loss, batch, generator_, dtype);
  }
  [[nodiscard]] Tensor grad_output(Reduction reduction, const Tensor& losses) {
    if (reduction != Reduction::none) return {};
    return Tensor::normal(losses.shape(), 0.0, 1.0, generator_, losses.dtype());
  }

  std::uint64_t seed_ = std::random_device()();
  Generator generator_{seed_};
  ::testing::ScopedTrace trace_{__FILE__, __LINE__, ::testing::Message() << "seed " << seed_};
};
INSTANTIATE_TEST_SUITE_P(All, Losses, ::testing::ValuesIn(kLossCases));

TEST_P(Losses, GradientsAreThoseOfFiniteDifferences) {
  for (const Reduction reduction : kReductions) {
    for (const Dims& batch : {Dims{4}, Dims{3, 2}, Dims{2, 3, 2}, Dims{}}) {
      const auto loss = make(reduction, DType::float64);
      const LossCall c = call(*loss, batch, DType::float64);
      const Tensor g = grad_output(reduction, c.forward());
      const Tensor gradient = c.backward(g).clone();
      const auto value = [&] {
        const std::vector<double> losses = c.forward().to_vector<double>();
        if (!g.defined()) return losses[0];
        double sum = 0.0;
        for (std::size_t i = 0; i < losses.size(); ++i) sum += losses[i] * g.data<double>()[i];
        return sum;
      };
      if (!std::isfinite(value())) continue;  // a mean of ignored rows alone
      expect_gradient(c.input, gradient, value, "input");
      if (!c.var.defined()) continue;
      (void)c.forward();
      // Below eps, the gradient is not that of the function, as in PyTorch.
      const Tensor by_var = c.var_backward(g).clone();
      for (std::int64_t i = 0; i < c.var.numel(); ++i) {
        double& v = c.var.data<double>()[i];
        if (v <= 0.51) continue;
        const double kept = std::exchange(v, v + kStep);
        const double above = value();
        v = kept - kStep;
        const double below = value();
        v = kept;
        EXPECT_NEAR(by_var.data<double>()[i], (above - below) / (2 * kStep), kTolerance);
      }
    }
  }
}

TEST_P(Losses, ReductionsAreSumsAndMeansOfTheLosses) {
  const auto none = make(Reduction::none, DType::float64);
  Generator again(seed_);  // the same weights
  const auto sum = GetParam().make({again, Reduction::sum, DType::float64});
  const LossCall c = call(*none, {4, 3}, DType::float64);
  double total = 0.0;
  for (const double each : c.forward().to_vector<double>()) total += each;
  LossCall whole = c;
  whole.loss = sum.get();
  EXPECT_NEAR(whole.forward().item<double>(), total, 1e-12 * (1.0 + std::fabs(total)));
  const Tensor running = Tensor::zeros({}, DType::float64);
  none->accumulate_in(running);
  (void)c.forward();
  EXPECT_NEAR(running.item<double>(), total, 1e-12 * (1.0 + std::fabs(total)));
}

TEST_P(Losses, VectorsGiveWhatSingleElementsGive) {
  for (const std::int64_t rows : {1, 7, 131}) {
    const std::uint64_t seed = generator_.random();
    Generator first(seed);
    Generator second(seed);
    const auto narrow = GetParam().make({first, Reduction::mean, DType::float32});
    const auto wide = GetParam().make({second, Reduction::mean, DType::float64});
    LossCall c = call(*narrow, {rows, 3}, DType::float32);
    const auto value = static_cast<double>(c.forward().item<float>());
    const auto gradient = c.backward({}).to_vector<float>();
    LossCall w = c;
    w.loss = wide.get();
    w.input = c.input.to(DType::float64);
    if (is_floating_point(c.target.dtype())) w.target = c.target.to(DType::float64);
    if (c.var.defined()) w.var = c.var.to(DType::float64);
    const double expected = w.forward().item<double>();
    if (std::isnan(expected)) continue;
    EXPECT_NEAR(value, expected, 1e-5 * (1.0 + std::fabs(expected)));
    const auto exact = w.backward({}).to_vector<double>();
    double largest = 0.0;
    for (const double each : exact) largest = std::max(largest, std::fabs(each));
    for (std::size_t i = 0; i < exact.size(); ++i) {
      ASSERT_NEAR(static_cast<double>(gradient[i]), exact[i], 2e-6 * largest);
    }
  }
}

TEST_P(Losses, HaveTheSameBitsForAnyNumberOfThreads) {
  for (const Reduction reduction : kReductions) {
    const auto loss = make(reduction, DType::float32);
    const LossCall c = call(*loss, {331, 61}, DType::float32);
    const Tensor value = c.forward().clone();
    const Tensor g = grad_output(reduction, value);
    const Tensor gradient = c.backward(g).clone();
    for (const int threads : {2, 3, 8}) {
      set_num_threads(threads);
      EXPECT_TRUE(bitwise_equal(c.forward(), value)) << threads;
      EXPECT_TRUE(bitwise_equal(c.backward(g), gradient)) << threads;
    }
    set_num_threads(1);
  }
}

TEST_P(Losses, AllocateNothingAfterTheSecondStep) {
  for (const Reduction reduction : kReductions) {
    const auto loss = make(reduction, DType::float32);
    const LossCall c = call(*loss, {6, 4}, DType::float32);
    const Tensor g = grad_output(reduction, c.forward());
    const auto step = [&] {
      (void)c.forward();
      (void)c.backward(g);
      if (c.var.defined()) (void)c.var_backward(g);
    };
    step();
    step();
    const std::size_t before = allocation_count();
    for (int i = 0; i < 5; ++i) step();
    EXPECT_EQ(allocation_count(), before);
  }
}

TEST_P(Losses, LeaveTheirArgumentsAlone) {
  const auto loss = make(Reduction::none, DType::float32);
  const LossCall c = call(*loss, {6, 4}, DType::float32);
  const Tensor input = c.input.clone();
  const Tensor target = c.target.clone();
  const Tensor g = grad_output(Reduction::none, c.forward());
  const Tensor kept = g.clone();
  const Tensor first = c.backward(g).clone();
  EXPECT_TRUE(bitwise_equal(c.backward(g), first));  // any number of times
  EXPECT_TRUE(bitwise_equal(c.input, input));
  EXPECT_TRUE(bitwise_equal(c.target, target));
  EXPECT_TRUE(bitwise_equal(g, kept));
}

TEST_P(Losses, OfNothing) {
  const auto mean = make(Reduction::mean, DType::float32);
  EXPECT_TRUE(std::isnan(call(*mean, {0, 3}, DType::float32).forward().item<float>()));
  const auto sum = make(Reduction::sum, DType::float32);
  EXPECT_EQ(call(*sum, {0, 3}, DType::float32).forward().item<float>(), 0.0F);
  const auto none = make(Reduction::none, DType::float32);
  const LossCall c = call(*none, {0, 3}, DType::float32);
  EXPECT_EQ(c.forward().numel(), 0);
  EXPECT_EQ(c.backward(Tensor::empty(c.forward().shape())).shape(), c.input.shape());
}

TEST_P(Losses, NameWhatDoesNotFit) {
  const std::string torch = GetParam().torch;
  const std::string name = torch.substr(0, torch.find('('));
  const auto mean = make(Reduction::mean, DType::float32);
  EXPECT_EQ(mean->type_name(), name);
  const LossCall c = call(*mean, {4, 3}, DType::float32);
  expect_throw_with<ValueError>([&] { (void)c.backward({}); }, name + ": backward() before");
  (void)c.forward();
  expect_throw_with<ValueError>([&] { (void)mean->backward(Tensor::ones({})); },
                                "is for Reduction::none");
  LossCall other = c;
  other.target = c.target.slice(0, 0, 3);
  EXPECT_THROW((void)other.forward(), ShapeError);
  if (is_floating_point(c.target.dtype())) {
    other.target = c.target.to(DType::float64);
    expect_throw_with<DTypeError>([&] { (void)other.forward(); }, name);
  }
  const auto none = make(Reduction::none, DType::float32);
  const LossCall each = call(*none, {4, 3}, DType::float32);
  (void)each.forward();
  expect_throw_with<ValueError>([&] { (void)each.backward({}); }, "Reduction::none");
  expect_throw_with<ShapeError>([&] { (void)none->backward(Tensor::ones({7})); }, "[7]");
}

TEST(LossErrors, AreTyped) {
  const Tensor x = Tensor::from<float>({0.5F, 1.5F});
  nn::BCELoss bce;
  expect_throw_with<ValueError>([&] { (void)bce.forward(x, x); }, "element 1 of the input is 1.5");
  expect_throw_with<ValueError>([&] { (void)bce.forward(Tensor::full({2}, 0.5), x); },
                                "element 1 of the target is 1.5");
  nn::GaussianNLLLoss gaussian;
  expect_throw_with<ValueError>([&] { (void)gaussian.forward(x, x); }, "variance");
  expect_throw_with<ValueError>(
      [&] {
        (void)gaussian.forward(x, x, Tensor::from<float>({1.0F, -1.0F}));
      },
      "negative");
  expect_throw_with<ShapeError>([&] { (void)gaussian.forward(x, x, Tensor::ones({3})); }, "[3]");
  expect_throw_with<ValueError>([] { nn::MSELoss(Reduction::batchmean); }, "KLDivLoss");
  expect_throw_with<ValueError>([] { nn::NLLLoss({.reduction = Reduction::batchmean}); },
                                "KLDivLoss");
  expect_throw_with<ValueError>([] { nn::PoissonNLLLoss({.eps = 0.0}); }, "eps 0");
  expect_throw_with<ValueError>([] { nn::GaussianNLLLoss({.eps = -1.0}); }, "eps -1");
  nn::NLLLoss nll;
  expect_throw_with<IndexError>(
      [&] {
        (void)nll.forward(x.view({1, 2}), Tensor::from<std::int64_t>({2}));
      },
      "target 2");
}

// torch.nn.BCELoss(reduction="none") of 0 and 1 with either target, and its gradients.
TEST(BCELoss, BoundsItsLogarithms) {
  nn::BCELoss loss({.reduction = Reduction::none});
  const Tensor x = Tensor::from<float>({0.0F, 0.0F, 1.0F, 1.0F});
  const Tensor t = Tensor::from<float>({0.0F, 1.0F, 0.0F, 1.0F});
  EXPECT_EQ(loss.forward(x, t).to_vector<float>(), (std::vector<float>{0, 100, 100, 0}));
  EXPECT_EQ(loss.backward(Tensor::ones({4})).to_vector<float>(),
            (std::vector<float>{0, -1e12F, 1e12F, 0}));
}

TEST(KLDivLoss, BatchmeanDividesByTheFirstSize) {
  Generator generator(1);
  const Tensor x = Tensor::normal({4, 3, 2}, 0.0, 1.0, generator);
  const Tensor t = Tensor::uniform({4, 3, 2}, 0.1, 1.0, generator);
  nn::KLDivLoss sum({.reduction = Reduction::sum});
  nn::KLDivLoss batchmean({.reduction = Reduction::batchmean});
  EXPECT_FLOAT_EQ(batchmean.forward(x, t).item<float>(), sum.forward(x, t).item<float>() / 4.0F);
  EXPECT_FLOAT_EQ(batchmean.backward().data<float>()[5], sum.backward().data<float>()[5] / 4.0F);
}

TEST(GaussianNLLLoss, TakesOneVarianceForAColumnOfElements) {
  Generator generator(1);
  const Tensor x = Tensor::normal({4, 3}, 0.0, 1.0, generator, DType::float64);
  const Tensor t = Tensor::normal({4, 3}, 0.0, 1.0, generator, DType::float64);
  for (const Dims& shape : {Dims{4, 1}, Dims{4}}) {
    const Tensor var = Tensor::uniform(shape, 0.5, 2.0, generator, DType::float64);
    for (const Reduction reduction : {Reduction::mean, Reduction::none}) {
      nn::GaussianNLLLoss loss({.reduction = reduction});
      const Tensor losses = loss.forward(x, t, var);
      const Tensor g = reduction == Reduction::none
                           ? Tensor::normal({4, 3}, 0.0, 1.0, generator, DType::float64)
                           : Tensor();
      const Tensor gradient = (g.defined() ? loss.var_backward(g) : loss.var_backward()).clone();
      EXPECT_EQ(gradient.shape(), shape);
      expect_gradient(
          var, gradient,
          [&] {
            const auto values = loss.forward(x, t, var).to_vector<double>();
            if (!g.defined()) return values[0];
            double sum = 0.0;
            for (std::size_t i = 0; i < values.size(); ++i) sum += values[i] * g.data<double>()[i];
            return sum;
          },
          "var");
    }
  }
}

}  // namespace
}  // namespace wick::testing
