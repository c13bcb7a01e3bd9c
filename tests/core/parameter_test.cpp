// SPDX-License-Identifier: MIT
#include "wick/core/parameter.h"

#include <gtest/gtest.h>

namespace wick {
namespace {

TEST(Parameter, HoldsAValueAndAGradientOfItsShape) {
  const ParameterPtr parameter =
      make_parameter(Tensor::arange(6, DType::float64).view({2, 3}).transpose(0, 1));
  EXPECT_TRUE(parameter->value.is_contiguous());
  EXPECT_TRUE(parameter->grad.is_contiguous());
  EXPECT_EQ(parameter->value.to_vector<double>(), (std::vector<double>{0, 3, 1, 4, 2, 5}));
  EXPECT_EQ(parameter->grad.shape(), (Dims{3, 2}));
  EXPECT_EQ(parameter->grad.dtype(), DType::float64);
  EXPECT_FALSE(parameter->has_grad);
}

TEST(Parameter, ReportsAGradientOnceItsLastPartIsThere) {
  const ParameterPtr parameter = make_parameter(Tensor::ones({2}));
  std::vector<const Parameter*> reported;
  parameter->grad_ready_hook = [&](Parameter& each) { reported.push_back(&each); };
  parameter->grad_parts_left = 2;
  parameter->mark_grad_ready();
  EXPECT_TRUE(parameter->has_grad);
  parameter->mark_grad_ready();
  EXPECT_TRUE(reported.empty());
  parameter->mark_grad_ready();
  EXPECT_EQ(reported, (std::vector<const Parameter*>{parameter.get()}));
}

}  // namespace
}  // namespace wick
