// SPDX-License-Identifier: MIT
#include "wick/optim/optimizer.h"

#include <cmath>

#include <gtest/gtest.h>

#include "tests/optim/reference.h"
#include "tests/support.h"
#include "wick/optim/adam.h"
#include "wick/optim/sgd.h"

namespace wick::testing {
namespace {

using optim::Adam;
using optim::AdamW;
using optim::SGD;

std::vector<std::vector<double>> values_of(const std::vector<ParameterPtr>& params) {
  std::vector<std::vector<double>> values;
  for (const ParameterPtr& param : params) {
    values.push_back(param->value.to(DType::float64).to_vector<double>());
  }
  return values;
}

TEST(OptimizerTest, RefusesOptionsAsPyTorchDoes) {
  const auto params = make_params(DType::float32);
  const double nan = std::nan("");
  const auto expect = [](auto&& make, const char* text) {
    expect_throw_with<ValueError>(make, text);
  };
  expect([&] { SGD(params, {.lr = -1.0}); }, "Invalid learning rate: -1 (must be at least 0)");
  expect([&] { SGD(params, {.lr = nan}); }, "Invalid learning rate: nan");
  expect([&] { SGD(params, {.momentum = -0.5}); }, "Invalid momentum value: -0.5");
  expect([&] { SGD(params, {.weight_decay = -0.1}); }, "Invalid weight_decay value: -0.1");
  expect([&] { SGD(params, {.nesterov = true}); }, "Nesterov momentum requires a momentum");
  expect([&] { SGD(params, {.momentum = 0.9, .dampening = 0.1, .nesterov = true}); },
         "zero dampening");
  expect([&] { Adam(params, {.lr = -1.0}); }, "Invalid learning rate: -1");
  expect([&] { Adam(params, {.beta1 = 1.0}); }, "Invalid beta parameter at index 0: 1");
  expect([&] { Adam(params, {.beta2 = -1.0}); }, "Invalid beta parameter at index 1: -1");
  expect([&] { Adam(params, {.eps = -1.0}); }, "Invalid epsilon value: -1");
  expect([&] { AdamW(params, {.weight_decay = -0.1}); }, "Invalid weight_decay value: -0.1");
}

TEST(OptimizerTest, RefusesOptionsThatAreNotFiniteInFloat32) {
  const auto params = make_params(DType::float64);
  const double huge = 1e39;
  const auto expect = [](auto&& make, const char* text) {
    expect_throw_with<ValueError>(make, text);
  };
  expect([&] { SGD(params, {.lr = HUGE_VAL}); }, "Invalid learning rate: inf (must be finite in");
  expect([&] { SGD(params, {.lr = huge}); }, "Invalid learning rate: 1e+39 (must be finite in");
  expect([&] { SGD(params, {.momentum = huge}); }, "Invalid momentum value: 1e+39");
  expect([&] { SGD(params, {.momentum = 0.9, .dampening = -huge}); }, "Invalid dampening value");
  expect([&] { SGD(params, {.weight_decay = HUGE_VAL}); }, "Invalid weight_decay value: inf");
  expect([&] { Adam(params, {.lr = huge}); }, "Invalid learning rate: 1e+39");
  expect([&] { Adam(params, {.eps = HUGE_VAL}); }, "Invalid epsilon value: inf");
  expect([&] { AdamW(params, {.weight_decay = huge}); }, "Invalid weight_decay value: 1e+39");
  SGD sgd(params, {.lr = 3.4e38});
  expect([&] { sgd.set_lr(HUGE_VAL); }, "SGD::set_lr: Invalid learning rate: inf");
  EXPECT_EQ(sgd.lr(), 3.4e38);
}

TEST(OptimizerTest, RefusesParametersThatDoNotGoTogether) {
  const auto params = make_params(DType::float32);
  expect_throw_with<ValueError>([] { SGD(std::vector<ParameterPtr>{}); }, "empty parameter list");
  expect_throw_with<ValueError>([] { Adam(std::vector<Adam::Group>{}); }, "no parameter groups");
  expect_throw_with<ValueError>([&] { SGD({params[0], params[1], params[0]}); }, "more than once");
  expect_throw_with<ValueError>(
      [&] {
        SGD(std::vector<SGD::Group>{{{params[0]}, {}}, {{params[0]}, {}}});
      },
      "more than once");
  expect_throw_with<ValueError>([&] { SGD({params[0], nullptr}); }, "undefined");
  const auto half = make_parameter(Tensor::zeros({2}, DType::float16));
  expect_throw_with<DTypeError>([&] { SGD({half}); }, "float32 or float64");
  const auto other = make_parameter(Tensor::zeros({2}, DType::float64));
  expect_throw_with<ValueError>([&] { SGD({params[0], other}); }, "one dtype");
}

TEST(OptimizerTest, GroupsMayHaveDtypesOfTheirOwn) {
  const auto a = make_parameter(Tensor::ones({2}, DType::float32));
  const auto b = make_parameter(Tensor::ones({2}, DType::float64));
  SGD optimizer(std::vector<SGD::Group>{{{a}, {.lr = 0.5}}, {{b}, {.lr = 0.25}}});
  for (const auto& param : {a, b}) {
    param->grad.fill_(1.0);
    param->has_grad = true;
  }
  optimizer.step();
  EXPECT_EQ(a->value.to_vector<float>(), (std::vector<float>{0.5F, 0.5F}));
  EXPECT_EQ(b->value.to_vector<double>(), (std::vector<double>{0.75, 0.75}));
}

TEST(OptimizerTest, ZeroGradForgetsTheGradients) {
  const auto params = make_params(DType::float32);
  SGD optimizer(params);
  set_gradients(params, 0, false);
  optimizer.zero_grad();
  for (const ParameterPtr& param : params) EXPECT_FALSE(param->has_grad);
  const auto before = values_of(params);
  optimizer.step();
  EXPECT_EQ(values_of(params), before);
}

TEST(OptimizerTest, LearningRates) {
  const auto params = make_params(DType::float32);
  SGD optimizer(std::vector<SGD::Group>{{{params[0]}, {.lr = 0.5}}, {{params[1]}, {.lr = 0.25}}});
  EXPECT_EQ(optimizer.group_count(), 2U);
  EXPECT_EQ(optimizer.lr(), 0.5);
  optimizer.set_lr(0.125, 1);
  EXPECT_EQ(optimizer.lr(1), 0.125);
  EXPECT_EQ(optimizer.initial_lr(1), 0.125);
  EXPECT_EQ(optimizer.type_name(), "SGD");
  expect_throw_with<IndexError>([&] { static_cast<void>(optimizer.lr(2)); },
                                "SGD::lr: no parameter group 2; the optimizer has 2");
  expect_throw_with<IndexError>([&] { optimizer.set_lr(1.0, 2); }, "no parameter group 2");
  expect_throw_with<ValueError>([&] { optimizer.set_lr(-1.0); }, "Invalid learning rate: -1");
}

TEST(OptimizerTest, StateFollowsADtype) {
  // The same run in float64 from the start: the conversion of the state must lose nothing.
  const Json& c = reference_case("cases", "adam_amsgrad");
  const auto params = make_params(DType::float64);
  const auto optimizer = make_optimizer(c, params);
  for (int i = 0; i < 3; ++i) {
    set_gradients(params, i, false);
    optimizer->step();
  }
  for (const ParameterPtr& param : params) {
    param->value = param->value.to(DType::float32);
    param->grad = param->grad.to(DType::float32);
  }
  set_gradients(params, 3, false);
  optimizer->step();
  EXPECT_EQ(params[0]->value.dtype(), DType::float32);
  EXPECT_LE(largest_error(params, c.at("params").at(3)), 1e-6);
  EXPECT_EQ(optimizer->state_dict().at("state").at(0).at("exp_avg").as_tensor().dtype(),
            DType::float32);
}

TEST(OptimizerTest, TwoOptimizersMayShareParameters) {
  const auto params = make_params(DType::float64);
  const auto alone = make_params(DType::float64);
  SGD first(params, {.lr = 0.1, .momentum = 0.9});
  SGD second(params, {.lr = 0.0});
  SGD reference_run(alone, {.lr = 0.1, .momentum = 0.9});
  for (int i = 0; i < 4; ++i) {
    set_gradients(params, i, false);
    set_gradients(alone, i, false);
    first.step();
    second.step();
    reference_run.step();
    EXPECT_EQ(values_of(params), values_of(alone));
  }
}

TEST(OptimizerTest, ParametersBeginAtMultiplesOf64BytesAndGapsStayZero) {
  const auto params = make_params(DType::float32);
  Adam optimizer(params, {.weight_decay = 0.1});
  for (int i = 0; i < 5; ++i) {
    set_gradients(params, i, true);
    optimizer.step();
  }
  const auto expect_gaps = [&](const Tensor& first) {
    const auto* data = static_cast<const float*>(first.storage()->data());
    std::vector<bool> used(first.storage()->bytes() / sizeof(float));
    for (const ParameterPtr& param : params) {
      for (std::int64_t j = 0; j < param->value.numel(); ++j) {
        used[static_cast<std::size_t>(param->value.offset() + j)] = true;
      }
    }
    for (std::size_t j = 0; j < used.size(); ++j) {
      if (!used[j]) {
        EXPECT_EQ(data[j], 0.0F) << "element " << j;
      }
    }
  };
  for (const ParameterPtr& param : params) {
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(param->value.raw()) % 64, 0U);
    EXPECT_EQ(param->value.storage(), params[0]->value.storage());
  }
  const Tensor exp_avg = optimizer.state_dict().at("state").at(0).at("exp_avg").as_tensor();
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(exp_avg.raw()) % 64, 0U);
  expect_gaps(params[0]->value);
  expect_gaps(exp_avg);
}

}  // namespace
}  // namespace wick::testing
