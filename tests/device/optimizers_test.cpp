// SPDX-License-Identifier: MIT
// The optimizers' kernels beside PyTorch, with gradients of every size; and clipping, Muon and
// LBFGS beside the CPU.
#include <cmath>
#include <functional>

#include <gmock/gmock.h>

#include "tests/device/device_under_test.h"
#include "tests/optim/every_size.h"
#include "wick/core/parameter_arena.h"
#include "wick/core/random.h"
#include "wick/optim/clip_grad.h"
#include "wick/optim/lbfgs.h"
#include "wick/optim/muon.h"

namespace wick {
namespace {

using Optimizers = testing::OnDevice;

TEST_F(Optimizers, AgreeWithPyTorchAtEverySizeOfGradientsThatVanish) {
  EXPECT_THAT(testing::differences_at_every_size(testing::kCuda), ::testing::IsEmpty());
}

std::vector<ParameterPtr> matrices_on(Device device) {
  Generator generator(5);
  std::vector<ParameterPtr> parameters;
  for (const Dims& shape : {Dims{13, 7}, Dims{6, 20}, Dims{3, 3}}) {
    const Tensor value = Tensor::normal(shape, 0.0, 1.0, generator);
    parameters.push_back(make_parameter(value.to(device)));
    parameters.back()->grad.copy_(Tensor::normal(shape, 0.0, 2.0, generator));
    parameters.back()->has_grad = true;
  }
  return parameters;
}

TEST_F(Optimizers, ClippingIsTheCpus) {
  for (const bool flat : {false, true}) {
    for (const double norm_type : {2.0, 1.5, HUGE_VAL}) {
      const auto here = matrices_on(kCpu);
      const auto there = matrices_on(testing::kCuda);
      if (flat) static_cast<void>(ParameterArena(there));
      const Tensor norm = optim::clip_grad_norm_(here, 1.5, norm_type);
      const Tensor its_norm = optim::clip_grad_norm_(there, 1.5, norm_type);
      EXPECT_EQ(its_norm.device(), testing::kCuda);
      testing::expect_near(its_norm, norm, 1e-5);
      optim::clip_grad_value_(here, 0.1);
      optim::clip_grad_value_(there, 0.1);
      for (std::size_t i = 0; i < here.size(); ++i) {
        testing::expect_near(there[i]->grad, here[i]->grad, 1e-6);
      }
    }
  }
}

TEST_F(Optimizers, MuonIsTheCpusUpToBfloat16) {
  const auto here = matrices_on(kCpu);
  const auto there = matrices_on(testing::kCuda);
  optim::Muon optimizer(here, {.lr = 0.1});
  optim::Muon its_optimizer(there, {.lr = 0.1});
  for (int i = 0; i < 3; ++i) {
    optimizer.step();
    its_optimizer.step();
  }
  for (std::size_t i = 0; i < here.size(); ++i) {
    testing::expect_near(there[i]->value, here[i]->value, 0.02);
  }
}

TEST_F(Optimizers, LbfgsIsTheCpus) {
  const auto run = [](Device device) {
    const ParameterPtr parameter =
        make_parameter(Tensor::from<double>({1.0, -2.0, 3.0, 0.5}).to(device));
    optim::LBFGS optimizer({parameter}, {.max_iter = 3, .line_search_fn = "strong_wolfe"});
    for (int i = 0; i < 2; ++i) {
      optimizer.step([&] {
        const auto x = parameter->value.to_vector<double>();
        std::vector<double> grad(4);
        double loss = 0.0;
        for (std::size_t k = 0; k < 4; ++k) {
          const double weight = static_cast<double>(k + 1);
          loss += weight * x[k] * x[k] + std::cosh(x[k]);
          grad[k] = 2.0 * weight * x[k] + std::sinh(x[k]);
        }
        parameter->grad.copy_(Tensor::from(grad, {4}));
        parameter->has_grad = true;
        return loss;
      });
    }
    return parameter->value;
  };
  testing::expect_near(run(testing::kCuda), run(kCpu), 1e-9);
}

}  // namespace
}  // namespace wick
