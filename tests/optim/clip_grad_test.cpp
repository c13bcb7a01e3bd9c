// SPDX-License-Identifier: MIT
// Clipping of gradients, in flat memory and out of it. PyTorch's own numbers are compared with by
// tests/interop/clip_and_average_parity.py.
#include "wick/optim/clip_grad.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "tests/count_allocations.h"
#include "tests/support.h"
#include "wick/core/error.h"
#include "wick/core/parameter_arena.h"
#include "wick/core/random.h"
#include "wick/kernels/devices.h"
#include "wick/optim/sgd.h"

namespace wick::testing {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// A matrix, a vector without a gradient, two more that leave room in flat memory.
std::vector<ParameterPtr> make_parameters(DType dtype, bool flat) {
  Generator generator(7);
  std::vector<ParameterPtr> parameters;
  for (const Dims& shape : {Dims{3, 5}, Dims{4}, Dims{7}, Dims{}, Dims{300, 301}}) {
    parameters.push_back(make_parameter(Tensor::normal(shape, 0.0, 1.0, generator, dtype)));
    parameters.back()->grad.normal_(0.0, 3.0, generator);
    parameters.back()->has_grad = shape != Dims{4};
  }
  if (flat) static_cast<void>(ParameterArena(parameters));
  return parameters;
}

std::vector<double> gradients(const std::vector<ParameterPtr>& parameters) {
  std::vector<double> all;
  for (const ParameterPtr& parameter : parameters) {
    if (!parameter->has_grad) continue;
    const auto values = parameter->grad.to(DType::float64).to_vector<double>();
    all.insert(all.end(), values.begin(), values.end());
  }
  return all;
}

double norm_of(const std::vector<double>& values, double p) {
  double sum = 0.0;
  double largest = 0.0;
  for (const double value : values) {
    sum += std::pow(std::abs(value), p);
    largest = std::max(largest, std::abs(value));
  }
  return std::isinf(p) ? largest : std::pow(sum, 1.0 / p);
}

double number(const Tensor& tensor) {
  return tensor.to(DType::float64).item<double>();
}

TEST(ClipGradNorm, ScalesGradientsThatAreTooLarge) {
  for (const DType dtype : {DType::float32, DType::float64}) {
    for (const bool flat : {false, true}) {
      for (const double p : {1.0, 2.0, 3.0, 0.5, kInfinity}) {
        for (const double share : {0.25, 2.0}) {
          const auto parameters = make_parameters(dtype, flat);
          const auto before = gradients(parameters);
          const double norm = norm_of(before, p);
          const Tensor total = optim::clip_grad_norm_(parameters, share * norm, p);
          EXPECT_EQ(total.dtype(), dtype);
          EXPECT_EQ(total.shape(), Dims{});
          const double tolerance = dtype == DType::float32 ? 1e-6 : 1e-12;
          EXPECT_NEAR(number(total), norm, norm * tolerance);
          const auto after = gradients(parameters);
          const double scale = std::min(1.0, share * norm / (norm + 1e-6));
          for (std::size_t i = 0; i < after.size(); ++i) {
            ASSERT_NEAR(after[i], before[i] * scale, std::abs(before[i]) * tolerance);
            if (share > 1.0) {
              ASSERT_EQ(after[i], before[i]);
            }
          }
        }
      }
    }
  }
}

TEST(ClipGradNorm, IsTheSameForAnyNumberOfThreads) {
  const int before = num_threads();
  std::vector<std::vector<double>> results;
  for (const int threads : {1, 2, 3}) {
    set_num_threads(threads);
    const auto parameters = make_parameters(DType::float32, true);
    const Tensor total = optim::clip_grad_norm_(parameters, 1.0);
    results.push_back(gradients(parameters));
    results.back().push_back(number(total));
  }
  set_num_threads(before);
  EXPECT_EQ(results[0], results[1]);
  EXPECT_EQ(results[0], results[2]);
}

TEST(ClipGradNorm, NaNAndInfinityAreAsInPyTorch) {
  for (const double p : {2.0, 3.0, kInfinity}) {
    const auto parameters = make_parameters(DType::float32, true);
    parameters[2]->grad[3].fill_(kInfinity);
    EXPECT_EQ(number(optim::clip_grad_norm_(parameters, 1.0, p)), kInfinity);
    const auto with_infinity = gradients(parameters);
    for (std::size_t i = 0; i < with_infinity.size(); ++i) {
      if (i == 15 + 3) {
        EXPECT_TRUE(std::isnan(with_infinity[i]));
      } else {
        ASSERT_EQ(with_infinity[i], 0.0);
      }
    }
    EXPECT_TRUE(std::isnan(number(optim::clip_grad_norm_(parameters, 1.0, p))));
    for (const double value : gradients(parameters)) ASSERT_TRUE(std::isnan(value));
    // The room between parameters has no NaN that stays.
    for (const ParameterPtr& parameter : parameters) parameter->grad.fill_(1.0);
    EXPECT_NEAR(number(optim::clip_grad_norm_(parameters, 1.0, kInfinity)), 1.0, 1e-7);
  }
}

TEST(ClipGradNorm, RefusesANormThatIsNotFinite) {
  const auto parameters = make_parameters(DType::float64, true);
  parameters[0]->grad[1].fill_(kNaN);
  parameters[2]->grad.fill_(5.0);
  expect_throw_with<ValueError>([&] { optim::clip_grad_norm_(parameters, 1.0, 2.0, true); },
                                "clip_grad_norm_: the total norm of order 2");
  EXPECT_EQ(parameters[2]->grad.to_vector<double>(), std::vector<double>(7, 5.0));
  parameters[0]->grad.fill_(1.0);
  EXPECT_GT(number(optim::clip_grad_norm_(parameters, 1.0, 2.0, true)), 1.0);
}

TEST(ClipGradNorm, OfNoGradientsIsZero) {
  const auto parameters = make_parameters(DType::float64, false);
  for (const ParameterPtr& parameter : parameters) parameter->has_grad = false;
  EXPECT_EQ(optim::clip_grad_norm_(parameters, 1.0).item<float>(), 0.0F);
  EXPECT_EQ(optim::clip_grad_norm_({}, 1.0).item<float>(), 0.0F);
}

TEST(ClipGradNorm, TakesBothDTypesTogether) {
  auto parameters = make_parameters(DType::float32, false);
  parameters.push_back(make_parameter(Tensor::ones({4}, DType::float64)));
  parameters.back()->grad.fill_(1e3);
  parameters.back()->has_grad = true;
  const double norm = norm_of(gradients(parameters), 2.0);
  const Tensor total = optim::clip_grad_norm_(parameters, 1.0);
  EXPECT_NEAR(total.item<double>(), norm, norm * 1e-12);
  EXPECT_NEAR(norm_of(gradients(parameters), 2.0), 1.0, 1e-6);
}

TEST(ClipGradNorm, AllocatesNothingAfterTheFirstCall) {
  const auto parameters = make_parameters(DType::float32, true);
  optim::GradNormClipper clipper;
  const std::size_t before = allocation_count();
  clipper.clip(parameters, 100.0);
  const std::size_t after = allocation_count();
  EXPECT_GT(after, before) << "the counter counts nothing";
  clipper.clip(parameters, 1.0, 3.0);
  optim::clip_grad_value_(parameters, 0.1);
  EXPECT_EQ(allocation_count(), after);
}

TEST(ClipGradNorm, SaysWhatItDoesNotTake) {
  auto parameters = make_parameters(DType::float32, false);
  for (const double p : {0.0, -1.0, -kInfinity, kNaN}) {
    expect_throw_with<ValueError>([&] { optim::clip_grad_norm_(parameters, 1.0, p); },
                                  "norm_type must be above 0");
  }
  parameters.push_back(make_parameter(Tensor::ones({4}, DType::bfloat16)));
  EXPECT_NO_THROW(optim::clip_grad_norm_(parameters, 1.0)) << "it has no gradient";
  parameters.back()->has_grad = true;
  expect_throw_with<DTypeError>([&] { optim::clip_grad_norm_(parameters, 1.0); },
                                "clip_grad_norm_: gradients must be float32 or float64");
}

TEST(ClipGradValue, LimitsEachElement) {
  for (const bool flat : {false, true}) {
    const auto parameters = make_parameters(DType::float32, flat);
    parameters[0]->grad[0].fill_(kNaN);
    parameters[2]->grad.fill_(-kInfinity);
    const auto before = gradients(parameters);
    const auto untouched = parameters[1]->grad.to_vector<float>();
    optim::clip_grad_value_(parameters, 0.5);
    const auto after = gradients(parameters);
    for (std::size_t i = 0; i < after.size(); ++i) {
      if (std::isnan(before[i])) {
        EXPECT_TRUE(std::isnan(after[i]));
      } else {
        ASSERT_EQ(after[i], std::clamp(before[i], -0.5, 0.5));
      }
    }
    EXPECT_EQ(parameters[1]->grad.to_vector<float>(), untouched) << "it has no gradient";
    expect_throw_with<ValueError>([&] { optim::clip_grad_value_(parameters, -1.0); },
                                  "clip_value must be at least 0");
  }
}

TEST(ClipGrad, RefusesAParameterThatIsNullBeforeAnyChange) {
  auto parameters = make_parameters(DType::float32, false);
  parameters.push_back(nullptr);
  const Tensor before = parameters.front()->grad.clone();
  expect_throw_with<ValueError>([&] { optim::clip_grad_norm_(parameters, 1e-3); },
                                "clip_grad_norm_: parameter 5 is null");
  expect_throw_with<ValueError>([&] { optim::clip_grad_value_(parameters, 1e-3); },
                                "clip_grad_value_: parameter 5 is null");
  EXPECT_TRUE(bitwise_equal(parameters.front()->grad, before));
}

}  // namespace
}  // namespace wick::testing
