// SPDX-License-Identifier: MIT
// Fusion in Sequential changes no number.
#include "wick/nn/sequential.h"

#include <gtest/gtest.h>

#include "wick/core/random.h"

namespace wick::nn {
namespace {

TEST(Sequential, FusedForwardAndBackwardEqualTheLayersOneByOne) {
  Generator generator(3);
  const Tensor input = Tensor::normal({33, 40}, 0.0, 1.0, generator);
  const Tensor grad = Tensor::normal({33, 10}, 0.0, 1.0, generator);
  Generator first(1);
  Generator second(1);
  Sequential model;
  model.add<Linear>("0", 40, 21, first);
  model.add<ReLU>("1");
  model.add<Linear>("2", 21, 10, first);
  Linear fc1(40, 21, second);
  ReLU relu;
  Linear fc2(21, 10, second);

  const Tensor fused = model.forward(input);
  const Tensor plain = fc2.forward(relu.forward(fc1.forward(input)));
  EXPECT_TRUE(bitwise_equal(fused, plain));
  const Tensor fused_grad = model.backward(grad);
  const Tensor plain_grad = fc1.backward(relu.backward(fc2.backward(grad)));
  EXPECT_TRUE(bitwise_equal(fused_grad, plain_grad));
  const auto parameters = model.parameters();
  EXPECT_TRUE(bitwise_equal(parameters[0]->grad, fc1.weight()->grad));
  EXPECT_TRUE(bitwise_equal(parameters[1]->grad, fc1.bias()->grad));
  EXPECT_TRUE(bitwise_equal(parameters[2]->grad, fc2.weight()->grad));
}

TEST(Sequential, TheReLUsOwnBackwardWorksAfterAFusedForward) {
  Generator generator(4);
  Sequential model;
  model.add<Linear>("0", 5, 4, generator);
  auto& relu = model.add<ReLU>("1");
  const Tensor y = model.forward(Tensor::normal({6, 5}, 0.0, 1.0, generator));
  const Tensor grad = relu.backward(Tensor::ones({6, 4}));
  const auto values = y.to_vector<float>();
  const auto grads = grad.to_vector<float>();
  for (std::size_t i = 0; i < values.size(); ++i) {
    EXPECT_EQ(grads[i], values[i] > 0.0F ? 1.0F : 0.0F);
  }
}

TEST(Sequential, AnEmptyOneIsTheIdentity) {
  Sequential model;
  const Tensor x = Tensor::ones({2, 3});
  EXPECT_TRUE(bitwise_equal(model.forward(x), x));
  EXPECT_TRUE(bitwise_equal(model.backward(x), x));
}

TEST(Sequential, BatchesOfChangingSizeReuseTheLargestMemory) {
  Generator generator(5);
  Sequential model;
  model.add<Linear>("0", 5, 4, generator);
  const void* const memory = model.forward(Tensor::ones({8, 5})).raw();
  EXPECT_EQ(model.forward(Tensor::ones({3, 5})).shape(), (Dims{3, 4}));
  EXPECT_EQ(model.forward(Tensor::ones({3, 5})).raw(), memory);
  EXPECT_EQ(model.forward(Tensor::ones({8, 5})).raw(), memory);
}

}  // namespace
}  // namespace wick::nn
