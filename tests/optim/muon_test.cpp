// SPDX-License-Identifier: MIT
// Muon: what it takes, what it makes of a matrix, and its state. Its loss beside PyTorch's is in
// tests/interop/optimizer_parity.py.
#include "wick/optim/muon.h"

#include <cmath>

#include <gtest/gtest.h>

#include "optim/newton_schulz.h"
#include "tests/count_allocations.h"
#include "tests/support.h"
#include "wick/core/error.h"
#include "wick/core/ops.h"
#include "wick/core/random.h"

namespace wick::testing {
namespace {

using optim::Muon;

ParameterPtr matrix(std::int64_t rows, std::int64_t cols, DType dtype = DType::float32) {
  static Generator generator(11);
  const ParameterPtr parameter =
      make_parameter(Tensor::normal({rows, cols}, 0.0, 1.0, generator, dtype));
  parameter->grad.normal_(0.0, 1.0, generator);
  parameter->has_grad = true;
  return parameter;
}

/// The largest distance of X X', or X' X where X is tall, from the identity.
double distance_from_orthogonal(const Tensor& x) {
  const bool is_tall = x.size(0) > x.size(1);
  const std::int64_t size = std::min(x.size(0), x.size(1));
  const Tensor gram = Tensor::empty({size, size});
  ops::matmul(x, x, gram, {.transpose_a = is_tall, .transpose_b = !is_tall});
  double largest = 0.0;
  for (std::int64_t i = 0; i < size; ++i) {
    for (std::int64_t j = 0; j < size; ++j) {
      const double wanted = i == j ? 1.0 : 0.0;
      largest = std::max(largest, std::abs(static_cast<double>(gram.at<float>({i, j})) - wanted));
    }
  }
  return largest;
}

TEST(NewtonSchulz, MakesMatricesOrthogonal) {
  Generator generator(2);
  optim::NewtonSchulz iteration;
  for (const auto& [rows, cols] :
       {std::pair<std::int64_t, std::int64_t>{20, 7}, {7, 20}, {9, 3}, {1, 5}, {1, 1}}) {
    const Tensor x = Tensor::normal({rows, cols}, 0.0, 5.0, generator);
    // The classical coefficients, which converge to singular values of 1.
    iteration.apply(x, {.coefficients = {1.5, -0.5, 0.0}, .steps = 30, .eps = 1e-7});
    EXPECT_LT(distance_from_orthogonal(x), 0.03) << rows << " x " << cols;
  }
}

TEST(NewtonSchulz, LeavesZeros) {
  const Tensor x = Tensor::zeros({3, 4});
  optim::NewtonSchulz().apply(x,
                              {.coefficients = {3.4445, -4.7750, 2.0315}, .steps = 5, .eps = 1e-7});
  EXPECT_TRUE(bitwise_equal(x, Tensor::zeros({3, 4})));
}

TEST(Muon, TakesMatricesOnly) {
  const auto refuse = [](const Dims& shape) {
    expect_throw_with<ValueError>([&] { Muon({make_parameter(Tensor::zeros(shape))}); },
                                  "Muon: only matrices can be parameters, got");
  };
  refuse({3});
  refuse({});
  refuse({2, 3, 4});
  const auto refuse_options = [](const optim::MuonOptions& options, const char* message) {
    expect_throw_with<ValueError>([&] { Muon({matrix(2, 3)}, options); }, message);
  };
  refuse_options({.lr = -1.0}, "learning rate");
  refuse_options({.momentum = -0.1}, "momentum");
  refuse_options({.ns_steps = 100}, "ns_steps");
  refuse_options({.ns_steps = -1}, "ns_steps");
  refuse_options({.adjust_lr_fn = "other"}, "Adjust learning rate function other");
}

TEST(Muon, AStepIsAsLargeAsTheRateSays) {
  struct Case {
    std::optional<std::string> adjust;
    double ratio;
  };
  for (const DType dtype : {DType::float32, DType::float64}) {
    for (const Case& c : {Case{std::nullopt, std::sqrt(3.0)}, Case{"original", std::sqrt(3.0)},
                          Case{"match_rms_adamw", 0.2 * std::sqrt(24.0)},
                          Case{"spectral_unclamped", std::sqrt(3.0)}}) {
      const ParameterPtr param = matrix(24, 8, dtype);
      const Tensor before = param->value.clone();
      Muon optimizer({param}, {.lr = 0.5,
                               .weight_decay = 0.1,
                               .ns_coefficients = {1.5, -0.5, 0.0},
                               .ns_steps = 30,
                               .adjust_lr_fn = c.adjust});
      optimizer.step();
      // What has been taken beside the decay is an orthogonal matrix.
      const Tensor taken = Tensor::empty({24, 8}, dtype);
      const double scale = 1.0 / (0.5 * c.ratio);
      ops::weighted_sum((1.0 - 0.5 * 0.1) * scale, before, -scale, param->value, taken);
      EXPECT_LT(distance_from_orthogonal(taken.to(DType::float32)), 0.05);
    }
  }
}

TEST(Muon, ParametersWithoutAGradientStay) {
  const auto first = matrix(3, 5);
  const auto second = matrix(4, 4);
  second->has_grad = false;
  Muon optimizer({first, second});
  const Tensor before = second->value.clone();
  optimizer.step();
  EXPECT_TRUE(bitwise_equal(second->value, before));
  EXPECT_EQ(optimizer.state_dict().at("state").as_dict().size(), 1U);
  EXPECT_EQ(optimizer.state_dict().at("state").at(0).at("momentum_buffer").as_tensor().shape(),
            (Dims{3, 5}));
}

TEST(Muon, GoesOnFromItsState) {
  const auto params = std::vector<ParameterPtr>{matrix(3, 5), matrix(6, 2)};
  const auto others = std::vector<ParameterPtr>{matrix(3, 5), matrix(6, 2)};
  Muon optimizer(params, {.lr = 0.1, .ns_steps = 4, .adjust_lr_fn = "match_rms_adamw"});
  optimizer.step();
  Muon other(others);
  other.load_state_dict(optimizer.state_dict());
  EXPECT_EQ(other.state_dict().at("param_groups"), optimizer.state_dict().at("param_groups"));
  for (std::size_t i = 0; i < params.size(); ++i) {
    others[i]->value.copy_(params[i]->value);
    others[i]->grad.copy_(params[i]->grad);
  }
  optimizer.step();
  other.step();
  for (std::size_t i = 0; i < params.size(); ++i) {
    EXPECT_TRUE(bitwise_equal(params[i]->value, others[i]->value));
  }
}

TEST(Muon, AllocatesNothingAfterTheFirstStep) {
  for (const DType dtype : {DType::float32, DType::float64}) {
    Muon optimizer({matrix(30, 20, dtype), matrix(3, 50, dtype), matrix(7, 7, dtype)});
    const std::size_t before = allocation_count();
    optimizer.step();
    const std::size_t first = allocation_count();
    EXPECT_GT(first, before) << "the counter counts nothing";
    optimizer.step();
    EXPECT_EQ(allocation_count(), first);
  }
}

}  // namespace
}  // namespace wick::testing
