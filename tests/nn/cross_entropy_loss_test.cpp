// SPDX-License-Identifier: MIT
#include "wick/nn/losses/cross_entropy_loss.h"

#include <gtest/gtest.h>

#include "wick/core/error.h"

namespace wick::nn {
namespace {

// import torch
// x = torch.tensor([[1., 2., 3.], [0., 0., 1.]]); t = torch.tensor([2, 0])
// torch.nn.CrossEntropyLoss(weight=torch.tensor([1., 2., 3.]), label_smoothing=0.1)(x, t)
TEST(CrossEntropyLoss, AgreesWithPyTorch) {
  const Tensor x = Tensor::from<float>({1, 2, 3, 0, 0, 1}, {2, 3});
  const Tensor targets = Tensor::from<std::int64_t>({2, 0});
  CrossEntropyLoss plain;
  EXPECT_FLOAT_EQ(plain.forward(x, targets).item<float>(), 0.9795253276824951F);
  CrossEntropyLoss weighted({.weight = Tensor::from<float>({1, 2, 3}), .label_smoothing = 0.1});
  EXPECT_FLOAT_EQ(weighted.forward(x, targets).item<float>(), 0.7304949760437012F);
}

TEST(CrossEntropyLoss, KeepsItsMemoryFromCallToCall) {
  const Tensor targets = Tensor::from<std::int64_t>({1, 0});
  CrossEntropyLoss criterion;
  (void)criterion.forward(Tensor::zeros({2, 3}), targets);
  const void* const first = criterion.backward().raw();
  (void)criterion.forward(Tensor::ones({2, 3}), targets);
  EXPECT_EQ(criterion.backward().raw(), first);
}

TEST(CrossEntropyLoss, NamesWhatDoesNotFit) {
  CrossEntropyLoss criterion;
  EXPECT_THROW((void)criterion.backward(), ValueError);
  const Tensor x = Tensor::zeros({2, 3});
  EXPECT_THROW((void)criterion.forward(x, Tensor::from<std::int64_t>({1})), ShapeError);
  EXPECT_THROW((void)criterion.forward(x, Tensor::from<float>({1, 2})), DTypeError);
  EXPECT_THROW((void)criterion.forward(x, Tensor::from<std::int64_t>({1, 3})), IndexError);
  EXPECT_THROW(CrossEntropyLoss({.label_smoothing = 1.5}), ValueError);
  CrossEntropyLoss weighted({.weight = Tensor::from<float>({1, 2})});
  EXPECT_THROW((void)weighted.forward(x, Tensor::from<std::int64_t>({1, 2})), ShapeError);
}

}  // namespace
}  // namespace wick::nn
