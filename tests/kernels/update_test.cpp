// SPDX-License-Identifier: MIT
// Optimizer updates at every level against PyTorch's formulas written out in float64.
#include "wick/core/backend/update.h"

#include <cmath>
#include <limits>
#include <utility>

#include <gtest/gtest.h>

#include "tests/kernels/reference.h"
#include "wick/kernels/flush_denormal.h"

namespace wick {
namespace {

using testing::all_levels;
using testing::Matrix;

constexpr std::int64_t kCount = 37;  // a multiple of no vector length
constexpr int kSteps = 5;

void expect_near(const std::vector<float>& actual, const std::vector<double>& expected) {
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR(static_cast<double>(actual[i]), expected[i], 2e-6);
  }
}

TEST(Sgd, FollowsTheFormula) {
  for (const auto& backend : all_levels()) {
    for (int bits = 0; bits < 32; ++bits) {
      Generator generator(7);
      const bool nesterov = (bits & 1) != 0;
      UpdateArgs args{.op = UpdateOp::sgd, .count = kCount, .lr = 0.1, .nesterov = nesterov};
      args.momentum = (bits & 2) != 0 || nesterov ? 0.9 : 0.0;
      args.dampening = (bits & 4) != 0 && !nesterov ? 0.3 : 0.0;
      args.weight_decay = (bits & 8) != 0 ? 0.05 : 0.0;
      args.maximize = (bits & 16) != 0;
      Matrix param = Matrix::random(1, kCount, generator);
      std::vector<double> p(param.data.begin(), param.data.end());
      // What a first step finds in the buffer must not matter.
      std::vector<float> buffer(kCount, std::nanf(""));
      std::vector<double> velocity(kCount);
      args.state[0] = args.momentum != 0.0 ? buffer.data() : nullptr;
      for (int step = 0; step < kSteps; ++step) {
        const Matrix grad = Matrix::random(1, kCount, generator);
        args.param = param.data.data();
        args.grad = grad.data.data();
        args.first_step = step == 0;
        backend->update(args);
        for (std::size_t i = 0; i < p.size(); ++i) {
          double g = static_cast<double>(grad.data[i]) * (args.maximize ? -1.0 : 1.0);
          g += args.weight_decay * p[i];
          if (args.momentum != 0.0) {
            velocity[i] = step == 0 ? g : args.momentum * velocity[i] + (1.0 - args.dampening) * g;
            g = nesterov ? g + args.momentum * velocity[i] : velocity[i];
          }
          p[i] -= args.lr * g;
        }
      }
      expect_near(param.data, p);
      if (args.momentum != 0.0) expect_near(buffer, velocity);
    }
  }
}

TEST(Adam, FollowsTheFormula) {
  for (const auto& backend : all_levels()) {
    for (int bits = 0; bits < 16; ++bits) {
      Generator generator(8);
      UpdateArgs args{.op = UpdateOp::adam,
                      .count = kCount,
                      .lr = 0.01,
                      .beta1 = 0.9,
                      .beta2 = 0.99,
                      .eps = 1e-8};
      const bool amsgrad = (bits & 1) != 0;
      args.weight_decay = (bits & 2) != 0 ? 0.05 : 0.0;
      args.decoupled_weight_decay = (bits & 4) != 0;
      args.maximize = (bits & 8) != 0;
      Matrix param = Matrix::random(1, kCount, generator);
      std::vector<double> p(param.data.begin(), param.data.end());
      std::vector<float> m32(kCount);
      std::vector<float> v32(kCount);
      std::vector<float> largest32(kCount);
      std::vector<double> m(kCount);
      std::vector<double> v(kCount);
      std::vector<double> largest(kCount);
      for (int step = 1; step <= kSteps; ++step) {
        const Matrix grad = Matrix::random(1, kCount, generator);
        args.param = param.data.data();
        args.grad = grad.data.data();
        args.state[0] = m32.data();
        args.state[1] = v32.data();
        args.state[2] = amsgrad ? largest32.data() : nullptr;
        args.step = step;
        backend->update(args);
        for (std::size_t i = 0; i < p.size(); ++i) {
          double g = static_cast<double>(grad.data[i]) * (args.maximize ? -1.0 : 1.0);
          if (args.decoupled_weight_decay) {
            p[i] *= 1.0 - args.lr * args.weight_decay;
          } else {
            g += args.weight_decay * p[i];
          }
          m[i] += (1.0 - args.beta1) * (g - m[i]);
          v[i] = args.beta2 * v[i] + (1.0 - args.beta2) * g * g;
          largest[i] = std::max(largest[i], v[i]);
          const double second = amsgrad ? largest[i] : v[i];
          const double denominator =
              std::sqrt(second) / std::sqrt(1.0 - std::pow(args.beta2, step)) + args.eps;
          p[i] -= args.lr / (1.0 - std::pow(args.beta1, step)) * m[i] / denominator;
        }
      }
      expect_near(param.data, p);
      expect_near(m32, m);
      expect_near(v32, v);
      if (amsgrad) expect_near(largest32, largest);
    }
  }
}

// The float64 kernels are the reference: they are compared with PyTorch in tests/interop.
UpdateArgs others(UpdateOp op, int bits) {
  UpdateArgs args{.op = op, .lr = 0.01, .beta1 = 0.9, .beta2 = 0.99, .eps = 1e-8};
  args.momentum = 0.9;
  args.next_momentum = 0.8;
  args.lr_decay = 0.1;
  args.weight_decay = (bits & 1) != 0 ? 0.05 : 0.0;
  args.maximize = (bits & 2) != 0;
  args.decoupled_weight_decay = (bits & 4) != 0;
  return args;
}

template <typename T>
std::vector<std::vector<T>> steps_of(Backend& backend, UpdateArgs args, unsigned states) {
  Generator generator(9);
  args.dtype = sizeof(T) == 4 ? DType::float32 : DType::float64;
  args.count = kCount;
  std::vector<std::vector<T>> tensors(1 + kMaxUpdateState, std::vector<T>(kCount));
  const Matrix start = Matrix::random(1, kCount, generator);
  tensors[0].assign(start.data.begin(), start.data.end());
  args.param = tensors[0].data();
  for (std::size_t k = 0; k < kMaxUpdateState; ++k) {
    if ((states >> k & 1U) != 0U) args.state[k] = tensors[1 + k].data();
  }
  for (int step = 1; step <= 12; ++step) {  // RAdam is adaptive from the sixth on
    const Matrix drawn = Matrix::random(1, kCount, generator);
    const std::vector<T> grad(drawn.data.begin(), drawn.data.end());
    args.grad = grad.data();
    args.step = step;
    args.momentum_product = std::pow(0.9, step);
    backend.update(args);
  }
  return tensors;
}

TEST(OtherUpdates, Float32FollowsFloat64AtEveryLevel) {
  cpu::CpuBackend plain(cpu::available_levels().back());
  constexpr std::pair<UpdateOp, unsigned> kForms[] = {
      {UpdateOp::rmsprop, 1}, {UpdateOp::rmsprop, 3}, {UpdateOp::rmsprop, 5},
      {UpdateOp::rmsprop, 7}, {UpdateOp::adagrad, 1}, {UpdateOp::nadam, 3},
      {UpdateOp::radam, 3},   {UpdateOp::adamax, 3}};
  for (const auto& backend : all_levels()) {
    for (const auto& [op, states] : kForms) {
      for (int bits = 0; bits < 8; ++bits) {
        const UpdateArgs args = others(op, bits);
        const auto expected = steps_of<double>(plain, args, states);
        const auto actual = steps_of<float>(*backend, args, states);
        for (std::size_t k = 0; k < expected.size(); ++k) {
          for (std::size_t i = 0; i < expected[k].size(); ++i) {
            EXPECT_NEAR(static_cast<double>(actual[k][i]), expected[k][i],
                        2e-5 * std::max(1.0, std::fabs(expected[k][i])))
                << info_of(op).name << ' ' << states << ' ' << bits << ' ' << backend->capability();
          }
        }
      }
    }
  }
}

TEST(OtherUpdates, NamesTheUpdateWhoseStateIsMissing) {
  cpu::CpuBackend backend;
  float number = 0.0F;
  UpdateArgs args{.op = UpdateOp::nadam, .count = 1, .param = &number, .grad = &number};
  args.state[0] = &number;
  EXPECT_THROW(backend.update(args), ValueError);
}

// A parameter whose gradient has become zero: its running means end at zero, not among the
// subnormal numbers, and it stops where PyTorch's stops.
TEST(Adam, MeansThatFadeEndAtZero) {
  for (const auto& backend : all_levels()) {
    std::vector<float> param(kCount, 1.0F);
    std::vector<float> grad(kCount, 1e-6F);
    std::vector<float> m(kCount);
    std::vector<float> v(kCount);
    UpdateArgs args{
        .op = UpdateOp::adam, .count = kCount, .param = param.data(), .grad = grad.data()};
    args.state[0] = m.data();
    args.state[1] = v.data();
    args.lr = 1e-3;
    args.beta1 = 0.5;
    args.beta2 = 0.5;
    args.eps = 1e-8;
    double p = 1.0;
    double mean = 0.0;
    double square = 0.0;
    for (int step = 1; step <= 200; ++step) {
      const double g = step == 1 ? 1e-6 : 0.0;
      std::fill(grad.begin(), grad.end(), static_cast<float>(g));
      args.step = step;
      backend->update(args);
      mean += 0.5 * (g - mean);
      square = 0.5 * square + 0.5 * g * g;
      p -= 1e-3 / (1.0 - std::pow(0.5, step)) * mean /
           (std::sqrt(square) / std::sqrt(1.0 - std::pow(0.5, step)) + 1e-8);
    }
    for (std::size_t i = 0; i < param.size(); ++i) {
      EXPECT_EQ(m[i], 0.0F);
      EXPECT_EQ(v[i], 0.0F);
      EXPECT_NEAR(static_cast<double>(param[i]), p, 1e-6);
    }
  }
}

// import torch
// p = torch.zeros(1, requires_grad=True); p.grad = torch.tensor([1e-18])
// torch.optim.Adam([p], lr=1, eps=EPS, foreach=False).step(); p.item()
TEST(Adam, TheFirstStepOfATinyGradientIsPyTorchsForEveryEps) {
  constexpr std::pair<double, float> kFirstSteps[] = {
      {1e-15, -0.0009990009712055326F}, {1e-16, -0.009900989942252636F},
      {1e-17, -0.09090909361839294F},   {1e-18, -0.4999999403953552F},
      {1e-19, -0.9090908169746399F},    {1e-20, -0.9900988936424255F},
      {0.0, -0.9999998807907104F}};
  for (const auto& backend : all_levels()) {
    for (const auto& [eps, expected] : kFirstSteps) {
      std::vector<float> param(kCount);
      const std::vector<float> grad(kCount, 1e-18F);
      std::vector<float> m(kCount);
      std::vector<float> v(kCount);
      backend->update({.op = UpdateOp::adam,
                       .count = kCount,
                       .param = param.data(),
                       .grad = grad.data(),
                       .state = {m.data(), v.data()},
                       .step = 1.0,
                       .lr = 1.0,
                       .beta1 = 0.9,
                       .beta2 = 0.999,
                       .eps = eps});
      for (const float p : param) {
        EXPECT_NEAR(p, expected, 3e-7F * std::fabs(expected))
            << eps << ' ' << backend->capability();
      }
    }
  }
}

// torch.set_flush_denormal(True) before; the default is the test above.
TEST(Adam, TinySquaresAreZeroWhereDenormalsAreFlushed) {
  for (const auto& backend : all_levels()) {
    std::vector<float> param(kCount);
    const std::vector<float> grad(kCount, 1e-18F);
    std::vector<float> m(kCount);
    std::vector<float> v(kCount);
    if (!set_flush_denormal(true)) GTEST_SKIP() << "this processor cannot";
    backend->update({.op = UpdateOp::adam,
                     .count = kCount,
                     .param = param.data(),
                     .grad = grad.data(),
                     .state = {m.data(), v.data()},
                     .step = 1.0,
                     .lr = 1.0,
                     .beta1 = 0.9,
                     .beta2 = 0.999,
                     .eps = 1e-16});
    set_flush_denormal(false);
    for (const float p : param) EXPECT_NEAR(p, -0.01F, 1e-8F) << backend->capability();
    EXPECT_EQ(v, std::vector<float>(v.size()));
  }
}

// A parameter at zero goes wherever its momentum takes it, however little that is; a rate of zero
// now may be another one later.
TEST(Sgd, TinyMomentumCountsWhereTheParameterIsTiny) {
  for (const auto& backend : all_levels()) {
    for (const bool later : {false, true}) {
      std::vector<float> param(kCount, later ? 1e-30F : 0.0F);
      std::vector<float> grad(kCount, 1e-28F);
      std::vector<float> buffer(kCount);
      UpdateArgs args{
          .op = UpdateOp::sgd, .count = kCount, .param = param.data(), .grad = grad.data()};
      args.state[0] = buffer.data();
      args.momentum = 0.5;
      args.first_step = true;
      args.lr = later ? 0.0 : 1.0;
      backend->update(args);
      std::fill(grad.begin(), grad.end(), 0.0F);
      args.first_step = false;
      args.lr = 1.0;
      backend->update(args);
      for (const float p : param) EXPECT_FLOAT_EQ(p, later ? -4.9e-29F : -1.5e-28F);
    }
  }
}

// torch.lerp's formula: with beta1 = 0, exp_avg is the gradient, whatever came before.
TEST(Adam, WithoutABeta1NothingIsLeftOfTheGradientsBefore) {
  for (const auto& backend : all_levels()) {
    std::vector<float> param(kCount);
    const std::vector<float> grad(kCount, 1e-6F);
    std::vector<float> m(kCount, 1e4F);
    std::vector<float> v(kCount, 1e8F);
    backend->update({.op = UpdateOp::adam,
                     .count = kCount,
                     .param = param.data(),
                     .grad = grad.data(),
                     .state = {m.data(), v.data()},
                     .step = 2.0,
                     .lr = 1.0,
                     .beta1 = 0.0,
                     .beta2 = 0.99,
                     .eps = 1e-8});
    for (const float mean : m) EXPECT_EQ(mean, 1e-6F);
  }
}

// torch.maximum keeps a NaN.
TEST(Adam, AmsgradsMaximumKeepsNaN) {
  for (const auto& backend : all_levels()) {
    std::vector<float> param(kCount);
    const std::vector<float> grad(kCount, 1.0F);
    std::vector<float> m(kCount);
    std::vector<float> v(kCount);
    std::vector<float> most(kCount, std::nanf(""));
    backend->update({.op = UpdateOp::adam,
                     .count = kCount,
                     .param = param.data(),
                     .grad = grad.data(),
                     .state = {m.data(), v.data(), most.data()},
                     .step = 2.0,
                     .lr = 1.0,
                     .beta1 = 0.9,
                     .beta2 = 0.99,
                     .eps = 1e-8});
    for (const float p : param) EXPECT_TRUE(std::isnan(p));
    for (const float largest : most) EXPECT_TRUE(std::isnan(largest));
  }
}

// However the quotient is computed: with a denominator that has overflowed, or is zero, it is what
// a division gives.
TEST(Adam, GradientsOfEverySizeGiveWhatDivisionGives) {
  for (const auto& backend : all_levels()) {
    for (const double eps : {1e-8, 0.0}) {
      std::vector<float> grad;
      for (int power = -60; power <= 127; ++power) {
        grad.push_back(std::ldexp(1.25F, power));
        grad.push_back(std::ldexp(-1.75F, power));
      }
      grad.push_back(0.0F);
      grad.push_back(std::numeric_limits<float>::infinity());
      grad.push_back(std::nanf(""));
      std::vector<float> param(grad.size(), 1.0F);
      std::vector<float> m(grad.size());
      std::vector<float> v(grad.size());
      backend->update({.op = UpdateOp::adam,
                       .count = static_cast<std::int64_t>(grad.size()),
                       .param = param.data(),
                       .grad = grad.data(),
                       .state = {m.data(), v.data()},
                       .step = 1.0,
                       .lr = 0.5,
                       .beta1 = 0.5,
                       .beta2 = 0.75,
                       .eps = eps});
      for (std::size_t i = 0; i < grad.size(); ++i) {
        const float denominator = std::sqrt(v[i]) * 2.0F + static_cast<float>(eps);
        const float expected = 1.0F - m[i] / denominator;  // lr and 1 - beta1 are halves
        if (std::isnan(expected)) {
          EXPECT_TRUE(std::isnan(param[i])) << grad[i] << ' ' << backend->capability();
        } else {
          EXPECT_FLOAT_EQ(param[i], expected) << grad[i] << ' ' << backend->capability();
        }
      }
    }
  }
}

}  // namespace
}  // namespace wick
