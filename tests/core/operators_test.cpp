// SPDX-License-Identifier: MIT
#include "wick/core/operators.h"

#include <vector>

#include <gtest/gtest.h>

#include "tests/support.h"
#include "wick/core/error.h"

namespace wick {
namespace {

using Floats = std::vector<float>;

TEST(Operators, AreTheFunctions) {
  const Tensor a = Tensor::from<float>({1, 2, 3});
  const Tensor b = Tensor::from<float>({4, 8, 2});
  EXPECT_EQ((a + b).to_vector<float>(), (Floats{5, 10, 5}));
  EXPECT_EQ((a - b).to_vector<float>(), (Floats{-3, -6, 1}));
  EXPECT_EQ((a * b).to_vector<float>(), (Floats{4, 16, 6}));
  EXPECT_EQ((b / a).to_vector<float>(), (Floats{4, 4, 2.0F / 3.0F}));
  EXPECT_EQ((2 * a + 1.5).to_vector<float>(), (Floats{3.5, 5.5, 7.5}));
  EXPECT_EQ((1 - a / 2).to_vector<float>(), (Floats{0.5, 0, -0.5}));
  EXPECT_EQ((8.0F / b).to_vector<float>(), (Floats{2, 1, 4}));
  EXPECT_EQ((3 + a).to_vector<float>(), (Floats{4, 5, 6}));
  EXPECT_EQ((-a).to_vector<float>(), (Floats{-1, -2, -3}));
  EXPECT_EQ((-Tensor::arange(3)).to_vector<std::int64_t>(), (std::vector<std::int64_t>{0, -1, -2}));
  EXPECT_EQ((a.view({3, 1}) * b).shape(), (Dims{3, 3})) << "broadcast";
}

TEST(Operators, AssignmentsWriteInPlace) {
  Tensor x = Tensor::from<float>({1, 2});
  const Tensor view = x.slice(0, 1);
  x += 1;
  x *= x;
  x -= Tensor::ones({2});
  x /= 2;
  EXPECT_EQ(x.to_vector<float>(), (Floats{1.5, 4}));
  EXPECT_EQ(view.item<float>(), 4.0F);
}

TEST(Operators, DTypesAreNotPromoted) {
  testing::expect_throw_with<DTypeError>(
      [] { static_cast<void>(Tensor::ones({2}) + Tensor::arange(2)); }, "float32");
}

}  // namespace
}  // namespace wick
