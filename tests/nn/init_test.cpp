// SPDX-License-Identifier: MIT
// Initial weights are PyTorch's, bit for bit. Larger layers are compared in tests/interop.
#include "wick/nn/init.h"

#include <cmath>
#include <cstdio>

#include <gtest/gtest.h>

#include "wick/core/error.h"
#include "wick/nn/layers/linear.h"

namespace wick::nn {
namespace {

std::vector<std::string> hex(const Tensor& tensor) {
  std::vector<std::string> result;
  for (const float value : tensor.to_vector<float>()) {
    char text[64];
    std::snprintf(text, sizeof text, "%a", static_cast<double>(value));
    result.emplace_back(text);
  }
  return result;
}

// import torch; torch.manual_seed(42); l = torch.nn.Linear(3, 2)
// print([x.hex() for x in l.weight.flatten().tolist()], [x.hex() for x in l.bias.tolist()])
TEST(Init, LinearHasPyTorchsWeights) {
  Generator generator(42);
  const Linear layer(3, 2, generator);
  EXPECT_EQ(hex(layer.weight()->value),
            (std::vector<std::string>{"0x1.c40012p-2", "0x1.eab4cap-2", "-0x1.1501c4p-3",
                                      "0x1.0f8b68p-1", "-0x1.03122cp-3", "0x1.dd3334p-4"}));
  EXPECT_EQ(hex(layer.bias()->value),
            (std::vector<std::string>{"-0x1.1fd4fap-2", "0x1.5b3496p-2"}));
}

TEST(Init, BoundsFollowTheFans) {
  Generator generator(1);
  const Tensor weight = Tensor::empty({50, 200});
  init::kaiming_uniform_(weight, 0.0, generator);
  float largest = 0.0F;
  for (const float value : weight.to_vector<float>()) largest = std::max(largest, std::fabs(value));
  const double bound = std::sqrt(6.0 / 200.0);
  EXPECT_LE(static_cast<double>(largest), bound);
  EXPECT_GT(static_cast<double>(largest), 0.99 * bound);
  init::xavier_uniform_(weight, 1.0, generator);
  largest = 0.0F;
  for (const float value : weight.to_vector<float>()) largest = std::max(largest, std::fabs(value));
  EXPECT_LE(static_cast<double>(largest), std::sqrt(6.0 / 250.0));
  EXPECT_GT(static_cast<double>(largest), 0.99 * std::sqrt(6.0 / 250.0));
  init::kaiming_normal_(weight, 0.0, generator);
  double squares = 0.0;
  for (const float value : weight.to_vector<float>())
    squares += static_cast<double>(value) * static_cast<double>(value);
  EXPECT_NEAR(std::sqrt(squares / 10000.0), std::sqrt(2.0 / 200.0), 0.002);
  EXPECT_THROW(init::kaiming_uniform_(Tensor::empty({3}), 0.0, generator), ShapeError);
}

}  // namespace
}  // namespace wick::nn
