// SPDX-License-Identifier: MIT
// Checks gradients by finite differences.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "wick/core/random.h"
#include "wick/nn/module.h"

namespace wick::testing {

inline constexpr double kStep = 1e-6;
inline constexpr double kTolerance = 1e-6;

/// Compares `gradient` with central differences of `loss` by each element of `tensor`.
inline void expect_gradient(const Tensor& tensor, const Tensor& gradient,
                            const std::function<double()>& loss, const std::string& what) {
  ASSERT_EQ(tensor.shape(), gradient.shape()) << what;
  auto* const data = tensor.data<double>();
  const std::vector<double> analytic = gradient.to_vector<double>();
  for (std::int64_t i = 0; i < tensor.numel(); ++i) {
    const double kept = data[i];
    data[i] = kept + kStep;
    const double above = loss();
    data[i] = kept - kStep;
    const double below = loss();
    data[i] = kept;
    EXPECT_NEAR(analytic[static_cast<std::size_t>(i)], (above - below) / (2 * kStep), kTolerance)
        << what << " element " << i;
  }
}

/// Gradients by the input and by all parameters, which are float64; twice, so that they add up. The
/// loss is sum(output * weights), so that the gradient by the output is `weights`.
inline void check_module(nn::Module& module, const Tensor& input) {
  Generator generator(11);
  const Tensor weights =
      Tensor::normal(module.forward(input).shape(), 0.0, 1.0, generator, DType::float64);
  const auto loss = [&] {
    const std::vector<double> y = module.forward(input).to_vector<double>();
    const std::vector<double> w = weights.to_vector<double>();
    double sum = 0.0;
    for (std::size_t i = 0; i < y.size(); ++i) sum += y[i] * w[i];
    return sum;
  };
  module.zero_grad();
  (void)module.forward(input);
  const Tensor input_grad = module.backward(weights).clone();
  std::vector<Tensor> grads;
  for (const auto& parameter : module.parameters()) {
    EXPECT_TRUE(parameter->has_grad);
    grads.push_back(parameter->grad.clone());
  }
  expect_gradient(input, input_grad, loss, "input");
  std::size_t i = 0;
  for (const auto& [name, parameter] : module.named_parameters()) {
    expect_gradient(parameter->value, grads[i++], loss, name);
  }
  // A second pass without zero_grad() adds the same again.
  (void)module.forward(input);
  module.backward(weights, false);
  i = 0;
  for (const auto& [name, parameter] : module.named_parameters()) {
    const std::vector<double> once = grads[i++].to_vector<double>();
    const std::vector<double> twice = parameter->grad.to_vector<double>();
    for (std::size_t j = 0; j < once.size(); ++j) EXPECT_NEAR(twice[j], 2.0 * once[j], 1e-12);
  }
}

}  // namespace wick::testing
