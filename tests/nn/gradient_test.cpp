// SPDX-License-Identifier: MIT
// Gradients of every layer against finite differences in float64.
#include <gtest/gtest.h>

#include "tests/nn/finite_differences.h"
#include "wick/core/random.h"
#include "wick/nn/losses/cross_entropy_loss.h"
#include "wick/nn/sequential.h"

namespace wick::nn {
namespace {

using testing::check_module;
using testing::expect_gradient;

constexpr LinearOptions kFloat64{.dtype = DType::float64};

TEST(Gradient, Linear) {
  Generator generator(1);
  Linear layer(5, 3, generator, kFloat64);
  check_module(layer, Tensor::normal({4, 5}, 0.0, 1.0, generator, DType::float64));
}

TEST(Gradient, LinearWithoutBias) {
  Generator generator(2);
  Linear layer(5, 3, generator, {.bias = false, .dtype = DType::float64});
  EXPECT_EQ(layer.bias(), nullptr);
  check_module(layer, Tensor::normal({4, 5}, 0.0, 1.0, generator, DType::float64));
}

TEST(Gradient, LinearOverMoreDimensions) {
  Generator generator(3);
  Linear layer(5, 3, generator, kFloat64);
  check_module(layer, Tensor::normal({2, 3, 5}, 0.0, 1.0, generator, DType::float64));
  check_module(layer, Tensor::normal({5}, 0.0, 1.0, generator, DType::float64));
}

TEST(Gradient, ReLU) {
  Generator generator(4);
  ReLU layer;
  check_module(layer, Tensor::normal({3, 7}, 0.0, 1.0, generator, DType::float64));
}

TEST(Gradient, SequentialWithFusedAndFreeReLUs) {
  Generator generator(5);
  Sequential model;
  model.add<ReLU>("relu0");
  model.add<Linear>("fc1", 6, 8, generator, kFloat64);
  model.add<ReLU>("relu1");
  model.add<Linear>("fc2", 8, 4, generator, kFloat64);
  model.add<ReLU>("relu2");
  model.add<ReLU>("relu3");
  model.add<Linear>("fc3", 4, 5, generator, kFloat64);
  model.add<Linear>("fc4", 5, 3, generator, kFloat64);
  model.add<ReLU>("relu4");
  check_module(model, Tensor::normal({4, 6}, 0.0, 1.0, generator, DType::float64));
}

TEST(Gradient, CrossEntropyLoss) {
  Generator generator(6);
  const Tensor logits = Tensor::normal({5, 4}, 0.0, 2.0, generator, DType::float64);
  const Tensor targets = Tensor::from<std::int64_t>({0, 3, -1, 2, 3});
  const Tensor weight = Tensor::from<double>({0.5, 2.0, 1.5, 1.0});
  for (const Reduction reduction : {Reduction::mean, Reduction::sum}) {
    for (const double smoothing : {0.0, 0.2}) {
      for (const Tensor& w : {Tensor(), weight}) {
        CrossEntropyLoss criterion({.weight = w,
                                    .ignore_index = -1,
                                    .reduction = reduction,
                                    .label_smoothing = smoothing});
        (void)criterion.forward(logits, targets);
        const Tensor grad = criterion.backward().clone();
        expect_gradient(
            logits, grad, [&] { return criterion.forward(logits, targets).item<double>(); },
            "logits");
      }
    }
  }
}

TEST(Gradient, AWholeNetworkThroughTheLoss) {
  Generator generator(7);
  Sequential model;
  model.add<Linear>("fc1", 9, 6, generator, kFloat64);
  model.add<ReLU>("relu");
  model.add<Linear>("fc2", 6, 4, generator, kFloat64);
  const Tensor input = Tensor::normal({8, 9}, 0.0, 1.0, generator, DType::float64);
  const Tensor targets = Tensor::from<std::int64_t>({0, 1, 2, 3, 0, 1, 2, 3});
  CrossEntropyLoss criterion;
  const auto loss = [&] { return criterion.forward(model.forward(input), targets).item<double>(); };
  (void)loss();
  model.backward(criterion.backward(), false);
  std::vector<Tensor> grads;
  for (const auto& parameter : model.parameters()) grads.push_back(parameter->grad.clone());
  std::size_t i = 0;
  for (const auto& [name, parameter] : model.named_parameters()) {
    expect_gradient(parameter->value, grads[i++], loss, name);
  }
}

}  // namespace
}  // namespace wick::nn
