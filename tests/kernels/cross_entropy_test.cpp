// SPDX-License-Identifier: MIT
// Softmax cross-entropy at every level against the definition in float64. (Agreement with PyTorch
// is checked in tests/interop.)
#include <cmath>
#include <optional>

#include <gtest/gtest.h>

#include "tests/kernels/loss_cases.h"
#include "tests/kernels/reference.h"
#include "wick/core/backend.h"
#include "wick/core/backend/rows.h"
#include "wick/core/error.h"

namespace wick {
namespace {

using testing::all_levels;
using testing::Matrix;

struct Options {
  std::optional<std::vector<float>> weights;
  double smoothing = 0.0;
  bool mean = true;
};

// The loss as its definition has it, for logits given in double.
double reference_loss(const std::vector<double>& logits, std::int64_t classes,
                      const std::vector<std::int64_t>& targets, const Options& options,
                      std::int64_t ignore_index) {
  double total = 0.0;
  double divisor = 0.0;
  for (std::size_t r = 0; r < targets.size(); ++r) {
    if (targets[r] == ignore_index) continue;
    const double* const x = logits.data() + static_cast<std::int64_t>(r) * classes;
    const double largest = *std::max_element(x, x + classes);
    double sum = 0.0;
    for (std::int64_t c = 0; c < classes; ++c) sum += std::exp(x[c] - largest);
    const double log_sum = std::log(sum) + largest;
    const auto weight = [&](std::int64_t c) {
      return options.weights ? static_cast<double>((*options.weights)[static_cast<std::size_t>(c)])
                             : 1.0;
    };
    double smooth = 0.0;
    for (std::int64_t c = 0; c < classes; ++c) smooth += weight(c) * (log_sum - x[c]);
    total += (1.0 - options.smoothing) * weight(targets[r]) * (log_sum - x[targets[r]]) +
             options.smoothing / static_cast<double>(classes) * smooth;
    divisor += weight(targets[r]);
  }
  return options.mean ? total / divisor : total;
}

TEST(CrossEntropy, LossAndGradientAgreeWithTheDefinition) {
  Generator generator(1);
  constexpr std::int64_t kIgnore = -100;
  for (const auto& backend : all_levels()) {
    for (const std::int64_t classes : {1, 2, 10, 16, 37, 100}) {
      const std::int64_t rows = 9;
      const Matrix x = Matrix::random(rows, classes, generator, 2);
      std::vector<double> wide;
      std::vector<std::int64_t> targets;
      for (std::int64_t r = 0; r < rows; ++r) {
        targets.push_back(r == 4 ? kIgnore
                                 : static_cast<std::int64_t>(generator.random() %
                                                             static_cast<std::uint32_t>(classes)));
        for (std::int64_t c = 0; c < classes; ++c) wide.push_back(static_cast<double>(x.at(r, c)));
      }
      const Matrix weights = Matrix::random(1, classes, generator);
      std::vector<float> positive;
      for (const float w : weights.data) positive.push_back(w + 1.5F);
      for (const Options& options : {Options{}, Options{{}, 0.0, false}, Options{{}, 0.1, true},
                                     Options{positive, 0.0, true}, Options{positive, 0.3, true},
                                     Options{positive, 1.0, false}}) {
        float loss = std::nanf("");
        Matrix grad(rows, classes, 1);
        backend->cross_entropy(
            {.logits = x.ref(),
             .targets = targets.data(),
             .class_weights = options.weights ? options.weights->data() : nullptr,
             .label_smoothing = options.smoothing,
             .ignore_index = kIgnore,
             .mean = options.mean,
             .loss = &loss,
             .grad = grad.ref()});
        EXPECT_NEAR(static_cast<double>(loss),
                    reference_loss(wide, classes, targets, options, kIgnore), 2e-5);
        for (std::int64_t r = 0; r < rows; ++r) {
          for (std::int64_t c = 0; c < classes; ++c) {
            constexpr double kStep = 1e-5;
            const auto at = static_cast<std::size_t>(r * classes + c);
            auto moved = wide;
            moved[at] += kStep;
            const double above = reference_loss(moved, classes, targets, options, kIgnore);
            moved[at] -= 2 * kStep;
            const double below = reference_loss(moved, classes, targets, options, kIgnore);
            EXPECT_NEAR(static_cast<double>(grad.at(r, c)), (above - below) / (2 * kStep), 1e-5);
          }
        }
        EXPECT_TRUE(grad.gaps_intact());
      }
    }
  }
}

template <typename T>
void expect_pytorchs(cpu::CpuBackend& backend, const testing::LossCase& c) {
  const std::vector<T> logits(c.logits.begin(), c.logits.end());
  const std::vector<T> weights(c.weights.begin(), c.weights.end());
  std::vector<T> grad(c.grad.size());
  T loss{};
  CrossEntropyArgs args = c.args;
  args.dtype = dtype_of<T>;
  args.logits = {logits.data(), c.rows, c.classes, c.classes};
  args.targets = c.targets.data();
  args.class_weights = weights.empty() ? nullptr : weights.data();
  args.loss = &loss;
  args.grad = {grad.data(), c.rows, c.classes, c.classes};
  backend.cross_entropy(args);
  testing::expect_like(static_cast<double>(loss), c.loss, c);
  for (std::size_t i = 0; i < grad.size(); ++i) {
    testing::expect_like(static_cast<double>(grad[i]), c.grad[i], c);
  }
}

TEST(CrossEntropy, IsPyTorchsForAllOptionsItsNaNsIncluded) {
  for (const testing::LossCase& c : testing::loss_cases()) {
    for (const auto& backend : all_levels()) {
      expect_pytorchs<float>(*backend, c);
      expect_pytorchs<double>(*backend, c);
    }
  }
}

TEST(CrossEntropy, LargeLogitsNeitherOverflowNorUnderflowToNaN) {
  for (const auto& backend : all_levels()) {
    const std::vector<float> x = {1e30F, 0.0F, -1e30F, /**/ -3e38F, 3e38F, 0.0F};
    const std::vector<std::int64_t> targets = {0, 1};
    float loss = 0.0F;
    std::vector<float> grad(6, 1.0F);
    backend->cross_entropy({.logits = {x.data(), 2, 3, 3},
                            .targets = targets.data(),
                            .loss = &loss,
                            .grad = {grad.data(), 2, 3, 3}});
    EXPECT_EQ(loss, 0.0F);
    for (const float g : grad) EXPECT_EQ(g, 0.0F);
  }
}

TEST(CrossEntropy, ExponentialsAreAccurate) {
  // The gradient of row (0, -t) with target 0 is (p - 1, p) where p = e^-t / (1 + e^-t).
  for (const auto& backend : all_levels()) {
    for (double t = 0.0; t < 80.0; t += 0.37) {
      const std::vector<float> x = {0.0F, -static_cast<float>(t)};
      const std::int64_t target = 0;
      float loss = 0.0F;
      std::vector<float> grad(2);
      backend->cross_entropy({.logits = {x.data(), 1, 2, 2},
                              .targets = &target,
                              .loss = &loss,
                              .grad = {grad.data(), 1, 2, 2}});
      const double e = std::exp(static_cast<double>(x[1]));
      const double p = e / (1.0 + e);
      EXPECT_NEAR(static_cast<double>(grad[1]) / p, 1.0, 4e-7) << t;
    }
  }
}

TEST(CrossEntropy, NaNInGivesNaNOut) {
  for (const auto& backend : all_levels()) {
    const std::vector<float> x = {0.0F, std::nanf(""), 1.0F};
    const std::int64_t target = 0;
    float loss = 0.0F;
    backend->cross_entropy({.logits = {x.data(), 1, 3, 3}, .targets = &target, .loss = &loss});
    EXPECT_TRUE(std::isnan(loss));
  }
}

TEST(CrossEntropy, MeanOfNoRowsIsNaN) {
  const auto backend = std::move(all_levels().front());
  const std::vector<float> x = {0.0F, 1.0F};
  const std::int64_t ignored = -100;
  float loss = 0.0F;
  backend->cross_entropy({.logits = {x.data(), 1, 2, 2}, .targets = &ignored, .loss = &loss});
  EXPECT_TRUE(std::isnan(loss));
}

TEST(CrossEntropy, RefusesLabelsOutOfRange) {
  const auto backend = std::move(all_levels().front());
  const std::vector<float> x = {0.0F, 1.0F};
  float loss = 0.0F;
  for (const std::int64_t target : {std::int64_t{2}, std::int64_t{-1}}) {
    EXPECT_THROW(
        backend->cross_entropy({.logits = {x.data(), 1, 2, 2}, .targets = &target, .loss = &loss}),
        IndexError);
  }
}

}  // namespace
}  // namespace wick
